/** How single values cross into ClickHouse and back. Writers never emit what would make ClickHouse refuse a whole batch. */
import type { DecisionId } from '../../../engine/index.ts'
import type { Row } from '../client.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const UINT32_MAX = 4_294_967_295

export function isUuid(id: string): boolean {
  return UUID.test(id)
}

/** The Unix time in ms that a UUIDv7 begins with: 48 bits. */
export function decisionTimeMs(id: DecisionId | string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

/** `id`, or a throw: a batch with one malformed id would be refused whole. */
export function writeId(id: string): string {
  if (!isUuid(id)) throw new TypeError(`${JSON.stringify(id)} is not a UUID: decision ids are UUIDv7`)
  return id
}

/** Whole milliseconds, as DateTime64(3) takes them. */
export function writeTimeMs(timeMs: number): number {
  if (!(timeMs >= 0 && timeMs < 1e13)) throw new RangeError(`${timeMs} is not a Unix time in ms`)
  return Math.round(timeMs)
}

/** A lone surrogate (a text cut in the middle of an emoji) is not UTF-8, and ClickHouse refuses it. */
export function writeText(text: string): string {
  return text.isWellFormed() ? text : text.toWellFormed()
}

/** A count as UInt32; what is not a number is null. */
export function writeCount(count: number | undefined): number | null {
  return count === undefined || Number.isNaN(count)
    ? null
    : Math.min(Math.max(Math.round(count), 0), UINT32_MAX)
}

/** JSON has no infinities: they become null. */
export function writeNumber(value: number | undefined): number | null {
  return value ?? null
}

/** Base64 of the little-endian Float64s: bit-exact, and an order of magnitude cheaper than decimal text. */
export function writeVector(vector: Float64Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64')
}

export function readText(row: Row, name: string): string {
  return String(row[name])
}

export function readNumber(row: Row, name: string): number {
  return Number(row[name])
}

export function readOptionalNumber(row: Row, name: string): number | undefined {
  const value = row[name]
  return value === null || value === undefined ? undefined : Number(value)
}

export function readFlag(row: Row, name: string): boolean {
  return Boolean(row[name])
}

export function readTexts(row: Row, name: string): string[] {
  return readArray(row, name).map(String)
}

/** ClickHouse writes infinities and NaN as null. */
export function readVector(row: Row, name: string): Float64Array {
  return Float64Array.from(readArray(row, name), (value) => (value === null ? Number.NaN : Number(value)))
}

function readArray(row: Row, name: string): unknown[] {
  const value = row[name]
  if (!Array.isArray(value)) throw new TypeError(`column ${name} is not an array`)
  return value
}
