/** What lies in a spool, for `doctor`: read, and changed in nothing. */
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { reasonOf } from '../client.ts'
import { lockDirectory } from './lock.ts'
import { SEGMENT_FILE, segmentNames } from './slots.ts'

export interface SpoolReport {
  readonly directory: string
  /** Why it cannot be used; undefined when it can. */
  readonly problem: string | undefined
  /** Processes that have a slot in it now. */
  readonly slotsInUse: number
  /** Of what is to be written still. */
  readonly bytes: number
  /** Files that were damaged, and those with rows that ClickHouse has refused. */
  readonly damaged: readonly string[]
  readonly refused: readonly string[]
}

export function inspectSpool(directory: string): SpoolReport {
  const found = { slotsInUse: 0, bytes: 0, damaged: [] as string[], refused: [] as string[] }
  try {
    const place = nearestDirectory(directory)
    accessSync(place, constants.W_OK)
    if (!statSync(place).isDirectory()) throw new Error(`${place} is not a directory`)
    for (const name of existsSync(directory)
      ? readdirSync(directory).filter((slot) => /^\d+$/.test(slot))
      : []) {
      const slot = join(directory, name)
      const lock = lockDirectory(slot)
      if (lock === undefined) found.slotsInUse += 1
      else lock.release()
      for (const file of segmentNames(slot)) {
        const [, , kind, ending] = SEGMENT_FILE.exec(file) ?? []
        const path = join(slot, file)
        if (ending === 'damaged') found.damaged.push(path)
        else if (kind === 'refused') found.refused.push(path)
        else found.bytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0
      }
    }
    return { directory, problem: undefined, ...found }
  } catch (error) {
    return { directory, problem: `${reasonOf(error)}; name another directory (store.spool.dir)`, ...found }
  }
}

/** The directory, or the one it would be made in. */
function nearestDirectory(directory: string): string {
  return existsSync(directory) || dirname(directory) === directory
    ? directory
    : nearestDirectory(dirname(directory))
}
