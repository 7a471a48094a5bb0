/** The registry as the running server sees it: a config file or the environment, validated and with prices filled in. */
import type {
  EmbedderConfig,
  PriceRow,
  ProviderConfig,
  Retention,
  SpoolLocation,
  StoreLocation,
  WriterOptions,
} from '../adapters/index.ts'
import type {
  Arm,
  ArmId,
  ConservativeTerms,
  Constraints,
  PolicyFile,
  PolicySpec,
  Preferences,
} from '../engine/index.ts'
import type { GateRules } from '../eval/gate/index.ts'
import type { Unit } from './policies/slot.ts'
import type { CustomPattern, Redaction } from './privacy/redact.ts'
import type { Metric, Metrics } from './rewards/metric.ts'

export interface RegisteredArm {
  readonly arm: Arm
  /** Key of {@link Registry.providers}. */
  readonly provider: string
  /** The vendor's model id. */
  readonly upstreamModel: string
  /** Where the price is from, for `doctor`: the row of the bundled table, or who else said it. */
  readonly priceSource?: PriceRow | 'config' | 'self-hosted' | 'simulator'
}

/** A name callers use for a choice among arms, and how that choice is made. */
export interface VirtualModel {
  readonly name: string
  readonly arms: readonly ArmId[]
  readonly policy: PolicySpec
  readonly preferences: Preferences
  readonly constraints: Constraints
  readonly floor: number
  /** Utility by which another arm must be better to take over a conversation. */
  readonly switchMargin: number
  readonly explore: boolean
  /** Holds the quality above a share of one arm's. */
  readonly conservative?: ConservativeTerms
}

export interface Tenant {
  readonly name: string
  /** Lower-case hex SHA-256 of each key; the keys themselves are never kept. */
  readonly keySha256: readonly string[]
  /** Replaces the virtual model's. */
  readonly preferences: Preferences | undefined
  readonly constraints: Constraints
  /** Arm ids or tags; undefined allows all. */
  readonly allow: readonly string[] | undefined
  readonly deny: readonly string[]
}

export interface ServerSettings {
  readonly host: string
  readonly port: number
  readonly bodyLimitBytes: number
  /** Requests running at once; more get 503 with Retry-After. */
  readonly maxInFlight: number
  /** Upstream calls for one request, failovers included. */
  readonly maxAttempts: number
  /**
   * How long SIGTERM leaves the port open while `/readyz` says 503, ms. Undefined: a few seconds where `/readyz` is being asked,
   * else none.
   */
  readonly shutdownDelayMs?: number | undefined
  /** How long it then waits for running requests, ms. */
  readonly drainMs: number
}

/** Which requests' texts are kept, and how. */
export interface PromptSettings {
  /** Of one request at most; its latest messages. */
  readonly maxChars: number
  readonly redact: readonly Redaction[]
  readonly patterns: readonly CustomPattern[]
}

export type StoreSettings = StoreLocation & {
  readonly spool?: SpoolLocation
  readonly writer?: Partial<WriterOptions>
  /** How long rows are kept. */
  readonly retention?: Retention | undefined
}

export interface ReplicasSettings {
  /** Pause between two readings of what others have learned, ms. */
  readonly mergeEveryMs: number
}

/** How a policy gets from a file to all traffic. */
export interface PromotionSettings {
  /** What has to be shown of it first. */
  readonly rules: GateRules
  /** Of the traffic, where a promotion names no share, (0, 1). */
  readonly canaryShare: number
  /** What a canary's share is a share of. */
  readonly unit: Unit
  /** Pause before it is read again what others have promoted, ms. */
  readonly followEveryMs: number
}

/** Where the text block of contexts comes from, if the user has a model for it. */
export interface EmbeddingSettings extends EmbedderConfig {
  /** Coordinates of the text block. */
  readonly components: number
}

/** What is believed before anything was observed here. */
export interface ColdStartSettings {
  /** Of the file, for `doctor`. */
  readonly path: string
  readonly policyFile: PolicyFile
}

export const SIGNALS = [
  'empty',
  'refused',
  'truncated',
  'invalidJson',
  'invalidToolArguments',
  'repeatedQuestion',
  'tryAgain',
] as const
/** Something that can be read off an answer or a conversation without anybody's judgement. */
export type Signal = (typeof SIGNALS)[number]

export interface SignalSettings {
  /** Boolean or float. */
  readonly metric: Metric
  /** Of the answers that are looked at, [0, 1]. */
  readonly share: number
  /** What an answer is worth on which none fires, [0, 1]. */
  readonly passedWorth: number
  /** Those that are on, with what an answer is worth on which they fire. */
  readonly worths: ReadonlyMap<Signal, number>
}

export interface Judge {
  readonly name: string
  /** An arm, a virtual model or an alias. */
  readonly model: string
  readonly rubric: string
  readonly metric: Metric
  /** Of the answers that it judges, [0, 1]. */
  readonly share: number
  /** Virtual models it judges answers of; undefined: all. */
  readonly models: ReadonlySet<string> | undefined
  readonly maxUsdPerDay: number
  readonly maxConcurrent: number
  readonly ownAnswers: 'skip' | 'mark'
}

export interface Registry {
  /** `highwayman.yaml`, `environment` or `simulator`: what `doctor` and the start banner name. */
  readonly source: string
  readonly providers: ReadonlyMap<string, ProviderConfig>
  readonly arms: ReadonlyMap<ArmId, RegisteredArm>
  readonly models: ReadonlyMap<string, VirtualModel>
  readonly aliases: ReadonlyMap<string, string>
  /** Labels callers may give; the classes of the feature space. */
  readonly classes: readonly string[]
  readonly embedding?: EmbeddingSettings
  readonly tenants: ReadonlyMap<string, Tenant>
  readonly coldStart?: ColdStartSettings
  /** Absent: none are declared. */
  readonly metrics?: Metrics
  /** Absent: none are on. */
  readonly signals?: SignalSettings
  /** Absent: there are none. */
  readonly judges?: readonly Judge[]
  readonly store: StoreSettings
  readonly replicas: ReplicasSettings
  /** Absent: the defaults. */
  readonly promotion?: PromotionSettings
  /** Absent: no text of a request is kept. */
  readonly prompts?: PromptSettings
  /** Lower-case hex SHA-256 of each key that may administrate. @default none */
  readonly adminKeySha256?: readonly string[]
  readonly server: ServerSettings
}
