/** CSV as RFC 4180 has it, streamed: quoted fields may hold commas, quotes and line feeds; the first record names the columns. */
import { isUtf8 } from 'node:buffer'
import { Readable } from 'node:stream'
import type { Info } from 'csv-parse'
import { DatasetError } from '../types.ts'
import { readBytes } from './bytes.ts'
import { decodeOrTell, type ReadOptions } from './options.ts'

/** Of one record; a quote that is never closed would otherwise swallow the rest of the file. */
const RECORD_CHARS_MAX = 16 * 1024 * 1024

export interface CsvRecord {
  /** The line that it begins on, counted from 1. */
  readonly line: number
  readonly values: readonly string[]
}

/** The column names, and then the records, each with as many values. @throws {DatasetError} as {@link readCsv} does */
export async function csvColumns(path: string): Promise<readonly string[]> {
  for await (const { values } of parseCsv(path, {})) return values
  return []
}

/**
 * Streams the records after the first. Names that end in `.tsv` or `.tsv.gz` are cut at tabs. Empty lines are passed over.
 *
 * @throws {DatasetError} `dataset_unreadable`; `dataset_bad_line` for a record with another number of fields than the first,
 * and, ending the reading, for quotes out of place and text that is not UTF-8
 */
export async function* readCsv(path: string, options: ReadOptions = {}): AsyncGenerator<CsvRecord> {
  let columns: number | undefined
  for await (const record of parseCsv(path, options)) {
    if (columns === undefined) {
      columns = record.values.length
      continue
    }
    const expected = columns
    const whole = decodeOrTell(options, () => {
      const found = record.values.length
      if (found === expected) return record
      throw badRecord(`${path}:${record.line}`, `expected ${expected} fields as in the header, got ${found}`)
    })
    if (whole !== undefined) yield whole
  }
}

async function* parseCsv(path: string, { signal }: ReadOptions): AsyncGenerator<CsvRecord> {
  const { CsvError, parse } = await import('csv-parse')
  const parser = parse({
    delimiter: /\.tsv(\.gz)?$/.test(path) ? '\t' : ',',
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: RECORD_CHARS_MAX,
  })
  const text = Readable.from(decodeText(path, signal))
  text.on('error', (error) => parser.destroy(error)).pipe(parser)
  // The parser counts a carriage return within quotes as a line of its own.
  let returns = 0
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
      returns += record.reduce((sum, value) => sum + countOf(value, '\r'), 0)
      // `lines` counts up to the end of the record.
      const spanned = record.reduce((sum, value) => sum + countOf(value, '\n'), 0)
      yield { line: info.lines - returns - spanned, values: record }
    }
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    throw badRecord(path, cause.message, cause)
  } finally {
    text.destroy()
    parser.destroy()
  }
}

async function* decodeText(path: string, signal: AbortSignal | undefined): AsyncGenerator<string> {
  // Takes a byte order mark away, as spreadsheets write one.
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let lines = 1
  const decode = (bytes: Buffer | undefined): string => {
    try {
      const text = decoder.decode(bytes, { stream: bytes !== undefined })
      lines += countOf(text, '\n')
      return text
    } catch (cause) {
      throw badRecord(`${path}:${lines + soundLines(bytes)}`, 'not valid UTF-8', cause)
    }
  }
  for await (const bytes of readBytes(path, { signal })) yield decode(bytes)
  yield decode(undefined)
}

/** How many lines come before the first that is not UTF-8. */
function soundLines(bytes: Buffer | undefined): number {
  let count = 0
  let start = 0
  for (let end = bytes?.indexOf('\n') ?? -1; end !== -1; end = bytes?.indexOf('\n', start) ?? -1) {
    if (bytes !== undefined && !isUtf8(bytes.subarray(start, end))) break
    count += 1
    start = end + 1
  }
  return count
}

function countOf(text: string, character: string): number {
  let count = 0
  for (let at = text.indexOf(character); at !== -1; at = text.indexOf(character, at + 1)) count++
  return count
}

function badRecord(where: string, what: string, cause?: unknown): DatasetError {
  return new DatasetError('dataset_bad_line', `${where}: ${what}`, { cause })
}
