/** What each policy does; what all of them promise is in test/conformance/policy.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ArmId, EngineError, type PolicySpec, qualityObservation } from '../../engine/index.ts'
import { normalCdf } from '../../engine/normal.ts'
import { policyOf } from '../../engine/policies/index.ts'
import type { PolicyInput } from '../../engine/policies/policy.ts'
import { validatePolicy } from '../../engine/policies/validate.ts'
import { arm, armIds, assertClose, decide, decisionId, router } from '../helpers/engine.ts'

const ARMS = armIds('p/a', 'p/b', 'p/c')

function input(overrides: Partial<PolicyInput> = {}): PolicyInput {
  const zeros = new Float64Array(3)
  return {
    arms: ARMS,
    utilityMean: zeros,
    utilitySd: zeros,
    novelty: zeros,
    costUsd: zeros,
    latencyMs: zeros,
    inFlight: zeros,
    lastTurn: zeros,
    examples: 0,
    ...overrides,
  }
}
const distribution = (spec: PolicySpec, overrides: Partial<PolicyInput>): number[] => [
  ...policyOf(spec).distribution(input(overrides), spec),
]

test('an arm without a weight has none, whatever it is called', () => {
  const arms = armIds('constructor', 'toString', 'p/c')
  assert.deepEqual(distribution({ name: 'weighted', weights: { 'p/c': 2 } }, { arms }), [0, 0, 1])
  assert.deepEqual(
    distribution({ name: 'weighted', weights: { toString: 3, 'p/c': 1 } }, { arms }),
    [0, 0.75, 0.25],
  )
})

test('thompson explores a stranger in full, and an arm it knows by its factor', () => {
  const utilityMean = Float64Array.of(0.5, 0.3, 0.3)
  const utilitySd = Float64Array.of(0, 0.1, 0.1)
  const of = (exploration: number, novelty: Float64Array) =>
    distribution({ name: 'thompson', exploration }, { utilityMean, utilitySd, novelty })
  const [, known, stranger] = of(0.5, Float64Array.of(0, 0, 1))
  // Two certain-against-uncertain comparisons: Φ(−2/0.5) and Φ(−2).
  assertClose(known as number, normalCdf(-4), 1e-6)
  assertClose(stranger as number, normalCdf(-2), 1e-4)
  const [, , halfway] = of(0.5, Float64Array.of(0, 0, 0.5))
  assertClose(halfway as number, normalCdf(-2 / 0.75), 1e-4)
  assert.deepEqual(of(2, Float64Array.of(0, 0, 1)), of(2, Float64Array.of(0, 0, 0)))
})

test('linucb takes the largest mean + α·sd, and α = 0 the largest mean', () => {
  const beliefs = { utilityMean: Float64Array.of(0.5, 0.6, 0.4), utilitySd: Float64Array.of(0.1, 0.01, 0.11) }
  assert.deepEqual(distribution({ name: 'linucb' }, beliefs), [1, 0, 0])
  assert.deepEqual(distribution({ name: 'linucb', alpha: 20 }, beliefs), [0, 0, 1])
  assert.deepEqual(distribution({ name: 'linucb', alpha: 0 }, beliefs), [0, 1, 0])
})

test('squarecb weights gaps inversely, more sharply the more examples there are', () => {
  const utilityMean = Float64Array.of(0.5, 0.7, 0.6)
  for (const p of distribution({ name: 'squarecb' }, { utilityMean, examples: 0 }))
    assertClose(p, 1 / 3, 1e-15)
  // γ = 10·√400 = 200.
  const [a, b, c] = distribution({ name: 'squarecb' }, { utilityMean, examples: 400 })
  assertClose(a as number, 1 / (3 + 200 * 0.2), 1e-15)
  assertClose(c as number, 1 / (3 + 200 * 0.1), 1e-15)
  assertClose(b as number, 1 - (a as number) - (c as number), 1e-15)
  const spec = { name: 'squarecb', gammaScale: 1, gammaExponent: 1 } as const
  assertClose(distribution(spec, { utilityMean, examples: 50 })[0] as number, 1 / (3 + 50 * 0.2), 1e-15)
})

test('squarecb counts the examples that are remembered, of all eligible arms', () => {
  const target = router([arm('p/a'), arm('p/b')])
  const policy = { name: 'squarecb', gammaScale: 1, gammaExponent: 1 } as const
  const ask = (atMs: number) => decide(target, { policy, floor: 0, atMs })
  assert.deepEqual([...ask(1_000).probabilities], [0.5, 0.5])
  for (let i = 0; i < 30; i++) {
    const decision = ask(1_000)
    target.learn([
      qualityObservation(decision, 'p/a' as ArmId, 0.9, 1_000),
      qualityObservation(decision, 'p/b' as ArmId, 0.2, 1_000),
    ])
  }
  for (const halfLives of [0, 2]) {
    const { probabilities, estimates } = ask(1_000 + halfLives * target.halfLifeMs.quality)
    const gap = (estimates[0]?.utility.mean ?? 0) - (estimates[1]?.utility.mean ?? 0)
    assertClose(probabilities[1] as number, 1 / (2 + 60 * 2 ** -halfLives * gap), 1e-9)
  }
})

test('softmax weighs by exp(mean / temperature), without overflow', () => {
  const utilityMean = Float64Array.of(0.5, 0.6, -1_000)
  const p = distribution({ name: 'softmax', temperature: 0.1 }, { utilityMean })
  assertClose((p[1] as number) / (p[0] as number), Math.E, 1e-12)
  assert.equal(p[2], 0)
  assert.deepEqual(
    distribution({ name: 'softmax', temperature: 1e-300 }, { utilityMean: Float64Array.of(1e6, 0, 1e6) }),
    [0.5, 0, 0.5],
  )
})

test('cheapest, fastest and least-busy take the least of what they are named after', () => {
  const values = { costUsd: Float64Array.of(3, 1, 2), latencyMs: Float64Array.of(2, 3, 1) }
  assert.deepEqual(distribution({ name: 'cheapest' }, values), [0, 1, 0])
  assert.deepEqual(distribution({ name: 'fastest' }, values), [0, 0, 1])
  const inFlight = Float64Array.of(2, 1, 1)
  assert.deepEqual(distribution({ name: 'least-busy' }, { inFlight }), [0, 1, 0])
})

test('the router counts an arm that nothing is said of as idle', () => {
  const target = router(ARMS.map((id) => arm(id)))
  const ask = (busy: Record<string, number>) =>
    decide(target, {
      policy: { name: 'least-busy' },
      inFlight: new Map(Object.entries(busy)) as Map<ArmId, number>,
      floor: 0,
    }).arm
  assert.equal(ask({}), 'p/a')
  assert.equal(ask({ 'p/a': 1 }), 'p/b')
  assert.equal(ask({ 'p/a': 2, 'p/b': 1, 'p/c': 3 }), 'p/b')
})

test('cheapest knows long answers, and fastest long waits', () => {
  const prior = { quality: 0.5, ttftMs: 500, tpotMs: 10, outputTokens: 200 }
  const target = router([
    arm('p/terse', {
      price: { inputUsdPerMtok: 3, outputUsdPerMtok: 9 },
      prior: { ...prior, outputTokens: 20 },
    }),
    arm('p/wordy', { price: { inputUsdPerMtok: 1, outputUsdPerMtok: 3 }, prior: { ...prior, tpotMs: 0.1 } }),
  ])
  assert.equal(decide(target, { policy: { name: 'cheapest' }, floor: 0 }).arm, 'p/terse')
  assert.equal(decide(target, { policy: { name: 'fastest' }, floor: 0 }).arm, 'p/wordy')
})

const turn = (target: ReturnType<typeof router>, n: number, overrides: Parameters<typeof decide>[1] = {}) =>
  decide(target, { id: decisionId(n), policy: { name: 'round-robin' }, floor: 0, ...overrides })

test('round-robin goes round in the order of the ids, with propensity 1', () => {
  const target = router(ARMS.map((id) => arm(id)))
  const decisions = Array.from({ length: 7 }, (_, n) => turn(target, n))
  assert.deepEqual(
    decisions.map((decision) => decision.arm),
    ['p/a', 'p/b', 'p/c', 'p/a', 'p/b', 'p/c', 'p/a'],
  )
  assert.ok(decisions.every(({ propensity }) => propensity === 1))
})

test('an arm that comes back has one turn at once and then its share, and its absence is divided evenly', () => {
  const target = router(ARMS.map((id) => arm(id)))
  const blocked = new Map([['p/b' as ArmId, { reason: 'unhealthy', detail: 'breaker open' } as const]])
  const away = Array.from({ length: 6 }, (_, n) => turn(target, n, { blocked }).arm)
  assert.deepEqual(away, ['p/a', 'p/c', 'p/a', 'p/c', 'p/a', 'p/c'])
  const back = Array.from({ length: 4 }, (_, n) => turn(target, n).arm)
  assert.deepEqual(back, ['p/b', 'p/a', 'p/c', 'p/b'])
})

test('two lists of arms that are asked in turn do not fall into step', () => {
  const target = router(ARMS.map((id) => arm(id)))
  const counts = new Map<string, number>()
  for (let n = 0; n < 300; n++) {
    const candidates = n % 2 === 0 ? ARMS.slice(0, 2) : ARMS
    const key = `${candidates.length}:${turn(target, n, { candidates }).arm}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  // Over both lists each arm is taken as often as a fair division allows, and none is left out of the long list.
  for (const key of ['2:p/a', '2:p/b']) assert.ok((counts.get(key) ?? 0) >= 50, `${[...counts]}`)
  assert.ok((counts.get('3:p/c') ?? 0) >= 50)
})

test('turns survive a snapshot, and other policies take none', () => {
  const target = router(ARMS.map((id) => arm(id)))
  turn(target, 1)
  turn(target, 1, { candidates: ARMS.slice(1, 2) })
  turn(target, 1, { candidates: ARMS.slice(0, 1) })
  decide(target, { policy: { name: 'fixed', arm: 'p/b' as ArmId } })
  const twin = router(ARMS.map((id) => arm(id)))
  twin.restore(JSON.parse(JSON.stringify(target.snapshot())))
  for (const expected of ['p/c', 'p/b', 'p/a', 'p/c']) {
    assert.equal(turn(target, 2).arm, expected)
    assert.equal(turn(twin, 2).arm, expected)
  }
})

test('settings out of range are refused by name, value and range', () => {
  const wrong: readonly (readonly [PolicySpec, RegExp])[] = [
    [{ name: 'thompson', exploration: 0 }, /exploration must be above 0 and at most 1e9, got 0/],
    [{ name: 'thompson', exploration: 1e308 }, /exploration must be .*got 1e\+308/],
    [{ name: 'linucb', alpha: -1 }, /alpha must be in \[0, 1e9\], got -1/],
    [{ name: 'linucb', alpha: Number.NaN }, /alpha .*got NaN/],
    [{ name: 'squarecb', gammaScale: 0 }, /gammaScale .*got 0/],
    [{ name: 'squarecb', gammaScale: 1e306 }, /gammaScale .*got 1e\+306/],
    [{ name: 'squarecb', gammaExponent: 1.5 }, /gammaExponent must be in \[0, 1\], got 1.5/],
    [{ name: 'softmax', temperature: Number.POSITIVE_INFINITY }, /temperature .*got Infinity/],
    [{ name: 'epsilon-greedy', epsilon: 2 }, /epsilon must be in \[0, 1\], got 2/],
    [{ name: 'epsilon-greedy' } as unknown as PolicySpec, /epsilon .*got undefined/],
    [{ name: 'weighted', weights: { 'p/a': -1 } }, /the weight of p\/a must be .*got -1/],
    [
      { name: 'weighted', weights: { 'p/a': 1e308, 'p/b': 1e308 } },
      /the sum of the weights must be .*got Infinity/,
    ],
    [{ name: 'fixed' } as unknown as PolicySpec, /arm must be the id of an arm, got undefined/],
    [{ name: 'priority' } as unknown as PolicySpec, /order must be a list of arms, got undefined/],
    [{ name: 'priority', order: 'p/a' } as unknown as PolicySpec, /order must be a list of arms, got p\/a/],
    [
      { name: 'priority', order: ['p/a', 1] } as unknown as PolicySpec,
      /order must be the id of an arm, got 1/,
    ],
    [{ name: 'weighted' } as unknown as PolicySpec, /weights must be a map from arms to numbers/],
    [{ name: 'weighted', weights: [] } as unknown as PolicySpec, /weights must be a map/],
    [{ name: 'lin-ucb' } as unknown as PolicySpec, /unknown policy "lin-ucb"; known are thompson, linucb/],
  ]
  for (const [spec, message] of wrong) {
    assert.throws(
      () => validatePolicy(spec),
      (error) =>
        error instanceof EngineError && error.code === 'engine_bad_config' && message.test(error.message),
      JSON.stringify(spec),
    )
  }
  validatePolicy({ name: 'linucb', alpha: 0 })
})
