/** Compiled code kept between starts: types stripped once, functions compiled once. */
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * By Node's own compile cache, in a folder of the user's: Node's default lies in the folder for temporary files, where
 * another user of the machine may have put code before. `NODE_COMPILE_CACHE` names another folder, which Node
 * goes by before anything is loaded, and `NODE_DISABLE_COMPILE_CACHE=1` switches it off. Where nothing can be written, every
 * start compiles, and nobody is told.
 */
export function keepCompiledCode(): void {
  enableCompileCache(folderOfUser())
}

/** Undefined: a user whom the system does not know has no folder, and Node's default has to do. */
function folderOfUser(): string | undefined {
  const { XDG_CACHE_HOME: caches } = process.env
  if (caches !== undefined && caches !== '') return join(caches, 'highwayman')
  try {
    return join(homedir(), '.cache', 'highwayman')
  } catch {
    return undefined
  }
}
