/** A ClickHouse server behind TLS, whose certificate is signed by an authority that Node does not know; and one that is slow. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { type ClickHouseStore, openClickHouseStore } from '../../adapters/clickhouse/open-store.ts'
import type { StoreLocation } from '../../adapters/index.ts'
import { startTestClickHouse, TEST_CA_FILE, type TestClickHouse } from '../helpers/clickhouse-http.ts'
import { eventually } from '../helpers/server.ts'
import { decisionRow } from '../helpers/store-rows.ts'

const PASSWORD = 'over the wire'

describe('a store on a ClickHouse server behind TLS', () => {
  let server: TestClickHouse
  let store: ClickHouseStore | undefined
  const open = (change: Partial<Extract<StoreLocation, { kind: 'remote' }>> = {}) =>
    openClickHouseStore({
      kind: 'remote',
      url: server.url,
      database: 'tls',
      password: PASSWORD,
      replica: 'replica-1',
      ...change,
    })

  before(async () => {
    server = await startTestClickHouse(PASSWORD, 'https')
  })
  afterEach(async () => {
    await store?.close()
    store = undefined
  })
  after(() => server.stop())

  test('is written and read when its authority is named', async () => {
    store = await open({ caFile: TEST_CA_FILE })
    const row = decisionRow()
    store.appendDecision(row)
    await store.flush()
    assert.deepEqual((await store.findDecision(row.decision.id))?.row, row)
    assert.match(store.location, /^https:\/\/127\.0\.0\.1:\d+$/)
    const inserts = (await server.seen()).filter(({ sql }) => sql.startsWith('INSERT INTO decisions'))
    assert.deepEqual(
      inserts.map(({ encoding }) => encoding),
      ['gzip'],
    )
  })

  test('is not trusted otherwise, and the message names the setting', async () => {
    await assert.rejects(open(), (error: Error) => {
      assert.ok('code' in error && error.code === 'store_unavailable')
      assert.match(error.message, /certificate.*store\.caFile/)
      assert.doesNotMatch(error.message, /over the wire/)
      return true
    })
  })

  test('with a file that cannot be read is refused before anything is sent', async () => {
    await server.forget()
    await assert.rejects(open({ caFile: `${TEST_CA_FILE}.gone` }), {
      code: 'store_bad_location',
      message: /store\.caFile cannot be read \(ENOENT/,
    })
    assert.deepEqual(await server.seen(), [])
  })

  test('is not spoken to without it', async () => {
    await assert.rejects(open({ url: server.url.replace('https', 'http') }), { code: 'store_unavailable' })
  })

  test('that takes longer than it may is given up, and asked again under the same token', async () => {
    store = await open({ caFile: TEST_CA_FILE, requestTimeoutMs: 4_000 })
    await server.forget()
    await server.setFaults({ kind: 'delay', when: 'INSERT INTO decisions', times: 1, ms: 5_000 })
    store.appendDecision(decisionRow({}, { salt: 'slow' }))
    await store.flush()
    await eventually(() => store?.stats().queuedRows === 0, 'the row to be taken')
    const inserts = (await server.seen()).filter(({ sql }) => sql.startsWith('INSERT INTO decisions'))
    assert.ok(inserts.length >= 2, `${inserts.length} tries`)
    assert.equal(new Set(inserts.map(({ token }) => token)).size, 1)
    assert.deepEqual(await store.queryRows("SELECT count() AS n FROM decisions WHERE salt = 'slow'"), [
      { n: 1 },
    ])
    assert.ok(store.stats().failedBatches >= 1)
  })
})
