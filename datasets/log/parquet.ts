/**
 * Logs as Parquet: one column for each field of a record, lists where values are numbers or names, JSON where they are
 * objects. Written and read a row group at a time.
 */
import type { SchemaElement } from 'hyparquet'
import type { LoggedDecision } from '../../engine/index.ts'
import { decodeOrTell, type ReadOptions } from '../read/options.ts'
import { openParquet } from '../read/parquet.ts'
import { writeParquetRows } from '../write/parquet.ts'
import {
  badRecord,
  fromRecord,
  type LogRecord,
  logRecordSchema,
  type PlacedDecision,
  toRecord,
} from './record.ts'

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

/** Writes `path`; how many rows. */
export async function writeParquet(rows: AsyncIterable<LoggedDecision>, path: string): Promise<number> {
  const names = COLUMNS.map(([name]) => name)
  return await writeParquetRows(rows, path, SCHEMA, names, (row) => {
    const record = toRecord(row)
    return { ...record, ts: new Date(record.ts) }
  })
}

/** @throws {DatasetError} `dataset_unreadable`; `dataset_bad_line` naming file, row (from 1) and field */
export async function* readParquet(path: string, options: ReadOptions = {}): AsyncGenerator<PlacedDecision> {
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
    const where = `${path}:${number}`
    const decision = decodeOrTell(options, () => fromRecord(row, where))
    if (decision !== undefined) yield { decision, where }
  }
}
