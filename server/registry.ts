/** The registry as the running server sees it: a config file or the environment, validated and with prices filled in. */
import type { Cluster, EmbedderConfig, PriceRow, ProviderConfig, Retention } from '../adapters/index.ts'
import type {
  Arm,
  ArmId,
  ConservativeTerms,
  Constraints,
  PolicyFile,
  PolicySpec,
  Preferences,
} from '../engine/index.ts'
import type { CustomPattern, Redaction } from './privacy/redact.ts'

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
  /** How long SIGTERM waits for running requests, ms. */
  readonly drainMs: number
}

/** Which requests' texts are kept, and how. */
export interface PromptSettings {
  /** Of one request at most; its latest messages. */
  readonly maxChars: number
  readonly redact: readonly Redaction[]
  readonly patterns: readonly CustomPattern[]
}

/** Of either kind of store: how long rows are kept. */
interface Keeping {
  readonly retention?: Retention | undefined
}

export type StoreSettings = Keeping & StorePlace
type StorePlace =
  | { readonly kind: 'embedded'; readonly dataDir: string }
  | {
      readonly kind: 'remote'
      readonly url: string
      readonly database: string
      readonly username: string | undefined
      readonly password: string | undefined
      readonly cluster?: Cluster | undefined
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
  readonly store: StoreSettings
  /** Absent: no text of a request is kept. */
  readonly prompts?: PromptSettings
  /** Lower-case hex SHA-256 of each key that may administrate. @default none */
  readonly adminKeySha256?: readonly string[]
  readonly server: ServerSettings
}
