/** Bytes of a file, unzipped on the way where its name ends in `.gz`. */
import { createReadStream } from 'node:fs'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { DatasetError } from '../types.ts'

const READ_BYTES = 256 * 1024

export interface BytesOptions {
  readonly signal?: AbortSignal | undefined
  /** @default by the name */
  readonly unzip?: boolean
}

/**
 * @throws {DatasetError} `dataset_unreadable` when the file cannot be read or its gzip stream is damaged or cut off; the
 * signal's reason once it is aborted
 */
export async function* readBytes(
  path: string,
  { signal, unzip = path.endsWith('.gz') }: BytesOptions = {},
): AsyncGenerator<Buffer> {
  try {
    signal?.throwIfAborted()
    for await (const chunk of open(path, unzip)) {
      yield chunk as Buffer
      signal?.throwIfAborted()
    }
  } catch (cause) {
    if (signal?.aborted === true || !isSystemError(cause)) throw cause
    const repair = unzip ? 'the gzip file is damaged or cut off; fetch it again' : 'check the file'
    throw new DatasetError('dataset_unreadable', `${path}: ${cause.message} (${cause.code}); ${repair}`, {
      cause,
    })
  }
}

function open(path: string, unzip: boolean): Readable {
  const file = createReadStream(path, { highWaterMark: READ_BYTES })
  if (!unzip) return file
  // `pipeline` rather than `pipe`: it carries a read error to the reader, and closes the file when the reader leaves.
  return pipeline(file, createGunzip({ chunkSize: READ_BYTES }), () => {})
}

function isSystemError(error: unknown): error is Error & { code: string } {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    !(error instanceof DatasetError)
  )
}
