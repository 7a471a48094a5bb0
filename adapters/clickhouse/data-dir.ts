/**
 * Who uses a data directory. The lock is the engine's own: it holds an advisory lock on a file of the directory, which the
 * kernel lets go when the process dies, however it dies. What is added here is a name for the message (whose process it is),
 * the same rule inside one process, and the knowledge that the last owner did not close.
 */
import { mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { StoreError } from './store.ts'

const openHere = new Set<string>()

export interface DataDir {
  /** Absolute, without symbolic links. */
  readonly path: string
  /** Where the engine keeps its files. */
  readonly enginePath: string
  /** Batches on their way into the engine: files that live as long as one insert. */
  readonly inboxPath: string
  /** The process that wrote its id here and has not removed it; undefined after a clean close. */
  readonly ownerPid: number | undefined
  /** Writes our id, and clears what a killed owner left in the inbox; call when the engine has its lock. */
  own(): void
  /** Lets another opener of this process in; `clean` removes our id: everything is written, nothing is to be checked. */
  release(clean: boolean): void
}

/**
 * Makes the directory and reserves it within this process.
 * @throws {StoreError} `store_bad_location` when it cannot be made, `store_unavailable` when this process has it open
 */
export function claimDataDir(directory: string): DataDir {
  const path = makeDirectory(directory)
  if (openHere.has(path)) throw inUse(path, process.pid)
  const pidFile = join(path, 'highwayman.pid')
  const ownerPid = readPid(pidFile)
  const inboxPath = makeInbox(path)
  openHere.add(path)
  return {
    path,
    enginePath: join(path, 'clickhouse'),
    inboxPath,
    ownerPid,
    own: () => {
      try {
        writeFileSync(pidFile, `${process.pid}\n`)
        for (const file of readdirSync(inboxPath)) rmSync(join(inboxPath, file), { force: true })
      } catch (error) {
        throw unusable(path, error)
      }
    },
    release: (clean) => {
      if (clean) rmSync(pidFile, { force: true })
      openHere.delete(path)
    },
  }
}

export function inUse(path: string, pid: number, cause?: unknown): StoreError {
  const owner = pid === process.pid ? 'this process' : `process ${pid}`
  return new StoreError(
    'store_unavailable',
    `the data directory ${path} is in use by ${owner}, and only one can have it open; stop the other, or give this one ` +
      'a directory of its own (--data-dir, store.dataDir)',
    { cause },
  )
}

/** A process with this id exists. It need not be the one that wrote the id: ids are used again. */
export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function makeDirectory(directory: string): string {
  try {
    mkdirSync(directory, { recursive: true })
    return realpathSync(directory)
  } catch (error) {
    throw unusable(directory, error)
  }
}

function makeInbox(path: string): string {
  const inboxPath = join(path, 'inbox')
  try {
    mkdirSync(inboxPath, { recursive: true })
  } catch (error) {
    throw unusable(path, error)
  }
  return inboxPath
}

function unusable(directory: string, cause: unknown): StoreError {
  const problem = cause instanceof Error ? cause.message : String(cause)
  const repair = 'name a directory that can be made and written to (--data-dir, store.dataDir)'
  return new StoreError(
    'store_bad_location',
    `${directory} cannot be the data directory (${problem}); ${repair}`,
    { cause },
  )
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(file, 'utf8'), 10)
    return Number.isInteger(pid) && pid > 0 ? pid : undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw unusable(dirname(file), error)
  }
}
