/**
 * The memory of Highwayman as the rest of the program sees it: rows go in without waiting, answers come out as plain
 * values. Whether the ClickHouse behind it is embedded or a server cannot be told from here.
 */
import type {
  Decision,
  DecisionId,
  FeatureSpaceId,
  HeadName,
  HeadSums,
  Observation,
} from '../../engine/index.ts'

/** A decision with what surrounded it. */
export interface DecisionRow {
  readonly decision: Decision
  readonly requestId: string
  /** The decision this one replaced after a failure; undefined for the first of a request. */
  readonly parentId: DecisionId | undefined
  readonly tenant: string
  readonly session: string
  /** What the caller asked for: an arm id, a virtual model, an alias. */
  readonly requestedModel: string
  /** `chat`, `route`. */
  readonly surface: string
  readonly stream: boolean
  readonly promptTokens: number
  readonly metadata: Readonly<Record<string, string>>
}

export const ATTEMPT_STATUSES = ['answered', 'failed', 'cut', 'cancelled'] as const
/** One upstream call under a decision, written when it has ended. */
export interface AttemptRow {
  readonly decisionId: DecisionId
  readonly atMs: number
  readonly arm: string
  /** 0, 1, … within the request. */
  readonly index: number
  readonly status: (typeof ATTEMPT_STATUSES)[number]
  readonly upstreamStatus: number | undefined
  readonly errorCode: string
  readonly errorMessage: string
  readonly finishReason: string
  readonly ttftMs: number | undefined
  readonly totalMs: number
  readonly promptTokens: number | undefined
  readonly cachedTokens: number | undefined
  readonly completionTokens: number | undefined
  readonly reasoningTokens: number | undefined
  readonly costUsd: number | undefined
  readonly usageEstimated: boolean
}

/** One feedback value. `rewardId` is unique; the same id written twice counts once. */
export interface RewardRow {
  readonly rewardId: string
  readonly decisionId: DecisionId
  readonly atMs: number
  readonly metric: string
  readonly valueNumber: number | undefined
  readonly valueText: string
  readonly source: string
  readonly idempotencyKey: string
}

/** Everything known of one decision, for `GET /v1/decisions/{id}`. */
export interface DecisionRecord {
  readonly row: DecisionRow
  readonly attempts: readonly AttemptRow[]
  readonly rewards: readonly RewardRow[]
}

/** What one arm did in a span of time. Undefined: nothing to take it from. */
export interface ArmSummary {
  readonly arm: string
  /** Decisions that drew the arm. */
  readonly decisions: number
  /** Upstream calls that ended `answered`, and `failed` or `cut`. */
  readonly answered: number
  readonly failed: number
  /** Of the latest `quality` reward of each decision that drew the arm, [0, 1]. */
  readonly meanQuality: number | undefined
  /** Of all calls together. */
  readonly costUsd: number
  /** Of the answered calls. */
  readonly ttftMs: { readonly p50: number; readonly p95: number } | undefined
  readonly totalMs: { readonly p50: number; readonly p95: number } | undefined
}

/**
 * - `normal`: ClickHouse takes what comes
 * - `spooling`: it does not; rows wait on disk
 * - `replaying`: it does again, and what has waited for more than a moment is being written
 * - `memory`: it does not, and the disk takes nothing either: rows wait in memory, and end with the process
 * - `full`: it does not, and rows are being dropped
 */
export const STORE_STATES = ['normal', 'spooling', 'replaying', 'memory', 'full'] as const
export type StoreState = (typeof STORE_STATES)[number]

/** Since the start, but for what waits. */
export interface StoreStats {
  readonly state: StoreState
  /** Rows that are not in ClickHouse yet, in memory or in the spool. */
  readonly queuedRows: number
  readonly writtenRows: number
  /** Inserts that failed; their rows stay in the queue unless ClickHouse refused them for good. */
  readonly failedBatches: number
  /** Rows given up: there was no room, ClickHouse refused them, they were damaged, or the store closed without it. */
  readonly droppedRows: number
  /** Age of the oldest row in line, ms; 0 when none is. */
  readonly oldestMs: number
  /** Why ClickHouse did not take the last batch; undefined when it did. */
  readonly problem: string | undefined
  /** Undefined where there is none. */
  readonly spool: StoreSpoolStats | undefined
  /** Times that the process of an embedded engine has died and was started again. */
  readonly engineRestarts: number
}

export interface StoreSpoolStats {
  readonly path: string
  readonly bytes: number
  readonly maxBytes: number
  readonly segments: number
  /** Bytes that could not be read back: the segments that had them are kept beside the others as `.damaged`. */
  readonly damagedBytes: number
  /** Why the disk did not take the last record; undefined when it did. */
  readonly problem: string | undefined
}

export interface Store {
  readonly kind: 'embedded' | 'remote'
  /** For logs and `doctor`: the directory or the URL without credentials. */
  readonly location: string

  /** The append calls never block and never throw; what there is no room for is dropped and counted. */
  appendDecision(row: DecisionRow): void
  appendAttempt(row: AttemptRow): void
  appendObservations(rows: readonly Observation[]): void
  /** Resolves when the feedback and what was learned from it are durable. @throws {StoreError} `store_unavailable` */
  writeReward(row: RewardRow, observations: readonly Observation[]): Promise<void>

  /** Rows still in the queue are found too. */
  findDecision(id: DecisionId): Promise<DecisionRecord | undefined>
  /**
   * The sums of every (arm, head) in one feature space over all replicas, each time bucket decayed by its age:
   * `2^(−(nowMs − bucket)/halfLifeMs[head])`. `excludeReplica` leaves out one replica's own rows.
   */
  loadSums(query: {
    readonly featureSpace: FeatureSpaceId
    readonly nowMs: number
    readonly halfLifeMs: Readonly<Record<HeadName, number>>
    readonly excludeReplica?: string
  }): Promise<readonly HeadSums[]>

  /** Arms with a decision or a call in [fromMs, toMs), by the decision's time; most decisions first. Written rows only. */
  armSummary(query: { readonly fromMs: number; readonly toMs: number }): Promise<readonly ArmSummary[]>

  /** @throws {StoreError} when ClickHouse does not answer. */
  ping(): Promise<void>
  stats(): StoreStats
  /**
   * Resolves when every row appended before the call is written, or when ClickHouse did not take them in three tries in a
   * row: those stay queued, and the tries are counted in `failedBatches`.
   */
  flush(): Promise<void>
  /** Flushes, leaves in the spool what could not be written, gives up what is not there, and closes. */
  close(): Promise<void>
}

export const STORE_ERROR_CODES = [
  'store_unavailable',
  'store_bad_location',
  'store_migration_changed',
  'store_migration_failed',
  'store_engine_missing',
  'store_closed',
] as const
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: (typeof STORE_ERROR_CODES)[number]
  constructor(code: (typeof STORE_ERROR_CODES)[number], message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
