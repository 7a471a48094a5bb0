import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  type ArmId,
  type Constraints,
  createFeatureSpace,
  createRouter,
  type DecideRequest,
  EngineError,
  observationsFromOutcome,
  type Preferences,
  qualityObservation,
  type Router,
} from '../../engine/index.ts'
import { arm, armIds, assertClose, decide, decisionId, facts, router } from '../helpers/engine.ts'

const prior = (quality: number, ttftMs = 500) => ({ quality, ttftMs, tpotMs: 10, outputTokens: 200 })
const price = (usd: number) => ({ inputUsdPerMtok: usd, outputUsdPerMtok: usd })
const refusesConfig =
  (...words: string[]) =>
  (error: unknown) =>
    error instanceof EngineError &&
    error.code === 'engine_bad_config' &&
    words.every((word) => error.message.includes(word))

/** Tells the router `count` times that the arm was right or wrong, so that `quality` is the share of right ones. */
function judge(target: Router, id: string, quality: number, count: number): void {
  const decision = decide(target, { candidates: armIds(id) })
  for (let i = 0; i < count; i++) {
    const value = Math.floor((i + 1) * quality) - Math.floor(i * quality)
    target.learn([qualityObservation({ ...decision, id: decisionId(i) }, id as ArmId, value, 1_000)])
  }
}

suite('a quality floor', () => {
  const arms = [arm('p/best'), arm('p/good'), arm('p/new', { prior: prior(0.9) }), arm('p/poor')]
  const floor = (share: number, confidence?: number): Constraints => ({
    qualityFloors: [{ arm: 'p/best' as ArmId, share, ...(confidence !== undefined && { confidence }) }],
  })
  const taught = () => {
    const target = router(arms)
    judge(target, 'p/best', 0.8, 2_000)
    judge(target, 'p/good', 0.79, 2_000)
    judge(target, 'p/poor', 0.6, 2_000)
    return target
  }

  test('leaves out what is believed to be worse, and says by how much', () => {
    const { eligible, exclusions } = decide(taught(), { constraints: floor(0.95) })
    assert.deepEqual(eligible, ['p/best', 'p/good', 'p/new'])
    const { arm: out, reason, detail } = exclusions[0]!
    assert.deepEqual([out, reason], ['p/poor', 'quality_floor'])
    assert.match(
      detail,
      /^quality 0\.6\d* is at least 95 % of p\/best's 0\.[78]\d* with probability 0\.000 < 0\.5$/,
    )
  })

  test('asks for proof at a high confidence, and for proof of the contrary at a low one', () => {
    const target = taught()
    const eligible = (confidence: number) => decide(target, { constraints: floor(0.97, confidence) }).eligible
    // Nobody knows the new one. It was registered at 0.9, but the others turned out 0.3, 0.29 and 0.1 above their registrations: with an
    // sd of 0.15 for what registrations are wrong by in common and about 0.24 for what each is wrong by itself, it is believed to be at
    // 0.9 + 0.15²·0.69 / (0.24² + 3·0.15²) = 1.02, with an sd of 0.26. So Φ((1.02 − 0.97·0.8) / 0.26) = 0.83.
    // The good one, after 2,000 answers (sd √(0.8·0.2/2,000) = 0.009): Φ((0.79 − 0.97·0.8) / (0.009·√(1 + 0.97²))) = 0.87.
    assert.deepEqual(eligible(0.85), ['p/best', 'p/good'])
    assert.deepEqual(eligible(0.79), ['p/best', 'p/good', 'p/new'])
    assert.deepEqual(eligible(0.05), ['p/best', 'p/good', 'p/new'])
    assert.deepEqual(decide(target, { constraints: floor(0.97, 0.999_999) }).eligible, ['p/best'])
  })

  test('probability: the Gaussian one, of independent beliefs', () => {
    const target = taught()
    const { estimates } = decide(target)
    const [best, good] = [estimates[0]!, estimates[1]!]
    const share = 0.98
    const z =
      (good.quality.mean - share * best.quality.mean) / Math.hypot(good.quality.sd, share * best.quality.sd)
    // Φ by its series, to be independent of the engine's table.
    let [term, sum] = [z, z]
    for (let k = 1; k < 60; k++) {
      term *= (-z * z) / (2 * k)
      sum += term / (2 * k + 1)
    }
    const probability = 0.5 + sum / Math.sqrt(2 * Math.PI)
    const isIn = (confidence: number) =>
      decide(target, { constraints: floor(share, confidence) }).eligible.includes('p/good' as ArmId)
    assert.ok(isIn(probability - 1e-6))
    assert.ok(!isIn(probability + 1e-6))
  })

  test('may be set by an arm that is no candidate; by one that nobody knows it is not held', () => {
    const target = taught()
    const candidates = armIds('p/good', 'p/poor')
    assert.deepEqual(decide(target, { candidates, constraints: floor(0.9) }).eligible, ['p/good'])
    const unknown = { qualityFloors: [{ arm: 'p/gone' as ArmId, share: 0.9 }] }
    assert.deepEqual(decide(target, { candidates, constraints: unknown }).eligible, candidates)
  })

  test('several hold together', () => {
    const floors = [...floor(0.5).qualityFloors!, { arm: 'p/good' as ArmId, share: 0.98 }]
    const { eligible } = decide(taught(), { constraints: { qualityFloors: floors } })
    assert.deepEqual(eligible, ['p/best', 'p/good', 'p/new'])
  })
})

suite('lexicographic wishes', () => {
  const arms = [
    arm('p/dear', { prior: prior(0.9), price: price(10) }),
    arm('p/fair', { prior: prior(0.895), price: price(2) }),
    arm('p/swift', { prior: prior(0.893, 50), price: price(4) }),
    arm('p/cheap', { prior: prior(0.6), price: price(0.1) }),
  ]
  const wish = (withinQualityPoints: number, ...then: ('cost' | 'latency')[]): Preferences => ({
    kind: 'lexicographic',
    withinQualityPoints,
    thenBy: then,
  })
  const best = (preferences: Preferences, among = arms) =>
    decide(router(among), { preferences, explore: false }).arm

  test('quality first; then the cheapest or the fastest of those near the best', () => {
    assert.equal(best(wish(1, 'cost')), 'p/fair')
    assert.equal(best(wish(1, 'latency')), 'p/swift')
    assert.equal(best(wish(0, 'cost')), 'p/dear')
    assert.equal(best(wish(0.2, 'cost')), 'p/dear')
    assert.equal(best(wish(35, 'cost')), 'p/cheap')
  })

  test('the second good decides where the first is equal, and the lowest id where all are', () => {
    const free = arms.map((each) => ({ ...each, price: price(0) }))
    assert.equal(best(wish(1, 'cost', 'latency'), free), 'p/swift')
    assert.equal(best(wish(1, 'cost'), free), 'p/dear', 'the best mean')
    const twins = ['p/z', 'p/b', 'p/m'].map((id) => arm(id))
    assert.equal(best(wish(1, 'cost', 'latency'), twins), 'p/b')
    assert.equal(best({ kind: 'exchange-rates' }, twins), 'p/b')
  })

  test('the best mean is the lexicographic choice, whatever the beliefs', () => {
    const percent = fc.integer({ min: 0, max: 1_000 }).map((permille) => permille / 1_000)
    const qualities = fc.array(percent, { minLength: 4, maxLength: 4 })
    const costs = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 4, maxLength: 4 })
    fc.assert(
      fc.property(
        qualities,
        costs,
        fc.integer({ min: 1, max: 600 }).map((tenths) => (tenths + 0.5) / 10),
        (quality, cost, points) => {
          const world = quality.map((q, i) => arm(`p/${i}`, { prior: prior(q), price: price(cost[i]!) }))
          const { estimates, arm: chosen } = decide(router(world), {
            preferences: wish(points, 'cost'),
            explore: false,
          })
          const top = Math.max(...estimates.map((e) => e.quality.mean))
          const near = estimates.filter((e) => e.quality.mean >= top - points / 100 - 1e-12)
          const cheapest = Math.min(...near.map((e) => e.costUsd.mean))
          const got = estimates.find((e) => e.arm === chosen)!
          const isNear = (e: (typeof estimates)[number]) => near.includes(e)
          const lowestNear = Math.min(...near.map((e) => e.utility.mean))
          const highestFar = Math.max(...estimates.filter((e) => !isNear(e)).map((e) => e.utility.mean))
          assert.ok(lowestNear >= highestFar, `${lowestNear} ${highestFar}`)
          assert.ok(got.quality.mean >= top - points / 100 - 1e-9)
          assert.ok(got.costUsd.mean <= cheapest + 1e-12, `${got.costUsd.mean} ${cheapest}`)
        },
      ),
      { seed: 1 },
    )
  })

  test('an arm that may be better than it looks is still tried', () => {
    const target = router([arm('p/known', { prior: prior(0.7) }), arm('p/new', { prior: prior(0.65) })])
    judge(target, 'p/known', 0.7, 500)
    const { probabilities } = decide(target, { preferences: wish(1, 'cost'), floor: 0 })
    assert.ok(probabilities[1]! > 0.05, `${probabilities}`)
  })
})

suite('weights', () => {
  const arms = [arm('p/a', { price: price(1) }), arm('p/b', { price: price(5) })]
  const preferences = { kind: 'weights', quality: 1, cost: 0.5, latency: 0.1 } as const
  const answer = (
    target: Router,
    id: string,
    requestClass: string,
    promptTokens: number,
    n: number,
    outputTokens = 200,
  ) => {
    const decision = decide(target, { facts: facts({ requestClass, promptTokens }) })
    for (let i = 0; i < n; i++) {
      target.learn(
        observationsFromOutcome(
          decision,
          { arm: id as ArmId, succeeded: true, ttftMs: 500, totalMs: 2_500, outputTokens },
          1_000 + i,
          target.featureSpace.servingDimension,
        ),
      )
    }
  }
  const rates = (target: Router, requestClass: string, promptTokens: number) =>
    decide(target, { preferences, atMs: 2_000, facts: facts({ requestClass, promptTokens }) }).rates

  test('have one price within a class, however long the request', () => {
    const target = router(arms)
    answer(target, 'p/a', 'code', 8_191, 200)
    answer(target, 'p/b', 'chat', 63, 200)
    assert.deepEqual(rates(target, 'code', 100), rates(target, 'code', 60_000))
    // Code is asked at length here, so a dollar buys less of it.
    assert.ok(rates(target, 'chat', 100).perUsd > 3 * rates(target, 'code', 100).perUsd)
  })

  test('are measured by the mean request of the class, ten plain ones among them', () => {
    const target = router(arms)
    answer(target, 'p/a', 'code', 8_191, 90)
    const coordinate = (90 * (Math.log2(8_192) / 8 - 1)) / 100
    const promptTokens = 2 ** (8 * (coordinate + 1)) - 1
    const { estimates } = decide(target, {
      atMs: 2_000,
      facts: facts({ requestClass: 'code', promptTokens, hasQuestion: true }),
    })
    // Structure that the mean request has in part only moves the lengths by a little.
    const meanUsd = (estimates[0]!.costUsd.mean + estimates[1]!.costUsd.mean) / 2
    assertClose(rates(target, 'code', 5).perUsd, 0.5 / meanUsd, 0.05)
  })

  test('know that the answers of a class are long', () => {
    const target = router(arms)
    for (const id of ['p/a', 'p/b']) {
      answer(target, id, 'code', 255, 300, 1_000)
      answer(target, id, 'chat', 255, 300, 50)
    }
    const ratio = rates(target, 'chat', 7).perUsd / rates(target, 'code', 7).perUsd
    // (255 + 1,000) / (255 + 50) tokens, less what is shrunk towards the mean of both classes.
    assert.ok(ratio > 3 && ratio < 4.3, `${ratio}`)
  })

  test('are the same for all replicas with the same sums, and after a restart', () => {
    const target = router(arms)
    answer(target, 'p/a', 'code', 8_191, 200)
    // A posterior that followed its examples one by one lags a little behind one that is formed anew; this forms it anew.
    target.snapshot()
    const [replica, another] = [router(arms), router(arms)]
    const sums = target.sums()
    replica.absorb(sums)
    another.absorb([...sums].reverse())
    assert.deepEqual(rates(another, 'code', 7), rates(replica, 'code', 7))
    // The prior that one router's steps have come to and that of another differ by what is left of convergence (decision 0008),
    // beside two hundred answers.
    assertClose(rates(replica, 'code', 7).perUsd, rates(target, 'code', 7).perUsd, 1e-6)
    const restored = router(arms)
    restored.restore(target.snapshot())
    assert.deepEqual(rates(restored, 'code', 7), rates(target, 'code', 7))
  })

  test('follow a new price at once', () => {
    const target = router(arms)
    const before = rates(target, 'code', 7)
    target.replaceArms(arms.map((each) => ({ ...each, price: price(1_000) })))
    assert.ok(rates(target, 'code', 7).perUsd < before.perUsd / 100)
  })

  test('labels without a coordinate share one yardstick', () => {
    const target = createRouter({ arms, featureSpace: createFeatureSpace({ classes: ['code'] }) })
    answer(target, 'p/a', 'code', 8_191, 50)
    assert.deepEqual(rates(target, 'made-up', 7), rates(target, 'another', 9_000))
  })
})

suite('a wish beside which nothing else counts', () => {
  const arms = [
    arm('p/good', { prior: prior(0.9, 900), price: price(10) }),
    arm('p/swift', { prior: prior(0.4, 50), price: price(4) }),
    arm('p/cheap', { prior: prior(0.4, 900), price: price(0.1) }),
  ]
  const wishes: [Preferences, string][] = [
    [{ kind: 'exchange-rates', usdPerQualityPoint: 1e-200 }, 'p/cheap'],
    [{ kind: 'exchange-rates', usdPerQualityPoint: Number.MIN_VALUE }, 'p/cheap'],
    [{ kind: 'exchange-rates', secondsPerQualityPoint: 1e-300 }, 'p/swift'],
    [{ kind: 'weights', quality: Number.MIN_VALUE, cost: 1e300, latency: 0 }, 'p/cheap'],
  ]
  for (const [preferences, expected] of wishes) {
    test(`${JSON.stringify(preferences)} is followed`, () => {
      assert.equal(decide(router(arms), { preferences, explore: false }).arm, expected)
      const { probabilities, propensity } = decide(router(arms), { preferences })
      assertClose(
        probabilities.reduce((sum, p) => sum + p, 0),
        1,
        1e-12,
      )
      assert.ok(propensity > 0)
    })
  }
})

suite('changing wishes', () => {
  test('relearns nothing: the sums and beliefs stay, and a restored router decides alike', () => {
    const target = router()
    judge(target, 'p/a', 0.8, 40)
    judge(target, 'p/b', 0.4, 40)
    const wishes: Partial<DecideRequest>[] = [
      { preferences: { kind: 'exchange-rates', usdPerQualityPoint: 1e-5, secondsPerQualityPoint: 3 } },
      { preferences: { kind: 'weights', quality: 1, cost: 0.5, latency: 0.2 } },
      { preferences: { kind: 'lexicographic', withinQualityPoints: 2, thenBy: ['cost'] } },
      { constraints: { qualityFloors: [{ arm: 'p/a' as ArmId, share: 0.9 }], maxP95LatencyMs: 1e5 } },
      { switchMargin: 0.1, warmCache: { arm: 'p/b' as ArmId, tokens: 5, ageMs: 0 } },
    ]
    const plain = decide(target)
    const sums = target.sums()
    for (const wish of wishes) {
      const { estimates } = decide(target, wish)
      for (const { arm: id, quality } of estimates) {
        assert.deepEqual(quality, plain.estimates.find((e) => e.arm === id)!.quality)
      }
    }
    assert.deepEqual(target.sums(), sums)
    assert.deepEqual(decide(target), plain)
    const other = router()
    other.restore(target.snapshot())
    for (const wish of wishes) assert.deepEqual(decide(other, wish), decide(target, wish))
  })
})

suite('bad wishes', () => {
  const cases: readonly (readonly [Partial<DecideRequest>, readonly string[]])[] = [
    [{ constraints: { maxCostUsd: 0 } }, ['constraints.maxCostUsd', 'above 0', '0']],
    [{ constraints: { maxP95LatencyMs: Number.NaN } }, ['constraints.maxP95LatencyMs', 'NaN']],
    [{ constraints: { maxP95CostUsd: -1 } }, ['constraints.maxP95CostUsd', '-1']],
    [
      { constraints: { qualityFloors: [{ arm: 'p/a' as ArmId, share: 1.2 }] } },
      ['constraints.qualityFloors[0].share', '1.2'],
    ],
    [
      { constraints: { qualityFloors: [{ arm: 'p/a' as ArmId, share: 1, confidence: 1 }] } },
      ['constraints.qualityFloors[0].confidence', '1'],
    ],
    [
      { constraints: { qualityFloors: [{ arm: '' as ArmId, share: 1 }] } },
      ['constraints.qualityFloors[0].arm'],
    ],
    [
      { preferences: { kind: 'lexicographic', withinQualityPoints: -1, thenBy: ['cost'] } },
      ['preferences.withinQualityPoints', '-1'],
    ],
    [
      { preferences: { kind: 'lexicographic', withinQualityPoints: 1, thenBy: [] } },
      ['preferences.thenBy', '[]'],
    ],
    [
      { preferences: { kind: 'lexicographic', withinQualityPoints: 1, thenBy: ['cost', 'cost'] } },
      ['preferences.thenBy'],
    ],
    [{ switchMargin: -0.1 }, ['switchMargin', '-0.1']],
    [{ warmCache: { arm: 'p/a' as ArmId, tokens: -1, ageMs: 0 } }, ['warmCache.tokens', '-1']],
    [{ warmCache: { arm: 'p/a' as ArmId, tokens: 1, ageMs: Number.NaN } }, ['warmCache.ageMs', 'NaN']],
  ]
  for (const [request, words] of cases) {
    test(`${words.join(' ')} is refused by name`, () => {
      assert.throws(() => decide(router(), request), refusesConfig(...words))
    })
  }
})
