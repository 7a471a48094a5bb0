/**
 * What waits to be inserted, in order. One insert runs at a time; one that fails is tried again, with growing pauses, before
 * anything behind it, until ClickHouse takes it or says that it never will.
 */
import { isRefusal } from './client.ts'

export interface QueueItem {
  readonly rows: number
  /** True too where it cannot tell. */
  holds(decisionId: string): boolean
  /** May be called again after it failed; must then repeat the same rows under the same tokens. */
  write(): Promise<void>
  /** Called once, when the item leaves the queue: written, or given up because of `error`. */
  settle(error?: unknown): void
  /** At the end, instead of `settle`, of one that is not written: true when others will find it on disk. */
  leave?(): boolean
}

/** The rows of an item cannot be had any more: there is nothing to try again. */
export class RowsLost extends Error {
  override readonly name = 'RowsLost'
}

export interface WriteQueue {
  readonly rows: number
  readonly writtenRows: number
  /** Inserts that failed, tried again or not. */
  readonly failedBatches: number
  readonly droppedRows: number
  /** The last try failed, or one has been running for more than {@link SLOW_MS}. */
  readonly isFailing: boolean
  /** What is being written. */
  readonly head: QueueItem | undefined
  push(item: QueueItem): void
  /** Puts it where it is next, behind what is being written. */
  pushNext(item: QueueItem): void
  /** Gives up one that is not being written. */
  drop(item: QueueItem, error: unknown): void
  holds(decisionId: string): boolean
  /** Resolves when all that was pushed before is written or given up, or after {@link DRAIN_TRIES_MAX} failures in a row. */
  drain(): Promise<void>
  /** Ends: gives up what is left and not on disk. */
  abandon(error: unknown): void
}

export interface WriteQueueOptions {
  readonly retryFirstMs: number
  readonly retryMaxMs: number
  readonly onFailure: (error: unknown, item: QueueItem, willRetry: boolean) => void
  readonly onSuccess?: () => void
}

export const DRAIN_TRIES_MAX = 3
/** An insert that takes longer than this, ms, is one that fails: whoever waits should know. */
export const SLOW_MS = 5_000

/** Somebody who waits for the items that were in the queue when they came. */
interface Drain {
  left: number
  failures: number
  readonly resolve: () => void
}

export function createWriteQueue(options: WriteQueueOptions): WriteQueue {
  const items: QueueItem[] = []
  const drains = new Set<Drain>()
  const counts = { writtenRows: 0, failedBatches: 0, droppedRows: 0 }
  let running = false
  let failing = false
  let failuresInARow = 0
  let startedMs = 0
  let endPause: (() => void) | undefined

  const remove = (item: QueueItem, error?: unknown): void => {
    const at = items.indexOf(item)
    items.splice(at, 1)
    if (error === undefined) counts.writtenRows += item.rows
    else counts.droppedRows += item.rows
    item.settle(error)
    for (const drain of drains) {
      if (at >= drain.left) continue
      drain.left -= 1
      if (drain.left === 0) finish(drain)
    }
  }
  const finish = (drain: Drain): void => {
    drains.delete(drain)
    drain.resolve()
  }
  const fail = (item: QueueItem, error: unknown): boolean => {
    const willRetry = !(isRefusal(error) || error instanceof RowsLost)
    counts.failedBatches += 1
    failing = willRetry
    options.onFailure(error, item, willRetry)
    return willRetry
  }
  const pause = async (): Promise<void> => {
    const ms = Math.min(options.retryFirstMs * 2 ** (failuresInARow - 1), options.retryMaxMs)
    // Half of it at random: replicas that lost the same server do not come back in step.
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms * (0.5 + Math.random() / 2))
      endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    endPause = undefined
  }
  const run = async (): Promise<void> => {
    running = true
    for (let item = items[0]; item !== undefined; item = items[0]) {
      startedMs = performance.now()
      try {
        await item.write()
        failing = false
        failuresInARow = 0
        if (items[0] === item) remove(item)
        options.onSuccess?.()
      } catch (error) {
        if (items[0] !== item) continue
        if (!fail(item, error)) {
          remove(item, error)
          continue
        }
        failuresInARow += 1
        for (const drain of drains) {
          drain.failures += 1
          if (drain.failures >= DRAIN_TRIES_MAX) finish(drain)
        }
        await pause()
      }
    }
    running = false
  }

  return {
    get rows() {
      return items.reduce((rows, item) => rows + item.rows, 0)
    },
    get writtenRows() {
      return counts.writtenRows
    },
    get failedBatches() {
      return counts.failedBatches
    },
    get droppedRows() {
      return counts.droppedRows
    },
    get isFailing() {
      return failing || (items.length > 0 && performance.now() - startedMs > SLOW_MS)
    },
    get head() {
      return items[0]
    },
    push: (item) => {
      items.push(item)
      if (!running) void run()
    },
    pushNext: (item) => {
      items.splice(1, 0, item)
      for (const drain of drains) drain.left += 1
      if (!running) void run()
    },
    drop: (item, error) => {
      if (items.indexOf(item) > 0) remove(item, error)
    },
    holds: (decisionId) => items.some((item) => item.holds(decisionId)),
    drain: () => {
      if (items.length === 0) return Promise.resolve()
      return new Promise((resolve) => {
        drains.add({ left: items.length, failures: 0, resolve })
        failuresInARow = 0
        endPause?.()
      })
    },
    abandon: (error) => {
      for (const item of [...items]) {
        if (item.leave?.() === true) items.splice(items.indexOf(item), 1)
        else remove(item, error)
      }
      for (const drain of drains) finish(drain)
      endPause?.()
    },
  }
}
