/** The store that a configuration names, for commands that need nothing else of it. */
import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Store } from '../adapters/index.ts'
import type { Registry, StoreSettings } from '../server/index.ts'

export interface StoreFlags {
  readonly config?: string
  readonly dataDir?: string
}

export function storeOptions(command: Command): Command {
  return command
    .option('--config <file>', 'YAML configuration (default: highwayman.yaml here, else the environment)')
    .option('--data-dir <folder>', 'where the embedded store keeps its files')
}

export interface ConfiguredStore {
  /** Undefined: there is no configuration, and no provider's key in the environment. */
  readonly registry: Registry | undefined
  readonly store: StoreSettings
}

/** @throws {ConfigError} */
export async function configuredStore({ config, dataDir }: StoreFlags): Promise<ConfiguredStore> {
  const { DEFAULT_DATA_DIR, findConfigFile, loadRegistry } = await import('../server/config/index.ts')
  const registry = loadRegistry({ path: config ?? findConfigFile(process.cwd()), env: process.env, dataDir })
  const store = registry?.store ?? { kind: 'embedded', dataDir: resolve(dataDir ?? DEFAULT_DATA_DIR) }
  return { registry, store }
}

/**
 * Opens it, runs, and closes it whatever happens.
 *
 * @param mayCreate whether an embedded store that is not there is made; else whoever asks in the wrong folder is told so
 * @throws {ConfigError} and {StoreError}; `config_invalid` where there is no store
 */
export async function withStore<T>(
  flags: StoreFlags,
  run: (store: Store) => Promise<T>,
  { mayCreate = false } = {},
): Promise<T> {
  const { store: settings } = await configuredStore(flags)
  if (settings.kind === 'embedded' && !mayCreate && !existsSync(settings.dataDir)) {
    throw Object.assign(
      new Error(
        `there is no store in ${settings.dataDir}: run this in the folder of the server, or name its store with --data-dir or --config, or the server with --url`,
      ),
      { code: 'config_invalid' },
    )
  }
  const { openStore } = await import('../adapters/index.ts')
  const store = await openStore({
    ...settings,
    replica: `${hostname()}-${process.pid}`,
    onWriteError: (error) => process.stderr.write(`${error.message}\n`),
  })
  try {
    return await run(store)
  } finally {
    await store.close()
  }
}
