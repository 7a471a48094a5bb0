/** The store that a configuration names, for commands that need nothing else of it. */
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { openStore, type Store } from '../adapters/index.ts'
import {
  DEFAULT_DATA_DIR,
  findConfigFile,
  loadRegistry,
  type Registry,
  type StoreSettings,
} from '../server/index.ts'

export interface StoreFlags {
  readonly config?: string
  readonly dataDir?: string
}

export interface ConfiguredStore {
  /** Undefined: there is no configuration, and no provider's key in the environment. */
  readonly registry: Registry | undefined
  readonly store: StoreSettings
}

/** @throws {ConfigError} */
export function configuredStore({ config, dataDir }: StoreFlags): ConfiguredStore {
  const registry = loadRegistry({ path: config ?? findConfigFile(process.cwd()), env: process.env, dataDir })
  const store = registry?.store ?? { kind: 'embedded', dataDir: resolve(dataDir ?? DEFAULT_DATA_DIR) }
  return { registry, store }
}

/** Opens it, runs, and closes it whatever happens. @throws {ConfigError} and {StoreError} */
export async function withStore<T>(flags: StoreFlags, run: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore({
    ...configuredStore(flags).store,
    replica: `${hostname()}-${process.pid}`,
    onWriteError: (error) => process.stderr.write(`${error.message}\n`),
  })
  try {
    return await run(store)
  } finally {
    await store.close()
  }
}
