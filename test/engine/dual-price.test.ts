import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Alternatives, alternativesOf, dualPrice, EngineError } from '../../engine/index.ts'
import { arm, decide, router, seeded } from '../helpers/engine.ts'

const choice = (...arms: readonly (readonly [utility: number, costUsd: number])[]): Alternatives => ({
  utility: Float64Array.from(arms, ([utility]) => utility),
  costUsd: Float64Array.from(arms, ([, costUsd]) => costUsd),
})

/** What the best arms cost in the mean at a price. */
function meanCost(choices: readonly Alternatives[], perUsd: number): number {
  let total = 0
  for (const { utility, costUsd } of choices) {
    const values = utility.map((value, a) => value - perUsd * costUsd[a]!)
    total += costUsd[values.indexOf(Math.max(...values))]!
  }
  return total / choices.length
}

suite('dualPrice', () => {
  test('where two arms trade places', () => {
    // A tenth of quality for $9: worth it below 0.1/9 a dollar.
    const price = dualPrice([choice([0.5, 1], [0.6, 10])], 5)
    assert.ok(Math.abs(price - 0.1 / 9) < 1e-9)
  })

  test('is 0 when money is no object', () => {
    assert.equal(dualPrice([choice([0.5, 1], [0.6, 10])], 10), 0)
  })

  test('leaves the cheapest arms when even they are too dear', () => {
    const choices = [choice([0, 1], [1, 1.001]), choice([0, 2], [1, 3])]
    assert.equal(meanCost(choices, dualPrice(choices, 0.5)), 1.5)
  })

  test('is the smallest price that keeps to the target, and falls as the target rises', () => {
    const uniform = seeded(5)
    const choices = Array.from({ length: 400 }, () =>
      choice(
        [uniform(), 1e-4 * uniform()],
        [0.2 + uniform(), 1e-3 * uniform()],
        [0.3 + uniform(), 1e-2 * uniform()],
      ),
    )
    let last = Number.POSITIVE_INFINITY
    for (const targetUsd of [1e-4, 3e-4, 1e-3, 2e-3]) {
      const price = dualPrice(choices, targetUsd)
      assert.ok(price > 0 && price <= last)
      assert.ok(meanCost(choices, price * (1 + 1e-9)) <= targetUsd)
      // One choice's change of arm is the step of the mean.
      assert.ok(meanCost(choices, price * (1 - 1e-9)) >= targetUsd - 1e-2 / choices.length)
      last = price
    }
  })

  test('a decision’s choice leaves its price of cost out', () => {
    const dear = arm('p/dear', { price: { inputUsdPerMtok: 100, outputUsdPerMtok: 900 } })
    const engine = router([arm('p/a'), dear])
    const free = alternativesOf(decide(engine))
    const priced = alternativesOf(
      decide(engine, { preferences: { kind: 'exchange-rates', usdPerQualityPoint: 1e-3 } }),
    )
    for (let a = 0; a < 2; a++) {
      assert.ok(Math.abs(free.utility[a]! - priced.utility[a]!) < 1e-12)
      assert.equal(free.costUsd[a], priced.costUsd[a])
    }
  })

  test('needs a target and choices', () => {
    for (const [choices, targetUsd] of [
      [[], 1],
      [[choice([0, 1])], 0],
      [[choice([0, 1])], Number.NaN],
    ] as const) {
      assert.throws(
        () => dualPrice(choices, targetUsd),
        (error) => error instanceof EngineError && error.code === 'engine_bad_config',
      )
    }
  })
})
