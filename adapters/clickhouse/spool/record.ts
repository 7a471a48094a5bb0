/**
 * What the spool holds, as bytes. A segment begins with {@link SEGMENT_MAGIC}; then come records:
 *
 * ```
 * u32 RECORD_MAGIC   u32 state   u32 length   u32 crc-32 of the payload   payload
 * payload:  u32 length of the description   description (JSON)   the rows of each part, one after the other
 * ```
 *
 * All numbers are little-endian. `state` is the one thing that is written later: {@link DONE} when ClickHouse has the record.
 */
import { crc32 } from 'node:zlib'
import type { Batch } from '../client.ts'

/** What a record is about, in the order in which it is given up when room is needed. Rewards never are. */
export const SPOOL_CLASSES = [
  'refused',
  'prompts',
  'attempts',
  'assignments',
  'decisions',
  'observations',
  'forgotten',
  'rewards',
] as const
export type SpoolClass = (typeof SPOOL_CLASSES)[number]

export interface SpoolRecord {
  readonly class: SpoolClass
  /** When it was sealed, Unix ms: records of several segments are replayed by it. */
  readonly atMs: number
  /** The decisions it has rows of were made between these times, Unix ms. */
  readonly fromMs: number
  readonly toMs: number
  /** Of a feedback that waits for its commit. */
  readonly feedback?: { readonly rewardId: string; readonly decisionId: string }
  /** They name their columns, so that another version of the program can still insert them. */
  readonly parts: readonly Batch[]
}

export const SEGMENT_MAGIC = Buffer.from('HWSPOOL1')
const RECORD_MAGIC = Buffer.from('\u00abHW\u00bb', 'latin1')
const HEADER_BYTES = 16
export const STATE_OFFSET = 4
export const DONE = Buffer.from([1, 0, 0, 0])

/** `bytes` holds the whole record, its header included. */
export interface RecordPlace {
  readonly offset: number
  readonly bytes: number
}

export function encodeRecord(record: SpoolRecord): Buffer[] {
  const { parts, ...rest } = record
  const description = Buffer.from(
    JSON.stringify({ ...rest, parts: parts.map(({ body, ...part }) => ({ ...part, bytes: body.length })) }),
  )
  const pieces = [Buffer.alloc(4), description, ...parts.map(({ body }) => bufferOf(body))]
  pieces[0]?.writeUInt32LE(description.length)
  const header = Buffer.alloc(HEADER_BYTES)
  RECORD_MAGIC.copy(header)
  header.writeUInt32LE(
    pieces.reduce((bytes, piece) => bytes + piece.length, 0),
    8,
  )
  header.writeUInt32LE(
    pieces.reduce((sum, piece) => crc32(piece, sum), 0),
    12,
  )
  return [header, ...pieces]
}

/** @throws {Error} when `bytes` are not one whole, undamaged record */
export function decodeRecord(bytes: Buffer): SpoolRecord {
  const found = readAt(bytes, 0)
  if (found === undefined || found.bytes !== bytes.length) throw new Error('a record of the spool is damaged')
  return found.record
}

export interface FoundRecord extends RecordPlace {
  readonly record: SpoolRecord
  readonly isDone: boolean
}

export interface Scan {
  readonly records: readonly FoundRecord[]
  /** Bytes that are no record although others follow, or that are whole and have another checksum. */
  readonly damagedBytes: number
  /** Bytes of a record at the end that was being written when its process died. */
  readonly tornBytes: number
}

/** Every record that can be read: behind a damaged one the next whole one is looked for. */
export function scanSegment(bytes: Buffer): Scan {
  const records: FoundRecord[] = []
  let damagedBytes = 0
  let at = SEGMENT_MAGIC.length
  if (bytes.length < at || !bytes.subarray(0, at).equals(SEGMENT_MAGIC)) {
    // A process that died while it made the file leaves a piece of the beginning, or room without content.
    if (isTail(bytes, 0)) return { records, damagedBytes, tornBytes: bytes.length }
    at = 0
  }
  while (at < bytes.length) {
    const found = readAt(bytes, at)
    if (found === undefined) {
      const next = nextRecord(bytes, at + 1)
      if (next === undefined) {
        const rest = bytes.length - at
        return isTail(bytes, at)
          ? { records, damagedBytes, tornBytes: rest }
          : { records, damagedBytes: damagedBytes + rest, tornBytes: 0 }
      }
      damagedBytes += next - at
      at = next
      continue
    }
    records.push(found)
    at += found.bytes
  }
  return { records, damagedBytes, tornBytes: 0 }
}

/** The record that begins at `at`; undefined when none does, or not a whole one, or a damaged one. */
function readAt(bytes: Buffer, at: number): FoundRecord | undefined {
  const length = lengthAt(bytes, at)
  if (length === undefined || at + HEADER_BYTES + length > bytes.length) return undefined
  const payload = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length)
  if (length < 4 || crc32(payload) !== bytes.readUInt32LE(at + 12)) return undefined
  const record = decodePayload(payload)
  if (record === undefined) return undefined
  return {
    record,
    isDone: bytes.readUInt32LE(at + STATE_OFFSET) !== 0,
    offset: at,
    bytes: HEADER_BYTES + length,
  }
}

function lengthAt(bytes: Buffer, at: number): number | undefined {
  if (at + HEADER_BYTES > bytes.length || !startsRecord(bytes, at)) return undefined
  return bytes.readUInt32LE(at + 8)
}

function startsRecord(bytes: Buffer, at: number): boolean {
  return bytes.subarray(at, at + RECORD_MAGIC.length).equals(RECORD_MAGIC)
}

function nextRecord(bytes: Buffer, from: number): number | undefined {
  for (let at = bytes.indexOf(RECORD_MAGIC, from); at >= 0; at = bytes.indexOf(RECORD_MAGIC, at + 1)) {
    if (readAt(bytes, at) !== undefined) return at
  }
  return undefined
}

/** What a write leaves that did not come to its end: a beginning whose rest is beyond the file, or zeros. */
function isTail(bytes: Buffer, at: number): boolean {
  const rest = bytes.subarray(at)
  if (rest.every((byte) => byte === 0)) return true
  if (at === 0) return SEGMENT_MAGIC.subarray(0, rest.length).equals(rest)
  if (rest.length < HEADER_BYTES) return RECORD_MAGIC.subarray(0, rest.length).equals(rest.subarray(0, 4))
  return startsRecord(bytes, at) && rest.length < HEADER_BYTES + rest.readUInt32LE(8)
}

type Description = Omit<SpoolRecord, 'parts'> & {
  readonly parts: readonly (Omit<Batch, 'body'> & { readonly bytes: number })[]
}

/** Undefined: whole, and written by something that this version does not know. */
function decodePayload(payload: Buffer): SpoolRecord | undefined {
  const start = 4 + payload.readUInt32LE(0)
  let description: Partial<Description> | null
  try {
    description = JSON.parse(payload.toString('utf8', 4, start)) as Partial<Description> | null
  } catch {
    return undefined
  }
  if (!Array.isArray(description?.parts)) return undefined
  const { parts, ...rest } = description as Description
  let at = start
  return {
    ...rest,
    parts: parts.map(({ bytes, ...part }) => {
      const body = payload.subarray(at, at + bytes)
      at += bytes
      return { ...part, body }
    }),
  }
}

function bufferOf(body: Uint8Array): Buffer {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength)
}
