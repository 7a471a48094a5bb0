/**
 * Batches on disk until ClickHouse has them: append-only segments, a file per class of rows and a few megabytes each. A record is
 * marked when it is done, and a segment removed when all of its records are. Bounded in bytes: what comes pushes out the oldest
 * segment of the least important class, up to its own.
 */
import { type FileHandle, open as openFile, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  DONE,
  decodeRecord,
  encodeRecord,
  SEGMENT_MAGIC,
  SPOOL_CLASSES,
  type SpoolClass,
  type SpoolRecord,
  STATE_OFFSET,
  scanSegment,
} from './record.ts'
import { claimSlot, nextSegmentNumber, SEGMENT_FILE, segmentNames, segmentNumber } from './slots.ts'

const SEGMENT_BYTES = 8 * 1024 * 1024

export interface SpoolOptions {
  /** Shared by the processes of a machine; each has a slot of its own in it. */
  readonly directory: string
  readonly maxBytes: number
  /** A segment that has grown beyond this is followed by another. @default 8 MiB */
  readonly segmentBytes?: number
  /** Replaces Node's, for tests of disks that fail. */
  readonly open?: typeof openFile
}

/** Where a record lies. It is valid until the record is done or pushed out. */
export interface Place {
  readonly segment: Segment
  readonly offset: number
  readonly bytes: number
}

export interface LoadedRecord {
  /** `token` is that of its first part. */
  readonly record: Omit<SpoolRecord, 'parts'> & { readonly rows: number; readonly token: string }
  readonly place: Place
}

export interface SpoolStats {
  readonly bytes: number
  readonly maxBytes: number
  readonly segments: number
  /** Bytes that were damaged, found since the start; the segments that had them are kept as `.damaged`. */
  readonly damagedBytes: number
  /** Bytes of records that were being written when an earlier process died: nobody was promised them. */
  readonly tornBytes: number
}

export interface Spool {
  /** The slot. */
  readonly path: string
  /** What earlier processes have left, oldest first; whoever takes it may empty it. */
  readonly loaded: LoadedRecord[]
  /**
   * Resolves when the records, all of one class, are written, and synced when `durable`.
   * @throws {SpoolFull} and what writing throws; then none of them is in the spool
   */
  append(records: readonly SpoolRecord[], durable: boolean): Promise<readonly Place[]>
  /** @throws when it cannot be read, or is damaged */
  read(place: Place): Promise<SpoolRecord>
  /** ClickHouse has it, or it is given up. Never throws: a mark that is missing costs a repetition under the same token. */
  done(place: Place): Promise<void>
  /** Told of each segment that was pushed out. */
  onEvicted: (segment: Segment) => void
  stats(): SpoolStats
  close(): Promise<void>
}

export class SpoolFull extends Error {
  override readonly name = 'SpoolFull'
}

/** One file. */
export class Segment {
  readonly class: SpoolClass
  path: string
  bytes: number
  /** Records that are not done. */
  waiting = 0
  damaged = false
  removed = false
  /** Its name in the directory is synced. */
  isListed = false
  handle: Promise<FileHandle> | undefined
  constructor(kind: SpoolClass, path: string, bytes: number) {
    this.class = kind
    this.path = path
    this.bytes = bytes
  }
}

/** @throws {StoreError} `store_bad_location` */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { maxBytes, segmentBytes = SEGMENT_BYTES, open = openFile } = options
  const slot = claimSlot(options.directory)
  /** In the order they were begun. */
  const segments = new Set<Segment>()
  const current = new Map<SpoolClass, Segment>()
  const counts = { damagedBytes: 0, tornBytes: 0 }
  let nextNumber = nextSegmentNumber(slot.path)
  let bytes = 0
  // One change at a time.
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work)
    turn = result.catch(() => {})
    return result
  }

  const openIn = (segment: Segment, flags = 'r+'): Promise<FileHandle> => {
    segment.handle ??= open(segment.path, flags)
    return segment.handle
  }
  const forget = (segment: Segment): void => {
    segment.removed = true
    segments.delete(segment)
    bytes -= segment.bytes
    if (current.get(segment.class) === segment) current.delete(segment.class)
  }
  const remove = async (segment: Segment): Promise<void> => {
    forget(segment)
    await closeFile(segment)
    await rm(segment.path, { force: true })
  }
  /** Damaged: out of the way, and kept for whoever wants to look. Loaded again it holds nothing that waits. */
  const retire = async (segment: Segment): Promise<void> => {
    if (!segment.damaged) return await remove(segment)
    const path = segment.path.replace(/-\w+\.segment$/, '-refused.damaged')
    await closeFile(segment)
    await rename(segment.path, path)
    forget(segment)
    const kept = new Segment('refused', path, segment.bytes)
    segments.add(kept)
    bytes += kept.bytes
  }
  const makeRoom = async (needed: number, incoming: SpoolClass): Promise<void> => {
    const rank = SPOOL_CLASSES.indexOf(incoming)
    const upTo = incoming === 'rewards' ? rank : rank + 1
    while (bytes + needed > maxBytes) {
      const victim = SPOOL_CLASSES.slice(0, upTo)
        .map((kind) => [...segments].find((segment) => segment.class === kind))
        .find((segment) => segment !== undefined)
      if (victim === undefined || needed > maxBytes) {
        throw new SpoolFull(`the spool ${slot.path} has its ${maxBytes} bytes (store.spool.maxBytes)`)
      }
      await remove(victim)
      spool.onEvicted(victim)
    }
  }
  const begin = async (kind: SpoolClass): Promise<Segment> => {
    const path = join(slot.path, `${segmentNumber(nextNumber++)}-${kind}.segment`)
    const segment = new Segment(kind, path, 0)
    try {
      await writeAll(await openIn(segment, 'wx+'), [SEGMENT_MAGIC], 0)
    } catch (error) {
      await closeFile(segment)
      await rm(path, { force: true }).catch(() => {})
      throw error
    }
    segment.bytes = SEGMENT_MAGIC.length
    bytes += segment.bytes
    segments.add(segment)
    current.set(kind, segment)
    return segment
  }
  /** A new file is only there for good when its directory is. */
  const syncDirectory = async (): Promise<void> => {
    const handle = await openFile(slot.path, 'r')
    await handle.sync().finally(() => handle.close())
  }
  const write = async (records: readonly SpoolRecord[]): Promise<Place[]> => {
    const [first] = records
    if (first === undefined) return []
    const encoded = records.map(encodeRecord)
    const sizes = encoded.map((pieces) => pieces.reduce((sum, piece) => sum + piece.length, 0))
    const total = sizes.reduce((sum, size) => sum + size, 0)
    await makeRoom(total, first.class)
    const open = current.get(first.class)
    const segment = open === undefined || open.bytes > segmentBytes ? await begin(first.class) : open
    const before = segment.bytes
    const handle = await openIn(segment)
    try {
      await writeAll(handle, encoded.flat(), before)
    } catch (error) {
      // What a failed write has left there is not known: nothing is added behind it.
      current.delete(segment.class)
      await handle.truncate(before).catch(() => {})
      if (segment.waiting === 0) await remove(segment).catch(() => {})
      throw error
    }
    segment.bytes += total
    segment.waiting += records.length
    bytes += total
    let offset = before
    return sizes.map((size) => {
      const place = { segment, offset, bytes: size }
      offset += size
      return place
    })
  }
  /** Outside of the turn: a disk that is slow to sync must not keep others from writing, which a killed process survives. */
  const sync = async (places: readonly Place[]): Promise<void> => {
    const [first] = places
    if (first === undefined) return
    const { segment } = first
    try {
      await (await openIn(segment)).datasync()
      if (segment.isListed) return
      await syncDirectory()
      segment.isListed = true
    } catch (error) {
      // Pushed out meanwhile: whoever waits for the records was told.
      if (segment.removed) return
      if (current.get(segment.class) === segment) current.delete(segment.class)
      for (const place of places) await spool.done(place)
      throw error
    }
  }

  const loaded: LoadedRecord[] = []
  const load = async (name: string): Promise<void> => {
    const path = join(slot.path, name)
    const [, , kind = '', ending] = SEGMENT_FILE.exec(name) ?? []
    const content = await readFile(path)
    const segment = new Segment(kind as SpoolClass, path, content.length)
    segments.add(segment)
    bytes += content.length
    if (ending === 'damaged' || kind === 'refused') return
    const { records, damagedBytes, tornBytes } = scanSegment(content)
    counts.damagedBytes += damagedBytes
    counts.tornBytes += tornBytes
    segment.damaged = damagedBytes > 0
    for (const { record, isDone, ...at } of records) {
      if (isDone) continue
      const { parts, ...rest } = record
      const rows = parts.reduce((sum, part) => sum + part.rows, 0)
      segment.waiting += 1
      loaded.push({ record: { ...rest, rows, token: parts[0]?.token ?? '' }, place: { segment, ...at } })
    }
    if (segment.waiting === 0) await retire(segment)
  }

  const spool: Spool = {
    path: slot.path,
    loaded,
    onEvicted: () => {},
    append: async (records, durable) => {
      const places = await inTurn(() => write(records))
      if (durable) await sync(places)
      return places
    },
    read: async ({ segment, offset, bytes: length }) => {
      const handle = await openIn(segment)
      const content = Buffer.allocUnsafe(length)
      await handle.read(content, 0, length, offset)
      try {
        return decodeRecord(content)
      } catch (error) {
        segment.damaged = true
        counts.damagedBytes += length
        throw error
      }
    },
    done: ({ segment, offset }) =>
      inTurn(async () => {
        if (segment.removed) return
        segment.waiting -= 1
        if (segment.waiting === 0) await retire(segment)
        else await writeAll(await openIn(segment), [DONE], offset + STATE_OFFSET)
      }).catch(() => {}),
    stats: () => ({ bytes, maxBytes, segments: segments.size, ...counts }),
    close: async () => {
      await turn
      for (const segment of segments) await closeFile(segment)
      slot.release()
    },
  }
  try {
    for (const name of segmentNames(slot.path)) await load(name)
  } catch (error) {
    slot.release()
    throw error
  }
  // Sorting is stable: records of one segment stay in their order.
  loaded.sort((a, b) => a.record.atMs - b.record.atMs)
  return spool
}

async function writeAll(handle: FileHandle, pieces: readonly Uint8Array[], position: number): Promise<void> {
  const wanted = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const { bytesWritten } = await handle.writev(pieces, position)
  // A disk that is full takes a part.
  if (bytesWritten !== wanted) throw new Error(`the disk took ${bytesWritten} of ${wanted} bytes`)
}

async function closeFile(segment: Segment): Promise<void> {
  const { handle } = segment
  segment.handle = undefined
  await handle?.then((file) => file.close()).catch(() => {})
}
