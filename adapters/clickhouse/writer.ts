/**
 * From rows to inserts: lanes collect, the queue keeps order, ClickHouse stores. The append calls only encode a row into a
 * buffer (microseconds); they never wait and never throw.
 */
import { randomUUID } from 'node:crypto'
import type { Observation } from '../../engine/index.ts'
import { type Batch, type ClickHouse, reasonOf, unavailable } from './client.ts'
import { createLane, type Lane } from './lane.ts'
import type { WriterOptions } from './options.ts'
import { createRewardCommits } from './reward-commits.ts'
import type { RowBinary } from './row-binary.ts'
import { ATTEMPT_COLUMNS, writeAttempt } from './rows/attempts.ts'
import { DECISION_COLUMNS, writeDecision } from './rows/decisions.ts'
import { groupObservations, OBSERVATION_COLUMNS, writeObservationGroup } from './rows/observations.ts'
import { PROMPT_COLUMNS, writePrompt } from './rows/prompts.ts'
import {
  type AttemptRow,
  type DecisionRow,
  type PromptRow,
  type RewardRow,
  StoreError,
  type StoreStats,
} from './store.ts'
import { createWriteQueue } from './write-queue.ts'

export interface Writer {
  appendDecision(row: DecisionRow): void
  appendAttempt(row: AttemptRow): void
  appendObservations(observations: readonly Observation[]): void
  appendPrompt(row: PromptRow): void
  writeReward(row: RewardRow, observations: readonly Observation[]): Promise<void>
  /** A row about this decision is not stored yet. */
  holds(decisionId: string): boolean
  flush(): Promise<void>
  stats(): StoreStats
  /** Flushes; gives up what ClickHouse does not take; drops what is appended later. True when no batch was ever given up. */
  close(): Promise<boolean>
}

export function createWriter(
  clickhouse: ClickHouse,
  replica: string,
  options: WriterOptions,
  onWriteError: (error: StoreError) => void,
): Writer {
  const runId = randomUUID()
  let tokens = 0
  const nextToken = (): string => `${runId}:${tokens++}`
  let refusedRows = 0
  let closed = false
  let lastFailure: unknown
  let timer: NodeJS.Timeout | undefined

  const queue = createWriteQueue({
    retryFirstMs: options.retryFirstMs,
    retryMaxMs: options.retryMaxMs,
    onFailure: (error, item, willRetry) => {
      lastFailure = error
      const what = `${item.rows} rows were not written and ${willRetry ? 'stay in line' : 'are given up'}`
      onWriteError(unavailable(what, clickhouse, error))
    },
  })
  // The one place where rows leave the process: a spool on disk would take the batch here when this fails.
  const insert = (batch: Batch): Promise<void> => clickhouse.insert(batch)
  const lane = (table: string, columns: readonly string[]): Lane =>
    createLane({ table, columns, nextToken, insert })
  const decisions = lane('decisions', DECISION_COLUMNS)
  const attempts = lane('attempts', ATTEMPT_COLUMNS)
  const observations = lane('observations', OBSERVATION_COLUMNS)
  const prompts = lane('prompts', PROMPT_COLUMNS)
  const lanes = [decisions, attempts, observations, prompts]
  const rewards = createRewardCommits({
    clickhouse: { insert, query: clickhouse.query },
    replica,
    commitMs: options.rewardCommitMs,
    nextToken,
    push: queue.push,
  })

  const queuedRows = (): number =>
    lanes.reduce((rows, { rows: more }) => rows + more, queue.rows + rewards.rows)
  const isFull = (): boolean =>
    queuedRows() >= options.queueRowsMax ||
    lanes.reduce((bytes, { bytes: more }) => bytes + more, queue.bytes) >= options.queueBytesMax

  const seal = (target: Lane): void => {
    const item = target.seal()
    if (item !== undefined) queue.push(item)
  }
  const sealAll = (): void => {
    clearTimeout(timer)
    timer = undefined
    for (const each of lanes) seal(each)
    rewards.seal()
  }
  const append = (target: Lane, decisionId: string, encode: (to: RowBinary) => void): void => {
    if (closed || isFull()) {
      refusedRows += 1
      return
    }
    try {
      target.append(decisionId, encode)
    } catch (error) {
      refusedRows += 1
      onWriteError(
        new StoreError('store_unavailable', `a row cannot be stored: ${reasonOf(error)}`, { cause: error }),
      )
      return
    }
    if (target.rows >= options.batchRowsMax) seal(target)
    else timer ??= setTimeout(sealAll, options.flushEveryMs)
  }

  return {
    appendDecision: (row) => append(decisions, row.decision.id, (to) => writeDecision(row, replica, to)),
    appendAttempt: (row) => append(attempts, row.decisionId, (to) => writeAttempt(row, to)),
    appendObservations: (examples) => {
      for (const group of groupObservations(examples)) {
        const [{ decisionId } = { decisionId: '' }] = group
        append(observations, decisionId, (to) => writeObservationGroup(group, replica, to))
      }
    },
    appendPrompt: (row) => append(prompts, row.decisionId, (to) => writePrompt(row, to)),
    writeReward: async (row, examples) => {
      if (closed) throw closedError(clickhouse)
      if (isFull()) {
        refusedRows += 1 + groupObservations(examples).length
        throw unavailable(
          `feedback ${row.rewardId} is not stored`,
          clickhouse,
          new Error(`${queuedRows()} rows wait already`),
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
          lastFailure ?? new Error(`no answer within ${options.rewardTimeoutMs} ms`),
        )
      })
    },
    holds: (decisionId) =>
      lanes.some((each) => each.holds(decisionId)) || rewards.holds(decisionId) || queue.holds(decisionId),
    flush: async () => {
      sealAll()
      await queue.drain()
    },
    stats: () => ({
      queuedRows: queuedRows(),
      writtenRows: queue.writtenRows,
      failedBatches: queue.failedBatches,
      droppedRows: queue.droppedRows + refusedRows,
    }),
    close: async () => {
      closed = true
      sealAll()
      await queue.drain()
      queue.abandon(closedError(clickhouse))
      return queue.droppedRows === 0
    },
  }
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
