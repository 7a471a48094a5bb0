/**
 * The vocabulary of a decision: the types that the engine shares with the other folders.
 * Units are in the names (`…Ms`, `…Usd`, `…Tokens`); probabilities and qualities lie in [0, 1].
 */

declare const brand: unique symbol
type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** `provider/model`: one deployment that can answer. */
export type ArmId = Brand<string, 'ArmId'>
/** UUIDv7 of one routing decision; its first 48 bits are the decision's Unix time in ms. */
export type DecisionId = Brand<string, 'DecisionId'>
/** Hash of a feature space's recipe. Statistics merge only within one feature space. */
export type FeatureSpaceId = Brand<string, 'FeatureSpaceId'>

export const CAPABILITIES = [
  'streaming',
  'tools',
  'vision',
  'json-object',
  'json-schema',
  'logprobs',
] as const
/** Something a request may need and an arm may lack. */
export type Capability = (typeof CAPABILITIES)[number]

/** List price, USD per million tokens. */
export interface Price {
  readonly inputUsdPerMtok: number
  readonly outputUsdPerMtok: number
  /** Tokens read from a prompt cache. Absent: the input price. */
  readonly cachedInputUsdPerMtok?: number
  /** Tokens written to a prompt cache, where that has a price of its own. Absent: the input price. */
  readonly cacheWriteUsdPerMtok?: number
}

/** What is believed of an arm before any outcome was seen. */
export interface ArmPrior {
  /** Expected quality in [0, 1]. */
  readonly quality: number
  /** Median time to first token, ms. */
  readonly ttftMs: number
  /** Median time per output token, ms. */
  readonly tpotMs: number
  /** Median answer length, tokens. */
  readonly outputTokens: number
}

export interface Arm {
  readonly id: ArmId
  readonly provider: string
  readonly model: string
  readonly price: Price
  readonly capabilities: readonly Capability[]
  readonly prior: ArmPrior
  readonly region?: string
  readonly tags?: readonly string[]
  /** Prompt and answer together, tokens. Absent: unbounded. */
  readonly contextWindowTokens?: number
  readonly maxOutputTokens?: number
  /** A sibling whose experience this arm starts from, at a capped weight: its predecessor, or the same model elsewhere. */
  readonly priorFrom?: ArmId
}

/** A conversation's earlier turn: the arm that gave it, and what that arm's provider still has of the prompt. */
export interface WarmCache {
  readonly arm: ArmId
  /** Prompt tokens that lie in the provider's cache, ≥ 0. */
  readonly tokens: number
  /** Time since they were last used, ≥ 0. */
  readonly ageMs: number
}

/** What the featurizer reads; the only place where the engine sees a prompt's text. */
export interface RequestText {
  readonly messages: readonly { readonly role: string; readonly text: string }[]
  readonly promptTokens: number
  readonly requestedOutputTokens?: number
  readonly toolCount?: number
  readonly imageCount?: number
  readonly wantsSchema?: boolean
  /** The caller's own label; absent: inferred. */
  readonly requestClass?: string
}

/** A request as numbers: all that decides about it, none of its text. */
export interface RequestFacts {
  readonly requestClass: string
  readonly classSource: 'caller' | 'inferred'
  /** Probability, (0, 1], that the class is right as far as the classifier knows; 1 where the caller gave it. */
  readonly classConfidence: number
  readonly promptTokens: number
  readonly requestedOutputTokens: number | undefined
  readonly turns: number
  readonly toolCount: number
  readonly imageCount: number
  readonly wantsSchema: boolean
  readonly hasQuestion: boolean
  /** Shares of the scanned characters, [0, 1]. */
  readonly codeShare: number
  readonly mathShare: number
  readonly digitShare: number
  readonly nonLatinShare: number
  /** What the text is about, as coordinates of the feature space's text block; absent where there is no block. */
  readonly text?: Float64Array
}

export const HEADS = ['quality', 'ttft', 'tpot', 'output_tokens', 'success'] as const
/**
 * A thing predicted per arm. `quality` in [0, 1]; `ttft`, `tpot` (ms) and `output_tokens` are modelled as natural
 * logarithms; `success` is 0 or 1.
 */
export type HeadName = (typeof HEADS)[number]

/** One training example for one head of one arm. `y` is on the head's modelling scale (see {@link HeadName}). */
export interface Observation {
  readonly decisionId: DecisionId
  readonly atMs: number
  readonly featureSpace: FeatureSpaceId
  readonly arm: ArmId
  readonly head: HeadName
  readonly x: Float64Array
  readonly y: number
  /** 1 adds the example, −1 takes an earlier one back (a revised feedback is −1 old, +1 new). */
  readonly weight: number
}

/** Additive sums of one (arm, head): `A = Σw·xxᵀ` (packed lower triangle by rows), `b = Σw·y·x`, `c = Σw·y²`, `n = Σw`. */
export interface HeadSums {
  readonly arm: ArmId
  readonly head: HeadName
  readonly featureSpace: FeatureSpaceId
  /** Time the decayed sums are valid at, Unix ms. */
  readonly asOfMs: number
  readonly n: number
  readonly A: Float64Array
  readonly b: Float64Array
  readonly c: number
  /** Examples from before are forgotten, because the arm changed then. Absent: none are. */
  readonly sinceMs?: number
}

/** An arm that is no longer what it was, as one of its heads has noticed. What the head knew from before is forgotten. */
export interface HeadChange {
  readonly arm: ArmId
  readonly head: HeadName
  /** When it was noticed. */
  readonly atMs: number
  /** The head goes on from the examples since then. */
  readonly sinceMs: number
  /** Mean of what these examples were above the prediction, on the head's modelling scale. */
  readonly shift: number
}

/**
 * What a caller or tenant wants, as exchange rates or as weights. A quality point is 0.01 of quality (one percentage
 * point). Absent rates: that good is free.
 */
export type Preferences =
  | {
      readonly kind: 'exchange-rates'
      /** USD per request that one more quality point is worth. */
      readonly usdPerQualityPoint?: number
      /** Seconds of waiting that one more quality point is worth. */
      readonly secondsPerQualityPoint?: number
    }
  | {
      readonly kind: 'weights'
      /** Relative importance; `cost` and `latency` are measured against what the class's typical request costs and takes. */
      readonly quality: number
      readonly cost: number
      readonly latency: number
    }
  | {
      readonly kind: 'lexicographic'
      /** Quality comes first: no more than so many points of it are given up for the rest. ≥ 0. */
      readonly withinQualityPoints: number
      /** What decides among the arms that near to the best; the second one where the first is equal. */
      readonly thenBy: readonly ('cost' | 'latency')[]
    }

/** An arm must be believed to be at least so good as a share of another arm's quality. */
export interface QualityFloor {
  /** The arm to be measured by; it meets its own floor. */
  readonly arm: ArmId
  /** Of that arm's quality, in (0, 1]. */
  readonly share: number
  /**
   * Probability, under what is believed, that the share is reached; in (0, 1). At 0.5 means are compared; above it an arm
   * has to be proven good enough (by other traffic), below it proven not to be. @default 0.5
   */
  readonly confidence?: number
}

/** Hard limits: an arm outside them is not eligible. */
export interface Constraints {
  /** Of the expected cost of the request. */
  readonly maxCostUsd?: number
  /** Of the expected time to the last token. */
  readonly maxLatencyMs?: number
  /** Of the cost that 95 % of such requests stay below. */
  readonly maxP95CostUsd?: number
  /** Of the time to the last token that 95 % of such requests stay below. */
  readonly maxP95LatencyMs?: number
  /** All hold. */
  readonly qualityFloors?: readonly QualityFloor[]
  readonly regions?: readonly string[]
  readonly capabilities?: readonly Capability[]
}

export const EXCLUSION_REASONS = [
  'unknown_arm',
  'not_allowed',
  'denied',
  'missing_capability',
  'context_window',
  'region',
  'max_cost',
  'max_latency',
  'max_p95_cost',
  'max_p95_latency',
  'quality_floor',
  'unhealthy',
  'already_tried',
  'over_budget',
] as const
export type ExclusionReason = (typeof EXCLUSION_REASONS)[number]

/** Why an arm could not be chosen: a stable reason and the particulars (`vision`, `12000 > 8192 tokens`). */
export interface Exclusion {
  readonly arm: ArmId
  readonly reason: ExclusionReason
  readonly detail: string
}

/** A policy's settings, as written in a config and logged with each decision. */
export type PolicySpec =
  | {
      readonly name: 'thompson'
      /**
       * Multiplies the posterior sd (the `v` of linear Thompson sampling), above 0; rising to at least 1 for an arm as far as
       * nothing is known of it. @default 0.3
       */
      readonly exploration?: number
    }
  | {
      readonly name: 'linucb'
      /** Width of the confidence bound, in sds of what is believed, at least 0. @default 2 */
      readonly alpha?: number
    }
  | {
      readonly name: 'squarecb'
      /** γ = gammaScale · examples^gammaExponent; above 0, and in [0, 1]. @default 10 and 0.5 */
      readonly gammaScale?: number
      readonly gammaExponent?: number
    }
  | { readonly name: 'information-directed' }
  | { readonly name: 'epsilon-greedy'; readonly epsilon: number }
  | {
      readonly name: 'softmax'
      /** Gain in utility that makes an arm e times as likely, above 0. @default 0.05 */
      readonly temperature?: number
    }
  | { readonly name: 'fixed'; readonly arm: ArmId }
  | { readonly name: 'priority'; readonly order: readonly ArmId[] }
  | { readonly name: 'weighted'; readonly weights: Readonly<Record<string, number>> }
  | { readonly name: 'round-robin' }
  | { readonly name: 'cheapest' }
  | { readonly name: 'fastest' }
  | { readonly name: 'least-busy' }
export type PolicyName = PolicySpec['name']

/** Mean and standard deviation of what is believed (not of single outcomes). */
export interface Belief {
  readonly mean: number
  readonly sd: number
}

/** What the engine expects of one arm for one request. */
export interface ArmEstimate {
  readonly arm: ArmId
  readonly quality: Belief
  /** USD for the whole request. */
  readonly costUsd: Belief
  readonly ttftMs: number
  readonly tpotMs: number
  readonly outputTokens: number
  /** Whole answer: ttft + tpot × output tokens. */
  readonly latencyMs: Belief
  /** Probability that a call answers at all. */
  readonly success: Belief
  /** quality − λ_cost·cost − λ_latency·latency − λ_fail·(1 − success). */
  readonly utility: Belief
}

/** Price of the other goods in units of quality (λ in DESIGN "Utility"). */
export interface UtilityRates {
  readonly perUsd: number
  readonly perSecond: number
  readonly perFailure: number
}

/** How a conversation bore on a decision. */
export interface ConversationNote {
  readonly arm: ArmId
  /** Prompt tokens that were counted at the cached price. */
  readonly cachedTokens: number
  readonly switchMargin: number
}

/** How a guarantee against a baseline bore on a decision. */
export interface ConservativeNote {
  readonly baseline: ArmId
  readonly alpha: number
  /** Lower bound, before this decision, of the quality had in excess of (1 − alpha) times the baseline's. */
  readonly slack: number
  /** Probability that was moved to the baseline. */
  readonly heldMass: number
  readonly baselineQuality: Belief
}

/** How it came to be one policy's turn to draw, where there is more than one for a virtual model. */
export interface Assignment {
  /** Of the policy file; empty: the configuration's own policy. */
  readonly policyHash: string
  /** `live`, `canary`, `experiment:<id>/<variant>`. */
  readonly as: string
  /** With which it came to be this one, (0, 1]. The propensity is the policy's own, given that it was. */
  readonly probability: number
}

/** One routing choice, complete enough to be recomputed and to be evaluated off-policy. */
export interface Decision {
  readonly id: DecisionId
  readonly atMs: number
  readonly featureSpace: FeatureSpaceId
  readonly x: Float64Array
  readonly requestClass: string
  readonly policy: PolicySpec
  /** Absent: the configuration's policy drew, and there was no other. */
  readonly assignment?: Assignment
  readonly rates: UtilityRates
  /** False: nothing was done for the sake of learning (a learning policy took the best mean), and there is no floor. */
  readonly explore: boolean
  /** Total probability spread evenly over the eligible arms. */
  readonly floor: number
  /** Of a conversation: its last arm, and the utility that the policy saw on top of that arm's own. */
  readonly conversation?: ConversationNote
  /** Where the quality is held above a share of a baseline's. */
  readonly conservative?: ConservativeNote
  readonly salt: string
  /** The eligible arms; `probabilities` and `estimates` are in this order. */
  readonly eligible: readonly ArmId[]
  readonly exclusions: readonly Exclusion[]
  readonly estimates: readonly ArmEstimate[]
  /** Exact; sums to 1 within 1e-12. */
  readonly probabilities: Float64Array
  /** The drawn arm and its probability. */
  readonly arm: ArmId
  readonly propensity: number
}

/** How one upstream call ended, as far as learning is concerned. */
export interface Outcome {
  readonly arm: ArmId
  readonly succeeded: boolean
  readonly ttftMs?: number | undefined
  readonly totalMs?: number | undefined
  readonly outputTokens?: number | undefined
}
