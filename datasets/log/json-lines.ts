/** Logs with one JSON object on each line, plain or gzipped: our own records, or VW's dsjson. */
import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { LoggedDecision } from '../../engine/index.ts'
import { readLines } from '../lines.ts'
import { badRecord } from './record.ts'

/** A decision of a hundred arms with all its estimates takes a tenth of this. */
const LINE_BYTES_MAX = 4 * 1024 * 1024

/** @throws {DatasetError} `dataset_bad_line` naming file, line and field; `dataset_unreadable` */
export async function* readJsonLines(
  path: string,
  decode: (json: unknown, where: string) => LoggedDecision,
): AsyncGenerator<LoggedDecision> {
  for await (const { number, text } of readLines(path, LINE_BYTES_MAX)) {
    if (text.trim() === '') continue
    const where = `${path}:${number}`
    let json: unknown
    try {
      json = JSON.parse(text)
    } catch (cause) {
      throw badRecord(where, `not JSON: ${(cause as Error).message}`, cause)
    }
    yield decode(json, where)
  }
}

/** Writes `path`, gzipped where its name says so; how many rows. */
export async function writeJsonLines(
  rows: AsyncIterable<LoggedDecision>,
  path: string,
  encode: (row: LoggedDecision) => unknown,
): Promise<number> {
  let count = 0
  async function* lines(): AsyncGenerator<string> {
    for await (const row of rows) {
      count += 1
      yield `${JSON.stringify(encode(row))}\n`
    }
  }
  const file = createWriteStream(path)
  if (path.endsWith('.gz')) await pipeline(Readable.from(lines()), createGzip(), file)
  else await pipeline(Readable.from(lines()), file)
  return count
}
