/** What is kept, for how long, and who may administrate, by configuration. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { parseConfig } from '../../server/config/index.ts'

const GOOD = `providers: { openai: { apiKey: "\${KEY}" } }\narms: { openai/gpt-5.4-mini: {} }\n`

function parse(text: string, env: Record<string, string> = {}) {
  return parseConfig(text, { file: 'highwayman.yaml', env: { KEY: 'k', ...env } })
}

describe('store', () => {
  it('is a cluster of servers, with the places that are usual', () => {
    const { store } = parse(`${GOOD}store: { url: "https://db:8443", cluster: { name: crew } }\n`)
    assert.deepEqual(store.kind === 'remote' && store.cluster, {
      name: 'crew',
      keeperPath: '/clickhouse/tables/{shard}/{database}/{table}',
      replicaMacro: '{replica}',
    })
  })

  it('keeps rows for as long as is said, and prompts only when asked', () => {
    const retention = '{ decisionsDays: 90, observationsDays: 30, posteriorDays: 400 }'
    const some = parse(`${GOOD}store: { retention: ${retention} }\n`)
    assert.deepEqual(some.store.retention, { decisions: 90, observations: 30, posterior: 400 })
    assert.equal(some.prompts, undefined)
    const kept = parse(`${GOOD}store: { prompts: { enabled: true, redact: [email], retentionDays: 7 } }\n`)
    assert.deepEqual(kept.store.retention, { prompts: 7 })
    assert.deepEqual(kept.prompts, { maxChars: 16_000, redact: ['email'], patterns: [] })
  })
})

describe('admin keys', () => {
  it('are kept as hashes', () => {
    const { adminKeySha256 } = parse(`${GOOD}admin: { keys: ["\${K}"] }\n`, { K: 'k' })
    assert.deepEqual(adminKeySha256, [createHash('sha256').update('k').digest('hex')])
    assert.deepEqual(parse(GOOD).adminKeySha256, [])
  })
})
