/** The asymptotic confidence sequence against gbstats, and on doubly robust row values. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  asymptoticHalfWidth,
  asymptoticHalfWidthOneSided,
  asymptoticInterval,
  asymptoticLogEValue,
  asymptoticRho,
} from '../../eval/index.ts'
import { assertNumbers, golden, type Tolerance } from '../helpers/golden.ts'
import { needsShared } from '../helpers/shared.ts'

interface AnytimeValid {
  readonly tolerance: Tolerance
  readonly asymptotic: readonly {
    readonly args: { n: number; variance: number; alpha: number; tuning: number }
    readonly [gbstats: string]: unknown
  }[]
  readonly doubly_robust: {
    readonly input: {
      propensity: number[]
      treatment: number[]
      outcome: number[]
      m1: number[]
      m0: number[]
    }
    readonly outputs: readonly { n: number; estimate: number; variance_ddof0: number; halfwidth: number }[]
  }
}

suite('asymptotic confidence sequence', needsShared('golden', 'experiments'), () => {
  test('anytime-valid.json: half-widths on both sides and on one, with their ρ', () => {
    const { asymptotic, tolerance } = golden<AnytimeValid>('anytime-valid.json', 'experiments')
    for (const { args, ...expected } of asymptotic) {
      const { n, variance, alpha, tuning } = args
      const look = { count: n, sd: Math.sqrt(variance), level: 1 - alpha, tunedFor: tuning }
      const found = {
        gbstats_rho: asymptoticRho(alpha, tuning),
        gbstats_halfwidth: asymptoticHalfWidth(look),
        gbstats_rho_one_sided: asymptoticRho(2 * alpha, tuning),
        gbstats_halfwidth_one_sided: asymptoticHalfWidthOneSided(look),
      }
      const ours = Object.fromEntries(Object.keys(found).map((key) => [key, expected[key]]))
      assert.equal(assertNumbers(found, ours, tolerance, JSON.stringify(args)), 4)
    }
  })

  test('anytime-valid.json: of the doubly robust values of an experiment', () => {
    const { doubly_robust, tolerance } = golden<AnytimeValid>('anytime-valid.json', 'experiments')
    const { propensity, treatment, outcome, m1, m0 } = doubly_robust.input
    const values = outcome.map((y, i) => {
      const [p, a, one, zero] = [propensity[i]!, treatment[i]!, m1[i]!, m0[i]!]
      return one - zero + (a / p) * (y - one) - ((1 - a) / (1 - p)) * (y - zero)
    })
    for (const { n, estimate, variance_ddof0, halfwidth } of doubly_robust.outputs) {
      const seen = values.slice(0, n)
      const mean = seen.reduce((sum, value) => sum + value, 0) / n
      const variance = seen.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n
      assertNumbers({ mean, variance }, { mean: estimate, variance: variance_ddof0 }, tolerance)
      const summary = { count: n, mean, standardError: Math.sqrt(variance / n) }
      const { lo, hi } = asymptoticInterval(300)(summary, 0.95)
      assertNumbers({ lo, hi }, { lo: mean - halfwidth, hi: mean + halfwidth }, tolerance, `after ${n}`)
    }
  })

  test('a mean at the edge of the interval has an e-value of exactly 1/α', () => {
    for (const count of [10, 1_000, 100_000]) {
      const look = { count, sd: 0.7, level: 0.9, tunedFor: 2_000 }
      const edge = 0.3 + asymptoticHalfWidth(look)
      assert.ok(Math.abs(asymptoticLogEValue(0.3, edge, look) - Math.log(1 / 0.1)) < 1e-9)
    }
  })
})
