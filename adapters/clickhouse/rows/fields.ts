/** How single values come back from ClickHouse, and what a decision's id says of its time. */
import type { DecisionId } from '../../../engine/index.ts'
import type { Row } from '../client.ts'

/** The Unix time in ms that a UUIDv7 begins with: 48 bits. */
export function decisionTimeMs(id: DecisionId | string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
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
  return vectorOf(readArray(row, name))
}

export function readVectors(row: Row, name: string): Float64Array[] {
  return readArray(row, name).map((value) => vectorOf(value as unknown[]))
}

function vectorOf(values: readonly unknown[]): Float64Array {
  return Float64Array.from(values, (value) => (value === null ? Number.NaN : Number(value)))
}

function readArray(row: Row, name: string): unknown[] {
  const value = row[name]
  if (!Array.isArray(value)) throw new TypeError(`column ${name} is not an array`)
  return value
}
