/** A configuration of the right shape → the registry; what only shows when two parts are seen together is checked here. */
import { join, resolve } from 'node:path'
import type { ArmId } from '../../../engine/index.ts'
import type { RegisteredArm, Registry, StoreSettings } from '../../registry.ts'
import { DEFAULTS } from '../defaults.ts'
import type { Config } from '../schema.ts'
import { buildAliases } from './aliases.ts'
import { buildArm } from './arms.ts'
import { buildColdStart } from './cold-start.ts'
import { defaultModels, defaultStart } from './default-models.ts'
import { buildEmbedding } from './embedding.ts'
import { buildJudges } from './judges.ts'
import { buildPrompts, buildRetention } from './keeping.ts'
import { buildMetrics, buildSignals } from './metrics.ts'
import { buildModel, type NamedPolicies } from './models.ts'
import { buildPolicy, isPolicyName, reportUnknownArms } from './policy.ts'
import { buildPromotion } from './promotion.ts'
import { buildProvider } from './providers.ts'
import type { Scope } from './scope.ts'
import { buildTenant, keyHash } from './tenants.ts'

export interface BuildOptions {
  /** Becomes {@link Registry.source}. */
  readonly source: string
  /** Directory that relative paths of the configuration start from. */
  readonly directory: string
  /** Replaces the configured store by an embedded one. */
  readonly dataDir?: string | undefined
}

/** Only to be used when nothing was reported. */
export function buildRegistry(config: Config, scope: Scope, options: BuildOptions): Registry {
  const { reporter, names } = scope
  const providers = builtEntries(config.providers, (name, settings) => buildProvider(name, settings, scope))
  const arms = builtEntries(config.arms, (id, settings) => buildArm(id, settings, providers, scope))
  if (names.arms.size === 0) {
    reporter.report(['arms'], 'key', 'no arms; at least one is needed, such as openai/gpt-5.4-mini')
  }
  const policies = namedPolicies(config, scope)
  const embedding = buildEmbedding(config, providers, scope)
  const coldStart = buildColdStart(config, embedding, options.directory, scope)
  const start = defaultStart(coldStart?.policyFile)
  const models =
    names.models.size === 0
      ? defaultModels([...names.arms] as ArmId[], start)
      : builtEntries(config.models, (name, settings) => buildModel(name, settings, policies, start, scope))
  reportRepeated(config.classes, scope)
  const metrics = buildMetrics(config.metrics, scope)
  const signals = buildSignals(config.signals, metrics, scope)
  const callable = new Set<string>([...models.keys(), ...names.arms, ...names.aliases])
  const judges = buildJudges(config.judges, metrics, callable, scope)
  const owners = new Map<string, string>()
  const prompts = buildPrompts(config, scope)
  return {
    source: options.source,
    providers: new Map([...providers].map(([name, provider]) => [name, provider.config])),
    arms: new Map(
      [...arms.values()].map((registered): [ArmId, RegisteredArm] => [registered.arm.id, registered]),
    ),
    models,
    aliases: buildAliases(config.aliases, new Set([...models.keys(), ...names.models]), scope),
    classes: config.classes,
    ...(embedding && { embedding }),
    tenants: builtEntries(config.tenants, (name, settings) => buildTenant(name, settings, owners, scope)),
    ...(coldStart !== undefined && { coldStart }),
    ...(metrics.size > 0 && { metrics }),
    ...(signals !== undefined && { signals }),
    ...(judges.length > 0 && { judges }),
    store: storeSettings(config, scope, options),
    replicas: config.replicas,
    promotion: buildPromotion(config.promotion, scope),
    ...(prompts !== undefined && { prompts }),
    adminKeySha256: adminKeys(config, scope),
    server: config.server,
  }
}

/** The entries that could be built, in the order of the file. */
function builtEntries<Settings, Built>(
  entries: Readonly<Record<string, Settings>>,
  build: (name: string, settings: Settings) => Built | undefined,
): Map<string, Built> {
  const built = new Map<string, Built>()
  for (const [name, settings] of Object.entries(entries)) {
    const entry = build(name, settings)
    if (entry !== undefined) built.set(name, entry)
  }
  return built
}

function namedPolicies(config: Config, scope: Scope): NamedPolicies {
  return new Map(
    Object.entries(config.policies).map(([name, settings]) => {
      const path = ['policies', name]
      if (isPolicyName(name)) {
        scope.reporter.report(path, 'key', 'is the name of a kind of policy; choose another')
      }
      reportUnknownArms(settings, path, scope)
      const spec = buildPolicy(settings, path, scope)
      return [name, spec && { settings, spec }] as const
    }),
  )
}

function reportRepeated(classes: readonly string[], { reporter }: Scope): void {
  for (const [index, name] of classes.entries()) {
    if (classes.indexOf(name) !== index) {
      reporter.report(['classes', index], 'value', `class "${name}" is listed twice`)
    }
  }
}

function adminKeys({ admin }: Config, { reporter }: Scope): string[] {
  return admin.keys.flatMap((key, index) => {
    const path = ['admin', 'keys', index]
    const hash = keyHash(key, reporter.isSubstituted(path))
    if (hash.hex !== undefined) return [hash.hex]
    reporter.report(path, 'value', hash.problem)
    return []
  })
}

function storeSettings(config: Config, scope: Scope, options: BuildOptions): StoreSettings {
  const retention = buildRetention(config, scope)
  return { ...storePlace(config, scope, options), ...(retention !== undefined && { retention }) }
}

function storePlace({ store }: Config, { reporter }: Scope, options: BuildOptions): StoreSettings {
  const { url, dataDir, database, username, password, caFile, cluster, spool } = store
  const writer = { flushEveryMs: store.flushMs, batchRowsMax: store.batchRows }
  const from = (path: string): string => resolve(options.directory, path)
  const embedded = (directory: string): StoreSettings => ({
    kind: 'embedded',
    dataDir: directory,
    writer,
    spool: {
      directory: spool.dir === undefined ? join(directory, 'spool') : from(spool.dir),
      maxBytes: spool.maxBytes,
    },
  })
  if (options.dataDir !== undefined) return embedded(resolve(options.dataDir))
  if (url !== undefined && dataDir !== undefined) {
    reporter.report(['store', 'dataDir'], 'key', 'excludes url: the store is a directory or a server')
  }
  if (url !== undefined) {
    const { compression, connectTimeoutMs, requestTimeoutMs } = store
    if (caFile !== undefined && !url.startsWith('https:'))
      reporter.report(['store', 'caFile'], 'key', 'needs an url with https: nothing else has certificates')
    return {
      kind: 'remote',
      url,
      database,
      username,
      password,
      ...(cluster !== undefined && { cluster }),
      ...(caFile !== undefined && { caFile: from(caFile) }),
      ...(compression !== undefined && { compression }),
      ...(connectTimeoutMs !== undefined && { connectTimeoutMs }),
      ...(requestTimeoutMs !== undefined && { requestTimeoutMs }),
      writer,
      spool: {
        directory: spool.dir === undefined ? resolve(DEFAULTS.store.spoolDir) : from(spool.dir),
        maxBytes: spool.maxBytes,
      },
    }
  }
  for (const key of SERVER_KEYS) {
    if (store[key] !== undefined && !reporter.has(['store', 'url']))
      reporter.report(['store', key], 'key', NEEDS_URL[key])
  }
  return embedded(dataDir === undefined ? resolve(DEFAULTS.store.dataDir) : from(dataDir))
}

const NEEDS_URL = {
  username: 'needs url: a directory has no users',
  password: 'needs url: a directory has no users',
  caFile: 'needs url: a directory has no certificate',
  cluster: 'needs url: a directory has no servers',
  compression: 'needs url: nothing is sent to a directory',
  connectTimeoutMs: 'needs url: a directory answers at once',
  requestTimeoutMs: 'needs url: a directory answers at once',
} as const
const SERVER_KEYS = Object.keys(NEEDS_URL) as (keyof typeof NEEDS_URL)[]
