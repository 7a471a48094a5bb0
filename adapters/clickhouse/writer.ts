/**
 * From rows to inserts: lanes collect, the queue keeps order, the spool keeps what waits on disk, ClickHouse stores. The append
 * calls only encode a row into a buffer (microseconds); they never wait and never throw.
 */
import { randomUUID } from 'node:crypto'
import type { Observation } from '../../engine/index.ts'
import { type BatchItem, loadedItems, sealedItem } from './batch-item.ts'
import { type Batch, type ClickHouse, EngineEnded, FatalBatch, reasonOf, unavailable } from './client.ts'
import type { Contributor } from './contributor.ts'
import { createDoubts } from './doubts.ts'
import type { AssignmentRow } from './experiment-rows.ts'
import { createLane, type Lane } from './lane.ts'
import type { WriterOptions } from './options.ts'
import { createRewardCommits } from './reward-commits.ts'
import type { RowBinary } from './row-binary.ts'
import { ATTEMPT_COLUMNS, writeAttempt } from './rows/attempts.ts'
import { DECISION_COLUMNS, writeDecision } from './rows/decisions.ts'
import { ASSIGNMENT_COLUMNS, writeAssignment } from './rows/experiments.ts'
import { FORGOTTEN_COLUMNS, writeForgotten } from './rows/forgotten.ts'
import { groupObservations, OBSERVATION_COLUMNS, writeObservationGroup } from './rows/observations.ts'
import { PROMPT_COLUMNS, writePrompt } from './rows/prompts.ts'
import { SPOOL_CLASSES } from './spool/record.ts'
import { type Spool, SpoolFull } from './spool/spool.ts'
import {
  type AttemptRow,
  type DecisionRow,
  type ForgottenRow,
  type PromptRow,
  type RewardRow,
  StoreError,
  type StoreState,
  type StoreStats,
} from './store.ts'
import { createWriteQueue } from './write-queue.ts'

/** Rows of one table are a batch at this size, however few they are. */
const BATCH_BYTES_MAX = 16 * 1024 * 1024
/** What has waited longer than this, and the flush interval, is a backlog. */
const BACKLOG_MS = 10_000
const TASK_TRIES_MAX = 3
/** A batch that the engine dies of as often as this is put aside, or nothing behind it would ever be written. */
const ENGINE_DEATHS_MAX = 3

export interface Writer {
  appendDecision(row: DecisionRow): void
  appendAttempt(row: AttemptRow): void
  appendObservations(observations: readonly Observation[]): void
  appendForgotten(row: ForgottenRow): void
  appendPrompt(row: PromptRow): void
  appendAssignment(row: AssignmentRow): void
  writeReward(row: RewardRow, observations: readonly Observation[]): Promise<void>
  /** A row about this decision may not be stored yet. */
  holds(decisionId: string): boolean
  flush(): Promise<void>
  /** Resolves when everything before is stored or given up for good, however long that takes; rejects when it is closed. */
  settled(): Promise<void>
  /** Runs `task` when what is being written is, and before anything else is; again when it throws. */
  runNext(task: () => Promise<void>): void
  stats(): Omit<StoreStats, 'engineRestarts'>
  /**
   * Flushes; leaves in the spool what ClickHouse does not take, and gives up what is not there; drops what is appended later. True
   * when no batch was given up or left.
   */
  close(): Promise<boolean>
}

export interface WriterTold {
  readonly onWriteError: (error: StoreError) => void
  readonly onState: (state: StoreState, detail: string) => void
}

/** @param contributor under whose name examples are written */
export function createWriter(
  clickhouse: ClickHouse,
  replica: string,
  contributor: Pick<Contributor, 'name' | 'doubt'>,
  options: WriterOptions,
  spool: Spool | undefined,
  { onWriteError, onState }: WriterTold,
): Writer {
  const runId = randomUUID()
  let tokens = 0
  const nextToken = (): string => `${runId}:${tokens++}`
  let droppedRows = 0
  let isShedding = false
  let closed = false
  let lastFailure: unknown
  let spoolProblem: unknown
  let state: StoreState = 'normal'
  let timer: NodeJS.Timeout | undefined
  /** What is in line, but for commits of feedback; oldest first. */
  const batches = new Set<BatchItem>()
  /** Of each table, the one that may be joined. */
  const lastItems = new Map<string, BatchItem>()
  /** Work on the disk that nobody waits for, but who closes. */
  const tracking = new Set<Promise<unknown>>()
  const track = (work: Promise<unknown>): void => {
    const done = work.finally(() => tracking.delete(done))
    tracking.add(done)
  }
  const tracked = async (): Promise<void> => {
    while (tracking.size > 0) await Promise.all(tracking)
  }

  const queue = createWriteQueue({
    retryFirstMs: options.retryFirstMs,
    retryMaxMs: options.retryMaxMs,
    onFailure: (error, item, willRetry) => {
      lastFailure = error
      // Feedback is counted where it is kept: what is in line for it has no rows of its own.
      const what =
        item.rows === 0
          ? `feedback was not written and ${willRetry ? 'stays in line' : 'is given up'}`
          : `${item.rows} rows were not written and ${willRetry ? 'stay in line' : 'are given up'}`
      onWriteError(unavailable(what, clickhouse, error))
      tellState()
    },
    onSuccess: () => tellState(),
  })
  /** Times that the engine has died of the batch that is being written. */
  let fatal = { token: '', times: 0 }
  const doubts = createDoubts(clickhouse, (token) => token.startsWith(runId), nextToken)
  const insert = async (batch: Batch): Promise<void> => {
    const sentAs = await doubts.tokenFor(batch)
    try {
      if (sentAs !== undefined) await clickhouse.insert({ ...batch, token: sentAs })
    } catch (error) {
      if (!(error instanceof EngineEnded)) throw error
      const { token } = batch
      fatal = { token, times: fatal.token === token ? fatal.times + 1 : 1 }
      doubts.raise(batch)
      if (fatal.times < ENGINE_DEATHS_MAX) throw error
      doubts.settle(batch)
      throw new FatalBatch(`the engine has died ${fatal.times} times of a batch of ${batch.rows} rows`)
    }
    doubts.settle(batch)
    lastFailure = undefined
    isShedding = false
  }
  const onSpool = (error?: unknown): void => {
    const isNews = (error === undefined) !== (spoolProblem === undefined)
    spoolProblem = error
    if (error instanceof SpoolFull) isShedding = true
    if (isNews && error !== undefined) onWriteError(spoolError(spool, error))
    if (isNews) tellState()
  }
  const rewards = createRewardCommits({
    clickhouse: { insert, query: clickhouse.query },
    spool,
    track,
    contributor: contributor.name,
    onRepeated: contributor.doubt,
    flushEveryMs: options.flushEveryMs,
    commitMs: options.rewardCommitMs,
    nextToken,
    push: queue.push,
    onSpool,
    onLost: (error, rows) => onLost(error, rows),
  })
  const onLost = (error: unknown, rows: number): void => {
    droppedRows += rows
    onWriteError(
      new StoreError('store_unavailable', `${rows} rows of the spool are lost: ${reasonOf(error)}`, {
        cause: error,
      }),
    )
  }

  const lane = (table: string, columns: readonly string[]): Lane => createLane({ table, columns, nextToken })
  const lanes = {
    decisions: lane('decisions', DECISION_COLUMNS),
    attempts: lane('attempts', ATTEMPT_COLUMNS),
    observations: lane('observations', OBSERVATION_COLUMNS),
    forgotten: lane('forgotten', FORGOTTEN_COLUMNS),
    prompts: lane('prompts', PROMPT_COLUMNS),
    assignments: lane('assignments', ASSIGNMENT_COLUMNS),
  }
  type LaneName = keyof typeof lanes
  const laneNames = Object.keys(lanes) as LaneName[]

  const memoryBytes = (): number => {
    let bytes = rewards.bytes
    for (const item of batches) bytes += item.bytes
    return bytes
  }
  /** In memory there is no more room: what is on disk stays there alone, and of the rest the least important goes. */
  const makeRoom = (): void => {
    if (memoryBytes() <= options.queueBytesMax) return
    for (const item of batches) if (item !== queue.head) item.lighten()
    while (memoryBytes() > options.queueBytesMax) {
      const victim = SPOOL_CLASSES.filter((kind) => kind !== 'rewards')
        .map((kind) =>
          [...batches].find((item) => item.class === kind && item.isHomeless && item !== queue.head),
        )
        .find((item) => item !== undefined)
      if (victim === undefined) return
      shed([victim], new Error(`more than ${options.queueBytesMax} bytes wait in memory`))
    }
  }
  const isFull = (): boolean => spoolProblem !== undefined && memoryBytes() > options.queueBytesMax

  const shed = (items: Iterable<BatchItem>, reason: Error): void => {
    isShedding = true
    for (const item of items) queue.drop(item, reason)
    tellState()
  }
  const itemOptions = {
    spool,
    insert,
    track,
    onSettled: (item: BatchItem) => batches.delete(item),
    onLost: (error: unknown, rows: number) => onLost(error, rows),
  }
  const enqueue = (item: BatchItem): void => {
    batches.add(item)
    queue.push(item)
  }
  /** Synced only when it will lie there for a while: to a killed process the disk's cache is as good as the disk. */
  const keep = (item: BatchItem): void =>
    track(
      item
        .spool(queue.isFailing)
        .then(() => onSpool(), onSpool)
        .then(makeRoom),
    )
  const seal = (name: LaneName): void => {
    const sealed = lanes[name].seal()
    if (sealed === undefined) return
    const { batch, span } = sealed
    const last = lastItems.get(name)
    const joins =
      last !== undefined &&
      batches.has(last) &&
      !last.isTried &&
      last.rows + batch.rows <= options.batchRowsMax &&
      last.bytes + batch.body.length <= BATCH_BYTES_MAX
    const item = joins ? last : sealedItem(name, batch, span, itemOptions)
    if (joins) item.join(batch, span)
    else enqueue(item)
    lastItems.set(name, item)
    keep(item)
  }
  const sealAll = (): void => {
    clearTimeout(timer)
    timer = undefined
    for (const name of laneNames) seal(name)
    rewards.seal()
  }
  const append = (name: LaneName, decisionId: string, encode: (to: RowBinary) => void): void => {
    const target = lanes[name]
    if (closed) {
      droppedRows += 1
      return
    }
    try {
      target.append(decisionId, encode)
    } catch (error) {
      droppedRows += 1
      onWriteError(
        new StoreError('store_unavailable', `a row cannot be stored: ${reasonOf(error)}`, { cause: error }),
      )
      return
    }
    if (target.rows >= options.batchRowsMax || target.bytes >= BATCH_BYTES_MAX) seal(name)
    else timer ??= setTimeout(sealAll, options.flushEveryMs)
  }

  const oldestMs = (): number => {
    const [first] = batches
    const since = Math.min(
      first?.atMs ?? Number.POSITIVE_INFINITY,
      rewards.oldestMs ?? Number.POSITIVE_INFINITY,
    )
    return Number.isFinite(since) ? Math.max(0, Date.now() - since) : 0
  }
  const currentState = (): StoreState => {
    if (!queue.isFailing) return oldestMs() > options.flushEveryMs + BACKLOG_MS ? 'replaying' : 'normal'
    if (isShedding) return 'full'
    return spool === undefined || spoolProblem !== undefined ? 'memory' : 'spooling'
  }
  const queuedRows = (): number =>
    laneNames.reduce((rows, name) => rows + lanes[name].rows, queue.rows + rewards.rows)
  function tellState(): void {
    const now = currentState()
    if (now === state || closed) return
    state = now
    onState(now, `${queuedRows()} rows wait${lastFailure === undefined ? '' : `: ${reasonOf(lastFailure)}`}`)
  }
  const flush = async (): Promise<void> => {
    for (let before = Number.POSITIVE_INFINITY; ; ) {
      sealAll()
      await queue.drain()
      // A commit takes so many at once.
      if (rewards.rows === 0 || rewards.rows >= before) return
      before = rewards.rows
    }
  }

  if (spool !== undefined) {
    spool.onEvicted = (segment) => {
      isShedding = true
      for (const item of batches) {
        if (item === queue.head) continue
        droppedRows += item.evict(segment)
        if (item.rows === 0)
          queue.drop(item, new SpoolFull(`${segment.path} made room for what matters more`))
      }
      tellState()
    }
    const loaded = spool.loaded.splice(0)
    for (const item of loadedItems(loaded, itemOptions)) enqueue(item)
    rewards.load(loaded)
  }

  return {
    appendDecision: (row) => append('decisions', row.decision.id, (to) => writeDecision(row, replica, to)),
    appendAttempt: (row) => append('attempts', row.decisionId, (to) => writeAttempt(row, to)),
    appendObservations: (examples) => {
      for (const group of groupObservations(examples)) {
        const [{ decisionId } = { decisionId: '' }] = group
        append('observations', decisionId, (to) => writeObservationGroup(group, contributor.name(), to))
      }
    },
    appendForgotten: (row) => append('forgotten', '', (to) => writeForgotten(row, replica, to)),
    appendPrompt: (row) => append('prompts', row.decisionId, (to) => writePrompt(row, to)),
    appendAssignment: (row) => append('assignments', row.decisionId, (to) => writeAssignment(row, to)),
    writeReward: async (row, examples) => {
      if (closed) throw closedError(clickhouse)
      if (isFull()) {
        droppedRows += 1 + groupObservations(examples).length
        throw unavailable(
          `feedback ${row.rewardId} is not stored`,
          clickhouse,
          new Error(`${queuedRows()} rows wait already, and there is no room for more`),
        )
      }
      const stored = rewards.write(row, examples).catch((error: unknown) => {
        throw error instanceof StoreError
          ? error
          : unavailable(`feedback ${row.rewardId} is not stored`, clickhouse, error)
      })
      await within(options.rewardTimeoutMs, stored, () => {
        const what = `feedback ${row.rewardId} is not stored yet and stays in line; sent again with the same id it counts once`
        return unavailable(
          what,
          clickhouse,
          lastFailure ?? spoolProblem ?? new Error(`no answer within ${options.rewardTimeoutMs} ms`),
        )
      })
    },
    holds: (decisionId) =>
      laneNames.some((name) => lanes[name].holds(decisionId)) ||
      rewards.holds(decisionId) ||
      queue.holds(decisionId),
    flush,
    runNext: (task) => {
      let tries = 0
      queue.pushNext({
        rows: 0,
        holds: () => false,
        leave: () => true,
        settle: () => {},
        write: async () => {
          tries += 1
          try {
            await task()
          } catch (error) {
            if (tries < TASK_TRIES_MAX) throw error
            onWriteError(unavailable('the sums could not be checked', clickhouse, error))
          }
        },
      })
    },
    settled: async () => {
      if (closed) throw closedError(clickhouse)
      sealAll()
      const passed = new Promise<void>((resolve, reject) => {
        const settle = (error?: unknown) => (error === undefined ? resolve() : reject(error))
        queue.push({ rows: 0, holds: () => false, write: async () => {}, settle })
      })
      await Promise.all([passed, rewards.settled()])
    },
    stats: () => ({
      state: currentState(),
      queuedRows: queuedRows(),
      writtenRows: queue.writtenRows + rewards.writtenRows,
      failedBatches: queue.failedBatches,
      droppedRows: queue.droppedRows + rewards.droppedRows + droppedRows,
      oldestMs: oldestMs(),
      problem: lastFailure === undefined ? undefined : reasonOf(lastFailure),
      spool: spool && {
        path: spool.path,
        ...spool.stats(),
        problem: spoolProblem === undefined ? undefined : reasonOf(spoolProblem),
      },
    }),
    close: async () => {
      closed = true
      // What ClickHouse does not take now is safe on disk, and the next process's.
      if (queue.isFailing && spool !== undefined && spoolProblem === undefined) sealAll()
      else await flush()
      // What the disk did not take before, it may take now.
      for (const item of batches) track(item.spool(true).catch(() => {}))
      await tracked()
      const left = queuedRows()
      queue.abandon(closedError(clickhouse))
      rewards.abandon(closedError(clickhouse))
      await tracked()
      await spool?.close()
      return left === 0 && queue.droppedRows + rewards.droppedRows === 0
    },
  }
}

function spoolError(spool: Spool | undefined, cause: unknown): StoreError {
  const repair = 'see that the disk is writable and has room, or raise store.spool.maxBytes'
  return new StoreError(
    'store_unavailable',
    `the spool ${spool?.path} takes nothing (${reasonOf(cause)}), and rows wait in memory; ${repair}`,
    { cause },
  )
}

export function closedError(clickhouse: Pick<ClickHouse, 'location'>): StoreError {
  return new StoreError('store_closed', `the store at ${clickhouse.location} is closed; open it again`)
}

/** `promise`, or `late()` thrown when it takes longer. */
async function within(ms: number, promise: Promise<void>, late: () => StoreError): Promise<void> {
  // Rejected after the deadline there is nobody left to tell.
  promise.catch(() => {})
  const deadline = Promise.withResolvers<never>()
  const timer = setTimeout(() => deadline.reject(late()), ms)
  try {
    await Promise.race([promise, deadline.promise])
  } finally {
    clearTimeout(timer)
  }
}
