/**
 * Logs as Parquet: one column for each field of a record, lists where values are numbers or names, JSON where they are
 * objects. Written and read a row group at a time.
 */
import { rm } from 'node:fs/promises'
import type { SchemaElement } from 'hyparquet'
import { fileWriter, parquetWriteRows } from 'hyparquet-writer'
import type { LoggedDecision } from '../../engine/index.ts'
import { decodeOrTell, type ReadOptions } from '../read/options.ts'
import { openParquet } from '../read/parquet.ts'
import { badRecord, fromRecord, type LogRecord, logRecordSchema, toRecord } from './record.ts'

/** A few megabytes of rows. */
const GROUP_ROWS = 2_000
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
export async function* readParquet(path: string, options: ReadOptions = {}): AsyncGenerator<LoggedDecision> {
  const file = await openParquet(path)
  const fields = Object.entries(logRecordSchema.shape)
  const names = fields.flatMap(([name]) => (file.columns.includes(name) ? [name] : []))
  // Files of earlier releases lack what came later.
  const missing = fields.flatMap(([name, field]) =>
    names.includes(name) || field.safeParse(undefined).success ? [] : [name],
  )
  if (missing.length > 0) throw badRecord(path, `no column ${missing.join(', ')}`)
  let number = 0
  for await (const row of file.rows(names, options.signal)) {
    number += 1
    const decision = decodeOrTell(options, () => fromRecord(row, `${path}:${number}`))
    if (decision !== undefined) yield decision
  }
}
