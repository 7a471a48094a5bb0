/**
 * Who owns a directory of the spool. Node has no advisory file locks; SQLite, which it brings along, takes one when a
 * transaction is exclusive. The kernel lets it go when the process dies, however it dies, and it holds across containers that
 * share a disk, where process ids mean nothing.
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const BUSY = 5

/** A connection that nobody refers to is collected, and its lock let go while its owner lives. */
const held = new Set<DatabaseSync>()

export interface DirectoryLock {
  release(): void
}

/** Undefined when another process, or another owner in this one, has it. @throws what opening the file throws */
export function lockDirectory(directory: string): DirectoryLock | undefined {
  const database = new DatabaseSync(join(directory, 'lock'), { timeout: 0 })
  try {
    // The journal in memory: the lock is all there is to it, and nothing is to be left beside it.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === BUSY) return undefined
    throw error
  }
  held.add(database)
  return {
    release: () => {
      held.delete(database)
      database.close()
    },
  }
}
