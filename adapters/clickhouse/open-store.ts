/** Opens a store: connect, migrate, mend, then hand out the pieces as one {@link Store}. */
import { type ClickHouse, type QueryParams, type Row, unavailable } from './client.ts'
import { openEmbedded } from './embedded.ts'
import { erase } from './erase.ts'
import { importLog } from './import-log.ts'
import { migrate, readMigrations } from './migrate.ts'
import { DEFAULT_WRITER_OPTIONS, type StoreOptions } from './options.ts'
import { armSummary } from './readers/arm-summary.ts'
import { findDecision } from './readers/find-decision.ts'
import { loadSums } from './readers/load-sums.ts'
import { readLog } from './readers/read-log.ts'
import { trafficStats } from './readers/traffic-stats.ts'
import { reconcilePosterior } from './reconcile.ts'
import { openRemote } from './remote.ts'
import { applyRetention } from './schema/retention.ts'
import { type Store, StoreError } from './store.ts'
import { closedError, createWriter } from './writer.ts'

/** A {@link Store} with a way past it, for tests and for operations by hand. */
export interface ClickHouseStore extends Store {
  queryRows(sql: string, params?: QueryParams): Promise<Row[]>
}

/**
 * Opens the embedded database of a directory, or connects to a server, and brings its schema up to date.
 * @throws {StoreError} `store_engine_missing`, `store_bad_location`, `store_unavailable` within the connect timeout,
 *   `store_migration_changed`, `store_migration_failed`
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  return await openClickHouseStore(options)
}

/** {@link openStore}, with the way past it. */
export async function openClickHouseStore(options: StoreOptions): Promise<ClickHouseStore> {
  if (options.replica === '') {
    throw new StoreError(
      'store_bad_location',
      'a replica needs a name: its sums are told from those of others by it',
    )
  }
  const migrations = await readMigrations()
  const clickhouse =
    options.kind === 'embedded' ? await openEmbedded(options.dataDir) : await openRemote(options)
  try {
    const cluster = options.kind === 'remote' ? options.cluster : undefined
    const { retention = {} } = options
    await migrate(clickhouse, migrations, cluster)
    await applyRetention(clickhouse, retention, cluster)
    if ('recovering' in clickhouse && clickhouse.recovering) {
      await reconcilePosterior(clickhouse, retention.observations)
    }
  } catch (error) {
    await clickhouse.close(false)
    throw error
  }
  return createStore(clickhouse, options)
}

/** The pieces over a database that has its schema. */
export function createStore(clickhouse: ClickHouse, options: StoreOptions): ClickHouseStore {
  const writer = createWriter(
    clickhouse,
    options.replica,
    { ...DEFAULT_WRITER_OPTIONS, ...options.writer },
    options.onWriteError ?? (() => {}),
  )
  let closing: Promise<void> | undefined

  const read = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
    if (closing !== undefined) throw closedError(clickhouse)
    try {
      return await run()
    } catch (error) {
      if (error instanceof StoreError) throw error
      throw unavailable(`${what} could not be read`, clickhouse, error)
    }
  }

  return {
    kind: clickhouse.kind,
    location: clickhouse.location,
    appendDecision: writer.appendDecision,
    appendAttempt: writer.appendAttempt,
    appendObservations: writer.appendObservations,
    appendPrompt: writer.appendPrompt,
    writeReward: writer.writeReward,
    findDecision: async (id) => {
      if (writer.holds(id)) await writer.flush()
      return await read(`decision ${id}`, () => findDecision(clickhouse, id))
    },
    loadSums: (query) => read(`the sums of ${query.featureSpace}`, () => loadSums(clickhouse, query)),
    armSummary: (query) => read('the arm summary', () => armSummary(clickhouse, query)),
    trafficStats: (query) => read('the statistics', () => trafficStats(clickhouse, query)),
    readLog: (query) =>
      readLog({ query: (sql, params) => read('the log', () => clickhouse.query(sql, params)) }, query),
    importLog: async (rows) => {
      if (closing !== undefined) throw closedError(clickhouse)
      return await importLog(clickhouse, writer, rows)
    },
    erase: async (query) => {
      if (closing !== undefined) throw closedError(clickhouse)
      await writer.flush()
      return await erase(clickhouse, query, options.kind === 'remote' ? options.cluster : undefined)
    },
    ping: async () => {
      await read('an answer', () => clickhouse.query('SELECT 1 AS one'))
    },
    stats: writer.stats,
    flush: writer.flush,
    close: () => {
      closing ??= writer.close().then((clean) => clickhouse.close(clean))
      return closing
    },
    queryRows: (sql, params) => read('the rows', () => clickhouse.query(sql, params)),
  }
}
