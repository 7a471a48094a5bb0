/** What is kept of what was said, on a real store: nothing, unless it is asked for; then redacted, and gone when erased. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type ClickHouseStore, openClickHouseStore } from '../../adapters/clickhouse/open-store.ts'
import type { PromptSettings, Registry } from '../../server/index.ts'
import { userHash } from '../../server/index.ts'
import { type MutableUpstream, saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { registryOf, startTestServer } from '../helpers/server.ts'

const PROMPTS: PromptSettings = {
  maxChars: 1_000,
  redact: ['email'],
  patterns: [{ name: 'ticket', regex: 'T-[0-9]+' }],
}
const BODY = {
  user: 'ann',
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'About T-1234: write to ann@example.com' },
  ],
}

describe('prompts', () => {
  let dataDir: string
  let store: ClickHouseStore
  let upstream: MutableUpstream
  const registry = (prompts?: PromptSettings): Registry => ({
    ...registryOf({
      arms: [
        { id: 'down/one', url: 'http://127.0.0.1:9' },
        { id: 'up/two', url: upstream.url },
      ],
    }),
    ...(prompts && { prompts }),
  })
  const kept = () => store.queryRows('SELECT * FROM prompts ORDER BY decision_ts, decision_id')

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'highwayman-prompts-'))
    store = await openClickHouseStore({ kind: 'embedded', dataDir, replica: 'local' })
    upstream = await startOpenAiUpstream(saying('Done, bob@example.com'))
  })
  after(async () => {
    await upstream[Symbol.asyncDispose]()
    await store.close()
    await rm(dataDir, { recursive: true, force: true })
  })

  test('nothing is kept by default, in no table', async () => {
    await using server = await startTestServer(registry(), { store })
    assert.equal((await server.chat(BODY)).status, 200)
    await store.flush()
    assert.deepEqual(await kept(), [])
    const tables = await store.queryRows(
      "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'",
    )
    for (const { name } of tables) {
      const rows = await store.queryRows(`SELECT * FROM ${name}`)
      assert.doesNotMatch(JSON.stringify(rows), /T-1234|ann@|Be brief|bob@|"ann"/, String(name))
    }
  })

  test('asked for: once for a request that failed over, redacted, and never the answer', async () => {
    await using server = await startTestServer(registry(PROMPTS), { store })
    const answer = await server.chat(BODY)
    assert.equal(answer.headers.get('x-highwayman-attempts'), '2')
    await store.flush()
    const rows = await kept()
    assert.equal(rows.length, 1)
    const [row] = rows
    assert.deepEqual(JSON.parse(String(row?.['messages'])), [
      { role: 'system', text: 'Be brief.' },
      { role: 'user', text: 'About [ticket]: write to [email]' },
    ])
    assert.deepEqual([row?.['tenant'], row?.['truncated'], row?.['redactions']], ['default', false, 2])
    assert.doesNotMatch(JSON.stringify(rows), /bob/)
    const [decision] = await store.queryRows(
      'SELECT user_hash FROM decisions WHERE decision_id = {id:UUID}',
      { id: row?.['decision_id'] },
    )
    assert.equal(decision?.['user_hash'], userHash('default', 'ann'))
  })

  test('an erased user leaves no prompt and no decision; others stay', async () => {
    await using server = await startTestServer(registry(PROMPTS), { store })
    await server.chat({ ...BODY, safety_identifier: 'eve' })
    const reply = await server.post('/admin/v1/erase', { tenant: 'default', user: 'ann' })
    assert.equal(reply.status, 200)
    const { rows } = (await reply.json()) as { rows: Record<string, number> }
    assert.equal(rows['prompts'], 1)
    assert.equal(rows['decisions'], 4)
    const hashes = await store.queryRows('SELECT DISTINCT user_hash FROM decisions')
    assert.deepEqual(hashes, [{ user_hash: userHash('default', 'eve') }])
    assert.equal((await kept()).length, 1)
  })
})
