/** Lines of a text file, plain or gzipped, one at a time and in bounded memory. */
import { isUtf8 } from 'node:buffer'
import { DatasetError } from '../types.ts'
import { readBytes } from './bytes.ts'
import { withoutMark } from './mark.ts'
import { decodeOrTell, type ReadOptions } from './options.ts'

const LINE_FEED = 10

export interface Line {
  /** Counted from 1. */
  readonly number: number
  readonly text: string
}

/**
 * Streams the lines of `path` without their line feed, and without a byte order mark. A name that ends in `.gz` is unzipped on the way.
 *
 * @throws {DatasetError} `dataset_unreadable` when the file cannot be read or its gzip stream is damaged or cut off;
 * `dataset_bad_line` for a line of more than `maxLineBytes`, which ends the reading, or that is not UTF-8.
 */
export async function* readLines(
  path: string,
  maxLineBytes: number,
  options: ReadOptions = {},
): AsyncGenerator<Line> {
  let pending: Buffer[] = []
  let pendingBytes = 0
  let number = 1
  const finish = (tail: Buffer): Line | undefined => {
    const bytes = pending.length === 0 ? tail : Buffer.concat([...pending, tail])
    pending = []
    pendingBytes = 0
    return decodeOrTell(options, () => {
      const at = number++
      if (!isUtf8(bytes)) throw badLine(path, at, 'not valid UTF-8')
      const text = bytes.toString('utf8')
      return { number: at, text: at === 1 ? withoutMark(text) : text }
    })
  }
  for await (const chunk of readBytes(path, { signal: options.signal })) {
    let start = 0
    while (start < chunk.length) {
      const found = chunk.indexOf(LINE_FEED, start)
      const end = found === -1 ? chunk.length : found
      const part = chunk.subarray(start, end)
      pendingBytes += part.length
      if (pendingBytes > maxLineBytes) throw badLine(path, number, `longer than ${maxLineBytes} bytes`)
      if (found === -1) pending.push(part)
      else {
        const line = finish(part)
        if (line !== undefined) yield line
      }
      start = end + 1
    }
  }
  if (pendingBytes > 0) {
    const line = finish(Buffer.alloc(0))
    if (line !== undefined) yield line
  }
}

function badLine(path: string, number: number, what: string): DatasetError {
  return new DatasetError('dataset_bad_line', `${path}:${number}: ${what}`)
}
