/** A head forgets what is no longer true, and only that. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { DriftWatch } from '../../engine/drift.ts'
import {
  type Arm,
  type ArmId,
  createFeatureSpace,
  createRouter,
  type DecisionId,
  describeRequest,
  type HeadChange,
  type Router,
} from '../../engine/index.ts'
import { nonZeros } from '../../engine/linalg.ts'
import { LinearHead } from '../../engine/linear-head.ts'
import { gaussian, seeded } from '../helpers/engine.ts'

const D = 6
/** A class of three, two features and a constant: what is drawn before each example. */
type Draw = () => number

function watchedHead(): LinearHead {
  const precision = Float64Array.from({ length: D }, (_, i) => (i === 0 ? 0.25 : 20))
  const prior = { mean: new Float64Array(D), precision, shape: 2, rate: 0.25 }
  prior.mean[0] = 0.5
  return new LinearHead(prior, Number.POSITIVE_INFINITY, new DriftWatch(precision))
}

function context(uniform: Draw, classes: number): Float64Array {
  const x = new Float64Array(D)
  x[0] = 1
  x[1 + Math.floor(uniform() * classes)] = 1
  x[4] = gaussian(uniform)
  x[5] = gaussian(uniform)
  return x
}

/** How many examples a head takes to notice, from `from` on; undefined when it does not within `count`. */
function noticedAfter(
  head: LinearHead,
  from: number,
  count: number,
  uniform: Draw,
  outcome: (x: Float64Array) => number,
  classes = 3,
): number | undefined {
  for (let i = 0; i < count; i++) {
    const x = context(uniform, classes)
    if (head.observe(x, nonZeros(x, D), outcome(x), 1, from + i) !== undefined) return i + 1
  }
  return undefined
}

suite('what stays as it is raises no alarm', () => {
  const worlds: Record<string, (uniform: Draw) => (x: Float64Array) => number> = {
    'right or wrong, rarely and often': (uniform) => (x) =>
      uniform() < 0.9 - 0.4 * x[1]! - 0.2 * x[2]! ? 1 : 0,
    'right but for one in a thousand': (uniform) => () => (uniform() < 0.001 ? 0 : 1),
    'of one length but for one in a thousand': (uniform) => () => Math.log(uniform() < 0.001 ? 41 : 40),
    'tails that are heavy': (uniform) => () => {
      const scale = Math.hypot(gaussian(uniform), gaussian(uniform), gaussian(uniform)) / Math.sqrt(3)
      return 0.5 + (0.1 * gaussian(uniform)) / scale
    },
    'spread that differs threefold between classes': (uniform) => (x) =>
      0.5 + 0.1 * x[4]! + (0.1 + 0.2 * x[1]!) * gaussian(uniform),
    'what no line can follow': (uniform) => (x) =>
      1 / (1 + Math.exp(-2 * x[4]! * x[5]!)) + 0.1 * gaussian(uniform),
  }
  for (const [name, world] of Object.entries(worlds)) {
    test(name, () => {
      // At one alarm in 1.2 million examples at most, 200,000 of them raise one with a probability below 0.16.
      for (let seed = 1; seed <= 10; seed++) {
        const uniform = seeded(seed)
        assert.equal(
          noticedAfter(watchedHead(), 0, 20_000, uniform, world(uniform)),
          undefined,
          `seed ${seed}`,
        )
      }
    })
  }

  test('traffic that moves to a class of higher variance', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const uniform = seeded(seed)
      const outcome = (x: Float64Array) => (uniform() < (x[1] === 1 ? 0.98 : 0.5) ? 1 : 0)
      const head = watchedHead()
      const mostlyFirst = () => (uniform() < 0.9 ? 1 : 3)
      for (let i = 0; i < 2_000; i++) {
        const x = context(uniform, mostlyFirst())
        assert.equal(head.observe(x, nonZeros(x, D), outcome(x), 1, i), undefined)
      }
      assert.equal(noticedAfter(head, 2_000, 5_000, uniform, outcome), undefined, `seed ${seed}`)
    }
  })
})

suite('what changes is noticed', () => {
  const changes: Record<
    string,
    (uniform: Draw) => [before: (x: Float64Array) => number, after: (x: Float64Array) => number]
  > = {
    'answers that are right a quarter less often': (uniform) => [
      () => (uniform() < 0.9 ? 1 : 0),
      () => (uniform() < 0.65 ? 1 : 0),
    ],
    'coefficients that change places, with the mean where it was': (uniform) => [
      (x) => 0.5 + 0.2 * x[4]! + 0.1 * gaussian(uniform),
      (x) => 0.5 + 0.2 * x[5]! + 0.1 * gaussian(uniform),
    ],
    'answers that take twice as long': (uniform) => [
      () => 0.4 * gaussian(uniform),
      () => Math.log(2) + 0.4 * gaussian(uniform),
    ],
  }
  for (const [name, change] of Object.entries(changes)) {
    test(name, () => {
      const delays = Array.from({ length: 20 }, (_, seed) => {
        const uniform = seeded(seed + 1)
        const [before, after] = change(uniform)
        const head = watchedHead()
        assert.equal(noticedAfter(head, 0, 3_000, uniform, before), undefined)
        return noticedAfter(head, 3_000, 1_500, uniform, after) ?? Number.POSITIVE_INFINITY
      }).sort((a, b) => a - b)
      // The rival is at most 200 examples old when the change comes, and then needs a few dozen.
      assert.ok(delays[10]! <= 250 && delays.at(-1)! <= 600, delays.join(' '))
    })
  }
})

test('also where two hundred examples are too few to show it', () => {
  // Right-or-wrong answers around one half scatter by 0.5: of a quarter less, half the log ratio grows by 0.25²/(4·0.24) = 0.065 an
  // example, and takes 215 of them to 14 beside those that the rival learns from.
  const delays = Array.from({ length: 20 }, (_, seed) => {
    const uniform = seeded(seed + 1)
    const head = watchedHead()
    const of = (share: number) => () => (uniform() < share ? 1 : 0)
    assert.equal(noticedAfter(head, 0, 3_000, uniform, of(0.7)), undefined)
    return noticedAfter(head, 3_000, 3_000, uniform, of(0.45)) ?? Number.POSITIVE_INFINITY
  }).sort((a, b) => a - b)
  assert.ok(delays[10]! <= 500 && delays.at(-1)! <= 1_500, delays.join(' '))
})

test('after a change a head is what it would be had it only seen what came since', () => {
  const uniform = seeded(7)
  const head = watchedHead()
  const seen: { x: Float64Array; y: number; at: number }[] = []
  let since: number | undefined
  for (let at = 0; since === undefined && at < 3_000; at++) {
    const x = context(uniform, 3)
    const y = (at < 1_000 ? 0.8 : 0.2) + 0.1 * gaussian(uniform)
    seen.push({ x, y, at })
    since = head.observe(x, nonZeros(x, D), y, 1, at)?.sinceMs
  }
  // Taking back what is forgotten changes nothing; taking back what is remembered takes it back.
  const [forgotten] = seen
  assert.ok(since !== undefined && since > 900 && forgotten !== undefined)
  head.observe(forgotten.x, nonZeros(forgotten.x, D), forgotten.y, -1, forgotten.at)
  const last = seen.pop()!
  head.observe(last.x, nonZeros(last.x, D), last.y, -1, last.at)
  const fresh = watchedHead()
  for (const { x, y, at } of seen) if (at >= since) fresh.observe(x, nonZeros(x, D), y, 1, at)
  const [ours, theirs] = [head.sums()!, fresh.sums()!]
  assert.equal(ours.n, theirs.n)
  for (const key of ['A', 'b'] as const) {
    for (let i = 0; i < ours[key].length; i++) assert.ok(Math.abs(ours[key][i]! - theirs[key][i]!) < 1e-9)
  }
})

suite('a router', () => {
  const arm = (id: string): Arm => ({
    id: id as ArmId,
    provider: 'p',
    model: id,
    price: { inputUsdPerMtok: 1, outputUsdPerMtok: 1 },
    capabilities: [],
    prior: { quality: 0.6, ttftMs: 500, tpotMs: 10, outputTokens: 100 },
  })
  const space = createFeatureSpace()
  const facts = describeRequest({ messages: [{ role: 'user', text: 'What is 12 + 30?' }], promptTokens: 9 })
  const x = space.vector(facts)

  function teach(router: Router, from: number, to: number, quality: number, seed: number): HeadChange[] {
    const uniform = seeded(seed)
    const changes: HeadChange[] = []
    for (let i = from; i < to; i++) {
      changes.push(
        ...router.learn([
          {
            decisionId: `d${i}` as DecisionId,
            atMs: i,
            featureSpace: space.id,
            arm: 'p/a' as ArmId,
            head: 'quality',
            x,
            y: uniform() < quality ? 1 : 0,
            weight: 1,
          },
        ]),
      )
    }
    return changes
  }

  test('says which head of which arm has changed, since when and by how much, and keeps that over a restart', () => {
    const router = createRouter({ arms: [arm('p/a'), arm('p/b')], featureSpace: space })
    assert.deepEqual(teach(router, 0, 1_000, 0.9, 1), [])
    const [change, ...others] = teach(router, 1_000, 2_000, 0.4, 2)
    assert.deepEqual(others, [])
    assert.ok(change !== undefined)
    assert.equal(`${change.arm} ${change.head}`, 'p/a quality')
    assert.ok(
      change.sinceMs > 790 && change.sinceMs <= change.atMs && change.atMs < 1_300,
      JSON.stringify(change),
    )
    assert.ok(change.shift < -0.1 && change.shift > -0.6, `shift ${change.shift}`)
    const restored = createRouter({ arms: [arm('p/a'), arm('p/b')], featureSpace: space })
    restored.restore(JSON.parse(JSON.stringify(router.snapshot())))
    const kept = restored.sums().find(({ head }) => head === 'quality')
    assert.equal(kept?.sinceMs, change.sinceMs)
    const { n } = kept
    teach(restored, 0, 10, 0.9, 3)
    assert.equal(restored.sums().find(({ head }) => head === 'quality')?.n, n)
  })
})
