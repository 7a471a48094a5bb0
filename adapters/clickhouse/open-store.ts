/** Opens a store: connect, migrate, mend, then hand out the pieces as one {@link Store}. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { bucketMsOf } from './buckets.ts'
import { type ClickHouse, type QueryParams, type Row, unavailable } from './client.ts'
import { type Contributor, createContributor } from './contributor.ts'
import { type EmbeddedClickHouse, openEmbedded } from './embedded.ts'
import { erase } from './erase.ts'
import { createExperimentStore } from './experiment-store.ts'
import { importLog } from './import-log.ts'
import { migrate, readMigrations } from './migrate.ts'
import { DEFAULT_SPOOL_BYTES, DEFAULT_WRITER_OPTIONS, type StoreOptions } from './options.ts'
import { createPolicyStore } from './policy-store.ts'
import { armSummary } from './readers/arm-summary.ts'
import { findDecision } from './readers/find-decision.ts'
import { SumsFollower } from './readers/follow-sums.ts'
import { readLog } from './readers/read-log.ts'
import { findRewards, findSession, findUnrewarded, spentUsd } from './readers/rewardable.ts'
import { trafficStats } from './readers/traffic-stats.ts'
import { reconcilePosterior, recoverPosterior } from './reconcile.ts'
import { applyRetention } from './schema/retention.ts'
import { openSpool, type Spool } from './spool/spool.ts'
import { type Store, StoreError, type SumsQuery } from './store.ts'
import { closedError, createWriter, type Writer } from './writer.ts'

/** How long opening waits for what an earlier process has left to be written; the rest follows while the server runs. */
const REPLAY_MS_MAX = 15_000

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
    options.kind === 'embedded'
      ? await openEmbedded(options.dataDir)
      : await (await import('./remote.ts')).openRemote(options)
  let pieces: Pieces | undefined
  try {
    const cluster = options.kind === 'remote' ? options.cluster : undefined
    await migrate(clickhouse, migrations, cluster)
    await applyRetention(clickhouse, options.retention ?? {}, cluster)
    const spool = options.spool && (await openSpool({ maxBytes: DEFAULT_SPOOL_BYTES, ...options.spool }))
    pieces = createPieces(clickhouse, options, spool)
    // In this order: a batch that was in doubt is completed under its token, and what then is missing is summed anew.
    await Promise.race([pieces.writer.flush(), sleep(REPLAY_MS_MAX, undefined, { ref: false })])
    if ('recovering' in clickhouse && clickhouse.recovering)
      await recoverPosterior(clickhouse, options.retention?.observations)
  } catch (error) {
    await pieces?.writer.close()
    await clickhouse.close(false)
    throw error
  }
  return createStore(clickhouse, options, pieces)
}

interface Pieces {
  readonly contributor: Contributor
  readonly writer: Writer
}

function createPieces(clickhouse: ClickHouse, options: StoreOptions, spool: Spool | undefined): Pieces {
  const contributor = createContributor(options.replica)
  const writerOptions = { ...DEFAULT_WRITER_OPTIONS, ...options.writer }
  const writer = createWriter(clickhouse, options.replica, contributor, writerOptions, spool, {
    onWriteError: options.onWriteError ?? (() => {}),
    onState: options.onState ?? (() => {}),
  })
  return { contributor, writer }
}

/** The pieces over a database that has its schema. */
export function createStore(
  clickhouse: ClickHouse | EmbeddedClickHouse,
  options: StoreOptions,
  { contributor, writer } = createPieces(clickhouse, options, undefined),
): ClickHouseStore {
  const { rewardTimeoutMs } = { ...DEFAULT_WRITER_OPTIONS, ...options.writer }
  /** Between two batches. */
  const runNext = (mend: typeof reconcilePosterior): void =>
    writer.runNext(async () => void (await mend(clickhouse, options.retention?.observations)))
  if ('onRestart' in clickhouse) clickhouse.onRestart = () => runNext(recoverPosterior)
  let closing: Promise<void> | undefined
  const life = randomUUID()
  const restarts = (): number => ('restarts' in clickhouse ? clickhouse.restarts : 0)
  /** Erasures that have taken something out of the sums, and perhaps not yet out of the rows. */
  let halfErased = 0

  const read = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
    if (closing !== undefined) throw closedError(clickhouse)
    try {
      return await run()
    } catch (error) {
      if (error instanceof StoreError) throw error
      throw unavailable(`${what} could not be read`, clickhouse, error)
    }
  }

  const follow = (query: SumsQuery, heldNames: () => readonly string[]): SumsFollower =>
    new SumsFollower(clickhouse, { ...query, bucketMs: bucketMsOf(query.halfLifeMs) }, heldNames)

  return {
    ...createPolicyStore(clickhouse, read),
    ...createExperimentStore(clickhouse, read),
    kind: clickhouse.kind,
    location: clickhouse.location,
    appendDecision: writer.appendDecision,
    appendAttempt: writer.appendAttempt,
    appendObservations: writer.appendObservations,
    appendForgotten: writer.appendForgotten,
    writeReward: (row, observations) => contributor.write(() => writer.writeReward(row, observations)),
    appendPrompt: writer.appendPrompt,
    appendAssignment: writer.appendAssignment,
    findDecision: async (id) => {
      const what = `decision ${id}`
      if (writer.holds(id)) {
        const { state, problem } = writer.stats()
        // Half of what is known of a decision would be taken for all of it.
        if (state !== 'normal' && state !== 'replaying')
          throw unavailable(`${what} could not be read`, clickhouse, new Error(problem))
        await Promise.race([writer.flush(), sleep(rewardTimeoutMs, undefined, { ref: false })])
        if (writer.holds(id))
          throw unavailable(
            `${what} could not be read yet`,
            clickhouse,
            new Error('it is still being written'),
          )
      }
      return await read(what, () => findDecision(clickhouse, id))
    },
    bucketMs: bucketMsOf,
    loadSums: async ({ nowMs, ...query }) => {
      // Feedback that was acknowledged is among the sums of whoever took it.
      if (writer.stats().state === 'normal') await writer.flush()
      const follower = follow(query, () => [])
      return await read(`the sums of ${query.featureSpace}`, async () => (await follower.read(nowMs)).sums)
    },
    followSums: (query) => {
      const follower = follow(query, contributor.heldNames)
      return {
        read: async (nowMs) => {
          const reading = await read(`the sums of ${query.featureSpace}`, () => follower.read(nowMs))
          // An embedded store has one owner: what else wrote to it was that one, earlier.
          const replicas = clickhouse.kind === 'embedded' ? 0 : reading.replicas
          return { ...reading, replicas, needsHandOver: contributor.isDoubtful }
        },
      }
    },
    handOver: (switched) => contributor.handOver(switched, writer.settled),
    armSummary: (query) => read('the arm summary', () => armSummary(clickhouse, query)),
    findSession: async (query) => {
      await writer.flush()
      return await read(`session ${query.session}`, () => findSession(clickhouse, query))
    },
    findUnrewarded: (query) => read(`what has no ${query.metric}`, () => findUnrewarded(clickhouse, query)),
    findRewards: (query) => read(`the rewards of ${query.source}`, () => findRewards(clickhouse, query)),
    spentUsd: (query) => read(`what ${query.tenant} spent`, () => spentUsd(clickhouse, query)),
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
      const cluster = options.kind === 'remote' ? options.cluster : undefined
      const ofEngine = clickhouse.kind === 'embedded' ? `${life}.${restarts()}` : ''
      halfErased += 1
      const erasure = await erase(clickhouse, query, cluster, ofEngine)
      // Feedback that came between the subtraction and the rows is among the sums still. Of a server others may be writing to nobody can tell.
      if (clickhouse.kind === 'embedded' && erasure.decisions > 0) {
        runNext(reconcilePosterior)
        await writer.flush()
      }
      halfErased -= 1
      // What this process has in memory is not what is stored any more.
      contributor.doubt()
      return erasure
    },
    ping: async () => {
      await read('an answer', () => clickhouse.query('SELECT 1 AS one'))
    },
    stats: () => ({
      ...writer.stats(),
      engineRestarts: restarts(),
    }),
    flush: writer.flush,
    close: () => {
      // Sums that lack what the rows still have are made anew by the next opening.
      closing ??= writer.close().then((clean) => clickhouse.close(clean && halfErased === 0))
      return closing
    },
    queryRows: (sql, params) => read('the rows', () => clickhouse.query(sql, params)),
  }
}
