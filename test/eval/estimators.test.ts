/** What holds of every estimator: shards merge, bad rows are refused whole, and no digits are lost to a constant. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  ClopperPearson,
  CressieRead,
  createEstimators,
  dr,
  drOs,
  EmpiricalLikelihood,
  ESTIMATOR_NAMES,
  type Estimator,
  EvaluationError,
  type EvaluationErrorCode,
  estimatorRow,
  Gaussian,
  ips,
  type KeyedRow,
  PairedDifference,
  PairedRatioDifference,
  RejectionReplay,
  RowMean,
  SelfNormalised,
  StreamingBootstrap,
  SWITCH_THRESHOLDS,
  sndr,
  snips,
  switchDr,
  Tuning,
} from '../../eval/index.ts'
import { randomStream } from '../../eval/random.ts'
import { assertNumbers } from '../helpers/golden.ts'
import { addAll, momentsOf } from '../helpers/golden-ope.ts'
import { madeUpRows, splitAtRandom, uniform } from '../helpers/off-policy.ts'

const REWARDS = [0, 1] as const
const throwsCode = (code: EvaluationErrorCode) => (error: unknown) =>
  error instanceof EvaluationError && error.code === code

/** Each with the sums of a whole log, by a function that makes a new one. */
const MAKERS: readonly (() => Estimator<KeyedRow>)[] = [
  ...ESTIMATOR_NAMES.map((name) => () => new OfSet(name)),
  () => new CressieRead({ weightBounds: [0, 20], rewardBounds: REWARDS }),
  () => new CressieRead(),
  () => new EmpiricalLikelihood({ rewardBounds: REWARDS }),
  () => new Gaussian(),
  () => new ClopperPearson(REWARDS),
  () => new StreamingBootstrap(snips, { seed: 3, resamples: 50 }),
  () => new StreamingBootstrap(dr(), { seed: 3, resamples: 50 }),
]

/** One estimator of the registry, as an estimator. */
class OfSet implements Estimator<KeyedRow> {
  readonly name
  readonly #set
  constructor(name: (typeof ESTIMATOR_NAMES)[number]) {
    this.name = name
    this.#set = createEstimators({ names: [name], rewardBounds: REWARDS })
  }
  add(row: KeyedRow) {
    this.#set.add(row)
  }
  merge(other: OfSet) {
    this.#set.merge(other.#set)
  }
  state() {
    return this.#set.state()[this.name]!
  }
  mergeState(state: ReturnType<OfSet['state']>) {
    this.#set.mergeState({ [this.name]: state })
  }
  get(level?: number) {
    return this.#set.estimates(level)[this.name]
  }
}

suite('every estimator', () => {
  const rows = madeUpRows(400, 1)

  test('any split over shards, sent as JSON and merged in any order, gives the whole', () => {
    for (const make of MAKERS) {
      const whole = addAll(make(), rows)
      for (let seed = 0; seed < 20; seed++) {
        const merged = make()
        for (const part of splitAtRandom(rows, 8, seed)) {
          const sums = addAll(make(), part)
          if (seed % 2 === 0) merged.merge(sums)
          else merged.mergeState(JSON.parse(JSON.stringify(sums.state())))
        }
        const tolerance = { rel: 1e-9, abs: 1e-12 }
        assertNumbers(merged.get(), whole.get(), tolerance, `${whole.name}, split ${seed}`)
      }
    }
  })

  test('a shard without rows changes nothing, and alone has no estimate', () => {
    for (const make of MAKERS) {
      assert.equal(make().get(), undefined, make().name)
      const whole = addAll(make(), rows)
      const before = whole.get()
      whole.merge(make())
      assert.deepEqual(whole.get(), before)
      const late = make()
      late.merge(whole)
      assertNumbers(late.get(), before, { rel: 1e-12, abs: 0 }, whole.name)
    }
  })

  test('sums of other settings are refused, and nothing is added then', () => {
    const pairs: readonly (readonly [Estimator, Estimator])[] = [
      [new RowMean(switchDr(10)), new RowMean(switchDr(30))],
      [new RowMean(ips), new RowMean(dr())],
      [new SelfNormalised(snips), new SelfNormalised(sndr)],
      [new CressieRead({ rewardBounds: [0, 1] }), new CressieRead({ rewardBounds: [0, 2] })],
    ]
    for (const [one, other] of pairs) {
      addAll(one, rows)
      const before = one.state()
      assert.throws(() => one.merge(addAll(other, rows)), throwsCode('eval_bad_option'))
      assert.deepEqual(one.state(), before)
    }
    const some = addAll(createEstimators({ names: ['ips', 'switch_dr'], switchAt: 10 }), rows)
    const others = addAll(createEstimators({ names: ['ips', 'switch_dr'], switchAt: 30 }), rows)
    const before = some.state()
    assert.throws(() => some.merge(others), throwsCode('eval_bad_option'))
    assert.deepEqual(some.state(), before)
  })

  test('a row with a number that is none, or a negative weight, is refused and leaves the sums as they were', () => {
    const [row] = rows
    for (const make of MAKERS) {
      const sums = addAll(make(), rows)
      const before = sums.state()
      for (const bad of [
        { weight: -0.5 },
        { weight: Number.POSITIVE_INFINITY },
        { reward: Number.NaN },
        { weight: 0, reward: Number.NaN },
      ]) {
        assert.throws(() => sums.add({ ...row!, ...bad }), throwsCode('eval_bad_row'), sums.name)
      }
      assert.deepEqual(sums.state(), before)
    }
    const sums = createEstimators()
    for (const field of ['predicted', 'predictedTarget']) {
      assert.throws(() => sums.add({ ...row!, [field]: Number.NaN }), throwsCode('eval_bad_row'))
    }
    assert.deepEqual(sums.estimates(), {})
  })

  test('where the target is the logging policy, all weights 1 and the model what it sees, the mean reward', () => {
    const own = rows.map((row) => ({ ...row, weight: 1, predictedTarget: row.predicted }))
    const mean = momentsOf(own.map(({ reward }) => reward)).mean
    const names = ESTIMATOR_NAMES.filter((name) => name !== 'dm' && name !== 'dr_os')
    const estimates = addAll(
      createEstimators({ names, rewardBounds: REWARDS, subGaussian: 0.3 }),
      own,
    ).estimates()
    for (const [name, { value }] of Object.entries(estimates)) {
      assert.ok(Math.abs(value - mean) < 1e-9, `${name}: ${value}, mean ${mean}`)
    }
    assert.equal(Object.keys(estimates).length, names.length)
  })

  test('intervals hold their value, grow with the level, and are no wider than rewards can be where those bound them', () => {
    for (const make of MAKERS) {
      const sums = addAll(make(), rows)
      const [half, most] = [sums.get(0.5)!, sums.get(0.99)!]
      assert.ok(half.lo <= half.value && half.value <= half.hi, sums.name)
      assert.ok(most.lo <= half.lo && half.hi <= most.hi, sums.name)
    }
  })

  test('no weighted row: no self-normalised estimate; one: a value without bounds', () => {
    const unreached = rows.map((row) => ({ ...row, weight: 0 }))
    assert.deepEqual(addAll(createEstimators({ names: ['snips', 'sndr'] }), unreached).estimates(), {})
    const one = unreached.map((row, i) => ({ ...row, weight: i === 7 ? 3 : 0 }))
    const { lo, hi, value } = addAll(new SelfNormalised(snips), one).get()!
    assert.equal(value, one[7]!.reward)
    assert.deepEqual([lo, hi], [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY])
  })
})

suite('numbers', () => {
  const near = madeUpRows(2_000, 4)
  const far = madeUpRows(2_000, 4, 1e9)
  const width = (sums: Estimator) => sums.get()!.hi - sums.get()!.lo

  test('a constant of 1e9 in all rewards leaves values and widths where translation does', () => {
    for (const make of [
      () => new SelfNormalised(snips),
      () => new SelfNormalised(sndr),
      () => new RowMean(dr()),
      () => new RowMean(drOs(20)),
      () => new CressieRead(),
    ]) {
      const [here, there] = [addAll(make(), near), addAll(make(), far)]
      const shift = there.get()!.value - 1e9 - here.get()!.value
      // 1e9 has 1.2e-7 as its last digit, in each of the rewards.
      assert.ok(Math.abs(shift) < 1e-6, `${here.name} is off by ${shift}`)
      assert.ok(Math.abs(width(there) / width(here) - 1) < 1e-5, `${here.name}: ${width(there)}`)
    }
  })

  test('paired differences are of the differences: narrower than the two values, and unmoved by what is common', () => {
    const pairs = (rows: typeof near) =>
      rows.map((target) => ({ target, incumbent: { ...target, weight: 1 } }))
    const difference = addAll(new PairedDifference(dr()), pairs(near))
    const again = addAll(new PairedDifference(dr()), pairs(far))
    assert.ok(Math.abs(difference.get()!.value - again.get()!.value) < 1e-6)
    const own = addAll(new RowMean(dr()), near).get()!.value
    const logged = momentsOf(near.map((row) => row.predictedTarget + row.reward - row.predicted)).mean
    assert.ok(Math.abs(difference.get()!.value - (own - logged)) < 1e-12)
  })

  test('the difference of SNIPS and the mean reward has the error of their influence', () => {
    const pairs = near.map((target) => ({ target, incumbent: { ...target, weight: 1 } }))
    const { value, lo, hi } = addAll(new PairedRatioDifference(snips, ips), pairs).get(0.95)!
    const { value: ofTarget } = addAll(new SelfNormalised(snips), near).get()!
    const rewards = momentsOf(near.map(({ reward }) => reward))
    assert.ok(Math.abs(value - (ofTarget - rewards.mean)) < 1e-12)
    const meanWeight = momentsOf(near.map(({ weight }) => weight)).mean
    const influence = momentsOf(
      near.map(({ weight, reward }) => (weight * (reward - ofTarget)) / meanWeight - reward),
    )
    assert.ok(Math.abs((hi - lo) / (2 * 1.96 * influence.standardError) - 1) < 0.002)
  })
})

suite('rows', () => {
  test('probabilities outside their range, or that do not sum to 1, are refused', () => {
    const good = { target: [0.25, 0.75], drawn: 1, propensity: 0.5, reward: 1 }
    assert.deepEqual(estimatorRow(good), { weight: 1.5, reward: 1, predicted: 0, predictedTarget: 0 })
    for (const bad of [
      { propensity: 0 },
      { propensity: 1.2 },
      { propensity: Number.NaN },
      { target: [0.5, 0.75] },
      { target: [-0.25, 1.25] },
    ]) {
      assert.throws(() => estimatorRow({ ...good, ...bad }), throwsCode('eval_bad_propensity'))
    }
    assert.throws(() => estimatorRow({ ...good, drawn: 2 }), throwsCode('eval_bad_row'))
    assert.throws(() => estimatorRow({ ...good, reward: Number.NaN }), throwsCode('eval_bad_row'))
  })
})

suite('streaming bootstrap', () => {
  test('of SNIPS is as wide as the delta method says, not twice as wide', () => {
    const rows = madeUpRows(3_000, 8)
    const resamples = 400
    const drawn = addAll(new StreamingBootstrap(snips, { seed: 1, resamples }), rows).get(0.95)!
    const delta = addAll(new SelfNormalised(snips), rows).get(0.95)!
    assert.equal(drawn.value.toFixed(12), delta.value.toFixed(12))
    const ratio = (drawn.hi - drawn.lo) / (delta.hi - delta.lo)
    // Each end is a quantile of 400 resamples: sd 0.13 of a standard error, of a width of 3.92; four of them, both ends.
    assert.ok(Math.abs(ratio - 1) < (4 * Math.SQRT2 * 0.13) / 3.92, `ratio ${ratio}`)
  })

  test('counts have the mean and the variance of a Poisson of 1', () => {
    const resamples = 20_000
    const bootstrap = new StreamingBootstrap(ips, { seed: 2, resamples })
    bootstrap.add({ key: 'one', weight: 1, reward: 1, predicted: 0, predictedTarget: 0 })
    const counts = momentsOf(bootstrap.state().sums.filter((_, i) => i % 4 === 0 && i > 0))
    assert.equal(counts.count, resamples)
    assert.ok(Math.abs(counts.mean - 1) < 4 / Math.sqrt(resamples), `mean ${counts.mean}`)
    // The fourth central moment of a Poisson of 1 is 4, so that the variance of its variance is 3/n.
    assert.ok(Math.abs(counts.variance - 1) < 4 * Math.sqrt(3 / resamples), `variance ${counts.variance}`)
  })
})

suite('streaming bootstrap by key', () => {
  const row = { weight: 1, reward: 1, predicted: 0, predictedTarget: 0 }
  const countsOf = (...keys: readonly string[]) => {
    const bootstrap = new StreamingBootstrap(ips, { seed: 4, resamples: 2_000 })
    for (const key of keys) bootstrap.add({ ...row, key })
    return bootstrap.state().sums.filter((_, i) => i % 4 === 0 && i > 0)
  }

  test('rows of one key are resampled together, of two keys apart', () => {
    const [a, b] = [countsOf('a'), countsOf('b')]
    assert.deepEqual(
      countsOf('a', 'a'),
      a.map((count) => 2 * count),
    )
    assert.deepEqual(
      countsOf('a', 'b'),
      a.map((count, i) => count + b[i]!),
    )
    const products = momentsOf(a.map((count, i) => (count - 1) * (b[i]! - 1)))
    assert.ok(Math.abs(products.mean) < 4 * products.standardError, `correlated by ${products.mean}`)
  })
})

suite('tuning', () => {
  test('merges as estimators do, and lists every setting with its bias', () => {
    const rows = madeUpRows(500, 12)
    const settings = [...SWITCH_THRESHOLDS, Number.POSITIVE_INFINITY]
    const make = () => new Tuning('switch_dr', settings)
    const whole = addAll(make(), rows)
    const merged = make()
    for (const part of splitAtRandom(rows, 5, 2)) {
      merged.mergeState(JSON.parse(JSON.stringify(addAll(make(), part).state())))
    }
    const finite = (tuning: Tuning) => tuning.candidates().map(({ estimate, bias }) => ({ estimate, bias }))
    assertNumbers(finite(merged), finite(whole), { rel: 1e-9, abs: 1e-12 })
    const full = whole.candidates().at(-1)!
    assert.equal(full.setting, Number.POSITIVE_INFINITY)
    for (const { estimate, bias } of whole.candidates()) {
      assert.ok(Math.abs(bias.value - (estimate.value - full.estimate.value)) < 1e-12)
    }
    assert.deepEqual(full.bias, { value: 0, lo: 0, hi: 0 })
  })

  test('refuses to choose from nothing, and from no rows there is no choice', () => {
    assert.throws(() => new Tuning('dr_os', []), throwsCode('eval_bad_option'))
    assert.throws(() => new Tuning('sg_ips', [2]), throwsCode('eval_bad_option'))
    assert.equal(new Tuning('dr_os', [1]).slope(), undefined)
    assert.equal(new Tuning('dr_os', [1]).mse(), undefined)
    assert.deepEqual(new Tuning('dr_os', [1]).candidates(), [])
  })
})

suite('rejection replay', () => {
  test('of a log that is not uniform keeps matches so that every arm counts alike', () => {
    // Arm 0 is drawn three times in four and is worth 0.2, arm 1 is worth 0.8; the learner takes either by a coin.
    const random = randomStream('rejection', 1)
    const replay = new RejectionReplay({ floor: 0.25, seed: 7 })
    const count = 40_000
    for (let i = 0; i < count; i++) {
      const arm = uniform(random) < 0.75 ? 0 : 1
      const chosen = uniform(random) < 0.5 ? 0 : 1
      const reward = uniform(random) < (arm === 0 ? 0.2 : 0.8) ? 1 : 0
      replay.offer({
        id: `row-${i}`,
        matched: arm === chosen,
        propensity: arm === 0 ? 0.75 : 0.25,
        reward,
      })
    }
    // A quarter of the rows match with either arm at a rate of the floor.
    assert.ok(Math.abs(replay.accepted / count - 0.25) < 4 * Math.sqrt((0.25 * 0.75) / count))
    assert.ok(Math.abs(replay.get()!.value - 0.5) < (4 * 0.5) / Math.sqrt(replay.accepted))
  })

  test('a propensity below the floor is refused, and no match is no estimate', () => {
    const replay = new RejectionReplay({ floor: 0.25, seed: 1 })
    const row = { id: 'a', matched: false, propensity: 0.1, reward: 1 }
    assert.throws(() => replay.offer(row), throwsCode('eval_bad_propensity'))
    assert.equal(replay.offer({ ...row, propensity: 0.5 }), false)
    assert.equal(replay.get(), undefined)
    assert.throws(() => new RejectionReplay({ floor: 0, seed: 1 }), throwsCode('eval_bad_option'))
  })
})
