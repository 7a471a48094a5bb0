/** One row of the log as evaluation reads it: a decision with everything that came of it, wherever it is kept. */
import type { ArmId, Decision, DecisionId } from './types.ts'

/** Why the caller was served by the arm it was: as drawn, another after a failure, none, or the caller's own doing. */
export const SERVED_REASONS = ['drawn', 'failover', 'unanswered', 'caller'] as const
export type ServedReason = (typeof SERVED_REASONS)[number]

/** One upstream call under a decision or one of those that replaced it. */
export interface LoggedAttempt {
  readonly decisionId: DecisionId
  readonly atMs: number
  readonly arm: ArmId
  /** 0, 1, … within the request. */
  readonly index: number
  readonly status: 'answered' | 'failed' | 'cut' | 'cancelled'
  readonly upstreamStatus: number | undefined
  readonly errorCode: string
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

/** One feedback value; the latest of a metric replaces those before it. */
export interface LoggedReward {
  readonly rewardId: string
  readonly decisionId: DecisionId
  readonly atMs: number
  readonly metric: string
  /** Undefined: what was said before is taken back. */
  readonly value: number | string | undefined
  readonly source: string
  readonly idempotencyKey: string
  /** Values that the decision had when this one was taken. Absent: none, or unknown. */
  readonly position?: number
  /** Present where the value changed what was learned: the decision's quality from then on, [0, 1]; null for none. */
  readonly quality?: number | null
}

/**
 * A decision, its surroundings and its outcome. The outcome is that of the whole request from this decision on: of a first
 * decision, what the caller got; of a failover, what was left of it. A propensity is the drawn arm's, so an estimator uses a
 * row with the outcome of the request, or leaves it out where `servedReason` is not `drawn`.
 */
export interface LoggedDecision extends Omit<Decision, 'conversation' | 'conservative'> {
  /** The decision this one replaced after a failure; undefined for the first of a request. */
  readonly parentId: DecisionId | undefined
  readonly requestId: string
  readonly tenant: string
  readonly session: string
  /** Empty: the caller named no user. */
  readonly userHash: string
  readonly requestedModel: string
  readonly surface: string
  readonly stream: boolean
  readonly promptTokens: number
  readonly metadata: Readonly<Record<string, string>>

  /** Whose answer the caller got; undefined where nobody answered. */
  readonly servedArm: ArmId | undefined
  readonly servedReason: ServedReason
  /** In the order they were made. */
  readonly attempts: readonly LoggedAttempt[]
  /** Of all attempts together; undefined where none told its cost. */
  readonly costUsd: number | undefined
  /** To the first token of the answer, failed attempts before it included; of streams. */
  readonly ttftMs: number | undefined
  /** Of all attempts together; undefined without any. */
  readonly totalMs: number | undefined
  /** Of the answer. */
  readonly completionTokens: number | undefined
  readonly finishReason: string
  /** In the order of their times. */
  readonly rewards: readonly LoggedReward[]
}
