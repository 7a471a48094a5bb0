/** What `doctor` is told of a registry. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  explainRegistry,
  explanationLines,
  parseConfig,
  REGISTRY_WARNING_CODES,
} from '../../server/config/index.ts'

const explain = (text: string, env: Readonly<Record<string, string>> = {}) =>
  explainRegistry(parseConfig(text, { file: 'h.yaml', env }))

const SECRETS = {
  OPENAI_API_KEY: 'sk-key',
  HEADER: 'header-secret',
  DB: 'db-secret',
  TENANT: 'tenant-secret',
}
const CONFIG = `providers:
  openai:
  google:
  plain: { type: openai-compatible, baseUrl: "http://models.example.com/v1", headers: { x-key: "\${HEADER}" } }
  ollama:
  loop: { type: vllm, baseUrl: "http://[::1]:8000/v1" }
arms:
  openai/gpt-5:
  openai/gpt-5.6-luna: { tags: [t] }
  plain/m: { price: { inputUsdPerMtok: 0, outputUsdPerMtok: 0 }, capabilities: [streaming, tools] }
  ollama/llama3:
  loop/m: { price: { inputUsdPerMtok: 1, outputUsdPerMtok: 1 }, capabilities: [streaming, tools] }
models:
  auto:
  one: { arms: [openai/gpt-5], policy: { name: fixed, arm: openai/gpt-5 } }
aliases: { gpt: auto }
tenants:
  a: { keys: ["\${TENANT}"] }
  b: {}
store: { url: "https://db:8443", username: u, password: "\${DB}" }
`

describe('explainRegistry', () => {
  const explanation = explain(CONFIG, SECRETS)

  it('says whether a provider has a key', () => {
    assert.deepEqual(
      explanation.providers.map(({ name, key, headers }) => [name, key, headers]),
      [
        ['openai', 'present', []],
        ['google', 'absent', []],
        ['plain', 'absent', ['x-key']],
        ['ollama', 'absent', []],
        ['loop', 'absent', []],
      ],
    )
  })

  it('says where each price is from', () => {
    assert.deepEqual(
      explanation.arms.map(({ id, priceSource }) => [id, priceSource]),
      [
        ['openai/gpt-5', 'litellm 2026-08-06'],
        ['openai/gpt-5.6-luna', 'litellm 2026-08-06'],
        ['plain/m', 'config'],
        ['ollama/llama3', 'self-hosted'],
        ['loop/m', 'config'],
      ],
    )
  })

  it('a provider that only makes embeddings is used', () => {
    const embedding = 'features: { embedding: { provider: loop, model: e, dimensions: 64 } }\n'
    const { warnings } = explain(
      `providers:\n  openai:\n  loop: { type: vllm, baseUrl: "http://[::1]:8000/v1" }\narms: { openai/gpt-5: {} }\n${embedding}`,
      SECRETS,
    )
    assert.ok(!warnings.some(({ code }) => code === 'provider_unused'))
  })

  it('warns of what looks odd, and of nothing else', () => {
    assert.deepEqual(
      explanation.warnings.map(({ code, subject }) => [code, subject]),
      [
        ['provider_unused', 'providers.google'],
        ['provider_without_key', 'providers.google'],
        ['provider_plain_http', 'providers.plain'],
        ['arm_price_disputed', 'arms.openai/gpt-5.6-luna'],
        ['arm_free', 'arms.ollama/llama3'],
        ['arm_streams_only', 'arms.ollama/llama3'],
        ['model_single_arm', 'models.one'],
        ['tenant_without_key', 'tenants.b'],
      ],
    )
  })

  it('warns of a server that is open to all', () => {
    const open = `providers: { openai: { apiKey: k } }\narms: { openai/gpt-5: , openai/gpt-5-mini: }\nserver: { host: 0.0.0.0 }\n`
    assert.deepEqual(
      explain(open).warnings.map(({ code }) => code),
      ['server_open'],
    )
    assert.deepEqual(explain(`${open}tenants: { t: { keys: ["\${T}"] } }\n`, { T: 'k' }).warnings, [])
  })

  it('has a test for every warning', () => {
    const seen = new Set([...explanation.warnings.map(({ code }) => code), 'server_open'])
    assert.deepEqual([...seen].sort(), [...REGISTRY_WARNING_CODES].sort())
  })

  it('shows no secret, as data or as lines', () => {
    const text = JSON.stringify(explanation) + explanationLines(explanation).join('\n')
    for (const secret of Object.values(SECRETS)) assert.ok(!text.includes(secret), secret)
  })

  it('as lines tells what is there', () => {
    const lines = explanationLines(explanation)
    for (const line of [
      'configuration  h.yaml',
      'address        127.0.0.1:8787',
      'store          https://db:8443 (database highwayman)',
      'provider       openai  openai-compatible  https://api.openai.com/v1  key present',
      'arm            openai/gpt-5  1.25/10 USD per Mtok (litellm 2026-08-06)',
      'model          auto  thompson, floor 0.02: all 5 arms',
      'model          one  fixed, floor 0: openai/gpt-5',
      'alias          gpt → auto',
      'tenant         a  1 key',
    ]) {
      assert.ok(lines.includes(line), `${line}\nis not in\n${lines.join('\n')}`)
    }
    assert.equal(lines.filter((line) => line.startsWith('warning')).length, explanation.warnings.length)
  })
})
