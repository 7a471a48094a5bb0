import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type BudgetTerms, type DecideRequest, EngineError } from '../../engine/index.ts'
import { arm, armIds, decide, decisionId, facts, router } from '../helpers/engine.ts'

/** Expected cost about 6e-4, 6e-3 and 6e-2 USD, as their prices have it. */
const ARMS = [
  arm('p/cheap', { price: { inputUsdPerMtok: 0, outputUsdPerMtok: 2 } }),
  arm('p/fair', { price: { inputUsdPerMtok: 0, outputUsdPerMtok: 20 } }),
  arm('p/dear', { price: { inputUsdPerMtok: 0, outputUsdPerMtok: 200 } }),
]
const AMPLE: BudgetTerms = {
  perUsd: 0,
  ceilingUsd: Number.POSITIVE_INFINITY,
  floorUsd: Number.POSITIVE_INFINITY,
  onExhausted: 'reject',
}

const asked = (budget?: BudgetTerms, rest: Partial<DecideRequest> = {}) =>
  decide(router(ARMS), { ...(budget === undefined ? {} : { budget }), ...rest })
const costOf = (id: string) => asked().estimates.find((estimate) => estimate.arm === id)!.costUsd.mean
const isEngineError = (error: unknown) => error instanceof EngineError && error.code === 'engine_bad_config'

suite('a decision under a budget', () => {
  test('ample terms change nothing', () => {
    assert.deepEqual(asked(AMPLE), asked())
  })

  test('the budget’s price is added to the one of the preferences', () => {
    const { rates } = asked(
      { ...AMPLE, perUsd: 30 },
      { preferences: { kind: 'exchange-rates', usdPerQualityPoint: 1e-3 } },
    )
    assert.equal(rates.perUsd, 40)
    assert.equal(asked({ ...AMPLE, perUsd: 1e6 }, { explore: false }).arm, 'p/cheap')
  })

  test('an arm that the rest of the budget cannot pay for is left out, with the figures', () => {
    const { eligible, exclusions } = asked({ ...AMPLE, ceilingUsd: costOf('p/fair') })
    assert.deepEqual(eligible, ['p/cheap', 'p/fair'])
    assert.deepEqual(
      exclusions.map(({ arm, reason }) => [arm, reason]),
      [['p/dear', 'over_budget']],
    )
    assert.match(exclusions[0]!.detail, /^0\.0\d+ > 0\.00\d+ USD left$/)
  })

  test('when it can pay for none: the cheapest alone, or none', () => {
    const broke = { ...AMPLE, ceilingUsd: 0 }
    const { eligible, exclusions, propensity } = asked({ ...broke, onExhausted: 'cheapest' })
    assert.deepEqual(eligible, ['p/cheap'])
    assert.equal(propensity, 1)
    assert.equal(exclusions.length, 2)
    const refused = router(ARMS).decide({
      id: decisionId(1),
      atMs: 1_000,
      facts: facts(),
      candidates: armIds('p/cheap', 'p/fair', 'p/dear'),
      policy: { name: 'thompson' },
      preferences: { kind: 'exchange-rates' },
      budget: broke,
    })
    assert.equal(refused.kind, 'no-eligible-arm')
    assert.deepEqual(refused.kind === 'no-eligible-arm' && refused.exclusions.map(({ reason }) => reason), [
      'over_budget',
      'over_budget',
      'over_budget',
    ])
  })

  test('the cheapest is taken among the arms that are eligible otherwise', () => {
    const blocked = new Map([[armIds('p/cheap')[0]!, { reason: 'unhealthy' as const, detail: 'open' }]])
    const { eligible } = asked({ ...AMPLE, ceilingUsd: 0, onExhausted: 'cheapest' }, { blocked })
    assert.deepEqual(eligible, ['p/fair'])
  })

  test('the floor costs at most what it may', () => {
    const evenUsd = (costOf('p/cheap') + costOf('p/fair') + costOf('p/dear')) / 3
    const { floor, probabilities } = asked(
      { ...AMPLE, perUsd: 1e6, floorUsd: 0.001 * evenUsd },
      { floor: 0.3 },
    )
    assert.ok(Math.abs(floor - 0.001) < 1e-12)
    for (const probability of probabilities) assert.ok(probability >= floor / 3 - 1e-15)
    assert.equal(asked({ ...AMPLE, floorUsd: evenUsd }, { floor: 0.3 }).floor, 0.3)
    assert.equal(asked({ ...AMPLE, floorUsd: 0 }, { floor: 0.3 }).floor, 0)
  })

  test('terms that are no terms are refused', () => {
    for (const wrong of [
      { perUsd: -1 },
      { perUsd: Number.POSITIVE_INFINITY },
      { ceilingUsd: Number.NaN },
      { floorUsd: -1 },
    ]) {
      assert.throws(() => asked({ ...AMPLE, ...wrong }), isEngineError)
    }
  })
})
