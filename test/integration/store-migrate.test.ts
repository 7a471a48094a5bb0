/** Schema changes on a server: replicas that start together, one that is cut off on the way, and rows of the version before. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { ClickHouse } from '../../adapters/clickhouse/client.ts'
import { migrate, readMigrations } from '../../adapters/clickhouse/migrate.ts'
import { type ClickHouseStore, openClickHouseStore } from '../../adapters/clickhouse/open-store.ts'
import { openRemote } from '../../adapters/clickhouse/remote.ts'
import type { StoreOptions } from '../../adapters/index.ts'
import { startTestClickHouse, type TestClickHouse } from '../helpers/clickhouse-http.ts'
import { attemptRow, decisionRow, observation, rewardRow, SPACE, START_MS } from '../helpers/store-rows.ts'

const REPLICAS = 4

describe('migrations on a server', () => {
  let server: TestClickHouse
  let database: string
  let databases = 0
  const closers: (() => Promise<void>)[] = []

  const options = (replica: string): StoreOptions => ({
    kind: 'remote',
    url: server.url,
    database,
    replica,
    retention: { decisions: 90, posterior: 400 },
  })
  const open = async (replica = 'replica-1'): Promise<ClickHouseStore> => {
    const store = await openClickHouseStore(options(replica))
    closers.push(store.close)
    return store
  }
  const connect = async (): Promise<ClickHouse> => {
    const clickhouse = await openRemote({ kind: 'remote', url: server.url, database })
    closers.push(() => clickhouse.close(true))
    return clickhouse
  }
  const schemaOf = async (clickhouse: Pick<ClickHouse, 'query'>): Promise<readonly string[]> => {
    const rows = await clickhouse.query(
      'SELECT create_table_query AS text FROM system.tables WHERE database = currentDatabase() ORDER BY name',
    )
    return rows.map(({ text }) =>
      String(text)
        .replaceAll(database, 'database')
        .replace(/UUID '[^']+'/g, ''),
    )
  }
  before(async () => {
    server = await startTestClickHouse()
  })
  afterEach(async () => {
    await server.setFaults()
    for (const close of closers.splice(0)) await close()
    database = `migrate_${databases++}`
  })
  after(() => server.stop())
  database = `migrate_${databases++}`

  test('replicas that start together leave the schema that one leaves, and all of them work', async () => {
    const stores = await Promise.all(Array.from({ length: REPLICAS }, (_, i) => open(`replica-${i}`)))
    const together = await schemaOf({ query: stores[0]!.queryRows })
    const [first] = stores as [ClickHouseStore]
    const applied = await first.queryRows(
      'SELECT version, uniqExact(checksum) AS sums FROM schema_migrations GROUP BY version',
    )
    assert.equal(applied.length, (await readMigrations()).length)
    assert.ok(applied.every(({ sums }) => sums === 1))
    for (const store of stores) store.appendObservations([observation()])
    await Promise.all(stores.map((store) => store.flush()))
    const [sums] = await first.queryRows('SELECT sum(rows) AS rows FROM posterior')
    assert.equal(sums?.['rows'], REPLICAS)
    database = `migrate_${databases++}`
    assert.deepEqual(together, await schemaOf({ query: (await open()).queryRows }))
  })

  for (const kind of ['cut-before', 'cut-after'] as const) {
    test(`cut off in the middle (${kind}), it goes on where it was at the next start`, async () => {
      const migrations = await readMigrations()
      const middle = migrations
        .flatMap(({ statements }) => statements)
        .find((sql) => sql.includes('TABLE IF NOT EXISTS rewards'))
      assert.ok(middle)
      await server.setFaults({ kind, when: 'TABLE IF NOT EXISTS rewards', times: 1 })
      await assert.rejects(open(), {
        code: 'store_migration_failed',
        message: /0001_decisions\.sql.*start again/,
      })
      const store = await open()
      store.appendDecision(decisionRow())
      await store.flush()
      assert.equal(store.stats().writtenRows, 1)
    })
  }

  test('rows of every earlier version are there after the change, and it still writes while it is being replaced', async () => {
    const clickhouse = await connect()
    const all = await readMigrations()
    const first = all.filter(({ version }) => version <= 2)
    await migrate(clickhouse, first)
    const before = decisionRow()
    const { id } = before.decision
    // As a build of that version inserts: by the names of its own columns.
    const old = async (atMs: number): Promise<void> => {
      const time = `fromUnixTimestamp64Milli(${atMs}, 'UTC')`
      await clickhouse.command(
        `INSERT INTO decisions (decision_ts, decision_id, ts, tenant, policy, eligible, probabilities, arm, propensity)
         VALUES (${time}, '${id}', ${time}, 'acme', '{"name":"thompson"}', ['a/b'], [1], 'a/b', 1)`,
      )
    }
    const idMs = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
    await old(idMs)
    for (const migration of all)
      await migrate(
        clickhouse,
        all.filter(({ version }) => version <= migration.version),
      )
    const store = await open()
    assert.equal((await store.findDecision(id))?.row.tenant, 'acme')
    await store.queryRows('TRUNCATE TABLE decisions')
    await old(idMs)
    assert.equal((await store.findDecision(id))?.row.userHash, '')
    // And what the new version writes is whole.
    const row = decisionRow({ userHash: 'ab' })
    const attempt = attemptRow({ decisionId: row.decision.id })
    const reward = rewardRow({ decisionId: row.decision.id })
    store.appendDecision(row)
    store.appendAttempt(attempt)
    await store.writeReward(reward, [observation({ decisionId: row.decision.id, atMs: START_MS })])
    await store.flush()
    assert.deepEqual(await store.findDecision(row.decision.id), {
      row,
      attempts: [attempt],
      rewards: [reward],
    })
    const sums = await store.loadSums({
      featureSpace: SPACE,
      nowMs: START_MS,
      halfLifeMs: { quality: 1e9, ttft: 1e9, tpot: 1e9, output_tokens: 1e9, success: 1e9 },
    })
    assert.equal(sums.length, 1)
  })

  test('an older build starts on the schema of a newer one', async () => {
    const clickhouse = await connect()
    const all = await readMigrations()
    await migrate(clickhouse, all)
    assert.deepEqual(await migrate(clickhouse, all.slice(0, -1)), [])
  })
})
