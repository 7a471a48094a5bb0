import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ArmId, DecideRequest } from '../../engine/index.ts'
import { arm, assertClose, decide, facts, router } from '../helpers/engine.ts'

const price = {
  inputUsdPerMtok: 4,
  outputUsdPerMtok: 10,
  cachedInputUsdPerMtok: 0.4,
  cacheWriteUsdPerMtok: 5,
}
const arms = [arm('p/a', { price }), arm('p/b', { price }), arm('p/c')]
const a = 'p/a' as ArmId
const long = facts({ promptTokens: 20_000 })
const costs = (request: Partial<DecideRequest>) => {
  const { estimates } = decide(router(arms), { facts: long, ...request })
  const output = (id: string) =>
    decide(router(arms), { facts: facts({ promptTokens: 0 }) }).estimates.find((e) => e.arm === id)!
  return Object.fromEntries(
    estimates.map((e) => [
      e.arm,
      e.costUsd.mean - (output(e.arm).costUsd.mean * e.outputTokens) / output(e.arm).outputTokens,
    ]),
  )
}

suite('a warm prompt cache', () => {
  test('is priced as read where it is warm, and as written elsewhere', () => {
    const cost = costs({ warmCache: { arm: a, tokens: 18_000, ageMs: 60_000 } })
    assertClose(cost['p/a']!, (18_000 * 0.4 + 2_000 * 5) / 1e6, 1e-12)
    assertClose(cost['p/b']!, (20_000 * 5) / 1e6, 1e-12)
    assertClose(cost['p/c']!, 20_000 / 1e6, 1e-12)
  })

  test('that has gone cold saves nothing', () => {
    const cost = costs({ warmCache: { arm: a, tokens: 18_000, ageMs: 301_000 } })
    assert.equal(cost['p/a'], cost['p/b'])
  })

  test('holds no more than the prompt, and nothing where nothing was cached', () => {
    const cost = costs({ warmCache: { arm: a, tokens: 90_000, ageMs: 0 } })
    assertClose(cost['p/a']!, (20_000 * 0.4) / 1e6, 1e-12)
    const none = costs({ warmCache: { arm: a, tokens: 0, ageMs: 0 } })
    assertClose(none['p/a']!, (20_000 * 4) / 1e6, 1e-12)
    assert.deepEqual(none, costs({}))
  })

  test('keeps a conversation where it is when money counts, and does not when it does not', () => {
    const rivals = [
      arm('p/a', { price }),
      arm('p/b', { price: { ...price, inputUsdPerMtok: 2, cacheWriteUsdPerMtok: 2 } }),
    ]
    const choose = (request: Partial<DecideRequest>) =>
      decide(router(rivals), { facts: long, explore: false, ...request }).arm
    const preferences = { kind: 'exchange-rates', usdPerQualityPoint: 0.001 } as const
    const warmCache = { arm: a, tokens: 18_000, ageMs: 1_000 }
    assert.equal(choose({ preferences }), 'p/b')
    assert.equal(choose({ preferences, warmCache }), 'p/a')
    assert.equal(choose({ preferences, warmCache: { ...warmCache, ageMs: 400_000 } }), 'p/b')
  })
})

suite('a switch margin', () => {
  const prior = (quality: number) => ({ quality, ttftMs: 500, tpotMs: 10, outputTokens: 200 })
  const rivals = [arm('p/a', { prior: prior(0.6) }), arm('p/b', { prior: prior(0.65) })]
  const warmCache = { arm: a, tokens: 0, ageMs: 0 }

  test('has to be beaten', () => {
    const choose = (switchMargin: number) =>
      decide(router(rivals), { explore: false, warmCache, switchMargin }).arm
    assert.equal(choose(0), 'p/b')
    assert.equal(choose(0.049), 'p/b')
    assert.equal(choose(0.051), 'p/a')
  })

  test('is in the distribution that the arm is drawn from, and not in the estimates', () => {
    const plain = decide(router(rivals), { warmCache })
    const kept = decide(router(rivals), { warmCache, switchMargin: 0.2 })
    assert.deepEqual(kept.estimates, plain.estimates)
    assert.ok(kept.probabilities[0]! > plain.probabilities[0]!)
    assertClose(kept.probabilities[0]! + kept.probabilities[1]!, 1, 1e-12)
    assert.equal(kept.propensity, kept.probabilities[kept.eligible.indexOf(kept.arm)])
    // The same as if the arm were so much better.
    const better = decide(router([arm('p/a', { prior: prior(0.8) }), rivals[1]!]))
    assertClose(kept.probabilities[0]!, better.probabilities[0]!, 1e-9)
    assert.deepEqual(kept.conversation, { arm: a, cachedTokens: 0, switchMargin: 0.2 })
  })

  test('leaves policies that are told what to do alone, and other requests', () => {
    const policy = { name: 'weighted', weights: { 'p/a': 1, 'p/b': 3 } } as const
    const { probabilities } = decide(router(rivals), { policy, floor: 0, warmCache, switchMargin: 9 })
    assert.deepEqual([...probabilities], [0.25, 0.75])
    const fresh = decide(router(rivals), { switchMargin: 9 })
    assert.equal(fresh.conversation, undefined)
    assert.deepEqual(fresh.probabilities, decide(router(rivals)).probabilities)
  })
})
