/** The engine's one object: `decide` and `learn` over the posterior of every arm. */
import type { BudgetTerms } from './budget.ts'
import type { ConservativeAccount } from './conservative.ts'
import type { Elsewhere, Merged } from './elsewhere.ts'
import type { Foresight, PromptSize } from './estimate.ts'
import type { FeatureSpace } from './feature-space.ts'
import type { SharedPriorState } from './pooling.ts'
import type { TurnsState } from './turns.ts'
import type {
  Arm,
  ArmId,
  Assignment,
  Constraints,
  Decision,
  DecisionId,
  Exclusion,
  ExclusionReason,
  HeadChange,
  HeadName,
  HeadSums,
  Observation,
  PolicySpec,
  Preferences,
  RequestFacts,
  WarmCache,
} from './types.ts'

/** How fast each head forgets: the age, ms, at which an observation counts half. `Infinity` never forgets. */
export type HalfLives = Readonly<Record<HeadName, number>>

/** Width of the time buckets from whose start the examples of a head age, ms. Absent or 0: each from its own time. */
export type BucketWidths = Readonly<Partial<Record<HeadName, number>>>

/**
 * Factors on how much coefficients of the quality head are believed to differ, by block of features, each above 0: below 1 they
 * are shrunk harder than their estimated scale says, as text may have to be; near 0 the block is as good as left out. @default 1
 */
export type PriorScale = Readonly<Partial<Record<'class' | 'structure' | 'text', number>>>

export interface RouterOptions {
  readonly arms: readonly Arm[]
  readonly featureSpace: FeatureSpace
  /** Overrides of {@link DEFAULT_HALF_LIFE_MS}. */
  readonly halfLifeMs?: Partial<HalfLives>
  readonly priorScale?: PriorScale | undefined
  /** Those of the store that the sums are exchanged through. @default examples age from their own times */
  readonly bucketMs?: BucketWidths
}

export interface DecideRequest {
  readonly id: DecisionId
  readonly atMs: number
  readonly facts: RequestFacts
  /** The arms that may serve at all (a virtual model's list), in any order. */
  readonly candidates: readonly ArmId[]
  readonly policy: PolicySpec
  /** Goes into the record of the decision, and decides nothing. */
  readonly assignment?: Assignment | undefined
  readonly preferences: Preferences
  readonly constraints?: Constraints
  /** What the conversation's last turn left behind. */
  readonly warmCache?: WarmCache | undefined
  /**
   * Utility (quality, so 0.01 is a point) that another arm must have over the conversation's last one for a learning policy
   * to prefer it. ≥ 0. @default 0
   */
  readonly switchMargin?: number
  /** Holds the quality above a share of a baseline arm's. Read only: see {@link ConservativeAccount.commit}. */
  readonly conservative?: ConservativeAccount | undefined
  /** Arms that something outside the engine rules out: health, tenant lists, an earlier attempt of this request. */
  readonly blocked?:
    | ReadonlyMap<ArmId, { readonly reason: ExclusionReason; readonly detail: string }>
    | undefined
  /** Calls running now, by arm, for `least-busy`. Absent: none. */
  readonly inFlight?: ReadonlyMap<ArmId, number>
  /** False: nothing is done for the sake of learning, and no floor. @default true */
  readonly explore?: boolean
  /** Total additive floor in [0, 1). @default 0.02 */
  readonly floor?: number
  /** A pacer's terms for this request: its price on cost, what it can pay for, and what the floor may cost. */
  readonly budget?: BudgetTerms
  /** Names the stream of draws; logged. @default 'v1' */
  readonly salt?: string
}

export type DecideResult =
  | { readonly kind: 'decided'; readonly decision: Decision }
  | { readonly kind: 'no-eligible-arm'; readonly exclusions: readonly Exclusion[] }

export interface RouterSnapshot {
  readonly version: 1
  readonly featureSpace: string
  readonly sums: readonly {
    readonly arm: string
    readonly head: string
    readonly asOfMs: number
    readonly n: number
    readonly A: readonly number[]
    readonly b: readonly number[]
    readonly c: number
    readonly sinceMs?: number
  }[]
  /** The prior means that arms share, and when each is fitted again. */
  readonly shared: readonly ({ readonly head: string } & SharedPriorState)[]
  /** Of round-robin. Absent: no arm had a turn. */
  readonly turns?: TurnsState
}

export interface PriorSums {
  readonly sums: readonly HeadSums[]
  /** Observations that the sums of one head count as at most, above 0. @default 2000 */
  readonly effectiveSamples?: number | undefined
}

export interface Router {
  readonly featureSpace: FeatureSpace
  readonly halfLifeMs: HalfLives
  readonly arms: ReadonlyMap<ArmId, Arm>
  /**
   * The same state and request give the same decision. Only round-robin's turns move on by deciding; all else that is
   * learned comes by `learn`.
   */
  decide(request: DecideRequest): DecideResult
  /**
   * What is believed of each arm at a context vector, whether or not the arm could serve; in the order of `arms`.
   * @throws {EngineError} `engine_unknown_arm`
   */
  foresee(arms: readonly ArmId[], x: Float64Array, facts: PromptSize, atMs: number): readonly Foresight[]
  /**
   * Adds examples; weight −1 takes one back exactly.
   *
   * @returns the changes that they have shown, usually none
   * @throws {EngineError} on a foreign feature space or a non-finite number
   */
  learn(observations: readonly Observation[]): readonly HeadChange[]
  /** Adds sums that come from elsewhere (the store, another replica, a file). */
  absorb(sums: readonly HeadSums[]): void
  /**
   * From now on own observations are counted anew. What was counted so far is believed on, until it comes back from
   * elsewhere.
   */
  handOver(): void
  /**
   * Puts what other processes have observed up to now in the place of what was known of it. Own observations stay.
   * @throws {EngineError} `engine_snapshot_mismatch` for another feature space: then nothing changed
   */
  replaceElsewhere(elsewhere: Elsewhere): Merged
  /**
   * Fits what arms share to the sums as they are now, step by step: whoever drives it lets requests through in between.
   * Routers with the same sums agree when it is done. Nothing to do while nothing has come from elsewhere.
   */
  settling(nowMs: number): Iterable<void>
  /**
   * Believes sums from elsewhere (a policy file) beforehand, instead of those it was started from earlier. They do not
   * fade, count as at most so many observations, and less where what is observed here disagrees with them.
   * @throws {EngineError} `engine_snapshot_mismatch` for another feature space, `engine_bad_config` for the samples
   */
  startFrom(prior: PriorSums): void
  /** Swaps the registry. The sums of an arm that left stay for its return. */
  replaceArms(arms: readonly Arm[]): void
  sums(): readonly HeadSums[]
  /** All that was learned, as JSON. */
  snapshot(): RouterSnapshot
  /** Replaces all sums. @throws {EngineError} `engine_snapshot_mismatch` for another feature space. */
  restore(snapshot: RouterSnapshot): void
}
