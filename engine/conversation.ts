/** What a conversation's last turn means for the next: a warm prompt cache, and a margin for staying where it is. */
import { EngineError } from './errors.ts'
import { type Context, cachedTokens } from './estimate.ts'
import type { DecideRequest } from './router-types.ts'
import type { Arm, ArmEstimate, ArmId, ConversationNote } from './types.ts'

export interface Conversation {
  readonly arm: ArmId
  readonly switchMargin: number
}

/** @throws {EngineError} `engine_bad_config` naming the field, the value and the range */
export function conversationOf({ warmCache, switchMargin = 0 }: DecideRequest): Conversation | undefined {
  if (!(switchMargin >= 0 && switchMargin < Number.POSITIVE_INFINITY)) {
    throw new EngineError(
      'engine_bad_config',
      `switchMargin must be a number of at least 0, got ${switchMargin}`,
    )
  }
  if (warmCache === undefined) return undefined
  for (const field of ['tokens', 'ageMs'] as const) {
    const value = warmCache[field]
    if (!(value >= 0)) {
      throw new EngineError('engine_bad_config', `warmCache.${field} must be at least 0, got ${value}`)
    }
  }
  return { arm: warmCache.arm, switchMargin }
}

/**
 * Mean utilities as the policy sees them. The margin goes to the arm that holds the conversation, before there is a
 * distribution: whatever the policy makes of it is the exact propensity.
 */
export function withMargin(
  estimates: readonly ArmEstimate[],
  conversation: Conversation | undefined,
): Float64Array {
  const means = new Float64Array(estimates.length)
  for (let i = 0; i < means.length; i++) {
    const { arm, utility } = estimates[i]!
    means[i] = arm === conversation?.arm ? utility.mean + conversation.switchMargin : utility.mean
  }
  return means
}

/** For the log. */
export function conversationNote(
  { arm: id, switchMargin }: Conversation,
  arms: ReadonlyMap<ArmId, Arm>,
  context: Context,
): ConversationNote {
  const arm = arms.get(id)
  return { arm: id, cachedTokens: arm === undefined ? 0 : cachedTokens(arm, context), switchMargin }
}
