/**
 * What waits to be inserted, in order. One insert runs at a time; one that fails is tried again, with growing pauses, before
 * anything behind it, until ClickHouse takes it or says that it never will.
 */
import { isRefusal } from './client.ts'

export interface QueueItem {
  readonly rows: number
  readonly bytes: number
  /** Decisions that the item has rows of. */
  readonly decisionIds: ReadonlySet<string>
  /** May be called again after it failed; must then repeat the same rows under the same tokens. */
  write(): Promise<void>
  /** Called once, when the item leaves the queue: written, or given up because of `error`. */
  settle(error?: unknown): void
}

export interface WriteQueue {
  readonly rows: number
  readonly bytes: number
  readonly writtenRows: number
  /** Inserts that failed, tried again or not. */
  readonly failedBatches: number
  readonly droppedRows: number
  push(item: QueueItem): void
  holds(decisionId: string): boolean
  /** Resolves when all that was pushed before is written or given up, or after {@link DRAIN_TRIES_MAX} failures in a row. */
  drain(): Promise<void>
  /** Gives up what is left. */
  abandon(error: unknown): void
}

export interface WriteQueueOptions {
  readonly retryFirstMs: number
  readonly retryMaxMs: number
  readonly onFailure: (error: unknown, item: QueueItem, willRetry: boolean) => void
}

export const DRAIN_TRIES_MAX = 3

/** Somebody who waits for the items that were in the queue when they came. */
interface Drain {
  left: number
  failures: number
  readonly resolve: () => void
}

export function createWriteQueue(options: WriteQueueOptions): WriteQueue {
  const items: QueueItem[] = []
  const drains = new Set<Drain>()
  const counts = { rows: 0, bytes: 0, writtenRows: 0, failedBatches: 0, droppedRows: 0 }
  let running = false
  let failuresInARow = 0
  let endPause: (() => void) | undefined

  const remove = (item: QueueItem, error?: unknown): void => {
    items.shift()
    counts.rows -= item.rows
    counts.bytes -= item.bytes
    if (error === undefined) counts.writtenRows += item.rows
    else counts.droppedRows += item.rows
    item.settle(error)
    for (const drain of drains) {
      drain.left -= 1
      if (drain.left === 0) finish(drain)
    }
  }
  const finish = (drain: Drain): void => {
    drains.delete(drain)
    drain.resolve()
  }
  const fail = (item: QueueItem, error: unknown): boolean => {
    const willRetry = !isRefusal(error)
    counts.failedBatches += 1
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
      try {
        await item.write()
        failuresInARow = 0
        if (items[0] === item) remove(item)
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
      return counts.rows
    },
    get bytes() {
      return counts.bytes
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
    push: (item) => {
      items.push(item)
      counts.rows += item.rows
      counts.bytes += item.bytes
      if (!running) void run()
    },
    holds: (decisionId) => items.some((item) => item.decisionIds.has(decisionId)),
    drain: () => {
      if (items.length === 0) return Promise.resolve()
      return new Promise((resolve) => {
        drains.add({ left: items.length, failures: 0, resolve })
        failuresInARow = 0
        endPause?.()
      })
    },
    abandon: (error) => {
      while (items[0] !== undefined) remove(items[0], error)
      endPause?.()
    },
  }
}
