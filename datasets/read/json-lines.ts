/** Files with one JSON value on each line, plain or gzipped. */
import { DatasetError } from '../types.ts'
import { readLines } from './lines.ts'
import { decodeOrTell, type ReadOptions } from './options.ts'

/** Long enough for a prompt that fills the largest context windows, short enough to refuse a file that is not ours. */
const LINE_BYTES_MAX = 16 * 1024 * 1024

/**
 * What `decode` makes of each line that is not blank; `where` is `file:line`, `text` the line.
 *
 * @throws {DatasetError} `dataset_bad_line` naming file and line, `dataset_unreadable`; and what `decode` throws
 */
export async function* readJsonLines<T>(
  path: string,
  decode: (json: unknown, where: string, number: number, text: string) => T,
  options: ReadOptions = {},
): AsyncGenerator<T> {
  for await (const { number, text } of readLines(path, LINE_BYTES_MAX, options)) {
    if (text.trim() === '') continue
    const where = `${path}:${number}`
    const value = decodeOrTell(options, () => decode(parseJson(text, where), where, number, text))
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
