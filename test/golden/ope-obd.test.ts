/** The Open Bandit Dataset's sample (Saito et al. 2020, arXiv:2008.07146), each logger's policy judged by the other's log. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import {
  CressieRead,
  clippedIps,
  dm,
  dr,
  drOs,
  empiricalBernsteinInterval,
  estimatorRow,
  hoeffdingInterval,
  ips,
  normalInterval,
  RowMean,
  type RowValue,
  type RunningMoments,
  SelfNormalised,
  type ShrinkageFamily,
  sndr,
  snips,
  studentIntervalOfMean,
  switchDr,
  Tuning,
  WeightDiagnostics,
} from '../../eval/index.ts'
import { assertNumbers, golden, type Tolerance } from '../helpers/golden.ts'
import { addAll, momentsOf, number } from '../helpers/golden-ope.ts'
import { needsShared, sharedPath } from '../helpers/shared.ts'

interface ObdFile {
  readonly tolerance: Tolerance
  readonly input: {
    readonly n_actions: number
    readonly action: readonly number[]
    readonly position: readonly number[]
    readonly reward: readonly number[]
    readonly pscore: readonly number[]
    /** `[item][position]`. */
    readonly pi_e: readonly (readonly number[])[]
    readonly q_hat: readonly (readonly number[])[]
  }
  readonly cases: readonly {
    readonly name: string
    readonly args?: { readonly lambdas?: readonly (number | string)[]; readonly delta?: number }
    readonly expected: Readonly<Record<string, unknown>>
  }[]
}

const MEANS: Readonly<Record<string, RowValue>> = {
  ips,
  clipped_ips_2: clippedIps(2),
  dm,
  dr: dr(),
  switch_dr_2: switchDr(2),
  dr_os_10: drOs(10),
}
const FAMILIES: Readonly<Record<string, ShrinkageFamily>> = {
  'ips/slope': 'clipped_ips',
  'dr-os/slope': 'dr_os',
}

function summaryOf(moments: RunningMoments) {
  const range = moments.most
  const { lo, hi } = normalInterval(moments, 0.95)
  return {
    mean: moments.mean,
    var_ddof0: moments.squares / moments.count,
    se_ddof1: moments.standardError,
    obp_lower_hoeffding: hoeffdingInterval(range)(moments, 0.9).lo,
    obp_lower_bernstein: empiricalBernsteinInterval(range)(moments, 0.9).lo,
    obp_lower_student_t: studentIntervalOfMean(moments, 0.9).lo,
    two_sided_normal: [lo, hi],
  }
}

for (const id of ['random-men-evaluate-bts', 'bts-men-evaluate-random']) {
  suite(`obd-${id}.json`, needsShared('golden', 'ope'), () => {
    const { input, cases, tolerance } = golden<ObdFile>(`obd-${id}.json`, 'ope')
    const at = (table: readonly (readonly number[])[], position: number) =>
      table.map((byPosition) => byPosition[position]!)
    const byPosition = [0, 1, 2].map((position) => ({
      target: at(input.pi_e, position),
      predictions: at(input.q_hat, position),
    }))
    const rows = input.action.map((drawn, i) =>
      estimatorRow({
        ...byPosition[input.position[i]!]!,
        drawn,
        propensity: input.pscore[i]!,
        reward: input.reward[i]!,
      }),
    )
    const find = (name: string) => cases.find((each) => each.name === name)!.expected
    const close = (found: object, name: string) => {
      const expected = find(name)
      const wanted = Object.fromEntries(Object.keys(found).map((key) => [key, expected[key]]))
      return assertNumbers(found, wanted, tolerance, name)
    }

    for (const [name, value] of Object.entries(MEANS)) {
      test(name, () => {
        const { moments } = addAll(new RowMean(value), rows)
        assert.equal(close({ value: moments.mean, ...summaryOf(moments) }, name), 9)
      })
    }

    test('SNIPS and SNDR: the reference’s values; its interval is that of a constant mean weight', () => {
      const meanWeight = momentsOf(rows.map(({ weight }) => weight)).mean
      for (const ratio of [snips, sndr]) {
        const value = addAll(new SelfNormalised(ratio), rows).get()!.value
        const theirs = momentsOf(
          rows.map((row) => ratio.base(row) + (row.weight * ratio.gain(row)) / meanWeight),
        )
        close({ value, ...summaryOf(theirs) }, ratio.name)
      }
    })

    for (const [name, family] of Object.entries(FAMILIES)) {
      test(`${name}: what it chooses, with its bias beside it`, () => {
        const { args, expected } = cases.find((each) => each.name === name)!
        const tuning = addAll(new Tuning(family, args!.lambdas!.map(number)), rows)
        const choice = tuning.slope({ delta: args!.delta! })!
        assert.equal(choice.setting, number(expected['best_lambda'] as number | string))
        assertNumbers(choice.estimate.value, expected['value'], tolerance)
        const unshrunk = tuning.candidates().find(({ setting }) => setting === Number.POSITIVE_INFINITY)!
        assert.ok(Math.abs(choice.bias.value - (choice.estimate.value - unshrunk.estimate.value)) < 1e-12)
      })
    }

    test('weight diagnostics', () => {
      const figures = addAll(new WeightDiagnostics(), rows).get()!
      const found = {
        n: figures.n,
        mean_w: figures.mean,
        max_w: figures.largest,
        min_w: figures.smallest,
        ess_kish: figures.ess,
        ess_sigma: figures.essVariance,
        ess_gamma: figures.essSkewness,
        z_mean_w_is_1: figures.meanZ,
        max_share: figures.largestShare,
        match_count: figures.weighted,
        q: figures.quantiles,
      }
      assert.equal(close(found, 'weight_diagnostics'), 15)
    })

    test('the click rates of the two logs', () => {
      const { value } = find('on_policy_mean_reward_of_the_log')
      assertNumbers(momentsOf(input.reward).mean, value, tolerance)
      if (id !== 'random-men-evaluate-bts') return
      // Of the uniform log, the intervals of all three headline estimators hold the other policy's own click rate.
      const truth = find('on_policy_mean_reward_of_the_evaluated_policy_own_log')['value'] as number
      const weightBounds = [0, input.n_actions] as const
      for (const estimator of [
        addAll(new RowMean(dr(), normalInterval), rows),
        addAll(new SelfNormalised(snips), rows),
        addAll(new CressieRead({ weightBounds, rewardBounds: [0, 1] }), rows),
      ]) {
        const { lo, hi } = estimator.get()!
        assert.ok(lo <= truth && truth <= hi, `${estimator.name}: [${lo}, ${hi}]`)
      }
    })
  })
}

suite('the trap of the women’s Thompson log', needsShared('data', 'obd'), () => {
  test('two rows carry the weight of ten thousand, and the diagnostics say so', () => {
    const text = gunzipSync(readFileSync(sharedPath('data', 'obd', 'bts_women.csv.gz'))).toString()
    const [head, ...lines] = text.trim().split('\n')
    const column = (name: string) => head!.split(',').indexOf(name)
    const [click, propensity] = [column('click'), column('propensity_score')]
    const rows = lines.map((line) => {
      const cells = line.split(',')
      return {
        weight: 1 / 46 / Number(cells[propensity]),
        reward: Number(cells[click]),
        predicted: 0,
        predictedTarget: 0,
      }
    })
    assert.equal(rows.length, 10_000)
    const { ess, largest, largestShare, essVariance } = addAll(new WeightDiagnostics(), rows).get()!
    // As the data's own README has them: an effective sample of 2, a largest weight of 21,739.
    assert.equal(Math.round(ess), 2)
    assert.equal(Math.round(largest), 21_739)
    assert.ok(largestShare > 0.5 && essVariance < 2)
  })
})
