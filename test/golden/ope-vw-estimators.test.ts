/** The estimators and intervals of Vowpal Wabbit, row by row, with dropped rows and merged halves; slots and slates. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  AnytimeIps,
  ClopperPearson,
  CressieRead,
  EmpiricalLikelihood,
  type Estimate,
  Gaussian,
  ips,
  normalInterval,
  PseudoInverse,
  RowMean,
  type SampledRow,
  SelfNormalised,
  SlotwiseCressieRead,
  snips,
} from '../../eval/index.ts'
import { assertNumbers, golden, type Tolerance } from '../helpers/golden.ts'
import { addAll, number } from '../helpers/golden-ope.ts'
import { needsShared } from '../helpers/shared.ts'

type Bounds = readonly [number | string, number | string]
type ByAlpha = Readonly<Record<string, Bounds>>
interface Group {
  readonly name: string
  readonly args: { wmin: number | string; wmax: number | string; rmin: number; rmax: number }
  readonly input: { p_log: number[]; r: number[]; p_pred: number[]; p_drop: number[] }
  readonly checkpoints: readonly {
    readonly after: number
    readonly point: Readonly<Record<'ips' | 'snips' | 'mle' | 'cressieread', number | null>>
    readonly interval: Readonly<Record<'gaussian' | 'clopper_pearson' | 'cressieread' | 'cs', ByAlpha>>
  }[]
  readonly merge: {
    readonly split_at: number
    readonly expected: {
      ips: number
      snips: number
      cressieread: number
      gaussian: Bounds
      clopper_pearson: Bounds
      cressieread_interval: Bounds
    }
  }
}

/** Below this many rows the reference's Cressie–Read interval is unusable, and ours is that of the rewards. */
const TRUSTED_FROM = 10

suite('vw-estimators.json', needsShared('golden', 'ope'), () => {
  const file = golden<{ tolerance: Tolerance & { mle: number; cs: number }; groups: Group[] }>(
    'vw-estimators.json',
    'ope',
  )
  const { rel, abs, mle, cs } = file.tolerance
  const tolerance = { rel, abs }

  for (const { name, args, input, checkpoints, merge } of file.groups) {
    const rewardBounds = [args.rmin, args.rmax] as const
    const options = { weightBounds: [number(args.wmin), number(args.wmax)] as const, rewardBounds }
    const rows = input.r.map(
      (reward, i): SampledRow => ({
        // Kept as the quotient: the files have propensities that are rounded, not checked.
        weight: input.p_pred[i]! / input.p_log[i]!,
        reward,
        predicted: 0,
        predictedTarget: 0,
        dropProbability: input.p_drop[i]!,
      }),
    )
    // The reference's point estimators take no drops.
    const whole = rows.map((row): SampledRow => ({ ...row, dropProbability: 0 }))
    const points = () => ({
      ips: new RowMean(ips),
      snips: new SelfNormalised(snips),
      mle: new EmpiricalLikelihood(options),
      cressieread: new CressieRead(options),
    })
    const intervals = () => ({
      gaussian: new Gaussian(),
      clopper_pearson: new ClopperPearson(rewardBounds),
      cressieread: new CressieRead(options),
    })

    test(`${name}: point estimates after any number of rows`, () => {
      const estimators = points()
      let seen = 0
      for (const { after, point } of checkpoints) {
        for (; seen < after; seen++) {
          for (const estimator of Object.values(estimators)) estimator.add(whole[seen]!)
        }
        for (const [key, estimator] of Object.entries(estimators)) {
          const expected = point[key as keyof typeof point]
          const value = estimator.get()?.value
          if (expected === null) assert.equal(value, undefined, `${key} after ${after}`)
          else {
            const allowed = key === 'mle' ? { rel: mle, abs: mle } : tolerance
            assertNumbers(value, expected, allowed, `${key} after ${after}`)
          }
        }
      }
    })

    test(`${name}: intervals at every level`, () => {
      const estimators = {
        ...intervals(),
        cs: new AnytimeIps({ rewardBounds, cutPredictions: false }),
      }
      let seen = 0
      for (const { after, interval } of checkpoints) {
        for (; seen < after; seen++) {
          for (const estimator of Object.values(estimators)) estimator.add(rows[seen]!)
        }
        for (const [key, estimator] of Object.entries(estimators)) {
          for (const [alpha, expected] of Object.entries(interval[key as keyof typeof interval])) {
            const at = `${key} at ${alpha} after ${after}`
            const found = estimator.get(1 - Number(alpha))
            if (after === 0) assert.equal(found, undefined, at)
            else if (key === 'cressieread' && after < TRUSTED_FROM) {
              assert.deepEqual([found?.lo, found?.hi], rewardBounds, at)
            } else assertBounds(found, expected, key === 'cs' ? { rel: cs, abs: cs } : tolerance, at)
          }
        }
      }
    })

    test(`${name}: halves merge to the whole`, () => {
      const { split_at, expected } = merge
      const half = <E extends { add(row: SampledRow): void; merge(other: E): void }>(
        make: () => E,
        of: readonly SampledRow[],
      ) => {
        const first = addAll(make(), of.slice(0, split_at))
        first.merge(addAll(make(), of.slice(split_at)))
        return first
      }
      const found = {
        ips: half(() => points().ips, whole).get()?.value,
        snips: half(() => points().snips, whole).get()?.value,
        cressieread: half(() => points().cressieread, whole).get()?.value,
      }
      const { ips: ipsValue, snips: snipsValue, cressieread } = expected
      assertNumbers(found, { ips: ipsValue, snips: snipsValue, cressieread }, tolerance, 'points')
      const { gaussian, clopper_pearson, cressieread_interval } = expected
      assertBounds(half(() => intervals().gaussian, rows).get(), gaussian, tolerance, 'gaussian')
      assertBounds(half(() => intervals().clopper_pearson, rows).get(), clopper_pearson, tolerance, 'cp')
      assertBounds(half(() => intervals().cressieread, rows).get(), cressieread_interval, tolerance, 'cr')
    })

    test(`${name}: predictions cut at 1, as the theorem asks, change the anytime interval by little`, () => {
      const cut = addAll(new AnytimeIps({ rewardBounds }), rows).get()!
      const theirs = addAll(new AnytimeIps({ rewardBounds, cutPredictions: false }), rows).get()!
      const width = theirs.hi - theirs.lo
      assert.ok(Math.abs(cut.lo - theirs.lo) + Math.abs(cut.hi - theirs.hi) < 0.25 * width)
      const { lo, hi } = addAll(new RowMean(ips, normalInterval), whole).get()!
      if (input.p_drop.every((drop) => drop === 0))
        assert.ok(cut.lo <= lo && cut.hi >= Math.min(hi, args.rmax))
    })
  }
})

suite('vw-estimators-multislot.json', needsShared('golden', 'ope'), () => {
  interface Multislot {
    readonly tolerance: Tolerance
    readonly groups: readonly {
      readonly input: { readonly rows: readonly (readonly [number[], number[], number[]])[] }
      readonly expected: {
        readonly pdis_cressieread: Readonly<Record<'impression' | 'r_given_impression' | 'r', number[]>> & {
          readonly r_overall: number
        }
        readonly pdis_cressieread_interval_0_05: Readonly<
          Record<'impression' | 'r_given_impression' | 'r', number[][]>
        > & { readonly r_overall: number[] }
        readonly first_slot_cressieread: { readonly r: number[]; readonly r_overall: number }
        readonly slates_pseudo_inverse: number
        readonly slates_gaussian_0_05: number[]
      }
    }[]
  }
  const { groups, tolerance } = golden<Multislot>('vw-estimators-multislot.json', 'ope')
  const rewardBounds = [0, 1] as const

  for (const { input, expected } of groups) {
    const decisions = input.rows.map(([logged, rewards, target]) =>
      logged.map((p, slot) => ({ weight: target[slot]! / p, reward: rewards[slot]! })),
    )

    test('per slot: how often it is filled, the reward then, and the two together', () => {
      const estimator = addAll(new SlotwiseCressieRead({ rewardBounds }), decisions)
      const slots = estimator.slots(0.95)
      const overall = estimator.overall(0.95)!
      const { pdis_cressieread: values, pdis_cressieread_interval_0_05: bounds } = expected
      const pairs = (pick: (slot: (typeof slots)[number]) => Estimate) =>
        slots.map((slot) => [pick(slot).lo, pick(slot).hi])
      const found = {
        impression: slots.map(({ impression }) => impression.value),
        r_given_impression: slots.map(({ rewardGivenImpression }) => rewardGivenImpression.value),
        r: slots.map(({ reward }) => reward.value),
        r_overall: overall.value,
      }
      const foundBounds = {
        impression: pairs(({ impression }) => impression),
        r_given_impression: pairs(({ rewardGivenImpression }) => rewardGivenImpression),
        r: pairs(({ reward }) => reward),
        r_overall: [overall.lo, overall.hi],
      }
      assert.equal(assertNumbers(found, values, tolerance, 'values'), 10)
      assert.equal(assertNumbers(foundBounds, bounds, tolerance, 'bounds'), 20)
    })

    test('per slot: any split of the decisions merges to the same', () => {
      const whole = addAll(new SlotwiseCressieRead({ rewardBounds }), decisions)
      for (const at of [0, 1, 40, decisions.length]) {
        const parts = new SlotwiseCressieRead({ rewardBounds })
        parts.merge(addAll(new SlotwiseCressieRead({ rewardBounds }), decisions.slice(0, at)))
        parts.merge(addAll(new SlotwiseCressieRead({ rewardBounds }), decisions.slice(at)))
        const [found, right] = [parts.slots(), whole.slots()] as const
        assertNumbers(found, right, { rel: 1e-12, abs: 1e-12 }, `split at ${at}`)
        assertNumbers(parts.overall(), whole.overall(), { rel: 1e-12, abs: 1e-12 })
      }
    })

    test('the first slot alone', () => {
      const first = decisions.map(
        ([slot]): SampledRow => ({ ...slot!, predicted: 0, predictedTarget: 0, dropProbability: 0 }),
      )
      const { r, r_overall } = expected.first_slot_cressieread
      const value = addAll(new CressieRead({ rewardBounds }), first).get()?.value
      assertNumbers([value, value], [r[0], r_overall], tolerance)
    })

    test('slates by the pseudo-inverse, with the first slot’s reward for the slate', () => {
      const slates = decisions.map((slots) => ({
        weights: slots.map(({ weight }) => weight),
        reward: slots[0]!.reward,
      }))
      const { value, lo, hi } = addAll(new PseudoInverse(), slates).get(0.95)!
      assertNumbers(value, expected.slates_pseudo_inverse, tolerance)
      assertNumbers([lo, hi], expected.slates_gaussian_0_05, tolerance)
    })
  }
})

function assertBounds(found: Estimate | undefined, expected: Bounds, tolerance: Tolerance, at: string): void {
  for (const [index, bound] of [found?.lo, found?.hi].entries()) {
    const wanted = number(expected[index]!)
    if (Number.isFinite(wanted)) assertNumbers(bound, wanted, tolerance, `${at}[${index}]`)
    else assert.equal(bound, wanted, `${at}[${index}]`)
  }
}
