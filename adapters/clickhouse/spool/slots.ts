/**
 * One directory for every process of a machine, a slot for each: `00`, `01`, …. A process takes the first slot that nobody
 * holds, and with it what a process that died has left there. What lies in other free slots is moved into its own: replicas that
 * are not started again leave nothing behind.
 */
import { accessSync, constants, mkdirSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { reasonOf } from '../client.ts'
import { StoreError } from '../store.ts'
import { type DirectoryLock, lockDirectory } from './lock.ts'

const SLOT = /^\d{2,}$/
export const SEGMENT_FILE = /^(\d{10})-([a-z]+)\.(segment|damaged)$/

export interface Slot {
  readonly path: string
  release(): void
}

/** @throws {StoreError} `store_bad_location` when the directory cannot be made, read or locked */
export function claimSlot(directory: string): Slot {
  try {
    mkdirSync(directory, { recursive: true })
    // SQLite opens its file on a disk that is read-only too, and then locks nothing.
    accessSync(directory, constants.W_OK)
    const names = readdirSync(directory).filter((name) => SLOT.test(name))
    const own = firstFree(directory, names)
    for (const name of names) if (join(directory, name) !== own.path) adopt(join(directory, name), own.path)
    return { path: own.path, release: own.lock.release }
  } catch (error) {
    throw new StoreError(
      'store_bad_location',
      `${directory} cannot hold the spool (${reasonOf(error)}); name a directory that can be made and written to (store.spool.dir)`,
      { cause: error },
    )
  }
}

function firstFree(
  directory: string,
  names: readonly string[],
): { readonly path: string; readonly lock: DirectoryLock } {
  for (let slot = 0; ; slot += 1) {
    const name = String(slot).padStart(2, '0')
    const path = join(directory, name)
    if (!names.includes(name)) mkdirSync(path, { recursive: true })
    const lock = lockDirectory(path)
    if (lock !== undefined) return { path, lock }
  }
}

function adopt(from: string, to: string): void {
  if (segmentNames(from).length === 0) return
  const lock = lockDirectory(from)
  if (lock === undefined) return
  try {
    for (const name of segmentNames(from)) {
      const number = nextSegmentNumber(to)
      renameSync(join(from, name), join(to, name.replace(/^\d+/, segmentNumber(number))))
    }
  } finally {
    lock.release()
  }
}

/** In the order they were begun. */
export function segmentNames(path: string): string[] {
  return readdirSync(path)
    .filter((name) => SEGMENT_FILE.test(name))
    .sort()
}

export function nextSegmentNumber(path: string): number {
  return Number(segmentNames(path).at(-1)?.slice(0, 10) ?? 0) + 1
}

export function segmentNumber(number: number): string {
  return String(number).padStart(10, '0')
}
