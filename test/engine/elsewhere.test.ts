/** What others have observed beside what was observed here. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type ArmId,
  createFeatureSpace,
  createRouter,
  type HeadCut,
  type HeadName,
  type HeadSums,
  type Observation,
  type Router,
} from '../../engine/index.ts'
import { arm, decide, decisionId, gaussian, seeded } from '../helpers/engine.ts'

const SPACE = createFeatureSpace({ classes: ['chat', 'code'] })
const ARMS = [arm('p/a'), arm('p/b')]
const DAY_MS = 86_400_000

const fresh = (bucketMs = {}): Router => createRouter({ arms: ARMS, featureSpace: SPACE, bucketMs })

/** Quality around 0.5, or around `mean` from example `from` on. */
function examples(count: number, { seed = 1, mean = 0.5, armId = 'p/a', atMs = 0 } = {}): Observation[] {
  const uniform = seeded(seed)
  return Array.from({ length: count }, (_, i) => ({
    decisionId: decisionId(i),
    atMs: atMs + i * 1_000,
    featureSpace: SPACE.id,
    arm: armId as ArmId,
    head: 'quality' as HeadName,
    x: Float64Array.from({ length: SPACE.dimension }, (_v, j) => (j === 0 ? 1 : uniform() - 0.5)),
    y: mean + 0.1 * gaussian(uniform),
    weight: 1,
  }))
}

function sumsOf(observations: readonly Observation[]): readonly HeadSums[] {
  const router = fresh()
  // Too few at a time for a head to notice a change.
  for (let i = 0; i < observations.length; i += 40) {
    const part = fresh()
    part.learn(observations.slice(i, i + 40))
    router.absorb(part.sums())
  }
  return router.sums()
}

const quality = (router: Router): HeadSums =>
  router.sums().find(({ arm: id, head }) => id === 'p/a' && head === 'quality')!
const others = (sums: readonly HeadSums[], cuts: readonly HeadCut[] = [], withHandedOver = false) => ({
  sums,
  cuts,
  withHandedOver,
})

describe('sums from elsewhere', () => {
  test('are believed beside the own ones, and replaced as a whole', () => {
    const own = examples(30)
    const theirs = examples(40, { seed: 2 })
    const router = fresh()
    router.learn(own)
    for (const seen of [10, 25, 40, 40]) {
      const { changed } = router.replaceElsewhere(others(sumsOf(theirs.slice(0, seen))))
      assert.ok(changed)
      const expected = sumsOf([...own, ...theirs.slice(0, seen)])[0]!
      const actual = quality(router)
      const age = 2 ** ((actual.asOfMs - expected.asOfMs) / router.halfLifeMs.quality)
      assert.ok(Math.abs(actual.n - expected.n * age) < 1e-9)
      for (const [i, value] of expected.A.entries()) assert.ok(Math.abs(actual.A[i]! - value * age) < 1e-9)
    }
    router.replaceElsewhere(others([]))
    assert.ok(Math.abs(quality(router).n - 30) < 1e-3, 'who is gone from the store is gone from the beliefs')
  })

  test('the same array again changes nothing', () => {
    const router = fresh()
    const sums = sumsOf(examples(40))
    assert.ok(router.replaceElsewhere(others(sums)).changed)
    const belief = decide(router).estimates
    assert.equal(router.replaceElsewhere(others(sums)).changed, false)
    assert.deepEqual(decide(router).estimates, belief)
  })

  test('of another feature space are refused, and nothing changes', () => {
    const router = fresh()
    router.learn(examples(5))
    const before = router.sums()
    const [sum] = sumsOf(examples(5))
    const foreign = { ...sum!, featureSpace: 'other' as HeadSums['featureSpace'] }
    assert.throws(() => router.replaceElsewhere(others([foreign])), { code: 'engine_snapshot_mismatch' })
    assert.deepEqual(router.sums(), before)
  })

  test('stay apart from the own ones when an arm is registered anew', () => {
    const router = fresh()
    router.learn(examples(10))
    const theirs = sumsOf(examples(20, { seed: 2 }))
    router.replaceElsewhere(others(theirs))
    router.replaceArms(ARMS.map((each) => ({ ...each, prior: { ...each.prior, quality: 0.9 } })))
    router.replaceElsewhere(others(theirs))
    assert.ok(Math.abs(quality(router).n - 30) < 1e-3, `${quality(router).n} of 30 examples`)
  })
})

describe('handing over', () => {
  test('changes nothing that is believed, before and after it comes back', () => {
    const router = fresh()
    const own = examples(30)
    router.learn(own)
    const believed = quality(router)
    router.handOver()
    assert.deepEqual(quality(router), believed)
    router.replaceElsewhere(others([]))
    assert.deepEqual(quality(router), believed, 'a reading that was asked for earlier does not have it')
    router.replaceElsewhere(others(sumsOf(own), [], true))
    assert.ok(Math.abs(quality(router).n - believed.n) < 1e-9)
  })
})

describe('a change', () => {
  const noticed = (): { router: Router; sinceMs: number; before: readonly HeadSums[] } => {
    const router = fresh()
    const before = sumsOf(examples(200, { seed: 2 }))
    router.replaceElsewhere(others(before))
    router.learn(examples(100, { atMs: DAY_MS }))
    const changes = router.learn(examples(60, { seed: 3, mean: 0, atMs: 2 * DAY_MS }))
    assert.equal(changes.length, 1)
    return { router, sinceMs: changes[0]!.sinceMs, before }
  }
  const cut = (sinceMs: number): HeadCut => ({
    arm: 'p/a' as ArmId,
    head: 'quality',
    sinceMs,
    announcedMs: sinceMs,
  })

  test('that was noticed here is not undone by others who have not heard of it', () => {
    const { router, sinceMs, before } = noticed()
    const { n } = quality(router)
    assert.ok(n <= 160, `${n} of 360 examples: what others had seen before is forgotten`)
    const merged = router.replaceElsewhere(others(before))
    assert.deepEqual(merged.unheard, [{ arm: 'p/a', head: 'quality', sinceMs }])
    assert.equal(quality(router).n, n)
  })

  test('that all know of calls for the store’s account of the own examples', () => {
    const { router, sinceMs } = noticed()
    const merged = router.replaceElsewhere(others([], [cut(sinceMs)]))
    assert.deepEqual([merged.unheard, merged.needsHandOver], [[], true])
    router.handOver()
    const since = sumsOf(examples(60, { seed: 3, mean: 0, atMs: 2 * DAY_MS }))
    const again = router.replaceElsewhere(others(since, [cut(sinceMs)], true))
    assert.equal(again.needsHandOver, false)
    assert.deepEqual(quality(router).A, since[0]!.A)
  })

  test('that another has noticed keeps out what comes late from before it', () => {
    const router = fresh()
    router.replaceElsewhere(others([], [cut(DAY_MS)]))
    router.learn(examples(3))
    assert.equal(router.sums().length, 0)
    router.learn(examples(3, { atMs: DAY_MS }))
    assert.ok(Math.abs(quality(router).n - 3) < 1e-3)
  })

  test('is noticed as soon, however often others are merged in between', () => {
    const noticedAfter = (merges: boolean): number => {
      const router = fresh()
      router.learn(examples(200))
      const theirs = examples(200, { seed: 5 })
      for (const [i, example] of examples(200, { seed: 4, mean: 0.2, atMs: DAY_MS }).entries()) {
        if (merges) router.replaceElsewhere(others(sumsOf(theirs.slice(0, i + 1))))
        if (router.learn([example]).length > 0) return i
      }
      return Number.POSITIVE_INFINITY
    }
    const alone = noticedAfter(false)
    assert.ok(alone < 100, `after ${alone} examples`)
    // Two hundred examples of others weigh as much as the own ones: what is compared moves, the moment hardly.
    assert.ok(noticedAfter(true) <= alone + 10, `after ${noticedAfter(true)}, alone after ${alone}`)
  })
})

describe('what arms share', () => {
  test('is the same for the same sums, whatever the way there, and takes a turn for each step', () => {
    const all = [...examples(150), ...examples(150, { seed: 7, mean: 0.8, armId: 'p/b' })]
    const nowMs = 400_000
    const settle = (router: Router): number => [...router.settling(nowMs)].length
    const atOnce = fresh()
    atOnce.replaceElsewhere(others(sumsOf(all)))
    assert.ok(settle(atOnce) > 1)
    assert.equal(settle(atOnce), 0, 'nothing has changed since')
    const byAndBy = fresh()
    for (let i = 0; i < all.length; i += 30) {
      byAndBy.replaceElsewhere(others(sumsOf(all.slice(0, i))))
      byAndBy.learn(all.slice(i, i + 30))
      settle(byAndBy)
      byAndBy.handOver()
    }
    byAndBy.replaceElsewhere(others(sumsOf(all), [], true))
    settle(byAndBy)
    const estimates = (router: Router) => decide(router, { atMs: nowMs }).estimates
    for (const [k, { quality: believed }] of estimates(byAndBy).entries()) {
      const { mean, sd } = estimates(atOnce)[k]!.quality
      assert.ok(Math.abs(believed.mean - mean) < 1e-9 * mean, `${believed.mean}, ${mean}`)
      assert.ok(Math.abs(believed.sd - sd) < 1e-9 * sd, `${believed.sd}, ${sd}`)
    }
  })

  test('is left to the examples as they come while nothing comes from elsewhere', () => {
    const router = fresh()
    router.learn(examples(100))
    router.replaceElsewhere(others([]))
    assert.deepEqual([...router.settling(0)], [])
  })
})

describe('time buckets', () => {
  test('an example ages from the start of its bucket', () => {
    const hour = 3_600_000
    const router = fresh({ quality: 6 * hour })
    router.learn(examples(1, { atMs: 11 * hour }))
    router.learn(examples(1, { atMs: 12 * hour }))
    const { n, asOfMs } = quality(router)
    assert.equal(asOfMs, 12 * hour)
    assert.ok(Math.abs(n - 1 - 2 ** ((-6 * hour) / router.halfLifeMs.quality)) < 1e-12)
  })
})
