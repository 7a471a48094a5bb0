/** Exact best-arm probabilities alone: how their time grows with the arms and with the ratio of their sds. */
import { bestArmProbabilities } from '../../engine/index.ts'
import { gaussian, seeded } from '../helpers/engine.ts'
import { type BenchResult, throughput } from './report.ts'

const BELIEFS = 64

export function benchPropensities(): BenchResult[] {
  return [2, 8, 16, 64].flatMap((arms) => [1, 3, 10, 1000].map((ratio) => measure(arms, ratio)))
}

function measure(arms: number, ratio: number): BenchResult {
  const uniform = seeded(arms)
  const beliefs = Array.from({ length: BELIEFS }, () => ({
    mean: Float64Array.from({ length: arms }, () => 0.1 * gaussian(uniform)),
    sd: Float64Array.from({ length: arms }, () => 0.1 * ratio ** (uniform() - 0.5)),
  }))
  let checksum = 0
  const perSecond = throughput(
    (i) => {
      const { mean, sd } = beliefs[i % BELIEFS] as (typeof beliefs)[number]
      checksum += bestArmProbabilities(mean, sd)[0] as number
    },
    { rounds: 5, roundMs: 200 },
  )
  if (!Number.isFinite(checksum)) throw new Error('a propensity is not a number')
  return {
    name: `propensities (${arms} arms, sds within a factor of ${ratio})`,
    value: perSecond,
    unit: 'distributions/s',
    method: 'means N(0, 0.1²), sds log-uniform about 0.1; median of 5 rounds of 0.2 s of CPU time',
  }
}
