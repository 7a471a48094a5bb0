/** What a policy would have drawn from in the place of one that has decided: the same mathematics, on what a log holds. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type ArmId,
  distributionOver,
  type PastDecision,
  type PolicySpec,
  pastRates,
  qualityObservation,
  validatePastChoice,
} from '../../engine/index.ts'
import { arm, assertClose, decide, facts, router } from '../helpers/engine.ts'

function taught() {
  const target = router([
    arm('p/a'),
    arm('p/b', { price: { inputUsdPerMtok: 9, outputUsdPerMtok: 9 } }),
    arm('p/c'),
  ])
  const decision = decide(target)
  for (const [id, quality] of [
    ['p/a', 0.2],
    ['p/b', 0.9],
  ] as const) {
    for (let i = 0; i < 30; i++) target.learn([qualityObservation(decision, id as ArmId, quality, i)])
  }
  return target
}

describe('what is foreseen of an arm', () => {
  test('is what a decision believes of it', () => {
    const target = taught()
    const decision = decide(target)
    const { promptTokens, requestedOutputTokens } = facts()
    const ids = ['p/c', 'p/b'] as ArmId[]
    const size = { promptTokens, requestedOutputTokens }
    const foresights = target.foresee(ids, decision.x, size, decision.atMs)
    for (const [i, id] of ids.entries()) {
      const { novelty, examples, ...belief } = foresights[i]!
      const { utility: _, ...estimate } = decision.estimates.find((entry) => entry.arm === id)!
      assert.deepEqual(belief, estimate)
      assertClose(examples, id === 'p/b' ? 30 : 0, 1e-5)
      assert.ok(id === 'p/b' ? novelty < 0.5 : novelty === 1, `${id} ${novelty}`)
    }
    assert.throws(() => target.foresee(['p/x' as ArmId], decision.x, size, 0), { code: 'engine_unknown_arm' })
  })
})

describe('a distribution of the past', () => {
  const POLICIES: readonly PolicySpec[] = [
    { name: 'thompson', exploration: 1.5 },
    { name: 'softmax', temperature: 0.1 },
    { name: 'linucb' },
    { name: 'epsilon-greedy', epsilon: 0.4 },
    { name: 'fixed', arm: 'p/c' as ArmId },
    { name: 'priority', order: ['p/x', 'p/b'] as ArmId[] },
    { name: 'weighted', weights: { 'p/a': 1, 'p/c': 3 } },
    { name: 'cheapest' },
    { name: 'fastest' },
  ]
  for (const policy of POLICIES) {
    test(`${policy.name}: that of the decision itself`, () => {
      for (const explore of [true, false]) {
        const decision = decide(taught(), { policy, explore, floor: 0.07 })
        const again = distributionOver(decision, decision.estimates, { policy, explore, floor: 0.07 })
        assert.deepEqual([...again], [...decision.probabilities])
      }
    })
  }

  test('under other wishes: that of a decision which had them', () => {
    const preferences = {
      kind: 'exchange-rates',
      usdPerQualityPoint: 1e-5,
      secondsPerQualityPoint: 2,
    } as const
    const policy = { name: 'softmax' } as const
    const wished = decide(taught(), { policy, preferences })
    const plain = decide(taught(), { policy })
    const choice = { policy, preferences, floor: 0.02 }
    const again = distributionOver(plain, plain.estimates, choice)
    assert.ok(again.every((p, k) => Math.abs(p - wished.probabilities[k]!) < 1e-12))
    assert.deepEqual(pastRates(plain, preferences), wished.rates)
    assert.equal(pastRates(plain, undefined), plain.rates)
    const order = { kind: 'lexicographic', withinQualityPoints: 50, thenBy: ['cost'] } as const
    const inOrder = decide(taught(), { policy, preferences: order })
    const alike = distributionOver(plain, plain.estimates, { ...choice, preferences: order })
    assert.ok(alike.every((p, k) => Math.abs(p - inOrder.probabilities[k]!) < 1e-12))
  })

  test('without estimates only where the policy needs none', () => {
    const past: Pick<PastDecision, 'eligible' | 'rates'> = decide(taught())
    const over = (policy: PolicySpec) => [...distributionOver(past, [], { policy, floor: 0 })]
    assert.deepEqual(over({ name: 'fixed', arm: 'p/b' as ArmId }), [0, 1, 0])
    assert.deepEqual(over({ name: 'weighted', weights: { 'p/a': 1 } }), [1, 0, 0])
    assert.deepEqual(over({ name: 'epsilon-greedy', epsilon: 1 }), [1 / 3, 1 / 3, 1 / 3])
    for (const policy of [
      { name: 'thompson' },
      { name: 'epsilon-greedy', epsilon: 0.9 },
      { name: 'fixed', arm: 'p/x' as ArmId },
      { name: 'cheapest' },
    ] as const) {
      assert.throws(() => over(policy), { code: 'engine_bad_config', message: /no estimates/ }, policy.name)
    }
  })

  test('a policy, wishes or a floor that no log can be judged by are told beforehand', () => {
    const check = (policy: PolicySpec, more: object = {}, own = false) =>
      validatePastChoice({ policy, floor: 0, ...more }, own)
    for (const name of ['round-robin', 'least-busy'] as const) {
      assert.throws(() => check({ name }, {}, true), {
        code: 'engine_bad_config',
        message: /no log holds|does not hold/,
      })
    }
    assert.throws(() => check({ name: 'squarecb' }), { code: 'engine_bad_config', message: /policy file/ })
    assert.doesNotThrow(() => check({ name: 'squarecb' }, {}, true))
    const weights = { kind: 'weights', quality: 1, cost: 1, latency: 1 }
    assert.throws(() => check({ name: 'thompson' }, { preferences: weights }), { message: /exchange rates/ })
    assert.throws(() => check({ name: 'thompson' }, { floor: 1 }), { message: /floor/ })
    assert.throws(() => check({ name: 'thompson', exploration: -1 }), { message: /exploration/ })
  })
})
