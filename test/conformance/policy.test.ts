/** What every policy promises, run over every policy of the table. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { ArmId, PolicySpec } from '../../engine/index.ts'
import { qualityObservation } from '../../engine/index.ts'
import { POLICIES } from '../../engine/policies/index.ts'
import { arm, armIds, decide, decisionId, facts, router, seeded } from '../helpers/engine.ts'

const ARMS = armIds('p/a', 'p/b', 'p/c', 'p/d', 'p/e')

const SPECS: readonly PolicySpec[] = [
  { name: 'thompson' },
  { name: 'thompson', exploration: 1 },
  { name: 'epsilon-greedy', epsilon: 0.1 },
  { name: 'fixed', arm: 'p/c' as ArmId },
  { name: 'priority', order: armIds('p/d', 'p/b') },
  { name: 'weighted', weights: { 'p/a': 3, 'p/b': 1, 'p/e': 0.5 } },
]

test('every policy of the table is covered here', () => {
  assert.deepEqual(new Set(SPECS.map((spec) => spec.name)), new Set(Object.keys(POLICIES)))
})

/** A router that has seen quality feedback of five arms with different means. */
function experienced(seed = 1) {
  const target = router(ARMS.map((id) => arm(id)))
  const uniform = seeded(seed)
  for (let i = 0; i < 60; i++) {
    const decision = decide(target, { id: decisionId(1_000 + i), atMs: 1_000 + i })
    const served = ARMS[i % ARMS.length] as ArmId
    const quality = Math.min(1, 0.3 + 0.1 * (i % ARMS.length) + 0.3 * uniform())
    target.learn([qualityObservation(decision, served, quality, 1_000 + i)])
  }
  return target
}

for (const spec of SPECS) {
  const label = JSON.stringify(spec)
  suite(`policy ${label}`, () => {
    const requests = fc.record({
      seed: fc.integer({ min: 0, max: 2 ** 31 }),
      candidates: fc.subarray([...ARMS], { minLength: 1 }),
      floor: fc.constantFrom(0, 0.02, 0.3),
      explore: fc.boolean(),
    })

    test('gives each eligible arm a probability, and they sum to 1', () => {
      const target = experienced()
      fc.assert(
        fc.property(requests, ({ seed, candidates, floor, explore }) => {
          const decision = decide(target, { id: decisionId(seed), candidates, floor, explore, policy: spec })
          assert.equal(decision.probabilities.length, decision.eligible.length)
          const total = decision.probabilities.reduce((sum, p) => sum + p, 0)
          assert.ok(Math.abs(total - 1) <= 1e-12, `sum is ${total}`)
          for (const p of decision.probabilities) {
            assert.ok(p >= 0 && p <= 1 + 1e-15)
            if (explore) assert.ok(p >= floor / candidates.length - 1e-15, `floor: ${p}`)
          }
          const drawn = decision.eligible.indexOf(decision.arm)
          assert.equal(decision.propensity, decision.probabilities[drawn])
          assert.ok(decision.propensity > 0)
        }),
      )
    })

    test('permuting the candidates changes nothing', () => {
      const target = experienced()
      fc.assert(
        fc.property(requests, fc.integer(), ({ seed, candidates, floor }, shuffleSeed) => {
          const uniform = seeded(shuffleSeed)
          const shuffled = candidates
            .map((id) => ({ id, key: uniform() }))
            .sort((a, b) => a.key - b.key)
            .map(({ id }) => id)
          const request = { id: decisionId(seed), floor, policy: spec }
          assert.deepEqual(
            decide(target, { ...request, candidates: shuffled }),
            decide(target, { ...request, candidates }),
          )
        }),
      )
    })

    test('a blocked arm has no probability and a reason', () => {
      const target = experienced()
      for (const blocked of ARMS) {
        const decision = decide(target, {
          policy: spec,
          blocked: new Map([[blocked, { reason: 'unhealthy', detail: 'breaker open' }]]),
        })
        assert.ok(!decision.eligible.includes(blocked))
        assert.deepEqual(decision.exclusions, [{ arm: blocked, reason: 'unhealthy', detail: 'breaker open' }])
      }
    })

    test('the same id draws the same arm; over many ids the shares are the probabilities', () => {
      const target = experienced()
      const counts = new Map<ArmId, number>()
      const draws = 4_000
      for (let i = 0; i < draws; i++) {
        const decision = decide(target, { id: decisionId(i), policy: spec })
        assert.equal(decide(target, { id: decisionId(i), policy: spec }).arm, decision.arm)
        counts.set(decision.arm, (counts.get(decision.arm) ?? 0) + 1)
      }
      const { eligible, probabilities } = decide(target, { policy: spec })
      for (const [i, id] of eligible.entries()) {
        const p = probabilities[i] as number
        // Five binomial standard errors, plus one draw for the smallest probabilities.
        const bound = 5 * Math.sqrt((p * (1 - p)) / draws) + 1 / draws
        const share = (counts.get(id) ?? 0) / draws
        assert.ok(Math.abs(share - p) <= bound, `${id}: share ${share}, probability ${p}`)
      }
    })

    test('explore: false does nothing for the sake of learning', () => {
      const target = experienced()
      const decision = decide(target, { policy: spec, explore: false })
      assert.equal(decision.floor, 0)
      if (spec.name === 'thompson' || spec.name === 'epsilon-greedy') {
        const best = Math.max(...decision.estimates.map((estimate) => estimate.utility.mean))
        const drawn = decision.estimates.find((estimate) => estimate.arm === decision.arm)
        assert.equal(drawn?.utility.mean, best)
        assert.equal(decision.propensity, 1)
      } else {
        assert.deepEqual(decision.probabilities, decide(target, { policy: spec, floor: 0 }).probabilities)
      }
    })

    test('restore ∘ snapshot decides identically', () => {
      const target = experienced(7)
      const twin = router(ARMS.map((id) => arm(id)))
      twin.restore(JSON.parse(JSON.stringify(target.snapshot())))
      for (const requestClass of ['chat', 'code', 'unheard-of']) {
        const request = { facts: facts({ requestClass }), policy: spec, atMs: 2_000 }
        const [a, b] = [decide(target, request), decide(twin, request)]
        assert.equal(b.arm, a.arm)
        for (const [i, p] of a.probabilities.entries()) {
          assert.ok(Math.abs(p - (b.probabilities[i] as number)) <= 1e-9)
        }
      }
    })
  })
}
