/** Our own shape of a row, in JSON lines or in Parquet. */
import { rm } from 'node:fs/promises'
import type { SchemaElement } from 'hyparquet'
import { fileWriter, parquetWriteRows } from 'hyparquet-writer'
import { readJsonLines, writeJsonLines } from '../read/json-lines.ts'
import { decodeOrTell, type ReadOptions } from '../read/options.ts'
import { openParquet } from '../read/parquet.ts'
import { fromRowJson, toRowJson } from '../row.ts'
import { DatasetError, type PromptRow } from '../types.ts'
import type { LocatedRow } from './source.ts'

const GROUP_ROWS = 2_000

/** In Parquet the outcomes are one column of JSON, as sets differ in their arms. */
const COLUMNS = ['prompt_id', 'split', 'task', 'category', 'prompt', 'contaminated', 'outcomes'] as const
const NEEDED = COLUMNS.filter((name) => name !== 'category' && name !== 'contaminated')

const SCHEMA: SchemaElement[] = [
  { name: 'highwayman_rows', num_children: COLUMNS.length },
  ...COLUMNS.map(
    (name): SchemaElement => ({
      name,
      repetition_type: 'OPTIONAL',
      ...(name === 'contaminated'
        ? { type: 'BOOLEAN' }
        : { type: 'BYTE_ARRAY', converted_type: name === 'outcomes' ? 'JSON' : 'UTF8' }),
    }),
  ),
]

/** Whether a Parquet file with these columns holds rows of our own shape. */
export function areRowColumns(columns: readonly string[]): boolean {
  return NEEDED.every((name) => columns.includes(name))
}

/** @throws {DatasetError} `dataset_bad_line`, `dataset_unreadable` */
export async function* readRowFile(path: string, options: ReadOptions): AsyncGenerator<LocatedRow> {
  if (path.endsWith('.parquet')) yield* readRowParquet(path, options)
  else {
    yield* readJsonLines(
      path,
      (json, where, number) => ({ row: fromRowJson(json, where), where, number }),
      options,
    )
  }
}

async function* readRowParquet(path: string, options: ReadOptions): AsyncGenerator<LocatedRow> {
  const file = await openParquet(path)
  if (!areRowColumns(file.columns)) {
    const missing = NEEDED.filter((name) => !file.columns.includes(name))
    throw new DatasetError('dataset_bad_line', `${path}: no column ${missing.join(', ')}`)
  }
  const columns = COLUMNS.filter((name) => file.columns.includes(name))
  let number = 0
  for await (const record of file.rows(columns, options.signal)) {
    number += 1
    const at = number
    const where = `${path}:${at}`
    // A column's null is a field that is not there.
    const json = Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null))
    const row = decodeOrTell(options, () => fromRowJson(json, where))
    if (row !== undefined) yield { row, where, number: at }
  }
}

/**
 * Writes `.jsonl`, `.jsonl.gz` or `.parquet`; how many rows. What was begun is removed when the rows cannot be had.
 *
 * @throws {DatasetError} `dataset_bad_option` for another name; and what `rows` throws
 */
export async function writeRowFile(rows: AsyncIterable<PromptRow>, path: string): Promise<number> {
  if (/\.jsonl(\.gz)?$/.test(path)) return await writeJsonLines(rows, path, toRowJson)
  if (path.endsWith('.parquet')) return await writeRowParquet(rows, path)
  throw new DatasetError(
    'dataset_bad_option',
    `${path}: rows are written as .jsonl, .jsonl.gz or .parquet; end the name so`,
  )
}

async function writeRowParquet(rows: AsyncIterable<PromptRow>, path: string): Promise<number> {
  let count = 0
  async function* records(): AsyncGenerator<Record<string, unknown>> {
    for await (const row of rows) {
      count += 1
      yield { ...toRowJson(row) }
    }
  }
  const writer = fileWriter(path)
  try {
    await parquetWriteRows({
      writer,
      rows: records(),
      columns: COLUMNS.map((name) => ({ name })),
      schema: SCHEMA,
      rowGroupSize: GROUP_ROWS,
      createdBy: 'highwayman',
    })
  } catch (error) {
    await rm(path, { force: true })
    throw error
  }
  return count
}
