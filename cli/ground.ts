/** What a server of this process stands on: configuration, real clock, randomness, store and sockets; else a simulator. */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { openStore } from '../adapters/index.ts'
import type { Simulator } from '../datasets/index.ts'
import { findConfigFile, loadRegistry, registryFromSimulator } from '../server/config/index.ts'
import type { Registry, RunningServer } from '../server/index.ts'
import { DEFAULT_DATASET } from './flags.ts'

/** Names this process among those that share a store. */
export const REPLICA = `${hostname()}-${process.pid}`

export interface GroundFlags {
  readonly config?: string
  readonly host?: string
  readonly port?: number
  readonly dataDir?: string
  readonly dataset?: string
  readonly latencyScale?: number
}

/** What the server runs on, and the simulator behind it when there is nothing else. */
export interface Ground {
  readonly registry: Registry
  readonly configFile: string | undefined
  readonly simulator: Simulator | undefined
}

export async function prepareGround(flags: GroundFlags): Promise<Ground> {
  const configFile = flags.config ?? findConfigFile(process.cwd())
  const wantsSimulator = flags.dataset !== undefined && flags.config === undefined
  const loaded = wantsSimulator
    ? undefined
    : loadRegistry({ path: configFile, env: process.env, dataDir: flags.dataDir })
  if (loaded !== undefined) return { registry: withFlags(loaded, flags), configFile, simulator: undefined }
  const { openDataset, startSimulator } = await import('../datasets/index.ts')
  const dataset = await openDataset(flags.dataset ?? DEFAULT_DATASET)
  const simulator = await startSimulator({ dataset, latencyScale: flags.latencyScale ?? 1 })
  const registry = registryFromSimulator(
    simulator.arms.map(({ contextWindowTokens, routeId, ...arm }) => ({
      ...arm,
      id: routeId,
      ...(contextWindowTokens === undefined ? {} : { contextWindowTokens }),
    })),
    { dataDir: flags.dataDir, classes: simulator.categories },
  )
  return { registry: withFlags(registry, flags), configFile: undefined, simulator }
}

function withFlags(registry: Registry, flags: GroundFlags): Registry {
  const { host = registry.server.host, port = registry.server.port } = flags
  return { ...registry, server: { ...registry.server, host, port } }
}

export interface Service {
  readonly server: RunningServer
  close(): Promise<void>
}

/** The simulator is closed with the server it stands behind, and when that does not start. */
export async function startOn(
  { registry, simulator }: Ground,
  logger?: { readonly level: string },
): Promise<Service> {
  const closers: (() => Promise<unknown>)[] = [async () => simulator?.close()]
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0)) await closer()
  }
  try {
    const { createIds, startServer } = await import('../server/index.ts')
    const { logRecord } = await import('../datasets/index.ts')
    const clock = { nowMs: () => Date.now() }
    const store = await openStore({
      ...registry.store,
      replica: REPLICA,
      onWriteError: (error) => process.stderr.write(`${error.message}\n`),
      onState: (state, detail) => process.stderr.write(`store: ${state} (${detail})\n`),
    })
    closers.unshift(() => store.close())
    const server = await startServer({
      registry,
      store,
      clock,
      ids: createIds(clock, randomBytes),
      replica: REPLICA,
      logRecord,
      ...(logger === undefined ? {} : { logger: { ...logger, stream: process.stderr } }),
    })
    closers.unshift(() => server.close())
    return { server, close }
  } catch (error) {
    await close()
    throw error
  }
}
