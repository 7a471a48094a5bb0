/** Calls arms until one answers: every failover is a decision of its own over the arms that are left. */
import { performance } from 'node:perf_hooks'
import { UpstreamError } from '../../adapters/index.ts'
import type { ArmId, DecisionId } from '../../engine/index.ts'
import type { Ruling } from '../registry-view.ts'
import { END_REASON, type Flight } from '../resilience/in-flight.ts'
import type { Services } from '../services.ts'
import { inStep } from '../turn-end.ts'
import { type DecideOutcome, decide, noEligibleArm } from './decide.ts'
import { allFailed, refused, shuttingDown } from './failure.ts'
import type { Leg, Trail } from './leg.ts'
import { recordFailure } from './record.ts'
import type { Task } from './task.ts'

/**
 * The call that answers is over when `answer` returns: what that did not record, or threw before it did, is recorded here, so that no
 * arm stays busy with a call that nobody is waiting for.
 *
 * @param attempt makes the call; it throws an {@link UpstreamError} only while the caller has seen nothing of an answer
 * @param answer hands on what the call brought and records it
 * @throws {ServerError} when no arm is eligible, every arm that was tried failed, the request itself is at fault, or the
 *   flight was ended; and what `answer` throws
 */
export async function callArms<T, R>(
  services: Services,
  task: Task,
  flight: Flight,
  trail: Trail,
  attempt: (leg: Leg) => Promise<T>,
  answer: (leg: Leg, value: T) => R | Promise<R>,
): Promise<R> {
  const { maxAttempts } = task.view.registry.server
  const tried = new Map<ArmId, Ruling>()
  let parentId: DecisionId | undefined
  for (let index = 0; index < maxAttempts; index++) {
    const outcome = decide(services, task, tried, parentId)
    if (outcome.kind === 'no-eligible-arm') {
      if (index > 0) break
      throw noEligibleArm(services, task, outcome.exclusions)
    }
    const leg = begin(services, task, flight, outcome, index)
    trail.decision = leg.decision
    flight.decision = leg.decision
    parentId = leg.decision.id
    await inStep()
    let value: T
    try {
      value = await attempt(leg)
    } catch (thrown) {
      const error = asUpstreamError(services, leg, thrown)
      fail(services, flight, trail, leg, error)
      tried.set(leg.decision.arm, { reason: 'already_tried', detail: error.code })
      if (error.code === 'context_length_exceeded') excludeNoLarger(services, leg, tried)
      continue
    }
    trail.upstreamMs += performance.now() - leg.startedAt
    return await handOver(services, leg, value, answer)
  }
  throw allFailed(trail)
}

async function handOver<T, R>(
  services: Services,
  leg: Leg,
  value: T,
  answer: (leg: Leg, value: T) => R | Promise<R>,
): Promise<R> {
  try {
    await inStep()
    return await answer(leg, value)
  } finally {
    if (!leg.ending.isOver) {
      const totalMs = performance.now() - leg.startedAt
      // The arm did answer: it says nothing of the arm that nobody got to see it.
      recordFailure(services, leg, { error: faultOf(leg, undefined), status: 'cancelled', totalMs })
    }
  }
}

function begin(
  services: Services,
  task: Task,
  flight: Flight,
  { decision, also }: Extract<DecideOutcome, { kind: 'decided' }>,
  index: number,
): Leg {
  const arm = services.view().registry.arms.get(decision.arm)
  const provider = arm && services.providers(arm.provider)
  // A reload puts registry, arms and providers in force at once, so this is a fault of the composition.
  if (arm === undefined || provider === undefined) throw new Error(`arm ${decision.arm} has no provider`)
  services.health.begin(decision.arm, services.clock.nowMs())
  services.load.begin(decision.arm)
  return {
    decision,
    also,
    arm,
    provider,
    call: { model: arm.upstreamModel, request: task.request, signal: flight },
    index,
    startedAt: performance.now(),
    ending: { isOver: false },
  }
}

/** @throws {ServerError} unless another arm may be tried */
function fail(services: Services, flight: Flight, trail: Trail, leg: Leg, error: UpstreamError): void {
  const totalMs = performance.now() - leg.startedAt
  trail.upstreamMs += totalMs
  const status = flight.ended === undefined ? 'failed' : 'cancelled'
  recordFailure(services, leg, { error, status, totalMs })
  trail.failed.push({ arm: leg.decision.arm, error })
  if (flight.ended === END_REASON.shutdown) throw shuttingDown(trail)
  if (flight.ended === END_REASON.callerGone || error.retry === 'never') throw refused(error, trail)
}

/** What did not fit into this arm's window will not fit into a smaller one. */
function excludeNoLarger(services: Services, leg: Leg, tried: Map<ArmId, Ruling>): void {
  const windowTokens = leg.arm.arm.contextWindowTokens
  if (windowTokens === undefined) return
  for (const [id, { arm }] of services.view().registry.arms) {
    const other = arm.contextWindowTokens
    if (tried.has(id) || other === undefined || other > windowTokens) continue
    tried.set(id, {
      reason: 'context_window',
      detail: `${other} ≤ ${windowTokens} tokens of ${leg.decision.arm}`,
    })
  }
}

/** Anything else that an adapter throws is a fault of ours; the caller gets another arm all the same. */
export function asUpstreamError(services: Services, leg: Leg, thrown: unknown): UpstreamError {
  if (thrown instanceof UpstreamError) return thrown
  services.log.error({ err: thrown, arm: leg.decision.arm, decisionId: leg.decision.id }, 'adapter fault')
  return faultOf(leg, thrown)
}

function faultOf(leg: Leg, cause: unknown): UpstreamError {
  return new UpstreamError({
    message: `The call to ${leg.decision.arm} failed inside the gateway`,
    code: 'upstream_error',
    type: 'upstream_error',
    httpStatus: 502,
    retry: 'other',
    cause,
  })
}
