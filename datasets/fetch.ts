/**
 * Published sets onto the disk: streamed, checked against the manifest's SHA-256, or where nobody has stated one, against the one that the
 * first fetch found and wrote into a lock file. What does not match is not kept.
 */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { PublishedFile, PublishedSet } from './manifest.ts'
import { readBytes } from './read/bytes.ts'
import { DatasetError } from './types.ts'

export const FETCH_LOCK = 'fetch.lock.json'
const ATTEMPTS = 3
const GIB = 1024 ** 3
const lockSchema = z.record(
  z.string(),
  z.looseObject({ url: z.string(), sha256: z.string(), bytes: z.number() }),
)
type Lock = z.output<typeof lockSchema>

export interface FetchOptions {
  readonly signal?: AbortSignal | undefined
  /** Files beyond are refused. @default 8 GiB */
  readonly maxBytes?: number
  /** Between attempts after a connection that broke or a status of 429 or 5xx; times two each time. @default 1000 */
  readonly retryMs?: number
  readonly onFile?: (file: FetchedFile) => void
}

export interface FetchedFile {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
  /** What the checksum was held against: stated by the manifest, fixed by an earlier fetch, or nothing yet. */
  readonly checked: 'manifest' | 'lock' | 'first'
  /** False: it was there already, and whole. */
  readonly fetched: boolean
}

/**
 * Gets the files of a set into `folder`. Those that are there and match are left alone.
 *
 * @throws {DatasetError} `dataset_checksum` naming the file, what was expected and what came; `dataset_fetch_failed`
 */
export async function fetchDataset(
  set: PublishedSet,
  folder: string,
  options: FetchOptions = {},
): Promise<readonly FetchedFile[]> {
  await mkdir(folder, { recursive: true })
  const lockFile = join(folder, FETCH_LOCK)
  const lock = await readLock(lockFile)
  const fetched: FetchedFile[] = []
  for (const file of set.files) {
    const done = await fetchFile(file, folder, lock, options)
    fetched.push(done)
    options.onFile?.(done)
    lock[file.path] = { url: file.url, sha256: done.sha256, bytes: done.bytes }
    // After each file: what was fixed stays fixed when the next one fails.
    await writeFile(lockFile, `${JSON.stringify(lock, null, 2)}\n`)
  }
  return fetched
}

async function fetchFile(
  file: PublishedFile,
  folder: string,
  lock: Lock,
  options: FetchOptions,
): Promise<FetchedFile> {
  const path = join(folder, file.path)
  const expected = file.sha256 ?? lock[file.path]?.sha256
  const checked = file.sha256 !== undefined ? 'manifest' : expected !== undefined ? 'lock' : 'first'
  if (expected !== undefined) {
    const there = await digestOf(path, options.signal)
    if (there?.sha256 === expected) return { path: file.path, ...there, checked, fetched: false }
  }
  await mkdir(dirname(path), { recursive: true })
  const part = `${path}.part`
  try {
    const got = await download(file.url, part, options)
    if (expected !== undefined && got.sha256 !== expected) {
      const stated =
        file.sha256 !== undefined ? 'the manifest states' : `${FETCH_LOCK} holds from an earlier fetch`
      const repair =
        file.sha256 !== undefined ? '' : `; if the change is meant, remove its entry from ${FETCH_LOCK}`
      throw new DatasetError(
        'dataset_checksum',
        `${file.url}: its SHA-256 is ${got.sha256}, and ${stated} ${expected}; nothing was kept${repair}`,
      )
    }
    await rename(part, path)
    return { path: file.path, ...got, checked, fetched: true }
  } finally {
    await rm(part, { force: true })
  }
}

interface Digest {
  readonly sha256: string
  readonly bytes: number
}

async function download(url: string, path: string, options: FetchOptions): Promise<Digest> {
  const { signal, retryMs = 1000 } = options
  for (let attempt = 1; ; attempt++) {
    try {
      return await downloadOnce(url, path, options)
    } catch (error) {
      signal?.throwIfAborted()
      const isFinal = error instanceof DatasetError && !(error instanceof PassingFault)
      if (isFinal || attempt === ATTEMPTS) throw told(url, error)
      await sleep(retryMs * 2 ** (attempt - 1), undefined, signal === undefined ? {} : { signal })
    }
  }
}

/** A fault that may be gone at the next attempt. */
class PassingFault extends DatasetError {}

function told(url: string, error: unknown): DatasetError {
  if (error instanceof DatasetError) return error
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const problem = cause instanceof Error ? cause.message : String(cause)
  return new DatasetError('dataset_fetch_failed', `${url}: ${problem}`, { cause: error })
}

async function downloadOnce(
  url: string,
  path: string,
  { signal, maxBytes = 8 * GIB }: FetchOptions,
): Promise<Digest> {
  const response = await fetch(url, signal === undefined ? {} : { signal })
  const { status, body } = response
  if (!response.ok || body === null) {
    await body?.cancel()
    const Kind = status === 429 || status >= 500 ? PassingFault : DatasetError
    throw new Kind('dataset_fetch_failed', `${url}: answered with status ${status}`)
  }
  const sha256 = createHash('sha256')
  let bytes = 0
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      sha256.update(chunk)
      if (bytes <= maxBytes) done(null, chunk)
      else done(new DatasetError('dataset_fetch_failed', `${url}: longer than ${maxBytes} bytes`))
    },
  })
  const stream = Readable.fromWeb(body as ReadableStream)
  await pipeline(stream, counted, createWriteStream(path), signal === undefined ? {} : { signal })
  return { sha256: sha256.digest('hex'), bytes }
}

/** Undefined: there is no such file. */
async function digestOf(path: string, signal: AbortSignal | undefined): Promise<Digest | undefined> {
  const sha256 = createHash('sha256')
  let bytes = 0
  try {
    for await (const chunk of readBytes(path, { signal, unzip: false })) {
      bytes += chunk.length
      sha256.update(chunk)
    }
  } catch (error) {
    if (error instanceof DatasetError && error.code === 'dataset_unreadable') return undefined
    throw error
  }
  return { sha256: sha256.digest('hex'), bytes }
}

async function readLock(path: string): Promise<Lock> {
  const json = await readFile(path, 'utf8').catch(() => undefined)
  if (json === undefined) return {}
  try {
    return lockSchema.parse(JSON.parse(json))
  } catch (cause) {
    throw new DatasetError('dataset_unreadable', `${path}: not a lock file; remove it to start afresh`, {
      cause,
    })
  }
}
