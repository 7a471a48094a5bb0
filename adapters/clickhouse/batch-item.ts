/**
 * A batch in the write queue: in memory, in the spool, or in both. It consists of chunks, each sealed and spooled for itself, that
 * are inserted together under one token: while ClickHouse is slow or away, what comes joins what has not been tried yet, so that
 * there are few inserts when it is back. A process that finds some of the chunks of a token inserts those under it: when it was
 * tried with more, ClickHouse has it already, and forgets the repetition.
 */
import { type Batch, isRefusal } from './client.ts'
import type { IdSpan } from './lane.ts'
import { decisionTimeMs } from './rows/fields.ts'
import type { SpoolClass, SpoolRecord } from './spool/record.ts'
import type { LoadedRecord, Place, Segment, Spool } from './spool/spool.ts'
import { type QueueItem, RowsLost } from './write-queue.ts'

export interface BatchItem extends QueueItem {
  readonly class: SpoolClass
  /** When its first chunk was sealed, Unix ms. */
  readonly atMs: number
  readonly token: string
  /** Held in memory. */
  readonly bytes: number
  /** In memory alone, and not on its way to the disk. */
  readonly isHomeless: boolean
  /** An insert was begun: nothing may join it. */
  readonly isTried: boolean
  /** @param span of the decisions that the chunk has rows of */
  join(batch: Batch, span: IdSpan): void
  /** Puts on disk what is not there. Rejects when that fails: then it stays in memory. */
  spool(durable: boolean): Promise<void>
  /** Keeps only what is on disk, if it is. */
  lighten(): void
  /** The segment is gone; how many rows with it. */
  evict(segment: Segment): number
}

export interface BatchItemOptions {
  readonly spool: Spool | undefined
  readonly insert: (batch: Batch) => Promise<void>
  /** Told of work on the disk that the item does not wait for. */
  readonly track: (work: Promise<unknown>) => void
  readonly onSettled: (item: BatchItem) => unknown
  /** A chunk cannot be read back. */
  readonly onLost: (error: unknown, rows: number) => void
}

interface Chunk {
  readonly atMs: number
  readonly fromMs: number
  readonly toMs: number
  readonly rows: number
  /** Undefined: on disk only. */
  parts: readonly Batch[] | undefined
  place: Place | undefined
  spooling: Promise<unknown> | undefined
}

export function sealedItem(
  kind: SpoolClass,
  batch: Batch,
  span: IdSpan,
  options: BatchItemOptions,
): BatchItem {
  return createItem(kind, batch.token, [sealedChunk(batch, span)], options)
}

/** What an earlier process has left, oldest first. */
export function loadedItems(loaded: readonly LoadedRecord[], options: BatchItemOptions): BatchItem[] {
  const batches = loaded.filter(({ record }) => record.feedback === undefined)
  return [...Map.groupBy(batches, ({ record }) => `${record.class} ${record.token}`).values()].map(
    (group) => {
      const [{ record }] = group as [LoadedRecord]
      const chunks = group.map(
        ({ record: { atMs, fromMs, toMs, rows }, place }): Chunk => ({
          ...{ atMs, fromMs, toMs, rows, place },
          parts: undefined,
          spooling: undefined,
        }),
      )
      return createItem(record.class, record.token, chunks, options)
    },
  )
}

function createItem(
  kind: SpoolClass,
  token: string,
  given: readonly Chunk[],
  { spool, insert, track, onSettled, onLost }: BatchItemOptions,
): BatchItem {
  let chunks = [...given]
  let isTried = false

  const lose = (lost: Chunk): number => {
    chunks = chunks.filter((chunk) => chunk !== lost)
    return lost.rows
  }
  const partsOf = async (chunk: Chunk): Promise<readonly Batch[]> => {
    if (chunk.parts !== undefined) return chunk.parts
    if (chunk.place === undefined || spool === undefined)
      throw new Error('its segment was pushed out of the spool')
    return (await spool.read(chunk.place)).parts
  }
  /** Of all chunks together. */
  const batches = async (): Promise<Batch[]> => {
    const all: (readonly Batch[])[] = []
    for (const chunk of chunks) {
      try {
        all.push(await partsOf(chunk))
      } catch (error) {
        if (chunks.length === 1) throw new RowsLost('a batch of the spool cannot be read', { cause: error })
        onLost(error, lose(chunk))
      }
    }
    return joinChunks(all)
  }
  const spoolChunk = async (chunk: Chunk, durable: boolean): Promise<void> => {
    if (spool === undefined || chunk.parts === undefined || chunk.place !== undefined) return
    const { atMs, fromMs, toMs, parts } = chunk
    const appended = spool.append([{ class: kind, atMs, fromMs, toMs, parts }], durable)
    chunk.spooling = appended.catch(() => {})
    try {
      ;[chunk.place] = await appended
    } finally {
      chunk.spooling = undefined
    }
  }
  const clear = async (): Promise<void> => {
    for (const chunk of chunks) {
      await chunk.spooling
      if (chunk.place !== undefined) await spool?.done(chunk.place)
    }
  }
  /** Out of the way, and kept for whoever wants to look. */
  const quarantine = async (): Promise<void> => {
    const [{ atMs, fromMs, toMs }] = chunks as [Chunk]
    const record: SpoolRecord = { class: 'refused', atMs, fromMs, toMs, parts: await batches() }
    await spool?.append([record], false)
  }

  const item: BatchItem = {
    class: kind,
    atMs: given[0]?.atMs ?? 0,
    token,
    get rows() {
      return chunks.reduce((rows, chunk) => rows + chunk.rows, 0)
    },
    get bytes() {
      return chunks.reduce((bytes, { parts = [] }) => bytes + bytesOf(parts), 0)
    },
    get isHomeless() {
      return chunks.some(({ place, spooling }) => place === undefined && spooling === undefined)
    },
    get isTried() {
      return isTried
    },
    holds: (decisionId) => {
      const timeMs = decisionTimeMs(decisionId)
      return chunks.some(({ fromMs, toMs }) => timeMs >= fromMs && timeMs <= toMs)
    },
    join: (batch, span) => chunks.push(sealedChunk({ ...batch, token }, span)),
    spool: async (durable) => {
      await Promise.all(chunks.map((chunk) => chunk.spooling ?? spoolChunk(chunk, durable)))
    },
    lighten: () => {
      for (const chunk of chunks) if (chunk.place !== undefined) chunk.parts = undefined
    },
    evict: (segment) => {
      let rows = 0
      for (const chunk of chunks.filter(({ place }) => place?.segment === segment)) {
        chunk.place = undefined
        if (chunk.parts === undefined) rows += lose(chunk)
      }
      return rows
    },
    leave: () => chunks.every(({ place }) => place !== undefined),
    write: async () => {
      isTried = true
      for (const batch of await batches()) await insert(batch)
    },
    settle: (error) => {
      const kept = isRefusal(error) ? quarantine().catch(() => {}) : Promise.resolve()
      track(kept.then(clear))
      onSettled(item)
    },
  }
  return item
}

function sealedChunk(batch: Batch, span: IdSpan): Chunk {
  const [fromMs, toMs] = timesOf(span)
  return {
    atMs: Date.now(),
    fromMs,
    toMs,
    rows: batch.rows,
    parts: [batch],
    place: undefined,
    spooling: undefined,
  }
}

/** Chunks of one token have the same tables and columns: they are of one process. */
function joinChunks(chunks: readonly (readonly Batch[])[]): Batch[] {
  const [first = []] = chunks
  if (chunks.length <= 1) return [...first]
  return first.map((batch, i) => {
    const parts = chunks.flatMap((chunk) => chunk[i] ?? [])
    const rows = parts.reduce((sum, part) => sum + part.rows, 0)
    return { ...batch, rows, body: Buffer.concat(parts.map(({ body }) => body)) }
  })
}

function bytesOf(parts: readonly Batch[]): number {
  return parts.reduce((sum, { body }) => sum + body.length, 0)
}

function timesOf({ first, last }: IdSpan): [fromMs: number, toMs: number] {
  if (last !== '') return [decisionTimeMs(first), decisionTimeMs(last)]
  // Rows about no decision.
  const nowMs = Date.now()
  return [nowMs, nowMs]
}
