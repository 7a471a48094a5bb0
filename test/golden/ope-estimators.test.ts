/** Every estimator of the Open Bandit Pipeline on its own logs, with intervals, weight diagnostics and propensity checks. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  clippedIps,
  dm,
  dr,
  drOs,
  type Estimate,
  type EstimatorRow,
  empiricalBernsteinInterval,
  hoeffdingInterval,
  ips,
  normalInterval,
  PairedDifference,
  PropensityDiagnostics,
  Replay,
  RowMean,
  type RowValue,
  type RunningMoments,
  SelfNormalised,
  sndr,
  snips,
  studentIntervalOfMean,
  subGaussianDr,
  subGaussianIps,
  switchDr,
  WeightDiagnostics,
} from '../../eval/index.ts'
import { assertNumbers, golden, type Tolerance } from '../helpers/golden.ts'
import { addAll, greedy, type LoggedRows, momentsOf, number, rowsOf } from '../helpers/golden-ope.ts'
import { needsShared } from '../helpers/shared.ts'

interface Expected {
  readonly value: number
  readonly delta_method_se?: number
  readonly [number: string]: unknown
}
interface Case {
  readonly name: string
  readonly args?: { readonly lambda_?: number | string }
  readonly expected: Expected
}
interface EstimatorsFile {
  readonly tolerance: Tolerance
  readonly input: LoggedRows & { readonly pi_b: readonly (readonly number[])[] }
  readonly cases: readonly Case[]
}

/** The estimators that are means of row values, by the start of a case's name. */
const ROW_VALUES: readonly (readonly [string, (lambda: number) => RowValue])[] = [
  ['ips_deterministic', () => ips],
  ['ips', () => ips],
  ['clipped_ips', clippedIps],
  ['dm', () => dm],
  ['dr_os', drOs],
  ['dr', () => dr()],
  ['clipped_dr', dr],
  ['switch_dr', switchDr],
  ['sg_ips', subGaussianIps],
  ['sg_dr', subGaussianDr],
]

function rowValueOf({ name, args }: Case): RowValue | undefined {
  return ROW_VALUES.find(([start]) => name === start || name.startsWith(`${start}_`))?.[1](
    number(args?.lambda_ ?? Number.POSITIVE_INFINITY),
  )
}

/** What the files say of the mean of some numbers; one-sided bounds at 5 % are those of two sides at 90 %. */
function summaryOf(moments: RunningMoments) {
  const both = ({ lo, hi }: { lo: number; hi: number }) => [lo, hi]
  return {
    var_ddof0: moments.squares / moments.count,
    se_ddof1: moments.standardError,
    // The reference takes the largest number seen for the range: the formula is the same.
    obp_lower_hoeffding: hoeffdingInterval(Math.max(0, moments.most))(moments, 0.9).lo,
    obp_lower_bernstein: empiricalBernsteinInterval(Math.max(0, moments.most))(moments, 0.9).lo,
    obp_lower_student_t: studentIntervalOfMean(moments, 0.9).lo,
    two_sided_normal: both(normalInterval(moments, 0.95)),
    two_sided_student_t: both(studentIntervalOfMean(moments, 0.95)),
  }
}

function pick(expected: Expected, found: object): object {
  return Object.fromEntries(Object.keys(found).map((key) => [key, expected[key]]))
}

for (const id of ['binary-500x5', 'continuous-300x8', 'lowoverlap-400x10']) {
  suite(`estimators-${id}.json`, needsShared('golden', 'ope'), () => {
    const { input, cases, tolerance } = golden<EstimatorsFile>(`estimators-${id}.json`, 'ope')
    const rows = rowsOf(input)
    const greedyRows = rowsOf(input, greedy(input.pi_e))
    const find = (name: string) => cases.find((each) => each.name === name)!.expected
    const close = (found: object, expected: Expected, at: string) =>
      assertNumbers(found, pick(expected, found), tolerance, at)

    test('values, row values and intervals of the means', () => {
      let compared = 0
      for (const each of cases) {
        const value = rowValueOf(each)
        if (value === undefined) continue
        const of = each.name === 'ips_deterministic' ? greedyRows : rows
        const mean = addAll(new RowMean(value, studentIntervalOfMean), of)
        const found = {
          value: mean.get()?.value,
          round_first3: of.slice(0, 3).map(value.of),
          ...summaryOf(mean.moments),
        }
        compared += close(found, each.expected, each.name)
        const { lo, hi } = mean.get(0.95) as Estimate
        assertNumbers([lo, hi], each.expected['two_sided_student_t'], tolerance, each.name)
      }
      // 29 cases of 13 numbers.
      assert.equal(compared, 29 * 13)
    })

    test('SNIPS: the value is the reference’s, the standard error is not', () => {
      const expected = find('snips')
      const found = addAll(new SelfNormalised(snips, normalInterval), rows).get(0.95) as Estimate
      const half = 1.959963984540054 * (expected.delta_method_se as number)
      const right = { value: expected.value, lo: expected.value - half, hi: expected.value + half }
      assertNumbers(found, right, tolerance, 'snips')
      // The reference takes the mean weight for a constant: of its own row values we find what it found.
      const meanWeight = momentsOf(rows.map(({ weight }) => weight)).mean
      const theirs = momentsOf(rows.map(({ weight, reward }) => (weight * reward) / meanWeight))
      close(summaryOf(theirs), expected, 'reference’s snips')
      assert.ok(theirs.standardError > 1.05 * (expected.delta_method_se as number))
    })

    test('SNDR: the value is the reference’s, the standard error that of what the rows add to it', () => {
      const expected = find('sndr')
      const found = addAll(new SelfNormalised(sndr, normalInterval), rows).get(0.95) as Estimate
      const meanWeight = momentsOf(rows.map(({ weight }) => weight)).mean
      const missed = rows.map(({ weight, reward, predicted }) => weight * (reward - predicted))
      const gain = momentsOf(missed).mean / meanWeight
      const influence = momentsOf(
        rows.map(
          ({ weight, reward, predicted, predictedTarget }) =>
            predictedTarget + (weight * (reward - predicted - gain)) / meanWeight,
        ),
      )
      const half = 1.959963984540054 * Math.sqrt(influence.squares) * (1 / rows.length)
      const right = { value: expected.value, lo: expected.value - half, hi: expected.value + half }
      assertNumbers(found, right, tolerance, 'sndr')
      const theirs = momentsOf(
        rows.map(({ predictedTarget }, i) => predictedTarget + missed[i]! / meanWeight),
      )
      close(summaryOf(theirs), expected, 'reference’s sndr')
    })

    test('replay of the greedy policy, over the rows that match', () => {
      const expected = find('replay_deterministic')
      const matches = greedyRows.map(({ weight, reward }) => ({ matched: weight > 0, reward }))
      const found = addAll(new Replay(), matches).get()
      assert.ok(Math.abs(found!.value - expected.value) <= tolerance.rel)
      const hits = momentsOf(matches.filter(({ matched }) => matched).map(({ reward }) => reward))
      assert.equal(hits.count, expected['matched'])
      // A mean of the matching rewards alone, up to the n − 1 of the sample variance.
      const half = (found!.hi - found!.lo) / 2
      const t = studentIntervalOfMean(hits, 0.95).hi - hits.mean
      assert.ok(Math.abs(half / t - Math.sqrt((hits.count - 1) / hits.count)) < 1e-9)
    })

    test('weight diagnostics', () => {
      for (const name of ['weight_diagnostics', 'weight_diagnostics_clipped_5']) {
        const expected = find(name)
        const limit = name.endsWith('5') ? 5 : Number.POSITIVE_INFINITY
        const clipped = rows.map((row) => ({ ...row, weight: Math.min(limit, row.weight) }))
        const figures = addAll(new WeightDiagnostics(), clipped).get()!
        const found = {
          n: figures.n,
          mean_w: figures.mean,
          sum_w: figures.mean * figures.n,
          max_w: figures.largest,
          min_w: figures.smallest,
          ess_kish: figures.ess,
          ess_ratio: figures.ess / figures.n,
          ess_sigma: figures.essVariance,
          ess_gamma: figures.essSkewness,
          z_mean_w_is_1: figures.meanZ,
          max_share: figures.largestShare,
          match_count: figures.weighted,
          q: figures.quantiles,
        }
        assert.equal(close(found, expected, name), 17)
      }
    })

    test('propensity checks per arm, and how far the target is from the log', () => {
      const expected = find('propensity_sanity')
      const arms = input.pi_b[0]!.map((_, arm) => String(arm).padStart(2, '0'))
      const sums = addAll(
        new PropensityDiagnostics(),
        input.action.map((drawn, i) => ({ arms, logged: input.pi_b[i]!, target: input.pi_e[i]!, drawn })),
      )
      const figures = sums.get()!
      const found = {
        per_action: figures.arms.map((arm, action) => ({
          action,
          count: arm.drawn,
          expected_count: arm.expected,
          mean_inverse_propensity: arm.meanInverse,
          se: arm.meanInverseSe,
          z: arm.meanInverseZ,
          mean_pi_b: arm.meanLogged,
          mean_pi_e: arm.meanTarget,
          min_pi_b: arm.smallest,
        })),
        calibration_z: figures.arms.map(({ calibrationZ }) => calibrationZ),
        mass_outside_support_e: figures.outsideSupport,
        mean_total_variation: figures.meanTotalVariation,
        mean_kl_e_b: figures.meanKl,
        second_moment_w: figures.weightSecondMoment,
      }
      assert.equal(close(found, expected, 'propensity'), 10 * arms.length + 4)
      assert.ok(Math.abs(figures.smallestDrawn - Math.min(...input.pscore)) < 1e-6)
    })

    test('paired differences against the logging policy', () => {
      const logged = rowsOf(input, input.pi_b).map((row): EstimatorRow => ({ ...row, weight: 1 }))
      const pairs = rows.map((target, i) => ({ target, incumbent: logged[i]! }))
      for (const [name, value] of [
        ['paired_difference_ips', ips],
        ['paired_difference_dr', dr()],
      ] as const) {
        const difference = addAll(new PairedDifference(value), pairs)
        const found = { mean: difference.get()?.value, ...summaryOf(difference.moments) }
        assert.equal(close(found, find(name), name), 10)
      }
    })
  })
}
