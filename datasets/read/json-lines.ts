/** Files with one JSON value on each line, plain or gzipped. */
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { DatasetError } from '../types.ts'
import { readLines } from './lines.ts'
import { decodeOrTell, type ReadOptions } from './options.ts'

/** Long enough for a prompt that fills the largest context windows, short enough to refuse a file that is not ours. */
const LINE_BYTES_MAX = 16 * 1024 * 1024

/**
 * What `decode` makes of each line that is not blank; `where` is `file:line`.
 *
 * @throws {DatasetError} `dataset_bad_line` naming file and line, `dataset_unreadable`; and what `decode` throws
 */
export async function* readJsonLines<T>(
  path: string,
  decode: (json: unknown, where: string, number: number) => T,
  options: ReadOptions = {},
): AsyncGenerator<T> {
  for await (const { number, text } of readLines(path, LINE_BYTES_MAX, options)) {
    if (text.trim() === '') continue
    const where = `${path}:${number}`
    const value = decodeOrTell(options, () => decode(parseJson(text, where), where, number))
    if (value !== undefined) yield value
  }
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new DatasetError('dataset_bad_line', `${where}: not JSON: ${(cause as Error).message}`, { cause })
  }
}

/** Writes `path`, gzipped where its name says so; how many rows. What was begun is removed when `rows` fails. */
export async function writeJsonLines<T>(
  rows: AsyncIterable<T>,
  path: string,
  encode: (row: T) => unknown,
): Promise<number> {
  async function* lines(): AsyncGenerator<string> {
    for await (const row of rows) yield `${JSON.stringify(encode(row))}\n`
  }
  return await writeTexts(lines(), path)
}

/** The same of texts that bring their line feeds along; how many texts. */
export async function writeTexts(texts: AsyncIterable<string>, path: string): Promise<number> {
  let count = 0
  async function* counted(): AsyncGenerator<string> {
    for await (const text of texts) {
      count += 1
      yield text
    }
  }
  const file = createWriteStream(path)
  try {
    if (path.endsWith('.gz')) await pipeline(Readable.from(counted()), createGzip(), file)
    else await pipeline(Readable.from(counted()), file)
  } catch (error) {
    await rm(path, { force: true })
    throw error
  }
  return count
}
