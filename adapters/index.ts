/** What the other folders may use of the outside world. */
export * from './clickhouse/experiment-rows.ts'
export { openStore } from './clickhouse/open-store.ts'
export {
  DEFAULT_SPOOL_BYTES,
  DEFAULT_WRITER_OPTIONS,
  type SpoolLocation,
  type StoreLocation,
  type StoreOptions,
  type WriterOptions,
} from './clickhouse/options.ts'
export * from './clickhouse/policy-rows.ts'
export type { Cluster } from './clickhouse/schema/on-cluster.ts'
export { DEFAULT_KEEPER_PATH, DEFAULT_REPLICA_MACRO } from './clickhouse/schema/on-cluster.ts'
export type { Retention } from './clickhouse/schema/retention.ts'
export { inspectSpool, type SpoolReport } from './clickhouse/spool/inspect.ts'
export * from './clickhouse/store.ts'
export { Generations } from './generations.ts'
export { isNestedTooDeeply, NESTING_MAX } from './nesting.ts'
export { costUsd, findPrice, PRICE_ROWS, type PriceRow } from './providers/cost.ts'
export type { Embedder, EmbedderConfig } from './providers/embeddings.ts'
export * from './providers/errors.ts'
export * from './providers/spec.ts'
export type { TokenCounter, TokenEncoding } from './tokens.ts'
