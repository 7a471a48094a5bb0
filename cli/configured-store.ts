/** The store that a configuration names, for commands that need nothing else of it. */
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { openStore, type Store } from '../adapters/index.ts'
import { DEFAULT_DATA_DIR, findConfigFile, loadRegistry } from '../server/index.ts'

export interface StoreFlags {
  readonly config?: string
  readonly dataDir?: string
}

/** Opens it, runs, and closes it whatever happens. @throws {ConfigError} and {StoreError} */
export async function withStore<T>(flags: StoreFlags, run: (store: Store) => Promise<T>): Promise<T> {
  const registry = loadRegistry({
    path: flags.config ?? findConfigFile(process.cwd()),
    env: process.env,
    dataDir: flags.dataDir,
  })
  const store = await openStore({
    ...(registry?.store ?? { kind: 'embedded', dataDir: resolve(flags.dataDir ?? DEFAULT_DATA_DIR) }),
    replica: `${hostname()}-${process.pid}`,
    onWriteError: (error) => process.stderr.write(`${error.message}\n`),
  })
  try {
    return await run(store)
  } finally {
    await store.close()
  }
}
