/**
 * Exact best-arm probabilities alone, and what `information-directed` needs to know besides: how their time grows with the arms and
 * with the ratio of their sds.
 */
import { bestArmProbabilities } from '../../engine/best-arm.ts'
import { bestArmInformation } from '../../engine/best-arm-information.ts'
import { gaussian, seeded } from '../helpers/engine.ts'
import { type BenchResult, throughput } from './report.ts'

const BELIEFS = 64

export function benchPropensities(): BenchResult[] {
  return [2, 8, 16, 64].flatMap((arms) => [1, 3, 10, 1000].flatMap((ratio) => measure(arms, ratio)))
}

function measure(arms: number, ratio: number): BenchResult[] {
  const uniform = seeded(arms)
  const beliefs = Array.from({ length: BELIEFS }, () => ({
    mean: Float64Array.from({ length: arms }, () => 0.1 * gaussian(uniform)),
    sd: Float64Array.from({ length: arms }, () => 0.1 * ratio ** (uniform() - 0.5)),
  }))
  const perSecond = (first: (mean: Float64Array, sd: Float64Array) => number): number => {
    let checksum = 0
    const result = throughput(
      (i) => {
        const { mean, sd } = beliefs[i % BELIEFS]!
        checksum += first(mean, sd)
      },
      { rounds: 5, roundMs: 200 },
    )
    if (!Number.isFinite(checksum)) throw new Error('a propensity is not a number')
    return result
  }
  const shape = `${arms} arms, sds within a factor of ${ratio}`
  const method = 'means N(0, 0.1²), sds log-uniform about 0.1; median of 5 rounds of 0.2 s of CPU time'
  const probabilities = perSecond((mean, sd) => bestArmProbabilities(mean, sd)[0]!)
  const information = perSecond((mean, sd) => bestArmInformation(mean, sd).gain[0]!)
  return [
    { name: `propensities (${shape})`, value: probabilities, unit: 'distributions/s', method },
    {
      name: `regret and gain (${shape})`,
      value: information,
      unit: 'distributions/s',
      ratios: { 'of the propensities': information / probabilities },
      method,
    },
  ]
}
