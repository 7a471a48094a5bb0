/** A sealed batch in the write queue: in memory, in the spool, or in both. */
import type { Batch } from './client.ts'
import { isRefusal } from './client.ts'
import { decisionTimeMs } from './rows/fields.ts'
import type { SpoolRecord } from './spool/record.ts'
import type { LoadedRecord, Place, Segment, Spool } from './spool/spool.ts'
import { type QueueItem, RowsLost } from './write-queue.ts'

export interface BatchItem extends QueueItem {
  readonly class: SpoolRecord['class']
  readonly atMs: number
  /** Held in memory. */
  readonly bytes: number
  readonly isSpooled: boolean
  /** In memory alone, and not on its way to the disk. */
  readonly isHomeless: boolean
  /** Puts it on disk. Rejects when that fails: then it stays in memory. */
  spool(durable: boolean): Promise<void>
  /** Keeps only what is on disk, if it is. */
  lighten(): void
  liesIn(segment: Segment): boolean
  /** Its segment is gone. False: and with it the rows. */
  evict(): boolean
}

export interface BatchItemOptions {
  readonly spool: Spool | undefined
  readonly insert: (batch: Batch) => Promise<void>
  /** Told of work on the disk that the item does not wait for. */
  readonly track: (work: Promise<unknown>) => void
  readonly onSettled: (item: BatchItem) => unknown
}

/** @param ids decisions that it has rows of */
export function sealedItem(
  kind: SpoolRecord['class'],
  batch: Batch,
  ids: ReadonlySet<string>,
  options: BatchItemOptions,
): BatchItem {
  const [fromMs, toMs] = timeSpan(ids)
  return createItem(
    { class: kind, atMs: Date.now(), fromMs, toMs, parts: [batch] },
    batch.rows,
    ids,
    undefined,
    options,
  )
}

/** Of what an earlier process has left. */
export function loadedItem({ record, place }: LoadedRecord, options: BatchItemOptions): BatchItem {
  return createItem(record, record.rows, undefined, place, options)
}

function createItem(
  described: Omit<SpoolRecord, 'parts'> & { readonly parts?: readonly Batch[] },
  rows: number,
  ids: ReadonlySet<string> | undefined,
  loadedFrom: Place | undefined,
  { spool, insert, track, onSettled }: BatchItemOptions,
): BatchItem {
  const { class: kind, atMs, fromMs, toMs } = described
  let held = described.parts
  let heldIds = ids
  let place = loadedFrom
  let spooling: Promise<unknown> = Promise.resolve()
  let isSpooling = false

  const parts = async (): Promise<readonly Batch[]> => {
    if (held !== undefined) return held
    try {
      if (place === undefined || spool === undefined)
        throw new Error('its segment was pushed out of the spool')
      return (await spool.read(place)).parts
    } catch (error) {
      throw new RowsLost('a batch of the spool cannot be read', { cause: error })
    }
  }
  const clear = async (): Promise<void> => {
    await spooling
    if (place !== undefined) await spool?.done(place)
  }
  /** Out of the way, and kept for whoever wants to look. */
  const quarantine = async (): Promise<void> => {
    const record: SpoolRecord = { class: 'refused', atMs, fromMs, toMs, parts: await parts() }
    await spool?.append([record], false)
  }
  const item: BatchItem = {
    class: kind,
    atMs,
    rows,
    get bytes() {
      return held === undefined ? 0 : held.reduce((sum, { body }) => sum + body.length, 0)
    },
    get isSpooled() {
      return place !== undefined
    },
    get isHomeless() {
      return place === undefined && !isSpooling
    },
    holds: (decisionId) => {
      if (heldIds !== undefined) return heldIds.has(decisionId)
      const timeMs = decisionTimeMs(decisionId)
      return timeMs >= fromMs && timeMs <= toMs
    },
    spool: async (durable) => {
      if (spool === undefined || held === undefined) return
      const record: SpoolRecord = { class: kind, atMs, fromMs, toMs, parts: held }
      const appended = spool.append([record], durable)
      spooling = appended.catch(() => {})
      isSpooling = true
      try {
        ;[place] = await appended
      } finally {
        isSpooling = false
      }
    },
    lighten: () => {
      if (place === undefined) return
      held = undefined
      heldIds = undefined
    },
    liesIn: (segment) => place?.segment === segment,
    evict: () => {
      place = undefined
      return held !== undefined
    },
    write: async () => {
      for (const part of await parts()) await insert(part)
    },
    leave: () => place !== undefined,
    settle: (error) => {
      const kept = isRefusal(error) ? quarantine().catch(() => {}) : Promise.resolve()
      track(kept.then(clear))
      onSettled(item)
    },
  }
  return item
}

function timeSpan(ids: ReadonlySet<string>): [fromMs: number, toMs: number] {
  let [first = ''] = ids
  let last = first
  for (const id of ids) {
    // A UUIDv7 begins with its time: in order as text, they are in order of time.
    if (id < first) first = id
    if (id > last) last = id
  }
  return [decisionTimeMs(first), decisionTimeMs(last)]
}
