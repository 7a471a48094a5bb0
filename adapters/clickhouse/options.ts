/** Everything that can be chosen about a store, with its default stated once. */
import type { open } from 'node:fs/promises'
import type { StoreError, StoreState } from './store.ts'

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
      /** PEM file of the authority that signed the server's certificate, where Node does not know it. */
      readonly caFile?: string | undefined
    }

export interface SpoolLocation {
  /** Shared by the processes of a machine: each takes a slot in it. */
  readonly directory: string
  /** @default 1 GiB */
  readonly maxBytes?: number
  /** Replaces Node's, for tests of disks that fail. */
  readonly open?: typeof open
}

export const DEFAULT_SPOOL_BYTES = 1024 ** 3

export interface WriterOptions {
  /** A row waits at most this long for others to share its insert with, ms. */
  readonly flushEveryMs: number
  /** So many rows of one table are a batch at once. */
  readonly batchRowsMax: number
  /**
   * Bytes of rows in memory. Above it, what is in the spool is kept there only, and of what is not, the oldest batch of the
   * least important table is dropped.
   */
  readonly queueBytesMax: number
  /** Feedback that is not in the spool waits this long for others to share its commit with, ms. */
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
  queueBytesMax: 64 * 1024 * 1024,
  rewardCommitMs: 25,
  rewardTimeoutMs: 10_000,
  retryFirstMs: 200,
  retryMaxMs: 10_000,
}

export type StoreOptions = StoreLocation & {
  /** Names this process among those that write to the same database: whose sums are whose. Not empty. */
  readonly replica: string
  readonly writer?: Partial<WriterOptions>
  /** Where rows wait on disk until ClickHouse has them. Without it they wait in memory, and end with the process. */
  readonly spool?: SpoolLocation | undefined
  /** Told of each failed insert, for a log line. Rows that wait for the next try are not lost. */
  readonly onWriteError?: (error: StoreError) => void
  /** Told when the state changes, for a log line. */
  readonly onState?: (state: StoreState, detail: string) => void
}
