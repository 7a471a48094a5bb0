/**
 * Feedback, acknowledged only when it is on disk. Rewards that arrive together share a commit: a few inserts cost the same
 * for one reward as for a hundred.
 *
 * A reward id counts once, also across processes and restarts: a commit first asks which of its ids are stored, and leaves
 * those out together with what would be learned from them. Rewards go before their observations: a process that dies between
 * the two has not acknowledged the feedback, and repeating it must not count it twice.
 */
import type { Observation } from '../../engine/index.ts'
import type { Batch, ClickHouse } from './client.ts'
import { RowBinary } from './row-binary.ts'
import { decisionTimeMs } from './rows/fields.ts'
import { groupObservations, OBSERVATION_COLUMNS, writeObservationGroup } from './rows/observations.ts'
import { REWARD_COLUMNS, writeReward } from './rows/rewards.ts'
import type { RewardRow } from './store.ts'
import type { QueueItem } from './write-queue.ts'

/** A row of either table, usually. */
const ROW_BYTES = 512
/** Bounds the question for known ids, which travels in a URL. */
const REWARDS_PER_COMMIT_MAX = 100
/** Under load a commit starts no sooner than this many times the last one's duration after its end… */
const REST_FACTOR = 4
/** …but waits at most this long, ms. */
const REST_MS_MAX = 250

export interface RewardCommits {
  readonly rows: number
  /** Resolves when the reward and its observations are stored; rejects with what made the queue give them up. */
  write(row: RewardRow, observations: readonly Observation[]): Promise<void>
  holds(decisionId: string): boolean
  /** Puts what waits in line now. */
  seal(): void
}

export interface RewardCommitOptions {
  readonly clickhouse: Pick<ClickHouse, 'query' | 'insert'>
  /** Under which name examples are written now. */
  readonly contributor: () => string
  readonly commitMs: number
  readonly nextToken: () => string
  readonly push: (item: QueueItem) => void
}

interface Entry {
  readonly row: RewardRow
  /** As RowBinary. */
  readonly reward: Uint8Array
  readonly observations: readonly Uint8Array[]
  readonly stored: PromiseWithResolvers<void>
}

export function createRewardCommits(options: RewardCommitOptions): RewardCommits {
  const { clickhouse, contributor, nextToken } = options
  /** By reward id, until stored: a repetition waits with the first. */
  const unstored = new Map<string, Entry>()
  let waiting: Entry[] = []
  let timer: NodeJS.Timeout | undefined
  let restUntilMs = 0

  const prepare = async (entries: readonly Entry[]): Promise<Batch[]> => {
    const known = await knownRewardIds(clickhouse, entries)
    const news = entries.filter((entry) => !known.has(entry.row.rewardId))
    const rewards = news.map((entry) => entry.reward)
    const observations = news.flatMap((entry) => entry.observations)
    return [
      createBatch('rewards', REWARD_COLUMNS, rewards, nextToken()),
      createBatch('observations', OBSERVATION_COLUMNS, observations, nextToken()),
    ].filter((batch) => batch.rows > 0)
  }

  const createItem = (entries: readonly Entry[]): QueueItem => {
    let batches: Batch[] | undefined
    return {
      rows: countRows(entries),
      bytes: 0,
      decisionIds: new Set(entries.map((entry) => entry.row.decisionId)),
      write: async () => {
        const startedMs = performance.now()
        // Asked once: after a half-successful try our own rewards would look like somebody else's.
        batches ??= await prepare(entries)
        for (const batch of batches) await clickhouse.insert(batch)
        const endedMs = performance.now()
        restUntilMs = endedMs + Math.min((endedMs - startedMs) * REST_FACTOR, REST_MS_MAX)
      },
      settle: (error) => {
        for (const entry of entries) {
          unstored.delete(entry.row.rewardId)
          if (error === undefined) entry.stored.resolve()
          else entry.stored.reject(error)
        }
      },
    }
  }

  const seal = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (waiting.length === 0) return
    const entries = waiting
    waiting = []
    options.push(createItem(entries))
  }

  return {
    get rows() {
      return countRows(waiting)
    },
    write: (row, observations) => {
      const known = unstored.get(row.rewardId)
      if (known !== undefined) return known.stored.promise
      const entry: Entry = {
        row,
        reward: encodeRow((to) => writeReward(row, to)),
        observations: groupObservations(observations).map((group) =>
          encodeRow((to) => writeObservationGroup(group, contributor(), to)),
        ),
        stored: Promise.withResolvers(),
      }
      unstored.set(row.rewardId, entry)
      waiting.push(entry)
      if (waiting.length >= REWARDS_PER_COMMIT_MAX) seal()
      else timer ??= setTimeout(seal, Math.max(options.commitMs, restUntilMs - performance.now()))
      return entry.stored.promise
    },
    holds: (decisionId) => waiting.some((entry) => entry.row.decisionId === decisionId),
    seal,
  }
}

async function knownRewardIds(
  clickhouse: Pick<ClickHouse, 'query'>,
  entries: readonly Entry[],
): Promise<Set<string>> {
  const rows = await clickhouse.query(
    `SELECT reward_id FROM rewards
     WHERE decision_ts IN (SELECT fromUnixTimestamp64Milli(arrayJoin({times:Array(Int64)}), 'UTC'))
       AND reward_id IN {ids:Array(String)}`,
    {
      times: [...new Set(entries.map((entry) => decisionTimeMs(entry.row.decisionId)))],
      ids: entries.map((entry) => entry.row.rewardId),
    },
  )
  return new Set(rows.map((row) => String(row['reward_id'])))
}

function encodeRow(encode: (to: RowBinary) => void): Uint8Array {
  const row = new RowBinary(ROW_BYTES)
  encode(row)
  return row.take()
}

function createBatch(
  table: string,
  columns: readonly string[],
  rows: readonly Uint8Array[],
  token: string,
): Batch {
  return { table, columns, body: Buffer.concat(rows), rows: rows.length, token }
}

function countRows(entries: readonly Entry[]): number {
  return entries.reduce((rows, entry) => rows + 1 + entry.observations.length, 0)
}
