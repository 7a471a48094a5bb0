/** What is kept, for how long, and who may administrate, by configuration. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { explainRegistry, explanationLines, parseConfig } from '../../server/config/index.ts'

const GOOD = `providers: { openai: { apiKey: "\${KEY}" } }\narms: { openai/gpt-5.4-mini: {} }\n`

function parse(text: string, env: Record<string, string> = {}) {
  return parseConfig(text, { file: 'highwayman.yaml', env: { KEY: 'k', ...env } })
}

describe('keeping', () => {
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
    assert.deepEqual(some.store.retention, {
      decisions: 90,
      assignments: 90,
      observations: 30,
      posterior: 400,
    })
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

describe('what doctor says of it', () => {
  const linesOf = (text: string): readonly string[] => explanationLines(explainRegistry(parse(GOOD + text)))

  it('all rows for good and no prompts, when nothing is said', () => {
    assert.ok(linesOf('').includes('keeps          all rows for good; no prompts'))
  })

  it('limits, the cluster, and what prompts are kept without', () => {
    const lines = linesOf(
      'store: { url: "https://db:8443", cluster: { name: crew }, retention: { decisionsDays: 90 }, prompts: { enabled: true, redact: [email], patterns: [{ name: ticket, regex: "T-1" }] } }\n',
    )
    assert.ok(lines.includes('store          https://db:8443 (database highwayman, cluster crew)'))
    assert.ok(
      lines.includes(
        'keeps          decisions 90 d, assignments 90 d, prompts 30 d; prompts without email, ticket',
      ),
    )
    const plain = linesOf('store: { prompts: { enabled: true, redact: [] } }\n')
    assert.ok(plain.includes('keeps          prompts 30 d; prompts as they are'))
  })
})
