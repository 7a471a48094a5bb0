/**
 * Feedback, acknowledged only when it is on disk: in the spool, or, where that takes nothing, in ClickHouse. Feedback that
 * arrives together shares a sync of the spool, and later a commit to ClickHouse: a few inserts cost the same for one reward as for
 * hundreds.
 *
 * A reward id counts once, also across processes and restarts: a commit first asks which of its ids are stored, and leaves those
 * out together with what would be learned from them. What is left is put into the spool as it will be inserted, under its
 * tokens, before it is inserted: a process that dies between the rewards and their observations is continued by the next one.
 */
import type { Observation } from '../../engine/index.ts'
import { type Batch, type ClickHouse, isRefusal } from './client.ts'
import { type Entry, entryOf, joinParts, knownRewardIds, recordOf } from './reward-entries.ts'
import { decisionTimeMs } from './rows/fields.ts'
import type { SpoolRecord } from './spool/record.ts'
import { type LoadedRecord, type Place, type Spool, SpoolFull } from './spool/spool.ts'
import type { RewardRow } from './store.ts'
import type { QueueItem } from './write-queue.ts'

const REWARDS_PER_COMMIT_MAX = 500

export interface RewardCommits {
  /** Rows that are not in ClickHouse. */
  readonly rows: number
  readonly writtenRows: number
  readonly droppedRows: number
  /** Of feedback that is in memory. */
  readonly bytes: number
  /** When the oldest that waits came, Unix ms. */
  readonly oldestMs: number | undefined
  /** Resolves when the reward and its observations are durable; rejects with what made the queue give them up. */
  write(row: RewardRow, observations: readonly Observation[]): Promise<void>
  /** What an earlier process has acknowledged. */
  load(records: readonly LoadedRecord[]): void
  holds(decisionId: string): boolean
  /** Puts what waits in line now. */
  seal(): void
  /** Resolves when all feedback that was written before is in ClickHouse, or given up. */
  settled(): Promise<void>
  /** Gives up what is in no spool. */
  abandon(error: unknown): void
}

export interface RewardCommitOptions {
  readonly clickhouse: Pick<ClickHouse, 'query' | 'insert'>
  readonly spool: Spool | undefined
  /** Under which name examples are written now. */
  readonly contributor: () => string
  /** A reward was stored before: what this process has learned from it is not stored as its own. */
  readonly onRepeated: () => void
  /** How long feedback waits for others to share its commit with, ms: when it is in the spool, and when it is not. */
  readonly flushEveryMs: number
  readonly commitMs: number
  readonly nextToken: () => string
  readonly push: (item: QueueItem) => void
  /** Told of work on the disk that nobody waits for. */
  readonly track: (work: Promise<unknown>) => void
  /** The spool did not take a record, or takes them again. */
  readonly onSpool: (error?: unknown) => void
  /** A record of the spool cannot be read. */
  readonly onLost: (error: unknown, rows: number) => void
}

export function createRewardCommits(options: RewardCommitOptions): RewardCommits {
  const { clickhouse, spool, contributor, nextToken, track } = options
  /** By reward id, until stored: a repetition waits with the first. */
  const unstored = new Map<string, Entry>()
  /** Entries of each decision. */
  const decisions = new Map<string, number>()
  const counts = { rows: 0, bytes: 0, writtenRows: 0, droppedRows: 0 }
  let waiting: Entry[] = []
  let unjournaled: Entry[] = []
  let journaling = false
  let commitInLine = false
  let timer: { readonly handle: NodeJS.Timeout; readonly atMs: number } | undefined

  const add = (entry: Entry): void => {
    unstored.set(entry.rewardId, entry)
    decisions.set(entry.decisionId, (decisions.get(entry.decisionId) ?? 0) + 1)
    counts.rows += entry.rows
    if (entry.parts !== undefined) counts.bytes += entry.bytes
    waiting.push(entry)
  }
  const forget = (entry: Entry): void => {
    unstored.delete(entry.rewardId)
    const others = (decisions.get(entry.decisionId) ?? 1) - 1
    if (others === 0) decisions.delete(entry.decisionId)
    else decisions.set(entry.decisionId, others)
    counts.rows -= entry.rows
    if (entry.parts !== undefined) counts.bytes -= entry.bytes
    if (entry.place !== undefined && spool !== undefined) track(spool.done(entry.place))
    entry.settled.resolve()
  }

  /** One sync for all that came while the last one ran. */
  const journal = async (): Promise<void> => {
    if (journaling || spool === undefined) return
    journaling = true
    while (unjournaled.length > 0) {
      const group = unjournaled
      unjournaled = []
      await journalGroup(spool, group)
    }
    journaling = false
  }
  const journalGroup = async (to: Spool, group: readonly Entry[]): Promise<void> => {
    try {
      const places = await to.append(group.map(recordOf), true)
      for (const [i, entry] of group.entries()) {
        entry.place = places[i]
        // It may have been stored meanwhile.
        if (unstored.get(entry.rewardId) !== entry && entry.place !== undefined) await to.done(entry.place)
        else if (entry.parts !== undefined) {
          counts.bytes -= entry.bytes
          entry.parts = undefined
        }
        entry.durable.resolve()
      }
      options.onSpool()
      wake(options.flushEveryMs)
    } catch (error) {
      if (error instanceof SpoolFull && group.length > 1) {
        // There may be room for some of it.
        const half = Math.ceil(group.length / 2)
        await journalGroup(to, group.slice(0, half))
        return await journalGroup(to, group.slice(half))
      }
      options.onSpool(error)
      // Then ClickHouse has to acknowledge it.
      wake(options.commitMs)
    }
  }

  const wake = (ms: number): void => {
    if (waiting.length >= REWARDS_PER_COMMIT_MAX) {
      seal()
      return
    }
    const atMs = performance.now() + ms
    if (timer !== undefined && timer.atMs <= atMs) return
    clearTimeout(timer?.handle)
    timer = { handle: setTimeout(seal, ms), atMs }
  }
  const seal = (): void => {
    clearTimeout(timer?.handle)
    timer = undefined
    if (waiting.length === 0 || commitInLine) return
    commitInLine = true
    options.push(createCommit())
  }

  const partsOf = async (entry: Entry): Promise<readonly Batch[] | undefined> => {
    if (entry.parts !== undefined) return entry.parts
    try {
      if (entry.place === undefined || spool === undefined) throw new Error('it is not in the spool')
      return (await spool.read(entry.place)).parts
    } catch (error) {
      options.onLost(error, entry.rows)
      return undefined
    }
  }
  const prepare = async (entries: readonly Entry[]): Promise<Batch[]> => {
    const known = await knownRewardIds(clickhouse, entries)
    if (known.size > 0) options.onRepeated()
    const parts: Batch[] = []
    for (const entry of entries) {
      if (!known.has(entry.rewardId)) parts.push(...((await partsOf(entry)) ?? []))
    }
    return joinParts(parts, nextToken)
  }

  /** Takes what waits when its turn comes: under load that is all that came during the last one. */
  const createCommit = (): QueueItem => {
    let entries: Entry[] | undefined
    let batches: Batch[] | undefined
    let place: Place | undefined
    const take = (): Entry[] => {
      commitInLine = false
      const taken = waiting.slice(0, REWARDS_PER_COMMIT_MAX)
      waiting = waiting.slice(REWARDS_PER_COMMIT_MAX)
      if (waiting.length > 0) wake(options.commitMs)
      return taken
    }
    /** From here on it is these batches that count, no longer the feedback they are made of. */
    const keep = async (parts: readonly Batch[], from: readonly Entry[]): Promise<void> => {
      if (spool === undefined || parts.length === 0) return
      const times = from.map(({ decisionId }) => decisionTimeMs(decisionId))
      const record: SpoolRecord = {
        class: 'rewards',
        atMs: Date.now(),
        fromMs: Math.min(...times),
        toMs: Math.max(...times),
        parts,
      }
      try {
        ;[place] = await spool.append([record], true)
      } catch (error) {
        // The feedback itself stays in the spool until the commit has ended.
        return options.onSpool(error)
      }
      for (const entry of from) {
        if (entry.place !== undefined) await spool.done(entry.place)
        entry.place = undefined
        entry.isKept = true
        entry.durable.resolve()
      }
    }
    /** Out of the way, and kept for whoever wants to look. */
    const quarantine = async (parts: readonly Batch[]): Promise<void> => {
      const nowMs = Date.now()
      await spool?.append([{ class: 'refused', atMs: nowMs, fromMs: nowMs, toMs: nowMs, parts }], false)
    }
    return {
      rows: 0,
      // They are known by their entries.
      holds: () => false,
      write: async () => {
        entries ??= take()
        if (batches === undefined) {
          // Asked once: after a half-successful try our own rewards would look like somebody else's.
          const prepared = await prepare(entries)
          await keep(prepared, entries)
          batches = prepared
        }
        for (const batch of batches) await clickhouse.insert(batch)
      },
      // Its entries are asked one by one.
      leave: () => true,
      settle: (error) => {
        const kept = isRefusal(error) ? quarantine(batches ?? []).catch(() => {}) : Promise.resolve()
        track(kept.then(() => place && spool?.done(place)))
        if (entries === undefined) commitInLine = false
        for (const entry of entries ?? []) {
          forget(entry)
          if (error === undefined) {
            counts.writtenRows += entry.rows
            entry.durable.resolve()
          } else {
            counts.droppedRows += entry.rows
            entry.durable.reject(error)
          }
        }
      },
    }
  }

  return {
    get rows() {
      return counts.rows
    },
    get bytes() {
      return counts.bytes
    },
    get writtenRows() {
      return counts.writtenRows
    },
    get droppedRows() {
      return counts.droppedRows
    },
    get oldestMs() {
      const [first] = unstored.values()
      return first?.atMs
    },
    write: (row, observations) => {
      const known = unstored.get(row.rewardId)
      if (known !== undefined) return known.durable.promise
      const entry = entryOf(row, observations, contributor())
      add(entry)
      if (spool === undefined) wake(options.commitMs)
      else {
        unjournaled.push(entry)
        track(journal())
      }
      return entry.durable.promise
    },
    load: (records) => {
      for (const { record, place } of records) {
        if (record.feedback === undefined) continue
        const { atMs, rows, feedback } = record
        const durable = Promise.withResolvers<void>()
        durable.resolve()
        add({
          ...feedback,
          atMs,
          rows,
          bytes: 0,
          parts: undefined,
          place,
          isKept: false,
          durable,
          settled: Promise.withResolvers(),
        })
      }
      if (waiting.length > 0) seal()
    },
    holds: (decisionId) => decisions.has(decisionId),
    seal,
    settled: async () => {
      await Promise.all([...unstored.values()].map(({ settled }) => settled.promise))
    },
    abandon: (error) => {
      clearTimeout(timer?.handle)
      for (const entry of [...unstored.values()]) {
        if (entry.place !== undefined || entry.isKept) continue
        forget(entry)
        counts.droppedRows += entry.rows
        entry.durable.reject(error)
      }
    },
  }
}
