/** Intervals of plain samples, and the bootstrap for given resamples. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { incompleteBeta } from '../../engine/index.ts'
import {
  bootstrap,
  empiricalBernsteinInterval,
  hoeffdingInterval,
  type Interval,
  normalInterval,
  studentIntervalOfMean,
  studentQuantile,
} from '../../eval/index.ts'
import { weightedMean } from '../../eval/row-outcomes.ts'
import { assertNumbers, golden, type Tolerance } from '../helpers/golden.ts'
import { momentsOf } from '../helpers/golden-ope.ts'
import { needsShared } from '../helpers/shared.ts'

interface IntervalsFile {
  readonly tolerance: Tolerance
  readonly cases: readonly {
    readonly name: string
    readonly input: { readonly x: readonly number[] }
    readonly by_delta: readonly {
      readonly delta: number
      readonly expected: { obp_lower_student_t: number; two_sided_student_t: number[] }
    }[]
    readonly bootstrap_with_given_indices: {
      readonly index_matrix: readonly (readonly number[])[]
      readonly expected: Readonly<Record<string, readonly [number, number]>>
      readonly mean_of_bootstrap_means: number
    } | null
    readonly obp_bootstrap: { readonly expected: readonly [number, number, number] }
  }[]
}

suite('intervals.json', needsShared('golden', 'ope'), () => {
  const { cases, tolerance } = golden<IntervalsFile>('intervals.json', 'ope')
  const both = ({ lo, hi }: Interval) => [lo, hi]

  for (const { name, input, by_delta, bootstrap_with_given_indices: given, obp_bootstrap } of cases) {
    const values = Float64Array.from(input.x)
    const statistics = ([weights]: readonly Float64Array[]) => ({ mean: weightedMean(values, weights) })

    test(`${name}: Hoeffding, empirical Bernstein, Student, normal at every δ`, () => {
      const moments = momentsOf(input.x)
      // The reference takes the largest number seen for the range.
      const range = moments.most
      for (const { delta, expected } of by_delta) {
        const oneSided = 1 - 2 * delta
        const found = {
          mean: moments.mean,
          var_ddof0: moments.squares / moments.count,
          se_ddof1: moments.standardError,
          obp_lower_hoeffding: hoeffdingInterval(range)(moments, oneSided).lo,
          obp_lower_bernstein: empiricalBernsteinInterval(range)(moments, oneSided).lo,
          two_sided_normal: both(normalInterval(moments, 1 - delta)),
          two_sided_hoeffding_0_max: both(hoeffdingInterval(range)(moments, 1 - delta)),
          two_sided_empirical_bernstein_maurer_pontil: both(
            empiricalBernsteinInterval(range)(moments, 1 - delta),
          ),
        }
        const { obp_lower_student_t, two_sided_student_t, ...others } = expected
        assert.equal(assertNumbers(found, others, tolerance, `${name} at ${delta}`), 11)
        // The reference's quantiles of Student's t are good to 1e-8 only (see the next test): of the half-width, which
        // where bounds are near 0 is more than the stated tolerance of the bound.
        const half = 3 * moments.standardError
        const coarse = { rel: 0, abs: 1e-8 * half }
        const student = {
          lower: studentIntervalOfMean(moments, oneSided).lo,
          both: both(studentIntervalOfMean(moments, 1 - delta)),
        }
        assertNumbers(student, { lower: obp_lower_student_t, both: two_sided_student_t }, coarse)
      }
    })

    test(`${name}: quantiles of Student's t to the last digits, by the incomplete beta function`, () => {
      const degrees = values.length - 1
      for (const { delta } of by_delta) {
        const t = studentQuantile(1 - delta, degrees)
        const central = 1 - incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5)
        assert.ok(Math.abs(central - (1 - delta)) < 1e-12, `${central} at ${delta}`)
      }
    })

    if (given !== null) {
      test(`${name}: bootstrap percentiles of the given resamples`, () => {
        let resampled = 0
        for (const [delta, expected] of Object.entries(given.expected)) {
          const { mean } = bootstrap({
            axes: [values.length],
            statistics: (weights) => {
              const statistic = statistics(weights)
              resampled += statistic.mean
              return statistic
            },
            seed: 1,
            level: 1 - Number(delta),
            indexes: given.index_matrix,
          })
          assertNumbers(both(mean), expected, tolerance, `${name} at ${delta}`)
          const means = (resampled - mean.mean) / given.index_matrix.length
          assertNumbers(means, given.mean_of_bootstrap_means, tolerance, `${name}: mean of means`)
          resampled = 0
        }
      })
    }

    test(`${name}: with resamples of our own, the reference’s bounds within its stated noise`, () => {
      const { mean } = bootstrap({ axes: [values.length], statistics, seed: 5, resamples: 10_000 })
      const slack = 0.06 * momentsOf(input.x).standardError
      const [, lo, hi] = obp_bootstrap.expected
      assert.ok(Math.abs(mean.lo - lo) < slack && Math.abs(mean.hi - hi) < slack, `[${mean.lo}, ${mean.hi}]`)
    })
  }
})
