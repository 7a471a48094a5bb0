/** `POST /v1/outcomes`: what came of a call that somebody else made → the store and the heads of speed, length and success. */
import { type AttemptRow, costUsd, type Usage } from '../../adapters/index.ts'
import type { Outcome } from '../../engine/index.ts'
import { serverError } from '../errors.ts'
import { readDecisionId, unknownDecision } from '../pipeline/decision-id.ts'
import { learnOutcome } from '../pipeline/learn.ts'
import type { RecentDecision } from '../pipeline/recent-decisions.ts'
import type { OutcomeBody, OutcomeReply } from '../routes/schemas/outcome.ts'
import type { Services } from '../services.ts'
import { eventTime } from './event-time.ts'
import { findKnown } from './known-decision.ts'
import { QUALITY, readValue } from './metric.ts'
import { taughtQuality } from './quality.ts'
import { takeReward } from './take-reward.ts'

const OK = 200
/** Statuses by which an upstream says that the request was at fault. */
const REQUEST_STATUSES: ReadonlySet<number> = new Set([400, 413, 422, 499])
const ERROR_CODE_DEFAULT = 'upstream_error'

/**
 * The outcome of one decision and attempt counts once, so a caller that lost the reply just sends it again.
 *
 * @throws {ServerError} 404 `decision_not_found`, 409 `outcome_not_expected`, 422 `invalid_outcome`, 503 `store_unavailable`
 */
export function takeOutcome(services: Services, tenant: string, body: OutcomeBody): Promise<OutcomeReply> {
  const nowMs = services.clock.nowMs()
  const atMs = eventTime(body.ts, nowMs, (message) => invalid('ts', message)) ?? Math.floor(nowMs)
  refuseContradictions(body)
  const id = readDecisionId(body.decision_id)
  return services.feedbackLock.run(id, async () => {
    const known = await findKnown(services, id, { anew: false })
    if (known === undefined || known.tenant !== tenant) throw unknownDecision(id)
    if (known.surface !== 'route') {
      throw serverError(
        'outcome_not_expected',
        `Decision ${id} was answered by this gateway; outcomes are for decisions of /v1/route. Send feedback instead.`,
        { shouldRetry: false },
      )
    }
    return take(services, known, body, atMs)
  })
}

async function take(
  services: Services,
  known: RecentDecision,
  body: OutcomeBody,
  atMs: number,
): Promise<OutcomeReply> {
  const { attempt, quality } = body
  known.outcomes ??= new Map()
  const isNew = !known.outcomes.has(attempt)
  const spentUsd = costOf(services, known, body)
  let learned = false
  if (isNew) {
    known.outcomes.set(attempt, body.success)
    learned = record(services, known, body, atMs, spentUsd)
  }
  // Also of a repetition: the first try may have ended between the two, and the key keeps it from counting twice.
  const judged =
    quality === undefined
      ? undefined
      : await takeReward(services, known, {
          metric: QUALITY,
          value: readValue(services.view().metrics.get(QUALITY), quality),
          source: 'outcome',
          key: `outcome:${attempt}`,
          atMs,
        })
  return {
    status: isNew ? 'recorded' : 'duplicate',
    learned,
    decision_id: known.context.id,
    attempt,
    arm: known.drawnArm,
    cost_usd: spentUsd ?? null,
    ...(judged !== undefined && { quality: judged }),
  }
}

/** @returns whether it was learned from */
function record(
  services: Services,
  known: RecentDecision,
  body: OutcomeBody,
  atMs: number,
  spentUsd: number | undefined,
): boolean {
  const { store, metrics } = services
  const { context, also, drawnArm: arm } = known
  const status: AttemptRow['status'] = body.success
    ? 'answered'
    : body.error?.cancelled === true
      ? 'cancelled'
      : 'failed'
  store.appendAttempt({
    decisionId: context.id,
    atMs,
    arm,
    index: body.attempt,
    status,
    upstreamStatus: body.success ? OK : body.error?.status,
    errorCode: body.success ? '' : (body.error?.code ?? ERROR_CODE_DEFAULT),
    errorMessage: body.error?.message?.slice(0, 1_000) ?? '',
    finishReason: body.finish_reason ?? '',
    ttftMs: body.ttft_ms,
    totalMs: body.total_ms,
    promptTokens: body.prompt_tokens,
    cachedTokens: body.cached_tokens,
    completionTokens: body.completion_tokens,
    reasoningTokens: body.reasoning_tokens,
    costUsd: spentUsd,
    usageEstimated: false,
  })
  metrics.attempted(arm, status)
  if (body.success) known.servedArm = arm
  else if (
    known.servedArm !== undefined &&
    taughtQuality(known.rewards) === undefined &&
    !hasAnswered(known)
  ) {
    known.servedArm = undefined
    known.account?.withdraw(context.id)
  }
  if (!body.success && !isArmsFault(body)) return false
  const outcome: Outcome = {
    arm,
    succeeded: body.success,
    ...(body.success && {
      totalMs: body.total_ms,
      ...(body.ttft_ms !== undefined && { ttftMs: body.ttft_ms }),
      ...(body.completion_tokens !== undefined && { outputTokens: body.completion_tokens }),
    }),
  }
  const { expectedTtftMs } = known
  const forecast = expectedTtftMs === undefined ? [] : [{ arm, ttftMs: expectedTtftMs }]
  let learned = false
  for (const each of [context, ...also]) {
    const inSpace = { ...context, ...each, estimates: forecast }
    learned = learnOutcome(services, inSpace, outcome, atMs) || learned
  }
  return learned
}

/** An answer that was told before is not undone by the failure of another attempt. */
function hasAnswered({ outcomes }: RecentDecision): boolean {
  return [...(outcomes?.values() ?? [])].includes(true)
}

function isArmsFault({ error }: OutcomeBody): boolean {
  return error?.cancelled !== true && !REQUEST_STATUSES.has(error?.status ?? 0)
}

function costOf(services: Services, { drawnArm }: RecentDecision, body: OutcomeBody): number | undefined {
  if (body.cost_usd !== undefined) return body.cost_usd
  const price = services.view().registry.arms.get(drawnArm)?.arm.price
  if (price === undefined) return undefined
  const usage: Usage = {
    promptTokens: body.prompt_tokens,
    completionTokens: body.completion_tokens,
    cachedTokens: body.cached_tokens,
    cacheWriteTokens: undefined,
    reasoningTokens: body.reasoning_tokens,
    costUsd: undefined,
  }
  return costUsd(usage, price)
}

/** What cannot be true is told, not learned from. */
function refuseContradictions(body: OutcomeBody): void {
  const { success, error, ttft_ms, total_ms, cached_tokens, prompt_tokens } = body
  if (success && error !== undefined) throw invalid('error', 'goes with success: false only')
  if (ttft_ms !== undefined && ttft_ms > total_ms) {
    throw invalid('ttft_ms', `${ttft_ms} is more than total_ms, ${total_ms}`)
  }
  if (cached_tokens !== undefined && cached_tokens > (prompt_tokens ?? Number.POSITIVE_INFINITY)) {
    throw invalid('cached_tokens', `${cached_tokens} is more than prompt_tokens, ${prompt_tokens}`)
  }
  if (!success && body.quality !== undefined) {
    throw invalid('quality', 'goes with success: true only; what did not answer has no quality')
  }
}

function invalid(field: string, message: string): Error {
  return serverError('invalid_outcome', `${field}: ${message}.`, { param: field, shouldRetry: false })
}
