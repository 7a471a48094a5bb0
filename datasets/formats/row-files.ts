/** Our own shape of a row, in JSON lines or in Parquet. */
import type { SchemaElement } from 'hyparquet'
import { readJsonLines } from '../read/json-lines.ts'
import { decodeOrTell, type ReadOptions } from '../read/options.ts'
import { openParquet } from '../read/parquet.ts'
import { fromRowJson, toRowJson } from '../row.ts'
import { DatasetError, type PromptRow } from '../types.ts'
import { writeParquetRows } from '../write/parquet.ts'
import { writeJsonLines } from '../write/texts.ts'
import type { LocatedRow } from './source.ts'

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
 * Writes `.jsonl`, `.jsonl.gz` or `.parquet`; how many rows.
 *
 * @throws {DatasetError} `dataset_bad_option` for another name; and what `rows` throws: a file that was there
 * is then as it was
 */
export async function writeRowFile(rows: AsyncIterable<PromptRow>, path: string): Promise<number> {
  if (/\.jsonl(\.gz)?$/.test(path)) return await writeJsonLines(rows, path, toRowJson)
  if (path.endsWith('.parquet')) {
    return await writeParquetRows(rows, path, SCHEMA, COLUMNS, (row) => ({ ...toRowJson(row) }))
  }
  throw new DatasetError(
    'dataset_bad_option',
    `${path}: rows are written as .jsonl, .jsonl.gz or .parquet; end the name so`,
  )
}
