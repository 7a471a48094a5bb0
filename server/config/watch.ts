/** Hot reload: a changed file becomes the next registry; a bad one is reported and the running registry stays. */
import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { featureSpaceOf } from '../feature-space.ts'
import type { Registry } from '../registry.ts'
import { ConfigError } from './errors.ts'
import type { Environment } from './interpolate.ts'
import { parseConfig, readConfig } from './load.ts'

export interface WatchOptions {
  readonly path: string
  readonly env: Environment
  readonly dataDir?: string | undefined
  /** What the server was started with: the file's registry, perhaps with settings replaced on the command line. */
  readonly running: Registry
  /**
   * The next registry. `ignored` names the settings that have changed in the file since the start but need a restart
   * (`server.port`); in `next` they are still as they run.
   */
  readonly onRegistry: (next: Registry, ignored: readonly string[]) => void
  /** The file is gone, cannot be read or is not valid. Told once for each content; what runs is kept. */
  readonly onError: (error: ConfigError) => void
  /** Time from a change to the reading of the file, ms: editors write in several steps. @default 100 */
  readonly settleMs?: number
}

export interface ConfigWatcher {
  /** Reads the file now, changed or not: for SIGHUP. */
  reload(): void
  close(): void
}

const DEFAULT_SETTLE_MS = 100

/**
 * Watches the file's directory rather than the file: an editor that saves by renaming, or a mounted config map that swaps
 * a link, leaves a watched file behind.
 * @throws {ConfigError} as reading the file does, and `config_unreadable` when its directory cannot be watched
 */
export function watchConfig(options: WatchOptions): ConfigWatcher {
  const { path, env, dataDir, running, onRegistry, onError, settleMs = DEFAULT_SETTLE_MS } = options
  let lastSeen = readQuietly(path)
  // A port from the command line is not a change of the file: changes are told against what the file said at the start.
  const written = parseConfig(readConfig(path), { file: path, env, dataDir })
  let timer: NodeJS.Timeout | undefined

  function reload(): void {
    lastSeen = readQuietly(path)
    let next: Registry
    try {
      next = parseConfig(readConfig(path), { file: path, env, dataDir })
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      onError(error)
      return
    }
    onRegistry(keepStartSettings(running, next), changedStartSettings(written, next))
  }

  function reloadIfChanged(): void {
    timer = undefined
    // Any change in the directory leads here: a log beside the file, an editor's swap file, a touch.
    if (readQuietly(path) !== lastSeen) reload()
  }

  const watcher = watchDirectory(path)
  watcher.on('change', () => {
    // Counted from the first change, not the last: a busy neighbour must not put the reading off for ever.
    timer ??= setTimeout(reloadIfChanged, settleMs)
  })
  watcher.on('error', (cause) => {
    onError(unwatchable(path, cause))
  })
  return {
    reload,
    close() {
      clearTimeout(timer)
      watcher.close()
    },
  }
}

function watchDirectory(path: string): FSWatcher {
  try {
    return watch(dirname(path))
  } catch (cause) {
    throw unwatchable(path, cause)
  }
}

function unwatchable(path: string, cause: unknown): ConfigError {
  const message = `cannot watch the directory of ${basename(path)} for changes; send SIGHUP after a change`
  return new ConfigError('config_unreadable', path, { message, cause })
}

/** The text, or undefined when it cannot be read; why not is told by the reload that follows. */
function readQuietly(path: string): string | undefined {
  try {
    return readConfig(path)
  } catch {
    return undefined
  }
}

/**
 * Settings that hold from start to stop: the listening socket, the body limit that the HTTP server was made with, the
 * store, and the classes and features, which define the feature space that everything learned so far belongs to.
 */
const START_SETTINGS = {
  'server.host': ({ server }) => server.host,
  'server.port': ({ server }) => server.port,
  'server.bodyLimitBytes': ({ server }) => server.bodyLimitBytes,
  store: ({ store }) => store,
  classes: ({ classes }) => classes,
  features: ({ embedding }) => embedding,
} as const satisfies Record<string, (registry: Registry) => unknown>

/** Names of the start settings in which two registries differ. */
function changedStartSettings(before: Registry, after: Registry): readonly string[] {
  return Object.entries(START_SETTINGS)
    .filter(([, read]) => !isDeepStrictEqual(read(before), read(after)))
    .map(([name]) => name)
}

/** `next` with the start settings of `running`. */
function keepStartSettings(running: Registry, next: Registry): Registry {
  const { host, port, bodyLimitBytes } = running.server
  const { embedding: _, coldStart: __, ...rest } = next
  // A policy file belongs to one feature space.
  const spaceId = next.coldStart?.policyFile.featureSpace.id
  const { coldStart } = spaceId === undefined || spaceId === featureSpaceOf(running).id ? next : running
  return {
    ...rest,
    ...(running.embedding && { embedding: running.embedding }),
    ...(coldStart !== undefined && { coldStart }),
    server: { ...next.server, host, port, bodyLimitBytes },
    store: running.store,
    classes: running.classes,
  }
}
