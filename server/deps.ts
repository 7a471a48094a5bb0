/** What the HTTP application is given by whoever composes it. */
import type { FastifyServerOptions } from 'fastify'
import type { Registry as MetricsRegistry } from 'prom-client'
import type { Embedder, Provider, Store, TokenCounter } from '../adapters/index.ts'
import type { DecisionId, LoggedDecision, Router } from '../engine/index.ts'
import type { Experiments } from './experiments/experiments.ts'
import type { PolicySlots } from './policies/policy-slots.ts'
import type { Rollouts } from './policies/rollouts.ts'
import type { Registry } from './registry.ts'
import type { ReplicasStatus } from './replicas.ts'

export interface Clock {
  /** Unix time, ms. */
  nowMs(): number
}

export interface Ids {
  /** A UUIDv7 that is greater than every one before it. */
  next(): DecisionId
}

export interface AppDeps {
  /** The current registry; a hot reload makes it return another object. */
  readonly registry: () => Registry
  /** The configuration's own. */
  readonly router: Router
  /** Which policy serves which request. */
  readonly slots: PolicySlots
  readonly experiments: Experiments
  readonly rollouts: Pick<Rollouts, 'status' | 'followQuietly'>
  /** By the keys of `registry().providers`. */
  readonly providers: (name: string) => Provider | undefined
  readonly store: Store
  readonly tokens: Pick<TokenCounter, 'countText' | 'countMessages'>
  /** Present where the router's feature space is told embeddings. */
  readonly embedder?: Embedder
  readonly clock: Clock
  readonly ids: Ids
  /** Names this process among those that share a store. */
  readonly replica: string
  /** How learning together with others goes. */
  readonly replicas: { readonly status: ReplicasStatus }
  /** How a logged decision is written down. Absent: the log cannot be had by HTTP. */
  readonly logRecord?: (row: LoggedDecision) => object
  readonly logger: FastifyServerOptions['logger']
  readonly metricsRegistry: MetricsRegistry
}
