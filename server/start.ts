/** From a registry to a listening server, and back down again. */
import { isDeepStrictEqual } from 'node:util'
import type { FastifyServerOptions } from 'fastify'
import { collectDefaultMetrics, Registry as MetricsRegistry } from 'prom-client'
import type { Provider, ProviderConfig, Store } from '../adapters/index.ts'
import { createEmbedder, createProvider, createTokenCounter } from '../adapters/serving.ts'
import {
  createRouter,
  DEFAULT_HALF_LIFE_MS,
  type LoggedDecision,
  priorSumsOf,
  type Router,
} from '../engine/index.ts'
import { buildApp } from './app.ts'
import { DEFAULTS } from './config/defaults.ts'
import type { Clock, Ids } from './deps.ts'
import { DEFAULT_CHECK_MS, Experiments } from './experiments/experiments.ts'
import { featureSpaceOf } from './feature-space.ts'
import { listenError } from './listen-error.ts'
import { hostsOf, Listener } from './listener.ts'
import { REDACTED_PATHS } from './observability/log.ts'
import { PolicyLoader } from './policies/policy-loader.ts'
import { PolicySlots } from './policies/policy-slots.ts'
import { Rollouts, type RolloutsStatus } from './policies/rollouts.ts'
import { promotionOf } from './policies/settings.ts'
import type { Registry } from './registry.ts'
import { Replicas } from './replicas.ts'
import type { App } from './routes/app-type.ts'
import { Shutdown, type ShutdownOptions } from './shutdown.ts'

const ADDRESS_SETTINGS = { host: '--host, server.host', port: '--port, server.port' }

export interface ServerOptions {
  /** The first; later ones come through {@link RunningServer.reload}. */
  readonly registry: Registry
  /** Open; whoever opened it closes it, after the server. */
  readonly store: Store
  readonly clock: Clock
  readonly ids: Ids
  /** Names this process among those that share the store. @default 'local' */
  readonly replica?: string
  /** Replaces `registry.server.host`. */
  readonly host?: string
  /** Replaces `registry.server.port`; 0 takes a free one. */
  readonly port?: number
  /** Pause between two looks at what running experiments need, ms. @default 60000 */
  readonly experimentCheckMs?: number
  /** How a logged decision is written down, for those who ask for the log. @default it cannot be had */
  readonly logRecord?: (row: LoggedDecision) => object
  /** Where and from which level on to log. @default no log */
  readonly logger?: { readonly level: string; readonly stream?: NodeJS.WritableStream }
}

export interface RunningServer {
  /** `http://127.0.0.1:8787` */
  readonly url: string
  readonly router: Router
  /** What is promoted, and what of it cannot be served by. */
  readonly promoted: () => RolloutsStatus
  /** For tests and tools that want the application without a socket. */
  readonly app: App
  /**
   * Puts another registry in force: arms, models, tenants, providers and limits. What the schema marks as needing a
   * restart (classes, store, host, port, body limit) stays as it was.
   */
  reload(registry: Registry): void
  /**
   * Lets nobody in any more, waits up to `drainMs` for running requests, ends the rest, flushes the store and closes the
   * providers; announced, it answers on for `shutdownDelayMs` first, with `/readyz` at 503. Idempotent.
   */
  close(options?: ShutdownOptions): Promise<void>
  /** Ends what {@link close} waits for now. @returns false where it waits for nobody */
  hasten(): boolean
}

/** @throws {StoreError} when what was learned cannot be read; {ListenError} when it cannot listen; and what else that throws. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { store, clock, ids, replica = 'local' } = options
  let registry = options.registry
  const providers = new ProviderPool()
  providers.use(registry.providers)
  const halfLifeMs = { ...DEFAULT_HALF_LIFE_MS, ...registry.coldStart?.policyFile.hyperparameters.halfLifeMs }
  const router = createRouter({
    arms: armsOf(registry),
    featureSpace: featureSpaceOf(registry),
    halfLifeMs,
    priorScale: registry.coldStart?.policyFile.hyperparameters.priorScale,
    bucketMs: store.bucketMs(halfLifeMs),
  })
  const replicas = new Replicas({
    router,
    store,
    clock,
    mergeEveryMs: () => registry.replicas.mergeEveryMs,
  })
  // What all have learned up to now, this one in its earlier lives too.
  await replicas.merge()
  startFrom(router, registry)
  const slots = new PolicySlots(router)
  const loader = new PolicyLoader({ store, replicas, slots, base: router, registry: () => registry })
  const following = {
    store,
    slots,
    loader,
    registry: () => registry,
    followEveryMs: () => promotionOf(registry).followEveryMs,
  }
  const { experimentCheckMs = DEFAULT_CHECK_MS } = options
  const experiments = new Experiments({
    ...following,
    base: router,
    clock,
    ids,
    checkEveryMs: experimentCheckMs,
  })
  const rollouts = new Rollouts(following)
  await rollouts.followQuietly()
  await experiments.follow()
  const tokens = createTokenCounter()
  const embedder = registry.embedding && createEmbedder(registry.embedding)
  const metricsRegistry = new MetricsRegistry()
  collectDefaultMetrics({ register: metricsRegistry })
  const { app, inFlight, probes } = await buildApp({
    registry: () => registry,
    router,
    slots,
    rollouts,
    experiments,
    providers: (name) => providers.find(name),
    store,
    tokens,
    ...(embedder && { embedder }),
    clock,
    ids,
    replica,
    replicas,
    ...(options.logRecord && { logRecord: options.logRecord }),
    logger: loggerOf(options.logger),
    metricsRegistry,
  })
  replicas.start(app.log)
  rollouts.start(app.log)
  experiments.start(app.log)
  const { host = registry.server.host, port = registry.server.port } = options

  async function endBackground(): Promise<void> {
    await Promise.all([experiments.close(), rollouts.close(), replicas.close()])
  }
  async function release(): Promise<void> {
    await Promise.all([providers.close(), embedder?.close()])
    tokens.close()
  }

  const listener = await hostsOf(host)
    .then((hosts) => Listener.open(app.routing, hosts, port))
    .catch(async (error: unknown) => {
      await app.close()
      await endBackground()
      await release()
      throw listenError(error, host, port, ADDRESS_SETTINGS)
    })
  app.log.info({ url: listener.url }, 'listening')
  const shutdown = new Shutdown({
    inFlight,
    listener,
    delayMs: () =>
      registry.server.shutdownDelayMs ??
      (probes.areComing(performance.now()) ? DEFAULTS.probedShutdownDelayMs : 0),
    drainMs: () => registry.server.drainMs,
    endBackground,
    write: async () => {
      await app.close()
      await store.flush()
    },
    release,
  })
  return {
    url: listener.url,
    router,
    promoted: () => rollouts.status,
    app,
    reload(next) {
      // In one go: no request sees the arms of one registry with the providers of another.
      providers.use(next.providers)
      router.replaceArms(armsOf(next))
      if (!isDeepStrictEqual(next.coldStart, registry.coldStart)) startFrom(router, next)
      registry = next
      rollouts.reload()
      experiments.reload()
    },
    close: (options = {}) => shutdown.run(options),
    hasten: () => shutdown.hasten(),
  }
}

/** Providers by name. One whose settings did not change keeps its sockets over a reload. */
class ProviderPool {
  #current = new Map<string, { readonly config: string; readonly provider: Provider }>()
  readonly #closing = new Set<Promise<void>>()

  find(name: string): Provider | undefined {
    return this.#current.get(name)?.provider
  }

  use(configs: ReadonlyMap<string, ProviderConfig>): void {
    const before = this.#current
    this.#current = new Map()
    for (const [name, settings] of configs) {
      const config = JSON.stringify(settings)
      const known = before.get(name)
      if (known?.config === config) {
        this.#current.set(name, known)
        before.delete(name)
      } else {
        this.#current.set(name, { config, provider: createProvider(settings) })
      }
    }
    // Calls that still run on these end in their own time.
    for (const { provider } of before.values()) this.#retire(provider)
  }

  async close(): Promise<void> {
    for (const { provider } of this.#current.values()) this.#retire(provider)
    this.#current.clear()
    await Promise.all(this.#closing)
  }

  #retire(provider: Provider): void {
    const closed = provider.close().finally(() => this.#closing.delete(closed))
    this.#closing.add(closed)
  }
}

/** What its policy file says of the arms, or nothing. */
function startFrom(router: Router, { coldStart }: Registry): void {
  router.startFrom(
    coldStart === undefined ? { sums: [] } : priorSumsOf(coldStart.policyFile, router.featureSpace),
  )
}

function armsOf(registry: Registry) {
  return [...registry.arms.values()].map(({ arm }) => arm)
}

function loggerOf(options: ServerOptions['logger']): FastifyServerOptions['logger'] {
  if (options === undefined) return false
  return {
    level: options.level,
    redact: { paths: [...REDACTED_PATHS], censor: '[redacted]' },
    ...(options.stream !== undefined && { stream: options.stream }),
  }
}
