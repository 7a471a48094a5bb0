/** One routing choice for a task, over the arms that are left. */
import type { OtherContext } from '../../adapters/index.ts'
import type { ArmId, Decision, DecisionId, Exclusion } from '../../engine/index.ts'
import { type ServerError, serverError } from '../errors.ts'
import type { Ruling, Rulings } from '../registry-view.ts'
import type { Services } from '../services.ts'
import { recordDecision } from './record.ts'
import type { Task } from './task.ts'

/** Nothing that a little time mends: only another configuration does. */
const HOPELESS_RETRY_MS = 60_000
const EXCLUSIONS_TOLD_MAX = 8

export type DecideOutcome =
  | {
      readonly kind: 'decided'
      readonly decision: Decision
      /** The request in the other feature spaces, which learn along. */
      readonly also: readonly OtherContext[]
    }
  | { readonly kind: 'no-eligible-arm'; readonly exclusions: readonly Exclusion[] }

/**
 * Decides and records the decision.
 *
 * @param tried arms that this request has tried already
 * @param parentId the decision that failed before this one
 */
export function decide(
  services: Services,
  task: Task,
  tried: Rulings,
  parentId: DecisionId | undefined,
): DecideOutcome {
  const { model, assigned } = task
  const { slot, assignment } = assigned
  const atMs = services.clock.nowMs()
  const blocked = blockedArms(services, task, tried, atMs)
  const account = services.accounts.of(model)
  const warmCache = task.conversation && services.conversations.recall(task.conversation, atMs)
  const result = slot.router.decide({
    id: services.ids.next(),
    atMs,
    facts: task.facts,
    candidates: model.arms,
    policy: slot.policy,
    assignment,
    preferences: task.preferences,
    constraints: task.constraints,
    explore: task.explore,
    floor: slot.floor,
    inFlight: services.load.running,
    switchMargin: model.switchMargin,
    warmCache,
    conservative: account,
    blocked,
  })
  if (result.kind !== 'decided') return result
  const { decision } = result
  const also = alsoOf(task)
  account?.commit(decision)
  recordDecision(services, task, decision, also, parentId)
  return { kind: 'decided', decision, also }
}

const NO_OTHERS: readonly OtherContext[] = []

function alsoOf({ alsoFacts }: Task): readonly OtherContext[] {
  if (alsoFacts.length === 0) return NO_OTHERS
  return alsoFacts.map(({ space, facts }) => ({ featureSpace: space.id, x: space.vector(facts) }))
}

/** Having been tried is the nearest reason, then what the lists say, then health. */
function blockedArms(services: Services, task: Task, tried: Rulings, nowMs: number): Rulings {
  let blocked: Map<ArmId, Ruling> | undefined
  for (const [arm, detail] of services.health.unfit(nowMs)) {
    blocked ??= new Map()
    blocked.set(arm, { reason: 'unhealthy', detail })
  }
  if (blocked === undefined && tried.size === 0) return task.rulings
  return new Map([...(blocked ?? []), ...task.rulings, ...tried])
}

/** What a caller is told when the first decision had no arm to choose from. */
export function noEligibleArm(services: Services, task: Task, exclusions: readonly Exclusion[]): ServerError {
  if (exclusions.length > 0 && exclusions.every(({ reason }) => reason === 'context_window')) {
    return serverError(
      'context_length_exceeded',
      `The request needs more tokens than any arm of "${task.requestedModel}" has room for: ${listOf(exclusions)}.`,
      { param: 'messages', exclusions, shouldRetry: false },
    )
  }
  const ailing = exclusions.filter(({ reason }) => reason === 'unhealthy').map(({ arm }) => arm)
  const why =
    exclusions.length === 0
      ? `"${task.requestedModel}" has no arms; give it some in the configuration`
      : listOf(exclusions)
  return serverError('no_eligible_arm', `No arm may serve this request: ${why}.`, {
    exclusions,
    ...(ailing.length > 0
      ? { retryAfterMs: Math.max(1, services.health.waitMs(ailing, services.clock.nowMs())) }
      : { retryAfterMs: HOPELESS_RETRY_MS, shouldRetry: false }),
  })
}

function listOf(exclusions: readonly Exclusion[]): string {
  const told = exclusions
    .slice(0, EXCLUSIONS_TOLD_MAX)
    .map(({ arm, reason, detail }) => `${arm}: ${reason} (${detail})`)
  const more = exclusions.length - told.length
  return `${told.join('; ')}${more > 0 ? `; and ${more} more` : ''}`
}
