/** A log in a file, in whichever format. */
import type { LoggedDecision } from '../../engine/index.ts'
import { readDsjsonLines } from '../bandit/dsjson-lines.ts'
import { readJsonLines } from '../read/json-lines.ts'
import type { ReadOptions } from '../read/options.ts'
import { DatasetError } from '../types.ts'
import { writeJsonLines } from '../write/texts.ts'
import { decisionsOfDsjson, toDsjson } from './dsjson.ts'
import { readParquet, writeParquet } from './parquet.ts'
import { fromRecord, type PlacedDecision, toRecord } from './record.ts'

export const LOG_FORMATS = ['parquet', 'jsonl', 'dsjson'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]

/** By the end of the name: `.parquet`, `.jsonl` or `.dsjson`, the latter two also with `.gz`. */
export function logFormatOf(path: string): LogFormat | undefined {
  const ending = /\.(parquet|jsonl|dsjson)(?:\.gz)?$/.exec(path)
  return ending?.[1] === 'parquet' && path.endsWith('.gz')
    ? undefined
    : (ending?.[1] as LogFormat | undefined)
}

/**
 * The decisions of a file in its order, each one validated, in bounded memory.
 *
 * @param format default: by the file's name
 * @throws {DatasetError} `dataset_unreadable`; `dataset_bad_line` naming file, line and field
 */
export function readLogFile(
  path: string,
  format = logFormatOf(path),
  options: ReadOptions = {},
): AsyncIterable<LoggedDecision> {
  return withoutPlaces(readPlacedLog(path, format, options))
}

/** The same, each with where it stands. */
export function readPlacedLog(
  path: string,
  format = logFormatOf(path),
  options: ReadOptions = {},
): AsyncIterable<PlacedDecision> {
  if (format === 'jsonl') {
    return readJsonLines(path, (json, where) => ({ decision: fromRecord(json, where), where }), options)
  }
  if (format === 'dsjson') return readDsjson(path, options)
  if (format === 'parquet') return readParquet(path, options)
  throw unknownFormat(path)
}

async function* withoutPlaces(rows: AsyncIterable<PlacedDecision>): AsyncGenerator<LoggedDecision> {
  for await (const { decision } of rows) yield decision
}

async function* readDsjson(path: string, options: ReadOptions): AsyncGenerator<PlacedDecision> {
  const decode = (json: unknown, where: string): readonly PlacedDecision[] =>
    decisionsOfDsjson(json, where).map((decision) => ({ decision, where }))
  for await (const decisions of readDsjsonLines(path, decode, options)) yield* decisions
}

/**
 * Writes a file in bounded memory; how many decisions. A file that was there is replaced once all is written.
 *
 * @throws {DatasetError} `dataset_unreadable` for a name that tells no format; and what writing or `rows` throws
 */
export async function writeLogFile(
  rows: AsyncIterable<LoggedDecision>,
  path: string,
  format = logFormatOf(path),
): Promise<number> {
  if (format === 'jsonl') return await writeJsonLines(rows, path, toRecord)
  if (format === 'dsjson') return await writeJsonLines(rows, path, toDsjson)
  if (format === 'parquet') return await writeParquet(rows, path)
  throw unknownFormat(path)
}

function unknownFormat(path: string): DatasetError {
  return new DatasetError(
    'dataset_unreadable',
    `${path}: its name tells no format; end it in .parquet, .jsonl, .jsonl.gz or .dsjson, or name the format`,
  )
}
