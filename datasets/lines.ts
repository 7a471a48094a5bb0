/** Lines of a text file, plain or gzipped, one at a time and in bounded memory. */
import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { DatasetError } from './types.ts'

const LINE_FEED = 10
const READ_BYTES = 256 * 1024

export interface Line {
  /** Counted from 1. */
  readonly number: number
  readonly text: string
}

/**
 * Streams the lines of `path` without their line feed. A name that ends in `.gz` is unzipped on the way.
 *
 * @throws {DatasetError} `dataset_unreadable` when the file cannot be read or its gzip stream is damaged or cut off;
 * `dataset_bad_line` for a line of more than `maxLineBytes` or that is not UTF-8.
 */
export async function* readLines(path: string, maxLineBytes: number): AsyncGenerator<Line> {
  let pending: Buffer[] = []
  let pendingBytes = 0
  let number = 1
  const finish = (tail: Buffer): Line => {
    const bytes = pending.length === 0 ? tail : Buffer.concat([...pending, tail])
    pending = []
    pendingBytes = 0
    if (!isUtf8(bytes)) throw badLine(path, number, 'not valid UTF-8')
    return { number: number++, text: bytes.toString('utf8') }
  }
  for await (const chunk of chunksOf(path)) {
    let start = 0
    while (start < chunk.length) {
      const found = chunk.indexOf(LINE_FEED, start)
      const end = found === -1 ? chunk.length : found
      const part = chunk.subarray(start, end)
      pendingBytes += part.length
      if (pendingBytes > maxLineBytes) throw badLine(path, number, `longer than ${maxLineBytes} bytes`)
      if (found === -1) pending.push(part)
      else yield finish(part)
      start = end + 1
    }
  }
  if (pendingBytes > 0) yield finish(Buffer.alloc(0))
}

async function* chunksOf(path: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of open(path)) yield chunk as Buffer
  } catch (cause) {
    if (!isSystemError(cause)) throw cause
    const repair = path.endsWith('.gz')
      ? 'the gzip file is damaged or cut off; fetch it again'
      : 'check the file'
    throw new DatasetError('dataset_unreadable', `${path}: ${cause.message} (${cause.code}); ${repair}`, {
      cause,
    })
  }
}

function open(path: string): Readable {
  const file = createReadStream(path, { highWaterMark: READ_BYTES })
  if (!path.endsWith('.gz')) return file
  // `pipeline` rather than `pipe`: it carries a read error to the reader, and closes the file when the reader leaves.
  return pipeline(file, createGunzip({ chunkSize: READ_BYTES }), () => {})
}

function isSystemError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
}

function badLine(path: string, number: number, what: string): DatasetError {
  return new DatasetError('dataset_bad_line', `${path}:${number}: ${what}`)
}
