/**
 * Logs as Parquet: one column for each field of a record, lists where values are numbers or names, JSON where they are
 * objects. Written and read a row group at a time.
 */
import { rm } from 'node:fs/promises'
import {
  type AsyncBuffer,
  asyncBufferFromFile,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  type SchemaElement,
} from 'hyparquet'
import { fileWriter, parquetWriteRows } from 'hyparquet-writer'
import type { LoggedDecision } from '../../engine/index.ts'
import { DatasetError } from '../types.ts'
import { badRecord, fromRecord, type LogRecord, logRecordSchema, toRecord } from './record.ts'

/** A few megabytes of rows. */
const GROUP_ROWS = 2_000
/** A file of another writer is read in steps of so many rows, whatever its groups. */
const READ_ROWS = 2_000
const ROOT = 'highwayman_log'

type Kind = 'text' | 'time' | 'truth' | 'number' | 'numbers' | 'texts' | 'json'

const KINDS: Readonly<Record<keyof LogRecord, Kind>> = {
  decision_id: 'text',
  ts: 'time',
  parent_id: 'text',
  request_id: 'text',
  tenant: 'text',
  session: 'text',
  user_hash: 'text',
  requested_model: 'text',
  surface: 'text',
  stream: 'truth',
  prompt_tokens: 'number',
  metadata: 'json',
  assignment: 'json',
  class: 'text',
  feature_space: 'text',
  x: 'numbers',
  policy: 'json',
  rates: 'json',
  explore: 'truth',
  floor: 'number',
  salt: 'text',
  eligible: 'texts',
  probabilities: 'numbers',
  estimates: 'json',
  exclusions: 'json',
  arm: 'text',
  propensity: 'number',
  served_arm: 'text',
  served_reason: 'text',
  attempts: 'json',
  cost_usd: 'number',
  ttft_ms: 'number',
  total_ms: 'number',
  completion_tokens: 'number',
  finish_reason: 'text',
  rewards: 'json',
}
const COLUMNS = Object.entries(KINDS) as [keyof LogRecord, Kind][]

const LEAVES = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  time: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
  truth: { type: 'BOOLEAN' },
  number: { type: 'DOUBLE' },
  json: { type: 'BYTE_ARRAY', converted_type: 'JSON' },
} as const

const SCHEMA: SchemaElement[] = [
  { name: ROOT, num_children: COLUMNS.length },
  ...COLUMNS.flatMap(([name, kind]): SchemaElement[] => {
    if (kind !== 'numbers' && kind !== 'texts')
      return [{ name, repetition_type: 'OPTIONAL', ...LEAVES[kind] }]
    const leaf = kind === 'numbers' ? LEAVES.number : LEAVES.text
    return [
      { name, repetition_type: 'OPTIONAL', converted_type: 'LIST', num_children: 1 },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      { name: 'element', repetition_type: 'OPTIONAL', ...leaf },
    ]
  }),
]

/** Writes `path`; how many rows. What was begun is removed when the rows cannot be had. */
export async function writeParquet(rows: AsyncIterable<LoggedDecision>, path: string): Promise<number> {
  let count = 0
  async function* records(): AsyncGenerator<Record<string, unknown>> {
    for await (const row of rows) {
      count += 1
      const record = toRecord(row)
      yield { ...record, ts: new Date(record.ts) }
    }
  }
  const writer = fileWriter(path)
  try {
    await parquetWriteRows({
      writer,
      rows: records(),
      columns: COLUMNS.map(([name]) => ({ name })),
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

/** @throws {DatasetError} `dataset_unreadable`; `dataset_bad_line` naming file, row (from 1) and field */
export async function* readParquet(path: string): AsyncGenerator<LoggedDecision> {
  const { file, metadata } = await open(path)
  const total = Number(metadata.num_rows)
  for (let start = 0; start < total; start += READ_ROWS) {
    const rows = await readable(path, () =>
      parquetReadObjects({ file, metadata, rowStart: start, rowEnd: Math.min(start + READ_ROWS, total) }),
    )
    for (const [i, row] of rows.entries()) yield fromRecord(plain(row), `${path}:${start + i + 1}`)
  }
}

async function open(path: string): Promise<{ readonly file: AsyncBuffer; readonly metadata: FileMetaData }> {
  return await readable(path, async () => {
    const file = await asyncBufferFromFile(path)
    const metadata = await parquetMetadataAsync(file)
    const names = new Set(metadata.schema.map(({ name }) => name))
    // Files of earlier releases lack what came later.
    const needed = Object.entries(logRecordSchema.shape).filter(
      ([, field]) => !field.safeParse(undefined).success,
    )
    const missing = needed.flatMap(([name]) => (names.has(name) ? [] : name))
    if (missing.length > 0) throw badRecord(path, `no column ${missing.join(', ')}`)
    return { file, metadata }
  })
}

async function readable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    if (cause instanceof DatasetError) throw cause
    const problem = cause instanceof Error ? cause.message : String(cause)
    throw new DatasetError('dataset_unreadable', `${path}: ${problem}; is it a Parquet file, and whole?`, {
      cause,
    })
  }
}

/** Times as text and whole numbers as numbers, as JSON would have them. */
function plain(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (value instanceof Date) return [name, value.toISOString()]
      if (typeof value === 'bigint') return [name, Number(value)]
      return [name, value ?? null]
    }),
  )
}
