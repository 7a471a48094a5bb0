/** Decisions in the words of the API. */
import type { AttemptRow, DecisionRecord, RewardRow } from '../../adapters/index.ts'
import type {
  ArmEstimate,
  Assignment,
  ConservativeNote,
  ConversationNote,
  Decision,
  FeatureSpace,
} from '../../engine/index.ts'
import { refuseWithoutStore, servedArmOf } from '../rewards/known-decision.ts'
import type { Metrics } from '../rewards/metric.ts'
import { type Standing, standingsOf } from '../rewards/quality.ts'
import { kindOf } from '../rewards/source.ts'
import type { DecisionReply, RouteReply } from '../routes/schemas/decision.ts'
import type { Services } from '../services.ts'
import { decide, noEligibleArm } from './decide.ts'
import { readDecisionId, unknownDecision } from './decision-id.ts'
import type { Task } from './task.ts'

const NOTHING_TRIED = new Map()

/** Decides for somebody else, who makes the call. @throws {ServerError} 503 `no_eligible_arm` */
export function routeOnly(services: Services, task: Task): { decision: Decision; reply: RouteReply } {
  const outcome = decide(services, task, NOTHING_TRIED, undefined)
  if (outcome.kind === 'no-eligible-arm') throw noEligibleArm(services, task, outcome.exclusions)
  const { decision } = outcome
  const registered = services.view().registry.arms.get(decision.arm)
  const reply: RouteReply = {
    object: 'routing.decision',
    ...choiceOf(decision),
    provider: registered?.provider ?? '',
    upstream_model: registered?.upstreamModel ?? '',
    prompt_tokens: task.facts.promptTokens,
    warnings: [...task.warnings],
  }
  return { decision, reply }
}

/** Everything known of one decision. @throws {ServerError} 404 also when it is another tenant's */
export async function explainDecision(
  services: Services,
  tenant: string,
  idText: string,
): Promise<DecisionReply> {
  const id = readDecisionId(idText)
  const record = await services.store.findDecision(id).catch(refuseWithoutStore)
  if (record === undefined || record.row.tenant !== tenant) throw unknownDecision(idText)
  return decisionReply(
    record,
    services.slots.spaceOf(record.row.decision.featureSpace),
    services.view().metrics,
  )
}

function decisionReply(
  { row, attempts, rewards }: DecisionRecord,
  space: FeatureSpace | undefined,
  metrics: Metrics,
): DecisionReply {
  const { decision } = row
  const { standings, quality } = standingsOf(rewards, metrics, decision.atMs)
  return {
    object: 'decision',
    ...choiceOf(decision),
    created_ms: decision.atMs,
    request_id: row.requestId,
    parent_id: row.parentId ?? null,
    session: row.session,
    requested_model: row.requestedModel,
    surface: row.surface,
    stream: row.stream,
    prompt_tokens: row.promptTokens,
    metadata: { ...row.metadata },
    salt: decision.salt,
    context: { feature_space: decision.featureSpace, features: featuresOf(decision, space) },
    served_arm: servedArmOf(row.surface, decision.arm, attempts, rewards) ?? null,
    attempts: attempts.map(attemptBody),
    quality: quality ?? null,
    rewards: rewards.map((reward, i) => rewardBody(reward, standings[i] ?? 'kept')),
  }
}

function choiceOf(decision: Decision) {
  const { eligible, probabilities, rates } = decision
  return {
    decision_id: decision.id,
    arm: decision.arm,
    propensity: decision.propensity,
    policy: { ...decision.policy },
    ...(decision.assignment !== undefined && { assignment: assignmentBody(decision.assignment) }),
    class: decision.requestClass,
    explore: decision.explore,
    floor: decision.floor,
    ...(decision.conversation !== undefined && { conversation: conversationBody(decision.conversation) }),
    ...(decision.conservative !== undefined && { conservative: conservativeBody(decision.conservative) }),
    rates: { per_usd: rates.perUsd, per_second: rates.perSecond, per_failure: rates.perFailure },
    probabilities: Object.fromEntries(eligible.map((arm, i) => [arm, probabilities[i] ?? 0])),
    estimates: decision.estimates.map((estimate, i) => estimateBody(estimate, probabilities[i] ?? 0)),
    exclusions: decision.exclusions.map((exclusion) => ({ ...exclusion })),
  }
}

function assignmentBody({ policyHash, as, probability }: Assignment) {
  return { policy_hash: policyHash === '' ? null : policyHash, as, probability }
}

function conversationBody({ arm, cachedTokens, switchMargin }: ConversationNote) {
  return { arm, cached_tokens: cachedTokens, switch_margin: switchMargin }
}

function conservativeBody({ baseline, alpha, slack, heldMass, baselineQuality }: ConservativeNote) {
  return { baseline, alpha, slack, held_mass: heldMass, baseline_quality: baselineQuality }
}

function estimateBody(estimate: ArmEstimate, probability: number) {
  return {
    arm: estimate.arm,
    probability,
    quality: estimate.quality,
    cost_usd: estimate.costUsd,
    latency_ms: estimate.latencyMs,
    ttft_ms: estimate.ttftMs,
    tpot_ms: estimate.tpotMs,
    output_tokens: estimate.outputTokens,
    success: estimate.success,
    utility: estimate.utility,
  }
}

function featuresOf({ x }: Decision, space: FeatureSpace | undefined): Record<string, number> {
  const nameOf = (i: number) => space?.names[i] ?? String(i)
  return Object.fromEntries([...x].map((value, i) => [nameOf(i), value]))
}

function attemptBody(attempt: AttemptRow): DecisionReply['attempts'][number] {
  const { errorCode, errorMessage, finishReason } = attempt
  return {
    index: attempt.index,
    at_ms: attempt.atMs,
    arm: attempt.arm,
    status: attempt.status,
    upstream_status: attempt.upstreamStatus ?? null,
    error: errorCode === '' ? null : { code: errorCode, message: errorMessage },
    finish_reason: finishReason === '' ? null : finishReason,
    ttft_ms: attempt.ttftMs ?? null,
    total_ms: attempt.totalMs,
    prompt_tokens: attempt.promptTokens ?? null,
    cached_tokens: attempt.cachedTokens ?? null,
    completion_tokens: attempt.completionTokens ?? null,
    reasoning_tokens: attempt.reasoningTokens ?? null,
    cost_usd: attempt.costUsd ?? null,
    usage_estimated: attempt.usageEstimated,
  }
}

function rewardBody(reward: RewardRow, state: Standing): DecisionReply['rewards'][number] {
  return {
    metric: reward.metric,
    value: reward.valueNumber ?? (reward.valueText === '' ? null : reward.valueText),
    at_ms: reward.atMs,
    source: reward.source,
    source_kind: kindOf(reward.source),
    state,
    idempotency_key: reward.idempotencyKey === '' ? null : reward.idempotencyKey,
  }
}
