/** What happened → the store, the heads, the breakers and the metrics. Called when the caller has what it asked for. */
import type { AttemptRow, FinishReason, OtherContext, UpstreamError } from '../../adapters/index.ts'
import type { ArmId, Decision, DecisionId, Outcome } from '../../engine/index.ts'
import { policyLabel } from '../policies/slot.ts'
import { promptOf } from '../privacy/keep-prompt.ts'
import { isArmsFault } from '../resilience/health.ts'
import type { Services } from '../services.ts'
import type { Bill } from './bill.ts'
import { type ConversationKeys, tokensLeftWarm } from './conversations.ts'
import { learnOutcome } from './learn.ts'
import type { Leg } from './leg.ts'
import type { Task } from './task.ts'

const ERROR_MESSAGE_CHARS_MAX = 1_000

/** What later steps look up is there at once; the log is written when the turn ends. */
export function recordDecision(
  services: Services,
  task: Task,
  decision: Decision,
  also: readonly OtherContext[],
  parentId: DecisionId | undefined,
): void {
  const routesOnly = task.surface === 'route'
  const account = services.accounts.of(task.model)
  services.recent.put({
    context: { id: decision.id, featureSpace: decision.featureSpace, x: decision.x, atMs: decision.atMs },
    also,
    tenant: task.tenant.name,
    surface: task.surface,
    drawnArm: decision.arm,
    expectedTtftMs: routesOnly ? forecastTtftMs(decision) : undefined,
    outcomes: undefined,
    account,
    // Whoever asked for a decision only makes the call itself: its feedback is about the drawn arm.
    servedArm: routesOnly ? decision.arm : undefined,
    running: !routesOnly,
    rewards: [],
  })
  services.turnEnd.record(() => logDecision(services, task, decision, also, parentId))
}

function logDecision(
  services: Services,
  task: Task,
  decision: Decision,
  also: readonly OtherContext[],
  parentId: DecisionId | undefined,
): void {
  services.store.appendDecision({
    decision,
    requestId: task.requestId,
    parentId,
    tenant: task.tenant.name,
    session: task.session,
    userHash: task.userHash,
    requestedModel: task.requestedModel,
    surface: task.surface,
    stream: task.stream,
    promptTokens: task.facts.promptTokens,
    metadata: task.metadata,
    also,
  })
  const { exposure } = task.assigned
  if (exposure !== undefined) {
    services.store.appendAssignment({
      ...exposure,
      decisionId: decision.id,
      isFirst: parentId === undefined,
      requestClass: decision.requestClass,
      promptTokens: task.facts.promptTokens,
    })
  }
  const { prompts } = task.view.registry
  // A failover answers the same prompt. What a judge reads holds the answer too, and would be kept where no erasure of its
  // tenant or user looks.
  if (prompts !== undefined && parentId === undefined && task.surface !== 'judge') {
    services.store.appendPrompt({
      decisionId: decision.id,
      tenant: task.tenant.name,
      ...promptOf(task.request.messages, prompts),
    })
  }
  services.metrics.decided(decision.arm, decision.requestClass, policyLabel(decision))
}

function forecastTtftMs({ estimates, arm }: Decision): number | undefined {
  return estimates.find((estimate) => estimate.arm === arm)?.ttftMs
}

export interface Answered {
  readonly bill: Bill
  readonly finish: FinishReason
  /** Of streams only. */
  readonly ttftMs: number | undefined
  readonly totalMs: number
  /** Spent in the gateway itself, up to the first byte. */
  readonly overheadMs: number
}

/** The arm is free at once; what its answer teaches is learned when the turn ends. */
export function recordAnswered(services: Services, task: Task, leg: Leg, answered: Answered): void {
  const { id, arm } = leg.decision
  endCall(services, leg)
  services.recent.settle(id, arm)
  services.health.succeed(arm)
  services.turnEnd.record(() => learnFromAnswer(services, task, leg, answered))
}

/** First of all that is recorded: whatever of the rest fails, the arm is not busy any more. */
function endCall(services: Services, { ending, decision }: Leg): void {
  if (ending.isOver) return
  ending.isOver = true
  services.load.end(decision.arm)
}

function learnFromAnswer(services: Services, task: Task, leg: Leg, answered: Answered): void {
  const { bill, finish, ttftMs, totalMs, overheadMs } = answered
  const { arm } = leg.decision
  append(services, leg, {
    status: 'answered',
    finishReason: finish.raw ?? finish.unified,
    ttftMs,
    totalMs,
    bill,
  })
  learn(services, leg, {
    arm,
    succeeded: true,
    totalMs,
    // A length that was counted for want of a better one is no outcome to learn from.
    outputTokens: bill.estimated ? undefined : bill.completionTokens,
    ttftMs,
  })
  if (task.conversation !== undefined) keepTurn(services, task.conversation, task, arm, bill)
  services.metrics.observeAnswer(arm, { ttftMs, totalMs, bill })
  services.metrics.overhead.observe(overheadMs / 1_000)
}

/** Where nothing was cached and staying is worth nothing, it does not matter who gave this turn. */
function keepTurn(
  { conversations, clock }: Services,
  keys: ConversationKeys,
  { model }: Task,
  arm: ArmId,
  { usage, promptTokens }: Bill,
): void {
  const tokens = tokensLeftWarm(usage, promptTokens)
  if (tokens > 0 || model.switchMargin > 0) conversations.remember(keys, { arm, tokens, atMs: clock.nowMs() })
  else conversations.forget(keys)
}

export interface Failure {
  readonly error: UpstreamError
  /** `failed`: the caller has seen nothing of it; `cut`: it broke off in the caller's hands; `cancelled`: by the caller. */
  readonly status: 'failed' | 'cut' | 'cancelled'
  readonly totalMs: number
  readonly ttftMs?: number | undefined
  /** What had been used when it ended, where that is known. */
  readonly bill?: Bill | undefined
}

export function recordFailure(services: Services, leg: Leg, failure: Failure): void {
  const { error, status } = failure
  const { id, arm } = leg.decision
  endCall(services, leg)
  const nowMs = services.clock.nowMs()
  services.recent.settle(id, undefined)
  services.recent.find(id)?.account?.withdraw(id)
  if (status === 'cancelled') services.health.abandon(arm, nowMs)
  else services.health.fail(arm, error, nowMs)
  append(services, leg, { ...failure, finishReason: '' })
  if (status !== 'cancelled' && isArmsFault(error)) learn(services, leg, { arm, succeeded: false })
}

function learn(services: Services, { decision, also }: Leg, outcome: Outcome): void {
  const nowMs = services.clock.nowMs()
  learnOutcome(services, decision, outcome, nowMs)
  for (const context of also) learnOutcome(services, { ...decision, ...context }, outcome, nowMs)
}

interface Ending {
  readonly status: AttemptRow['status']
  readonly error?: UpstreamError
  readonly finishReason: string
  readonly ttftMs?: number | undefined
  readonly totalMs: number
  readonly bill?: Bill | undefined
}

function append(services: Services, leg: Leg, ending: Ending): void {
  const { error, bill } = ending
  services.store.appendAttempt({
    decisionId: leg.decision.id,
    atMs: services.clock.nowMs(),
    arm: leg.decision.arm,
    index: leg.index,
    status: ending.status,
    upstreamStatus: error === undefined ? 200 : error.upstreamStatus,
    errorCode: error?.code ?? '',
    errorMessage: error?.message.slice(0, ERROR_MESSAGE_CHARS_MAX) ?? '',
    finishReason: ending.finishReason,
    ttftMs: ending.ttftMs,
    totalMs: ending.totalMs,
    promptTokens: bill?.promptTokens,
    cachedTokens: bill?.usage.cachedTokens,
    completionTokens: bill?.completionTokens,
    reasoningTokens: bill?.usage.reasoningTokens,
    costUsd: bill?.costUsd,
    usageEstimated: bill?.estimated ?? false,
  })
  services.metrics.attempted(leg.decision.arm, ending.status)
}
