/** Everything that can be chosen about a store, with its default stated once. */
import type { Cluster } from './schema/on-cluster.ts'
import type { Retention } from './schema/retention.ts'
import type { StoreError } from './store.ts'

export type StoreLocation =
  | { readonly kind: 'embedded'; readonly dataDir: string }
  | {
      readonly kind: 'remote'
      /** `http://host:8123`; credentials in it are used where `username` and `password` are left out. */
      readonly url: string
      /** Made when it is not there. */
      readonly database: string
      readonly username?: string | undefined
      readonly password?: string | undefined
      /** How long opening waits for the first answer, ms. @default 5000 */
      readonly connectTimeoutMs?: number
      /** How long any later request waits, ms. @default 30000 */
      readonly requestTimeoutMs?: number
      /** Compress what is inserted (gzip). @default true */
      readonly compression?: boolean
      /** Tables are replicated over the servers of this cluster, and spread over its shards. */
      readonly cluster?: Cluster | undefined
    }

export interface WriterOptions {
  /** A row waits at most this long for others to share its insert with, ms. */
  readonly flushEveryMs: number
  /** So many rows of one table are a batch at once. */
  readonly batchRowsMax: number
  /** Rows waiting in all; the next one is dropped and counted: what is already in line keeps its order and its tokens. */
  readonly queueRowsMax: number
  /** Bytes waiting in all; the same. */
  readonly queueBytesMax: number
  /** A feedback waits this long for others to share its commit with, ms; longer under load, see `reward-commits.ts`. */
  readonly rewardCommitMs: number
  /** `writeReward` gives up waiting after this, ms. The feedback stays in line. */
  readonly rewardTimeoutMs: number
  /** The pause after a failed insert doubles from the first to the longest, ms. */
  readonly retryFirstMs: number
  readonly retryMaxMs: number
}

export const DEFAULT_WRITER_OPTIONS: WriterOptions = {
  flushEveryMs: 1_000,
  // Every insert costs the engine 10 to 30 ms before its first row.
  batchRowsMax: 20_000,
  queueRowsMax: 250_000,
  queueBytesMax: 256 * 1024 * 1024,
  rewardCommitMs: 25,
  rewardTimeoutMs: 10_000,
  retryFirstMs: 200,
  retryMaxMs: 10_000,
}

export type StoreOptions = StoreLocation & {
  /** Names this process among those that write to the same database: whose sums are whose. Not empty. */
  readonly replica: string
  readonly writer?: Partial<WriterOptions>
  /** @default everything is kept */
  readonly retention?: Retention | undefined
  /** Told of each failed insert, for a log line. Rows that wait for the next try are not lost. */
  readonly onWriteError?: (error: StoreError) => void
}
