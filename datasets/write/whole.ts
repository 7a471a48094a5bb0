/** Files that are there whole or not at all: what is being written has another name until it is done. */
import { rename, rm, stat } from 'node:fs/promises'

/**
 * Runs `write` with the name to write under, and then gives the file its own. When it fails, what was begun is removed and a file that was
 * there before is as it was; so a file can be read while its successor is written.
 */
export async function writeWhole<T>(path: string, write: (part: string) => Promise<T>): Promise<T> {
  const there = await stat(path).catch(() => undefined)
  // A pipe or a terminal.
  if (there !== undefined && !there.isFile()) return await write(path)
  const part = `${path}.part`
  try {
    const result = await write(part)
    await rename(part, path)
    return result
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}
