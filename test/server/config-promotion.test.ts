/** `promotion:` of the configuration. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DEFAULT_GATE_RULES } from '../../eval/gate/index.ts'
import { ConfigError, parseConfig } from '../../server/config/index.ts'
import { DEFAULT_PROMOTION } from '../../server/policies/settings.ts'

const BASE = `providers:
  acme: { type: openai-compatible, baseUrl: http://127.0.0.1:9/v1 }
arms:
  acme/a: { price: { inputUsdPerMtok: 1, outputUsdPerMtok: 1 } }
`
const promotionOf = (text: string) =>
  parseConfig(`${BASE}${text}`, { file: 'highwayman.yaml', env: {} }).promotion
const problems = (text: string): readonly string[] => {
  try {
    promotionOf(text)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems.map(({ path, message }) => `${path}: ${message}`)
  }
  return []
}

describe('promotion', () => {
  it('has the defaults of the gate', () => {
    assert.deepEqual(promotionOf(''), DEFAULT_PROMOTION)
    assert.deepEqual(DEFAULT_PROMOTION.rules, DEFAULT_GATE_RULES)
  })

  it('takes other rules, and none where that is said', () => {
    assert.deepEqual(
      promotionOf(`promotion:
  objective: cost_usd
  guardrails: { quality: { worseBy: 0.01 }, latency_ms: { worseByShare: 0.1 } }
  maxAgeDays: 2
  canaryShare: 0.2
  unit: tenant
`),
      {
        ...DEFAULT_PROMOTION,
        canaryShare: 0.2,
        unit: 'tenant',
        rules: {
          ...DEFAULT_GATE_RULES,
          objective: 'cost_usd',
          maxAgeMs: 2 * 86_400_000,
          guardrails: [
            { value: 'quality', worseBy: 0.01 },
            { value: 'latency_ms', worseByShare: 0.1 },
          ],
        },
      },
    )
    assert.deepEqual(promotionOf('promotion: { guardrails: {} }\n')?.rules.guardrails, [])
  })

  it('tells what is wrong, and where', () => {
    assert.deepEqual(problems('promotion: { guardrails: { cost: { worseBy: 1 } } }\n').length, 1)
    assert.match(
      problems('promotion: { guardrails: { qualty: { worseBy: 1 } } }\n')[0] ?? '',
      /did you mean "quality"/,
    )
    for (const settings of ['{}', '{ worseBy: 1, worseByShare: 1 }']) {
      assert.deepEqual(problems(`promotion: { guardrails: { quality: ${settings} } }\n`), [
        'promotion.guardrails.quality: needs one of worseBy and worseByShare',
      ])
    }
    assert.match(problems('promotion: { canaryShare: 1 }\n')[0] ?? '', /^promotion.canaryShare/)
  })
})
