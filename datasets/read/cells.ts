/** What stands in a column, as a value of the type that is wanted; errors name place, column and what was found. */
import { describeFound } from '../issues.ts'
import { DatasetError } from '../types.ts'
import type { TableRow } from './table.ts'

/** As pandas, R and spreadsheets write a value that is not there. */
const MISSING = new Set(['', 'nan', 'na', 'n/a', 'null', 'none'])

export function isMissing(value: unknown): boolean {
  if (value === undefined || value === null) return true
  return typeof value === 'number'
    ? Number.isNaN(value)
    : typeof value === 'string' && MISSING.has(value.trim().toLowerCase())
}

/** A number; true and false are 1 and 0. Undefined: missing. @throws {DatasetError} `dataset_bad_line` */
export function numberIn(row: TableRow, column: string): number | undefined {
  const value = row.get(column)
  if (isMissing(value)) return undefined
  const number = toNumber(value)
  if (Number.isFinite(number)) return number
  throw badCell(row, column, 'a number', value)
}

/** Text that is not empty; a number as it is written. Undefined: missing. @throws {DatasetError} `dataset_bad_line` */
export function textIn(row: TableRow, column: string): string | undefined {
  const value = row.get(column)
  // A prompt may well read "none".
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw badCell(row, column, 'a text', value)
}

/** Undefined: missing. @throws {DatasetError} `dataset_bad_line` */
export function truthIn(row: TableRow, column: string): boolean | undefined {
  const value = row.get(column)
  if (isMissing(value)) return undefined
  const number = toNumber(value)
  if (number === 1 || number === 0) return number === 1
  throw badCell(row, column, 'true or false', value)
}

/** @throws {DatasetError} `dataset_bad_line` where the column is missing in the row */
export function required<T>(value: T | undefined, row: TableRow, column: string, expected: string): T {
  if (value !== undefined) return value
  throw badCell(row, column, expected, row.get(column))
}

export function badCell(row: TableRow, column: string, expected: string, found: unknown): DatasetError {
  return new DatasetError(
    'dataset_bad_line',
    `${row.where} ${column}: expected ${expected}, got ${describeFound(found)}`,
  )
}

function toNumber(value: unknown): number {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return Number(value)
  if (typeof value !== 'string') return Number.NaN
  if (/^true$/i.test(value)) return 1
  if (/^false$/i.test(value)) return 0
  // `Number` takes hexadecimal and more; a file of numbers has none of it.
  return /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(value) ? Number(value) : Number.NaN
}
