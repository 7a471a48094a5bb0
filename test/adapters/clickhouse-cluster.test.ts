/** The schema on a cluster: made from the same files, parsed by the real parser, and run on a cluster of one server. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ClickHouse } from '../../adapters/clickhouse/client.ts'
import { type Migration, migrate, migrationsFor, readMigrations } from '../../adapters/clickhouse/migrate.ts'
import { type ClickHouseStore, createStore } from '../../adapters/clickhouse/open-store.ts'
import { onCluster, UnknownStatement } from '../../adapters/clickhouse/schema/on-cluster.ts'
import { applyRetention } from '../../adapters/clickhouse/schema/retention.ts'
import {
  hostsWithoutSchema,
  schemaMigrationsTable,
} from '../../adapters/clickhouse/schema/schema-migrations.ts'
import { columnsOf, splitTop } from '../../adapters/clickhouse/schema/sql-scan.ts'
import { openClusterOfOne, TEST_CLUSTER, withoutKeeper } from '../helpers/clickhouse-cluster.ts'
import { assertSums, directSums } from '../helpers/direct-sums.ts'
import {
  attemptRow,
  callObservations,
  decisionRow,
  HALF_LIFE_MS,
  observation,
  rewardRow,
  SPACE,
  START_MS,
} from '../helpers/store-rows.ts'

const fresh = () => ({ tables: new Set<string>(), views: new Set<string>() })

describe('statements for a cluster', () => {
  let single: readonly Migration[]
  let many: readonly Migration[]
  const all = (): string[] => many.flatMap(({ statements }) => [...statements])

  before(async () => {
    single = await readMigrations()
    many = migrationsFor(single, TEST_CLUSTER)
  })

  test('a table becomes a replicated one on every server and a Distributed one over them', () => {
    const [local, distributed, ...more] = onCluster(
      'CREATE TABLE IF NOT EXISTS log (ts DateTime, decision_id UUID, m Map(String, String)) ENGINE = MergeTree PARTITION BY ts ORDER BY (ts, decision_id) SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1',
      TEST_CLUSTER,
      fresh(),
    )
    assert.equal(
      local,
      "CREATE TABLE IF NOT EXISTS log_local ON CLUSTER 'crew' (ts DateTime, decision_id UUID, m Map(String, String)) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}') PARTITION BY ts ORDER BY (ts, decision_id) SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, fsync_after_insert = 1",
    )
    assert.equal(
      distributed,
      "CREATE TABLE IF NOT EXISTS log ON CLUSTER 'crew' AS log_local ENGINE = Distributed('crew', currentDatabase(), log_local, sipHash64(decision_id))",
    )
    assert.deepEqual(more, [])
  })

  test('an engine keeps its own arguments, and a table without decisions goes by its sorting key', () => {
    const [local = '', distributed = ''] = onCluster(
      'CREATE TABLE IF NOT EXISTS latest (k String, v UInt64) ENGINE = ReplacingMergeTree(v) ORDER BY k',
      TEST_CLUSTER,
      fresh(),
    )
    assert.match(local, /ENGINE = ReplicatedReplacingMergeTree\('[^']+', '\{replica\}', v\) ORDER BY k$/)
    assert.match(distributed, /sipHash64\(k\)\)$/)
  })

  test('a view reads and writes what its server has', () => {
    const names = fresh()
    onCluster('CREATE TABLE IF NOT EXISTS a (x UInt8) ENGINE = MergeTree ORDER BY x', TEST_CLUSTER, names)
    onCluster('CREATE TABLE IF NOT EXISTS b (x UInt8) ENGINE = MergeTree ORDER BY x', TEST_CLUSTER, names)
    const view = onCluster(
      'CREATE MATERIALIZED VIEW IF NOT EXISTS v TO b AS SELECT x FROM a INNER JOIN a AS other USING (x)',
      TEST_CLUSTER,
      names,
    )
    const body = 'SELECT x FROM a_local INNER JOIN a_local AS other USING (x)'
    assert.deepEqual(view, [
      `CREATE MATERIALIZED VIEW IF NOT EXISTS v ON CLUSTER 'crew' TO b_local AS ${body}`,
    ])
    assert.deepEqual(onCluster('ALTER TABLE v MODIFY QUERY SELECT x FROM a', TEST_CLUSTER, names), [
      "ALTER TABLE v ON CLUSTER 'crew' MODIFY QUERY SELECT x FROM a_local",
    ])
    assert.deepEqual(onCluster('DROP VIEW IF EXISTS v', TEST_CLUSTER, names), [
      "DROP VIEW IF EXISTS v ON CLUSTER 'crew'",
    ])
    assert.deepEqual(onCluster('DROP TABLE IF EXISTS a', TEST_CLUSTER, names), [
      "DROP TABLE IF EXISTS a ON CLUSTER 'crew'",
      "DROP TABLE IF EXISTS a_local ON CLUSTER 'crew'",
    ])
  })

  test('of a change, the Distributed table is told what concerns the shape of rows', () => {
    const names = { tables: new Set(['t']), views: new Set<string>() }
    const change =
      "ALTER TABLE t ADD COLUMN IF NOT EXISTS c Decimal(9, 2) DEFAULT 0, ADD INDEX IF NOT EXISTS i c TYPE set(0), MODIFY COMMENT 'a, b' SETTINGS mutations_sync = 2"
    assert.deepEqual(onCluster(change, TEST_CLUSTER, names), [
      "ALTER TABLE t_local ON CLUSTER 'crew' ADD COLUMN IF NOT EXISTS c Decimal(9, 2) DEFAULT 0, ADD INDEX IF NOT EXISTS i c TYPE set(0), MODIFY COMMENT 'a, b' SETTINGS mutations_sync = 2",
      "ALTER TABLE t ON CLUSTER 'crew' ADD COLUMN IF NOT EXISTS c Decimal(9, 2) DEFAULT 0 SETTINGS mutations_sync = 2",
    ])
  })

  for (const statement of [
    'CREATE TABLE t (x UInt8) ENGINE = MergeTree ORDER BY x',
    'CREATE TABLE IF NOT EXISTS t (x UInt8) ENGINE = Memory',
    'RENAME TABLE a TO b',
    'ALTER TABLE stranger ADD COLUMN x UInt8',
  ]) {
    test(`there is no rule for: ${statement}`, () => {
      assert.throws(() => onCluster(statement, TEST_CLUSTER, fresh()), UnknownStatement)
    })
  }

  test('every migration has statements for a cluster, under the checksum of its file', () => {
    assert.deepEqual(
      many.map(({ name, checksum }) => [name, checksum]),
      single.map(({ name, checksum }) => [name, checksum]),
    )
    assert.ok(many.every(({ statements }, i) => statements.length >= (single[i]?.statements.length ?? 0)))
  })

  test('every table of every migration: replicated in its shard, spread by a key, nothing made on one server alone', () => {
    const created = single
      .flatMap(({ statements }) => statements)
      .flatMap((statement) => /^CREATE TABLE IF NOT EXISTS (\w+)/.exec(statement)?.[1] ?? [])
    assert.ok(created.length >= 5)
    for (const table of created) {
      const replicated = all().filter((sql) =>
        sql.startsWith(`CREATE TABLE IF NOT EXISTS ${table}_local ON CLUSTER 'crew'`),
      )
      assert.equal(replicated.length, 1, table)
      assert.match(
        replicated[0] ?? '',
        /ENGINE = Replicated\w*MergeTree\('\/clickhouse\/tables\/\{shard\}\/\{database\}\/\{table\}', '\{replica\}'/,
      )
      assert.doesNotMatch(replicated[0] ?? '', /non_replicated/)
      const distributed = all().filter((sql) =>
        sql.startsWith(`CREATE TABLE IF NOT EXISTS ${table} ON CLUSTER 'crew' AS ${table}_local`),
      )
      assert.equal(distributed.length, 1, table)
      assert.match(
        distributed[0] ?? '',
        /Distributed\('crew', currentDatabase\(\), \w+_local, sipHash64\(\w[\w, ]*\)\)$/,
      )
      assert.doesNotMatch(distributed[0] ?? '', /rand\(/)
    }
    for (const sql of all()) assert.match(sql, /^INSERT INTO |ON CLUSTER 'crew'/)
  })

  test('what is about a decision shares a shard with it', () => {
    for (const table of ['decisions', 'attempts', 'rewards', 'observations']) {
      const distributed = all().find((sql) => sql.includes(`AS ${table}_local ENGINE = Distributed`))
      assert.match(distributed ?? '', /sipHash64\(decision_id\)\)$/, table)
    }
  })

  test('the posterior is summed from the observations of its own shard', () => {
    const views = all().filter((sql) => sql.startsWith('CREATE MATERIALIZED VIEW'))
    const posterior = views.find((sql) => sql.includes(' observations_to_posterior '))
    assert.match(posterior ?? '', /ON CLUSTER 'crew' TO posterior_local AS\s+SELECT/)
    assert.match(posterior ?? '', /FROM observations_local\s+GROUP BY/)
    // A view on a Distributed table would sum every row once on each server that passes it on.
    const tables = new Set(all().flatMap((sql) => /AS (\w+)_local ENGINE = Distributed/.exec(sql)?.[1] ?? []))
    for (const view of views) {
      for (const [, source = ''] of view.matchAll(/\b(?:FROM|JOIN)\s+(\w+)/g)) {
        assert.ok(!tables.has(source), `${view.slice(0, 90)} reads ${source}`)
      }
    }
  })

  test('the record of what was applied is on every server', () => {
    assert.match(
      schemaMigrationsTable(TEST_CLUSTER),
      /schema_migrations ON CLUSTER 'crew'[\s\S]+ReplicatedReplacingMergeTree\('\/clickhouse\/tables\/\{database\}\/schema_migrations', '\{shard\}-\{replica\}'\)/,
    )
  })
})

describe('scanning SQL', () => {
  test('commas in brackets and quotes part nothing', () => {
    assert.deepEqual(splitTop("a(1, 2), 'b, c', [d, e], `f,g`"), ['a(1, 2)', "'b, c'", '[d, e]', '`f,g`'])
  })

  test('columns are told from indices', () => {
    const sql =
      'CREATE TABLE t (a Map(String, Array(UInt8)), INDEX i a TYPE set(0), b String) ENGINE = x ORDER BY (a, b)'
    assert.deepEqual(columnsOf(sql), ['a', 'b'])
  })
})

describe('a cluster of one server', () => {
  let root: string
  let clickhouse: ClickHouse
  let store: ClickHouseStore

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'highwayman-cluster-'))
    clickhouse = await openClusterOfOne(join(root, 'data'))
    store = createStore(clickhouse, { kind: 'embedded', dataDir: root, replica: 'replica-1' })
  })
  after(async () => {
    await store.close()
    await rm(root, { recursive: true, force: true })
  })

  test('the parser of ClickHouse takes every statement as it is sent to a server', async () => {
    const migrations = migrationsFor(await readMigrations(), TEST_CLUSTER)
    for (const sql of [schemaMigrationsTable(TEST_CLUSTER), ...migrations.flatMap((one) => one.statements)]) {
      const [row] = await clickhouse.query('SELECT formatQuery({sql:String}) AS formatted', { sql })
      assert.match(String(row?.['formatted']), /ON CLUSTER crew|^INSERT/)
    }
  })

  test('migrates, twice without harm, and knows a server that has nothing yet', async () => {
    const migrations = await readMigrations()
    assert.equal((await migrate(clickhouse, migrations, TEST_CLUSTER)).length, migrations.length)
    assert.deepEqual(await hostsWithoutSchema(clickhouse, TEST_CLUSTER), [])
    assert.deepEqual(await migrate(clickhouse, migrations, TEST_CLUSTER), [])
    const engines = await clickhouse.query(
      "SELECT name, engine FROM system.tables WHERE database = currentDatabase() AND name IN ('posterior', 'posterior_local') ORDER BY name",
    )
    assert.deepEqual(
      engines.map((row) => [row['name'], row['engine']]),
      [
        ['posterior', 'Distributed'],
        ['posterior_local', 'AggregatingMergeTree'],
      ],
    )
  })

  test('a store writes, sums and reads through the Distributed tables', async () => {
    const row = decisionRow()
    const { id } = row.decision
    const attempt = attemptRow({ decisionId: id })
    const reward = rewardRow({ decisionId: id })
    const learned = callObservations(id, START_MS, Float64Array.of(1, 0.25, -2))
    const judged = [observation({ decisionId: id, atMs: START_MS - 3_600_000 })]
    store.appendDecision(row)
    store.appendAttempt(attempt)
    store.appendObservations(learned)
    await store.writeReward(reward, judged)
    await store.writeReward(reward, judged)
    await store.flush()
    assert.equal(store.stats().failedBatches, 0)
    assert.deepEqual(await store.findDecision(id), { row, attempts: [attempt], rewards: [reward] })
    const sums = await store.loadSums({ featureSpace: SPACE, nowMs: START_MS, halfLifeMs: HALF_LIFE_MS })
    assertSums(sums, directSums([...learned, ...judged], START_MS, HALF_LIFE_MS))
    const [summary] = await store.armSummary({ fromMs: START_MS - 1, toMs: START_MS + 1 })
    assert.equal(summary?.decisions, 1)
    const [counts] = await store.queryRows(
      'SELECT (SELECT count() FROM decisions_local) AS local, (SELECT sum(rows) FROM posterior_local) AS summed',
    )
    assert.deepEqual([counts?.['local'], counts?.['summed']], [1, 3])
  })

  test('a batch that is sent again is stored once', async () => {
    const [before] = await clickhouse.query('SELECT count() AS rows FROM decisions')
    const body = Buffer.from([1, 2, 3])
    await clickhouse.command(
      'CREATE TABLE IF NOT EXISTS bytes_local (b UInt8) ENGINE = MergeTree ORDER BY b SETTINGS non_replicated_deduplication_window = 10',
    )
    await clickhouse.command(
      "CREATE TABLE IF NOT EXISTS bytes AS bytes_local ENGINE = Distributed('crew', currentDatabase(), bytes_local, sipHash64(b))",
    )
    for (const token of ['a', 'a', 'b']) {
      await clickhouse.insert({ table: 'bytes', columns: ['b'], body, rows: 3, token })
    }
    const [row] = await clickhouse.query('SELECT count() AS rows FROM bytes')
    assert.equal(row?.['rows'], 6)
    const [afterwards] = await clickhouse.query('SELECT count() AS rows FROM decisions')
    assert.deepEqual(afterwards, before)
  })

  test('TTLs are put on the tables that hold the rows', async () => {
    assert.deepEqual(await applyRetention(clickhouse, { attempts: 30 }, TEST_CLUSTER), ['attempts'])
    assert.deepEqual(await applyRetention(clickhouse, { attempts: 30 }, TEST_CLUSTER), [])
    const [row] = await clickhouse.query(
      "SELECT engine_full FROM system.tables WHERE name = 'attempts_local'",
    )
    assert.match(String(row?.['engine_full']), /TTL toDateTime\(decision_ts\) \+ toIntervalDay\(30\)/)
  })
})

test('what the embedded engine lacks is taken out of a statement, and nothing else', () => {
  assert.equal(
    withoutKeeper(
      "CREATE TABLE t_local ON CLUSTER 'crew' (a UInt8) ENGINE = ReplicatedReplacingMergeTree('/p', '{replica}', a) ORDER BY a SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, fsync_after_insert = 1",
    ),
    'CREATE TABLE t_local (a UInt8) ENGINE = ReplacingMergeTree(a) ORDER BY a SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1',
  )
})
