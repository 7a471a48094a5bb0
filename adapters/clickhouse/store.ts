/**
 * The memory of Highwayman as the rest of the program sees it: rows go in without waiting, answers come out as plain
 * values. Whether the ClickHouse behind it is embedded or a server cannot be told from here.
 */
import type {
  ArmId,
  Decision,
  DecisionId,
  FeatureSpaceId,
  HeadCut,
  HeadName,
  HeadSums,
  LoggedDecision,
  Observation,
} from '../../engine/index.ts'
import type { ExperimentStore } from './experiment-rows.ts'
import type { PolicyStore } from './policy-rows.ts'

/** A decision with what surrounded it. */
export interface DecisionRow {
  readonly decision: Decision
  readonly requestId: string
  /** The decision this one replaced after a failure; undefined for the first of a request. */
  readonly parentId: DecisionId | undefined
  readonly tenant: string
  readonly session: string
  /** Of the caller's own user: see `userHash` of the server. Empty: none was named. */
  readonly userHash: string
  /** What the caller asked for: an arm id, a virtual model, an alias. */
  readonly requestedModel: string
  /** `chat`, `route`. */
  readonly surface: string
  readonly stream: boolean
  readonly promptTokens: number
  readonly metadata: Readonly<Record<string, string>>
  /** The request under the other feature spaces that learned along. Absent: there were none. */
  readonly also?: readonly OtherContext[]
}

/** A request as another feature space than that of its decision sees it. */
export interface OtherContext {
  readonly featureSpace: FeatureSpaceId
  readonly x: Float64Array
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
  /** Values that the decision had when this one was taken. Absent: none, or of a version before this field. */
  readonly position?: number
  /**
   * Present where the value changed what was learned: the decision's quality from then on, [0, 1]; null for none. Of rows of
   * versions before this field: what their value says, where the metric is `quality`.
   */
  readonly quality?: number | null
}

/** What is needed of an answered decision to judge it. */
export interface RewardableDecision {
  readonly id: DecisionId
  readonly atMs: number
  readonly featureSpace: FeatureSpaceId
  readonly x: Float64Array
  readonly also?: readonly OtherContext[]
  readonly tenant: string
  readonly surface: string
  readonly drawnArm: ArmId
  /** That answered. */
  readonly arm: ArmId
  /** What was forecast of the drawn arm. */
  readonly expectedTtftMs: number | undefined
  /** Indices of its calls. */
  readonly outcomes: readonly number[]
  /** In the order they were accepted. */
  readonly rewards: readonly RewardRow[]
}

/** What a request said, for those who asked to keep it. Redacted by whoever appends it. */
export interface PromptRow {
  readonly decisionId: DecisionId
  readonly tenant: string
  readonly messages: readonly { readonly role: string; readonly text: string }[]
  /** Earlier messages, or the beginning of the first one here, were left out. */
  readonly truncated: boolean
  /** Places that were redacted. */
  readonly redactions: number
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
  /** Of the quality of each decision that drew the arm, as it was learned last, [0, 1]. */
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
export const TRAFFIC_KEYS = ['arm', 'class', 'tenant', 'time'] as const
export type TrafficKey = (typeof TRAFFIC_KEYS)[number]

export interface TrafficQuery {
  /** Decisions in [fromMs, toMs), by the time in their id. */
  readonly fromMs: number
  readonly toMs: number
  readonly groupBy: readonly TrafficKey[]
  /** Width of the groups by time; they begin at multiples of it since 1970, UTC. */
  readonly bucketMs: number
  /** Only these; undefined or empty: all. */
  readonly arms?: readonly string[] | undefined
  readonly classes?: readonly string[] | undefined
  readonly tenants?: readonly string[] | undefined
  /** The arm that costs are compared with. */
  readonly baseline?: string | undefined
}

export interface Quantiles {
  readonly p50: number
  readonly p90: number
  readonly p95: number
  readonly p99: number
}

/** What one group of decisions brought. A key that was not asked for, and what there is nothing to take from, is undefined. */
export interface TrafficGroup {
  readonly arm: string | undefined
  readonly requestClass: string | undefined
  readonly tenant: string | undefined
  readonly fromMs: number | undefined
  readonly decisions: number
  /** Of the decisions of the same class, tenant and time, where grouped by arm; else of all. */
  readonly share: number
  readonly answered: number
  /** Broken off in the caller's hands included. */
  readonly failed: number
  readonly cancelled: number
  readonly costUsd: number
  readonly promptTokens: number
  readonly completionTokens: number
  /** Of answered calls. */
  readonly ttftMs: Quantiles | undefined
  readonly totalMs: Quantiles | undefined
  /** Decisions with a quality value, and the mean of their latest, [0, 1]. */
  readonly rated: number
  readonly meanQuality: number | undefined
  readonly baseline:
    | {
        readonly arm: string
        /** Calls that cost something, of decisions for which the baseline was eligible: what the rest is about. */
        readonly decisions: number
        /** On the baseline, by the estimates of the time. */
        readonly costUsd: number
        readonly actualCostUsd: number
        /** On the arms that were taken, by the estimates of the time: beside `actualCostUsd`, what estimates are worth. */
        readonly estimatedCostUsd: number
        readonly savingUsd: number
        /** Means of what was expected, [0, 1]. */
        readonly estimatedQuality: number | undefined
        readonly baselineQuality: number | undefined
      }
    | undefined
}

export interface TrafficStats {
  /** In the order of their keys. */
  readonly groups: readonly TrafficGroup[]
}

/** A part of the log. */
export interface LogQuery {
  /** Decisions in [fromMs, toMs), by the time in their id. */
  readonly fromMs: number
  readonly toMs: number
  /** Of one tenant only. */
  readonly tenant?: string | undefined
  /** One of `of` parts of about the same size, by a hash of the id: shards can be read side by side. */
  readonly shard?: { readonly index: number; readonly of: number } | undefined
}

/** Whose rows are erased: a tenant's, or one user's of it. */
export interface ErasureQuery {
  readonly tenant: string
  readonly userHash?: string | undefined
}

export interface Erasure {
  readonly decisions: number
  /** Rows by table. */
  readonly rows: Readonly<Record<string, number>>
}

/** How many decisions of an imported log were new. */
export interface LogImport {
  readonly imported: number
  /** Already there, and left as they are. */
  readonly known: number
}

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

/** What others have learned up to now. */
export interface SumsReading {
  /** Of each (arm, head), as of one time, without what the cuts forget. The same array when nothing has changed. */
  readonly sums: readonly HeadSums[]
  readonly cuts: readonly HeadCut[]
  /** Names of other replicas with examples in the last 15 minutes. */
  readonly replicas: number
  /** This process's clock against the server's, ms; off by at most half of what the question took. */
  readonly clockAheadMs: number
  /** Something may be stored that its caller was told is not: only the store knows what this process has observed. */
  readonly needsHandOver: boolean
}

export interface SumsQuery {
  readonly featureSpace: FeatureSpaceId
  readonly halfLifeMs: Readonly<Record<HeadName, number>>
}

export interface SumsFeed {
  /**
   * Reads what has changed since the last reading. One at a time.
   * @throws {StoreError} `store_unavailable`; the next reading makes up for it
   */
  read(nowMs: number): Promise<SumsReading>
}

/** A head has noticed a change of an arm. */
export interface ForgottenRow {
  readonly featureSpace: FeatureSpaceId
  readonly arm: ArmId
  readonly head: HeadName
  /** Examples from before say nothing any more. */
  readonly sinceMs: number
}

export interface Store extends PolicyStore, ExperimentStore {
  readonly kind: 'embedded' | 'remote'
  /** For logs and `doctor`: the directory or the URL without credentials. */
  readonly location: string

  /** The append calls never block and never throw; what there is no room for is dropped and counted. */
  appendDecision(row: DecisionRow): void
  appendAttempt(row: AttemptRow): void
  appendObservations(rows: readonly Observation[]): void
  /** All replicas, and all that start later, leave out what it forgets. The same one twice counts once. */
  appendForgotten(row: ForgottenRow): void
  appendPrompt(row: PromptRow): void
  /**
   * Resolves when the feedback and what was learned from it are durable. Who learns from it itself does so as soon as it
   * resolves, before waiting for anything else: see {@link handOver}.
   * @throws {StoreError} `store_unavailable`
   */
  writeReward(row: RewardRow, observations: readonly Observation[]): Promise<void>

  /** Rows still in the queue are found too. */
  findDecision(id: DecisionId): Promise<DecisionRecord | undefined>
  /** Width of the time buckets that examples of a head with such a half-life are summed in, ms; 0: none, exact times. */
  bucketMs(halfLifeMs: Readonly<Record<HeadName, number>>): Readonly<Record<HeadName, number>>
  /**
   * The sums of every (arm, head) in one feature space over all replicas, without what was forgotten. Each example counts
   * `2^(−age/halfLifeMs[head])`, its age being that of its time bucket: see {@link bucketMs}.
   */
  loadSums(query: SumsQuery & { readonly nowMs: number }): Promise<readonly HeadSums[]>
  /** The same of everything that this process does not hold in memory: what others wrote, and itself in earlier lives. */
  followSums(query: SumsQuery): SumsFeed
  /**
   * From the moment at which `switched` is called on, what this process writes is told from what it wrote before.
   *
   * @returns when all that was written before is stored, and {@link followSums} reads it as if others had written it
   * @throws {StoreError} `store_closed`
   */
  handOver(switched: () => void): Promise<void>

  /** Arms with a decision or a call in [fromMs, toMs), by the decision's time; most decisions first. Written rows only. */
  armSummary(query: { readonly fromMs: number; readonly toMs: number }): Promise<readonly ArmSummary[]>

  /**
   * The latest answered decisions of a session in [fromMs, toMs], at most `limit`, the oldest first. Rows still in the queue
   * are found too.
   */
  findSession(query: {
    readonly tenant: string
    readonly session: string
    readonly fromMs: number
    readonly toMs: number
    readonly limit: number
  }): Promise<readonly RewardableDecision[]>
  /**
   * The oldest answered decisions in [fromMs, toMs) without any value of a metric, at most `limit`. Written rows only.
   * Decisions of replicas other than `replica` are left out when they are not older than `othersToMs`.
   */
  findUnrewarded(query: {
    readonly metric: string
    readonly fromMs: number
    readonly toMs: number
    readonly replica: string
    readonly othersToMs: number
    readonly limit: number
  }): Promise<readonly RewardableDecision[]>
  /**
   * All rewards of a tenant's decisions since `fromMs` that have one whose source begins with `source`: of the latest `limit` of
   * them, decision by decision, each in the order of acceptance. Written rows only.
   */
  findRewards(query: {
    readonly tenant: string
    readonly source: string
    readonly fromMs: number
    readonly limit: number
  }): Promise<readonly RewardRow[]>
  /** What a tenant's calls have cost since a time, USD, by all replicas. Written rows only. */
  spentUsd(query: { readonly tenant: string; readonly fromMs: number }): Promise<number>
  /** What happened, by group. Written rows only. @throws {StoreError} `store_bad_query` for too many groups */
  trafficStats(query: TrafficQuery): Promise<TrafficStats>

  /** The log in the order of time, in bounded memory. Written rows only. @throws {StoreError} while it is read */
  readLog(query: LogQuery): AsyncIterable<LoggedDecision>
  /**
   * Stores decisions with their own calls and feedback; one whose id is there already is left as it is. What was learned is
   * not touched. @throws {StoreError}; and what `rows` throws: what came before it is stored
   */
  importLog(rows: AsyncIterable<LoggedDecision>): Promise<LogImport>
  /**
   * Takes everything about the decisions of a tenant or a user out of every table, and what was learned from them out of
   * the sums. Resolves when it is gone from the disk. Safe to repeat. @throws {StoreError}
   */
  erase(query: ErasureQuery): Promise<Erasure>

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
  'store_bad_query',
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
