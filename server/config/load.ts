/** A file or the environment → a validated {@link Registry}, or every problem at once with its line and column. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Registry } from '../registry.ts'
import { buildRegistry } from './build/registry.ts'
import type { DeclaredNames } from './build/scope.ts'
import { registryFromEnvironment } from './environment.ts'
import { ConfigError } from './errors.ts'
import type { Environment } from './interpolate.ts'
import { validShape } from './shape.ts'
import { ConfigDocument } from './yaml.ts'

export interface LoadOptions {
  /** The configuration file. Absent: the environment's provider keys become arms. */
  readonly path?: string | undefined
  readonly env: Environment
  /** Keep everything in this directory, whatever the file says of the store. */
  readonly dataDir?: string | undefined
}

const FILE_NAMES = ['highwayman.yaml', 'highwayman.yml'] as const

/** The configuration file of a directory, if it has one. */
export function findConfigFile(directory: string): string | undefined {
  return FILE_NAMES.map((name) => join(directory, name)).find((path) => existsSync(path))
}

/**
 * Undefined when there is neither a file nor a provider key: the caller then starts the simulator.
 * @throws {ConfigError} `config_not_found`, `config_unreadable` or `config_invalid`
 */
export function loadRegistry({ path, env, dataDir }: LoadOptions): Registry | undefined {
  if (path === undefined) return registryFromEnvironment(env, { dataDir })
  return parseConfig(readConfig(path), { file: path, env, dataDir })
}

/** @throws {ConfigError} `config_not_found` or `config_unreadable` */
export function readConfig(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason'
    const message =
      reason === 'ENOENT'
        ? `no configuration at ${path}; create it (highwayman.example.yaml shows how) or name another with --config`
        : `cannot read ${path}: ${reason}`
    throw new ConfigError(reason === 'ENOENT' ? 'config_not_found' : 'config_unreadable', path, {
      message,
      cause,
    })
  }
}

/**
 * The registry that the YAML `text` describes; `file` names it in messages, and its directory is where relative paths start.
 * @throws {ConfigError} `config_invalid` with all problems
 */
export function parseConfig(
  text: string,
  {
    file,
    env,
    dataDir,
  }: { readonly file: string; readonly env: Environment; readonly dataDir?: string | undefined },
): Registry {
  const document = new ConfigDocument(text, env)
  const fail = (): ConfigError =>
    new ConfigError('config_invalid', file, {
      problems: document.problems.toSorted((a, b) => a.line - b.line || a.column - b.column),
    })
  if (document.value === undefined) {
    if (document.problems.length === 0) {
      document.report([], 'value', 'the file is empty; highwayman.example.yaml shows what belongs in it')
    }
    throw fail()
  }
  if (!isMap(document.value)) {
    document.report([], 'value', 'expected a map of settings such as "arms:", "models:"')
    throw fail()
  }
  const config = validShape(document)
  const scope = { reporter: document, names: declaredNames(document.value), env }
  const registry = buildRegistry(config, scope, { source: file, directory: dirname(resolve(file)), dataDir })
  if (document.problems.length > 0) throw fail()
  return registry
}

type PlainMap = Readonly<Record<string, unknown>>

function isMap(value: unknown): value is PlainMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function declaredNames(root: PlainMap): DeclaredNames {
  const namesOf = (section: string) => new Set(isMap(root[section]) ? Object.keys(root[section]) : [])
  const armsByTag = new Map<string, string[]>()
  for (const [id, arm] of Object.entries(isMap(root['arms']) ? root['arms'] : {})) {
    const tags = isMap(arm) && Array.isArray(arm['tags']) ? arm['tags'] : []
    for (const tag of tags) armsByTag.set(tag, [...(armsByTag.get(tag) ?? []), id])
  }
  return {
    providers: namesOf('providers'),
    arms: namesOf('arms'),
    models: namesOf('models'),
    aliases: namesOf('aliases'),
    policies: namesOf('policies'),
    armsByTag,
  }
}
