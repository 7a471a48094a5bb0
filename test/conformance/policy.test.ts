/** What every policy promises, run over every policy of the table. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { ArmId, PolicySpec } from '../../engine/index.ts'
import { qualityObservation } from '../../engine/index.ts'
import { POLICIES, policyOf } from '../../engine/policies/index.ts'
import type { PolicyInput } from '../../engine/policies/policy.ts'
import { arm, armIds, decide, decisionId, facts, router, seeded } from '../helpers/engine.ts'

const ARMS = armIds('p/a', 'p/b', 'p/c', 'p/d', 'p/e')

const SPECS: readonly PolicySpec[] = [
  { name: 'thompson' },
  { name: 'thompson', exploration: 1 },
  { name: 'linucb' },
  { name: 'linucb', alpha: 0 },
  { name: 'squarecb' },
  { name: 'squarecb', gammaScale: 1000, gammaExponent: 0.25 },
  { name: 'information-directed' },
  { name: 'epsilon-greedy', epsilon: 0.1 },
  { name: 'softmax' },
  { name: 'softmax', temperature: 1e-3 },
  { name: 'fixed', arm: 'p/c' as ArmId },
  { name: 'priority', order: armIds('p/d', 'p/b') },
  { name: 'weighted', weights: { 'p/a': 3, 'p/b': 1, 'p/e': 0.5 } },
  { name: 'round-robin' },
  { name: 'cheapest' },
  { name: 'fastest' },
  { name: 'least-busy' },
]
/** They do what they are told also where nothing may be tried. */
const TOLD = new Set(['fixed', 'priority', 'weighted', 'round-robin', 'cheapest', 'fastest', 'least-busy'])

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

/** Anything that may be believed of one to eight arms, ties included. */
const inputs: fc.Arbitrary<PolicyInput> = fc
  .record({
    rows: fc.array(
      fc.record({
        mean: fc.oneof(fc.constantFrom(-1, 0, 0.5), fc.double({ min: -1e6, max: 1e6, noNaN: true })),
        sd: fc.oneof(fc.constantFrom(0, 0.1), fc.double({ min: 0, max: 1e3, noNaN: true })),
        novelty: fc.constantFrom(0, 0.2, 1),
        costUsd: fc.constantFrom(0, 0.001, 0.01, 3),
        latencyMs: fc.constantFrom(1, 300, 1e5),
        inFlight: fc.nat(3),
      }),
      { minLength: 1, maxLength: 8 },
    ),
    turns: fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7]),
    examples: fc.constantFrom(0, 1, 37.5, 1e6),
  })
  .map(({ rows, turns, examples }) => ({
    arms: armIds(...rows.map((_, k) => `p/${'abcdefgh'[k]}`)),
    utilityMean: Float64Array.from(rows, (row) => row.mean),
    utilitySd: Float64Array.from(rows, (row) => row.sd),
    novelty: Float64Array.from(rows, (row) => row.novelty),
    costUsd: Float64Array.from(rows, (row) => row.costUsd),
    latencyMs: Float64Array.from(rows, (row) => row.latencyMs),
    inFlight: Float64Array.from(rows, (row) => row.inFlight),
    lastTurn: Float64Array.from(rows, (_, k) => turns[k] ?? -1),
    examples,
  }))

/** The same arms in another order. No two arms are alike in what tells them apart, unless `order` is the identity. */
function reordered(input: PolicyInput, order: readonly number[]): PolicyInput {
  const pick = (values: Float64Array) => Float64Array.from(order, (k) => values[k] as number)
  return {
    arms: order.map((k) => input.arms[k] as ArmId),
    utilityMean: pick(input.utilityMean),
    utilitySd: pick(input.utilitySd),
    novelty: pick(input.novelty),
    costUsd: pick(input.costUsd),
    latencyMs: pick(input.latencyMs),
    inFlight: pick(input.inFlight),
    lastTurn: pick(input.lastTurn),
    examples: input.examples,
  }
}

/** Arms that differ in everything, so that no policy has to break a tie. */
function distinct(input: PolicyInput): PolicyInput {
  const spread = (values: Float64Array, by: number) => values.map((value, k) => value + by * (k + 1))
  return {
    ...input,
    utilityMean: spread(
      input.utilityMean.map((m) => m % 1),
      Math.SQRT1_2,
    ),
    utilitySd: spread(
      input.utilitySd.map((s) => s % 1),
      0.01,
    ),
    costUsd: spread(input.costUsd, Math.E),
    latencyMs: spread(input.latencyMs, Math.E),
    inFlight: input.inFlight.map((n, k) => 8 * n + k),
    lastTurn: input.lastTurn.map((_, k) => (k * 5) % 8),
  }
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

    for (const mode of ['distribution', 'exploit'] as const) {
      const of = (input: PolicyInput) => policyOf(spec)[mode](input, spec)

      test(`${mode}: whatever is believed, every probability is one and they sum to 1`, () => {
        fc.assert(
          fc.property(inputs, (input) => {
            const p = of(input)
            assert.equal(p.length, input.arms.length)
            assert.ok(
              p.every((value) => value >= 0 && value <= 1),
              `${p}`,
            )
            const total = p.reduce((sum, value) => sum + value, 0)
            assert.ok(Math.abs(total - 1) <= 1e-12, `sum is ${total}`)
          }),
          { seed: 1 },
        )
      })

      test(`${mode}: permuting the arms permutes the probabilities`, () => {
        const withOrder = inputs.chain((input) => {
          const positions = input.arms.map((_, k) => k)
          const order = fc.shuffledSubarray(positions, { minLength: positions.length })
          return fc.record({ input: fc.constant(distinct(input)), order })
        })
        fc.assert(
          fc.property(withOrder, ({ input, order }) => {
            const [p, permuted] = [of(input), of(reordered(input, order))]
            for (const [at, k] of order.entries()) {
              assert.ok(Math.abs((permuted[at] as number) - (p[k] as number)) <= 1e-12)
            }
          }),
          { seed: 1 },
        )
      })

      test(`${mode}: among arms that are all alike the first is taken, or all are as likely`, () => {
        const alike = new Float64Array(4).fill(0.5)
        const p = of({
          arms: armIds('p/f', 'p/g', 'p/h', 'p/i'),
          utilityMean: alike,
          utilitySd: alike,
          novelty: alike,
          costUsd: alike,
          latencyMs: alike,
          inFlight: alike,
          lastTurn: alike.map(() => -1),
          examples: 100,
        })
        const even = p.every((value) => Math.abs(value - 0.25) < 1e-9)
        const first = p[0] === 1
        const greedyFirst = spec.name === 'epsilon-greedy' && p[0]! > 0.9 && p[1] === p[3]
        assert.ok(even || first || greedyFirst, `${p}`)
      })
    }

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
        { seed: 1 },
      )
    })

    test('permuting the candidates changes nothing', () => {
      const [target, twin] = [experienced(), experienced()]
      fc.assert(
        fc.property(requests, fc.integer(), ({ seed, candidates, floor }, shuffleSeed) => {
          const uniform = seeded(shuffleSeed)
          const shuffled = candidates
            .map((id) => ({ id, key: uniform() }))
            .sort((a, b) => a.key - b.key)
            .map(({ id }) => id)
          const request = { id: decisionId(seed), floor, policy: spec }
          assert.deepEqual(
            decide(twin, { ...request, candidates: shuffled }),
            decide(target, { ...request, candidates }),
          )
        }),
        { seed: 1 },
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
      const [target, twin] = [experienced(), experienced()]
      const counts = new Map<ArmId, number>()
      const expected = new Map<ArmId, number>()
      const variance = new Map<ArmId, number>()
      const add = (to: Map<ArmId, number>, id: ArmId, value: number) => to.set(id, (to.get(id) ?? 0) + value)
      const draws = 4_000
      for (let i = 0; i < draws; i++) {
        const decision = decide(target, { id: decisionId(i), policy: spec })
        assert.equal(decide(twin, { id: decisionId(i), policy: spec }).arm, decision.arm)
        add(counts, decision.arm, 1)
        for (const [k, id] of decision.eligible.entries()) {
          const p = decision.probabilities[k] as number
          add(expected, id, p)
          add(variance, id, p * (1 - p))
        }
      }
      for (const id of ARMS) {
        // Five standard errors of a sum of independent draws, plus one draw for the smallest probabilities.
        const bound = 5 * Math.sqrt(variance.get(id) ?? 0) + 1
        const difference = (counts.get(id) ?? 0) - (expected.get(id) ?? 0)
        assert.ok(Math.abs(difference) <= bound, `${id}: ${difference} more than expected`)
      }
    })

    test('explore: false does nothing for the sake of learning', () => {
      const target = experienced()
      const decision = decide(target, { policy: spec, explore: false })
      assert.equal(decision.floor, 0)
      if (!TOLD.has(spec.name)) {
        const best = Math.max(...decision.estimates.map((estimate) => estimate.utility.mean))
        const drawn = decision.estimates.find((estimate) => estimate.arm === decision.arm)
        assert.equal(drawn?.utility.mean, best)
        assert.equal(decision.propensity, 1)
      } else {
        const exploring = decide(experienced(), { policy: spec, floor: 0 })
        assert.deepEqual(decision.probabilities, exploring.probabilities)
      }
    })

    test('restore ∘ snapshot decides identically', () => {
      const target = experienced(7)
      for (let i = 0; i < 3; i++) decide(target, { id: decisionId(i), policy: spec })
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
