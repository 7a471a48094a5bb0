/** Rows with named columns, whatever the file: CSV, JSON lines or Parquet. */
import { DatasetError } from '../types.ts'
import { csvColumns, readCsv } from './csv.ts'
import { readJsonLines } from './json-lines.ts'
import type { ReadOptions } from './options.ts'
import { openParquet } from './parquet.ts'

export const TABLE_FORMATS = ['csv', 'jsonl', 'parquet'] as const
export type TableFormat = (typeof TABLE_FORMATS)[number]

export interface TableRow {
  /** `file:line`, of Parquet `file:row` counted from 1. */
  readonly where: string
  /** Line or row, counted from 1. */
  readonly number: number
  /** Of CSV always text. Of JSON lines, `a.b` is field `b` of object `a` where there is no field `a.b`. Undefined: no such column. */
  get(column: string): unknown
}

export interface Table {
  readonly path: string
  readonly format: TableFormat
  /** Undefined for JSON lines, whose rows may differ. */
  readonly columns: readonly string[] | undefined
  /** @param only default: all columns; spares reading the others of Parquet */
  rows(options: ReadOptions, only?: readonly string[]): AsyncGenerator<TableRow>
}

/** By the end of the name: `.csv`, `.tsv`, `.jsonl`, `.ndjson`, each also with `.gz`, and `.parquet`. */
export function tableFormatOf(path: string): TableFormat | undefined {
  const ending = /\.(csv|tsv|jsonl|ndjson)(?:\.gz)?$|\.(parquet)$/.exec(path)
  const name = ending?.[1] ?? ending?.[2]
  if (name === 'tsv') return 'csv'
  return name === 'ndjson' ? 'jsonl' : (name as TableFormat | undefined)
}

/** @throws {DatasetError} `dataset_unreadable`, also for a name that tells no format; reading rows throws `dataset_bad_line` too */
export async function openTable(path: string, format = tableFormatOf(path)): Promise<Table> {
  if (format === 'csv') return await openCsv(path)
  if (format === 'parquet') return await openParquetTable(path)
  if (format === 'jsonl') {
    return { path, format, columns: undefined, rows: (options) => readJsonLines(path, jsonRow, options) }
  }
  throw new DatasetError(
    'dataset_unreadable',
    `${path}: its name tells no format; end it in .csv, .tsv, .jsonl (each also .gz) or .parquet, or name the format`,
  )
}

async function openCsv(path: string): Promise<Table> {
  const columns = await csvColumns(path)
  const repeated = columns.find((name, i) => columns.indexOf(name) !== i)
  if (repeated !== undefined) {
    throw new DatasetError('dataset_bad_line', `${path}:1: two columns named ${JSON.stringify(repeated)}`)
  }
  const indexOf = new Map(columns.map((name, i) => [name, i]))
  return {
    path,
    format: 'csv',
    columns,
    async *rows(options) {
      for await (const { line, values } of readCsv(path, options)) {
        const get = (column: string): unknown => values[indexOf.get(column) ?? -1]
        yield { where: `${path}:${line}`, number: line, get }
      }
    },
  }
}

async function openParquetTable(path: string): Promise<Table> {
  const file = await openParquet(path)
  return {
    path,
    format: 'parquet',
    columns: file.columns,
    async *rows({ signal }, only) {
      let number = 0
      for await (const row of file.rows(only, signal)) {
        number += 1
        yield { where: `${path}:${number}`, number, get: (column) => row[column] }
      }
    },
  }
}

function jsonRow(json: unknown, where: string, number: number): TableRow {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new DatasetError('dataset_bad_line', `${where}: expected an object, got ${JSON.stringify(json)}`)
  }
  return { where, number, get: (column) => fieldAt(json, column) }
}

function fieldAt(json: object, path: string): unknown {
  if (Object.hasOwn(json, path)) return (json as Readonly<Record<string, unknown>>)[path]
  let value: unknown = json
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[key]
  }
  return value
}
