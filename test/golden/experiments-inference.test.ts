/** Multiple testing, sample ratios, power, anytime-valid inference, group-sequential bounds: numbers of the references. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Moments } from '../../eval/experiments/index.ts'
import {
  ADJUSTMENTS,
  type Adjustment,
  alwaysValidTest,
  asymptoticHalfWidth,
  asymptoticRho,
  doublyRobustScore,
  eBenjaminiHochberg,
  effectOf,
  furtherUnits,
  groupSequentialBounds,
  msprt,
  powerAfter,
  sampleRatioTest,
  sampleSize,
  sampleSizeStudent,
  sequentialRatioTest,
  zTest,
} from '../../eval/index.ts'
import { assertNumbers, golden, type Tolerance } from '../helpers/golden.ts'
import { needsShared } from '../helpers/shared.ts'

const file = <T>(name: string) => golden<T & { readonly tolerance: Tolerance }>(`${name}.json`, 'experiments')

suite('multiple testing', needsShared('golden', 'experiments'), () => {
  const NAMES: Readonly<Record<string, Adjustment>> = {
    bonferroni: 'bonferroni',
    holm: 'holm',
    fdr_bh: 'benjamini_hochberg',
    fdr_by: 'benjamini_yekutieli',
    hommel: 'hommel',
    'simes-hochberg': 'hochberg',
    sidak: 'sidak',
    'holm-sidak': 'holm_sidak',
  }
  interface Golden {
    readonly cases: readonly { readonly p_values: number[]; readonly adjusted: Record<string, number[]> }[]
    readonly published_in_growthbook_tests: readonly {
      readonly method: string
      readonly p_values: number[]
      readonly sorted_adjusted: number[]
      readonly sorted_index: number[]
    }[]
    readonly e_bh: readonly {
      readonly e_values: number[]
      readonly alpha: number
      readonly rejected: number[]
    }[]
  }

  test('adjusted p-values are statsmodels’', () => {
    const { cases, tolerance } = file<Golden>('multiple-testing')
    for (const { p_values, adjusted } of cases) {
      for (const [name, expected] of Object.entries(adjusted)) {
        assertNumbers(ADJUSTMENTS[NAMES[name]!](p_values), expected, tolerance, name)
      }
    }
  })

  test('the values that GrowthBook publishes', () => {
    const { published_in_growthbook_tests: rows, tolerance } = file<Golden>('multiple-testing')
    for (const { method, p_values, sorted_adjusted, sorted_index } of rows) {
      const adjusted = ADJUSTMENTS[NAMES[method]!](p_values)
      assertNumbers(
        sorted_index.map((position) => adjusted[position]!),
        sorted_adjusted,
        tolerance,
        method,
      )
    }
  })

  test('e-BH rejects what it should', () => {
    for (const { e_values, alpha, rejected } of file<Golden>('multiple-testing').e_bh) {
      assert.deepEqual(eBenjaminiHochberg(e_values, alpha), rejected)
    }
    // At alpha 0.5 of 4: the two largest reach 4/(0.5·2) = 4; a third would need 8/3.
    assert.deepEqual(eBenjaminiHochberg([5, 1, 4, 2], 0.5), [0, 2])
  })
})

suite('sample ratio', needsShared('golden', 'experiments'), () => {
  interface Golden {
    readonly cases: readonly {
      readonly users: number[]
      readonly weights: number[]
      readonly chi2: number
      readonly dof: number
      readonly p_value: number
      readonly sequential_dirichlet_multinomial: Record<
        string,
        { readonly log_bayes_factor: number; readonly p_value: number }
      >
    }[]
  }

  test('χ² and the sequential test', () => {
    const { cases, tolerance } = file<Golden>('srm')
    for (const { users, weights, chi2, dof, p_value, sequential_dirichlet_multinomial } of cases) {
      const total = users.reduce((sum, count) => sum + count, 0)
      // Of nothing there is nothing to test; gbstats reports the degrees of freedom nevertheless.
      const degrees = total === 0 ? 0 : dof
      const at = JSON.stringify(users)
      assertNumbers(
        sampleRatioTest([{ units: users, weights }]),
        { chi2, degrees, pValue: p_value },
        tolerance,
        at,
      )
      for (const [concentration, expected] of Object.entries(sequential_dirichlet_multinomial)) {
        const { logBayesFactor, pValue } = sequentialRatioTest(users, weights, Number(concentration))
        // log Γ of 10⁴ has a unit in the last place of 1e-11, and some ten of them are added: in the reference as here.
        const rounding = { rel: tolerance.rel, abs: 2e-10 }
        assertNumbers(logBayesFactor, expected.log_bayes_factor, rounding, at)
        assertNumbers(pValue, expected.p_value, rounding, at)
      }
    }
  })

  test('a variant of weight 0 has no degree of freedom, which gbstats gives it', () => {
    const open = sampleRatioTest([{ units: [480, 520], weights: [0.5, 0.5] }])
    assert.deepEqual(sampleRatioTest([{ units: [480, 520, 0], weights: [0.5, 0.5, 0] }]), open)
  })

  test('a variant that got no unit counts, and periods add up', () => {
    assert.equal(sampleRatioTest([{ units: [100, 0], weights: [1, 1] }]).chi2, 100)
    const both = sampleRatioTest([
      { units: [500, 500, 1000], weights: [1, 1, 2] },
      { units: [900, 100, 0], weights: [0.9, 0.1, 0] },
    ])
    assert.deepEqual([both.chi2, both.degrees, both.pValue], [0, 3, 1])
  })
})

suite('power', needsShared('golden', 'experiments'), () => {
  interface Sums {
    readonly n: number
    readonly sum: number
    readonly sum_squares: number
  }
  interface Golden {
    readonly sample_size: readonly {
      readonly args: {
        readonly standardised_effect: number
        readonly alpha: number
        readonly power: number
        readonly ratio: number
      }
      readonly n_control_t: number
      readonly n_control_z: number
    }[]
    readonly mid_experiment: readonly {
      readonly kind: 'frequentist' | 'sequential'
      readonly stats: { readonly a: Sums; readonly b: Sums }
      readonly scaling_factor: number
      readonly power_at: Record<string, number>
    }[]
  }

  test('sample sizes are statsmodels’', () => {
    for (const { args, n_control_t, n_control_z } of file<Golden>('power').sample_size) {
      const { standardised_effect: effect, alpha, power, ratio } = args
      const close = { rel: 1e-6, abs: 0 }
      assertNumbers(sampleSize(effect, power, { alpha, ratio }), n_control_z, close)
      assertNumbers(sampleSizeStudent(effect, power, { alpha, ratio }), n_control_t, close)
    }
  })

  test('power on the way is gbstats’', () => {
    /** Of the relative effect, as in gbstats’ own test. */
    const MDE = 0.05
    const moments = ({ n, sum, sum_squares }: Sums): Moments => ({ n, sum, sumSquares: sum_squares })
    for (const { kind, stats, scaling_factor, power_at } of file<Golden>('power').mid_experiment) {
      const effect = effectOf(moments(stats.a), moments(stats.b), 'relative')
      assert.ok(typeof effect === 'object')
      const options = { reading: kind === 'sequential' ? ('always_valid' as const) : ('fixed' as const) }
      for (const [factor, expected] of Object.entries(power_at)) {
        const power = powerAfter(Number(factor), MDE, effect.se, effect.n, options)
        assertNumbers(power, expected, { rel: 0, abs: 1e-9 }, `${kind} ${factor}`)
      }
      const factor = furtherUnits(MDE, effect.se, effect.n, 0.8, options)
      assertNumbers(factor, scaling_factor, { rel: 0, abs: 1e-3 }, kind)
    }
  })
})

suite('anytime-valid inference', needsShared('golden', 'experiments'), () => {
  interface Golden {
    readonly msprt: {
      readonly input: { readonly control: number[]; readonly treatment: number[] }
      readonly outputs: readonly {
        readonly tau2: number
        readonly variance_per_arm: number
        readonly checkpoints: readonly {
          readonly n_per_arm: number
          readonly mean_difference: number
          readonly likelihood_ratio: number
          readonly p_value_always_valid: number
          readonly ci_halfwidth_0_05: number
        }[]
      }[]
    }
    readonly doubly_robust: {
      readonly input: Readonly<Record<'propensity' | 'treatment' | 'outcome' | 'm1' | 'm0', number[]>>
      readonly outputs: readonly {
        readonly n: number
        readonly estimate: number
        readonly variance_ddof0: number
        readonly halfwidth: number
      }[]
    }
  }

  test('a p-value is the alpha at which the interval, with the same ρ, ends at 0', () => {
    const effect = { estimate: 0.3, se: 0.1, n: 800 }
    const rho = asymptoticRho(0.05)
    const { pValue, eValue } = alwaysValidTest(effect, 0.05)
    const grown = effect.n * rho * rho + 1
    const half =
      effect.se * Math.sqrt((2 * grown * Math.log(Math.sqrt(grown) / pValue)) / (effect.n * rho * rho))
    assertNumbers([half, pValue * eValue], [effect.estimate, 1], { rel: 1e-12, abs: 0 })
  })

  test('the e-value of the sequence is mSPRT’s likelihood ratio, with effects of variance ρ²σ² as the alternative', () => {
    const [perVariant, sd, difference] = [900, 1.3, 0.11]
    const effect = { estimate: difference, se: sd * Math.sqrt(2 / perVariant), n: 2 * perVariant }
    // Of one of all the units that the sequence counts: se² · n.
    const tau2 = asymptoticRho(0.05) ** 2 * effect.se ** 2 * effect.n
    const { likelihoodRatio } = msprt(perVariant, difference, sd * sd, tau2, 0.05)
    assertNumbers(alwaysValidTest(effect, 0.05).eValue, likelihoodRatio, { rel: 1e-12, abs: 0 })
  })

  test('mSPRT', () => {
    const { msprt: data, tolerance } = file<Golden>('anytime-valid')
    const { control, treatment } = data.input
    for (const { tau2, variance_per_arm: variance, checkpoints } of data.outputs) {
      let difference = 0
      let pValue = 1
      for (let n = 1; n <= control.length; n++) {
        difference += (treatment[n - 1]! - control[n - 1]! - difference) / n
        const look = msprt(n, difference, variance, tau2, 0.05)
        pValue = Math.min(pValue, look.pValue)
        const expected = checkpoints.find(({ n_per_arm }) => n_per_arm === n)
        if (expected === undefined) continue
        assertNumbers(
          [difference, look.likelihoodRatio, pValue, look.halfWidth],
          [
            expected.mean_difference,
            expected.likelihood_ratio,
            expected.p_value_always_valid,
            expected.ci_halfwidth_0_05,
          ],
          tolerance,
          `τ² ${tau2}, n ${n}`,
        )
      }
    }
  })

  test('doubly robust scores under the sequence', () => {
    const { doubly_robust: data, tolerance } = file<Golden>('anytime-valid')
    const { propensity, treatment, outcome, m1, m0 } = data.input
    const scores = propensity.map((p, i) =>
      doublyRobustScore({
        propensity: p,
        treated: treatment[i] === 1,
        outcome: outcome[i]!,
        expectedTreated: m1[i]!,
        expectedControl: m0[i]!,
      }),
    )
    for (const { n, estimate, variance_ddof0, halfwidth } of data.outputs) {
      const seen = scores.slice(0, n)
      const mean = seen.reduce((sum, score) => sum + score, 0) / n
      const variance = seen.reduce((sum, score) => sum + (score - mean) ** 2, 0) / n
      assertNumbers(
        [
          mean,
          variance,
          asymptoticHalfWidth({ count: n, sd: Math.sqrt(variance), level: 0.95, tunedFor: 300 }),
        ],
        [estimate, variance_ddof0, halfwidth],
        tolerance,
      )
    }
  })
})

suite('spotify-confidence', needsShared('golden', 'experiments'), () => {
  interface Golden {
    readonly ztest: readonly {
      readonly name: string
      readonly groups: readonly { readonly n: number; readonly sum: number; readonly sum_squares?: number }[]
      readonly binary: boolean
      readonly correction: 'bonferroni' | 'holm'
      readonly differences: readonly {
        readonly difference: number
        readonly ci: readonly [number, number]
        readonly p_value: number
        readonly adjusted_p_value: number
        readonly adjusted_ci: readonly [number | null, number | null]
      }[]
    }[]
    readonly group_sequential: readonly {
      readonly information: number[]
      readonly alpha: number
      readonly phi: number
      readonly sides: 1 | 2
      readonly bounds: number[]
    }[]
  }

  test('z tests with adjusted p-values and intervals', () => {
    const { ztest, tolerance } = file<Golden>('spotify-confidence')
    for (const { name, groups, binary, correction, differences } of ztest) {
      const [control, ...treatments] = groups.map(
        ({ n, sum, sum_squares = sum }): Moments => ({ n, sum, sumSquares: sum_squares, binary }),
      )
      const effects = treatments.map((treatment) => effectOf(control!, treatment, 'absolute'))
      const results = effects.map((effect) => {
        assert.ok(typeof effect === 'object')
        const { estimate, se } = effect
        return { estimate, se, ...zTest(estimate, se, 0.05) }
      })
      const adjusted = ADJUSTMENTS[correction](results.map(({ pValue }) => pValue))
      differences.forEach((expected, k) => {
        const { estimate, se, pValue, lo, hi } = results[k]!
        const corrected = zTest(estimate, se, 0.05 / treatments.length)
        assertNumbers(
          [estimate, lo, hi, pValue, adjusted[k]!, corrected.lo, corrected.hi],
          [
            expected.difference,
            ...expected.ci,
            expected.p_value,
            expected.adjusted_p_value,
            ...expected.adjusted_ci,
          ],
          tolerance,
          name,
        )
      })
    }
  })

  test('Lan–DeMets bounds', () => {
    for (const { information, bounds, ...options } of file<Golden>('spotify-confidence').group_sequential) {
      assertNumbers(groupSequentialBounds(information, options), bounds, { rel: 0, abs: 1e-4 })
    }
  })
})
