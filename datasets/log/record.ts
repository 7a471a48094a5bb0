/**
 * A logged decision as JSON: what a line of JSONL is, what a row of Parquet is made of, and what stands under `highwayman`
 * in a dsjson line. Names are those of the HTTP API. Numbers keep every bit but
 * the sign of a zero; one that is not finite is null.
 */
import { z } from 'zod'
import type {
  ArmEstimate,
  ArmId,
  Assignment,
  Belief,
  DecisionId,
  Exclusion,
  FeatureSpaceId,
  LoggedAttempt,
  LoggedDecision,
  LoggedReward,
  PolicySpec,
} from '../../engine/index.ts'
import { describeFirstIssue } from '../issues.ts'
import { DatasetError } from '../types.ts'

const PROBABILITY_SLACK = 1e-6

const text = z.string('expected a string')
const name = text.min(1, 'expected a non-empty string')
const id = z.uuid('expected a UUID')
const number = z.number('expected a number')
/** NaN and infinities have no JSON. */
const maybeNumber = number.nullable()
/** USD and ms: whatever was paid or waited for, a log with less than nothing was not written by a gateway. */
const amount = number.min(0, 'expected a number ≥ 0')
const maybeAmount = amount.nullable()
const count = z.int('expected a whole number ≥ 0').min(0, 'expected a whole number ≥ 0')
const share = number.min(0, 'expected a number in [0, 1]').max(1, 'expected a number in [0, 1]')
const time = z.iso.datetime({ offset: true, error: 'expected a time such as 2026-01-31T12:00:00.000Z' })
const truth = z.boolean('expected true or false')
const belief = z.object({ mean: maybeNumber, sd: maybeNumber })

const estimateSchema = z.object({
  quality: belief,
  cost_usd: belief,
  ttft_ms: maybeNumber,
  tpot_ms: maybeNumber,
  output_tokens: maybeNumber,
  latency_ms: belief,
  success: belief,
  utility: belief,
})

const attemptSchema = z.object({
  decision_id: id,
  ts: time,
  arm: name,
  index: count,
  status: z.enum(['answered', 'failed', 'cut', 'cancelled'], 'expected answered, failed, cut or cancelled'),
  upstream_status: count.nullable(),
  error_code: text,
  finish_reason: text,
  ttft_ms: maybeAmount,
  total_ms: amount,
  prompt_tokens: count.nullable(),
  cached_tokens: count.nullable(),
  completion_tokens: count.nullable(),
  reasoning_tokens: count.nullable(),
  cost_usd: maybeAmount,
  usage_estimated: truth,
})

const rewardSchema = z.object({
  reward_id: name,
  decision_id: id,
  ts: time,
  metric: name,
  value: z.union([number, text], 'expected a number, a string or null').nullable(),
  source: text,
  idempotency_key: text,
  position: count.optional(),
  quality: share.nullable().optional(),
})

export const logRecordSchema = z.object(
  {
    decision_id: id,
    ts: time,
    parent_id: id.nullable(),
    request_id: text,
    tenant: text,
    session: text,
    user_hash: text,
    requested_model: text,
    surface: text,
    stream: truth,
    prompt_tokens: count,
    metadata: z.record(text, text, 'expected an object of strings'),
    assignment: z.object({ policy_hash: text, as: name, probability: share }).nullish(),
    class: text,
    feature_space: text,
    x: z.array(maybeNumber, 'expected a list of numbers'),
    policy: z.looseObject({ name }, 'expected an object with a name'),
    rates: z.object({ per_usd: number, per_second: number, per_failure: number }),
    explore: truth,
    floor: share,
    salt: text,
    eligible: z.array(name, 'expected a list of arms').min(1, 'expected at least one arm'),
    probabilities: z.array(share, 'expected a list of numbers'),
    estimates: z.array(estimateSchema, 'expected a list of estimates'),
    exclusions: z.array(z.object({ arm: name, reason: name, detail: text })),
    arm: name,
    propensity: share,
    served_arm: name.nullable(),
    served_reason: z.enum(
      ['drawn', 'failover', 'unanswered', 'caller'],
      'expected drawn, failover, unanswered or caller',
    ),
    attempts: z.array(attemptSchema),
    cost_usd: maybeAmount,
    ttft_ms: maybeAmount,
    total_ms: maybeAmount,
    completion_tokens: count.nullable(),
    finish_reason: text,
    rewards: z.array(rewardSchema),
  },
  'expected an object',
)
export type LogRecord = z.output<typeof logRecordSchema>

/** A decision and where it was read, for messages: `file:line`, of Parquet `file:row`. */
export interface PlacedDecision {
  readonly decision: LoggedDecision
  readonly where: string
}

export function toRecord(row: LoggedDecision): LogRecord {
  return {
    decision_id: row.id,
    ts: isoTime(row.atMs),
    parent_id: row.parentId ?? null,
    request_id: row.requestId,
    tenant: row.tenant,
    session: row.session,
    user_hash: row.userHash,
    requested_model: row.requestedModel,
    surface: row.surface,
    stream: row.stream,
    prompt_tokens: row.promptTokens,
    metadata: row.metadata,
    ...(row.assignment !== undefined && { assignment: assignmentRecord(row.assignment) }),
    class: row.requestClass,
    feature_space: row.featureSpace,
    x: Array.from(row.x, finite),
    policy: { ...row.policy },
    rates: {
      per_usd: row.rates.perUsd,
      per_second: row.rates.perSecond,
      per_failure: row.rates.perFailure,
    },
    explore: row.explore,
    floor: row.floor,
    salt: row.salt,
    eligible: [...row.eligible],
    probabilities: [...row.probabilities],
    estimates: row.estimates.map(estimateRecord),
    exclusions: row.exclusions.map(({ arm, reason, detail }) => ({ arm, reason, detail })),
    arm: row.arm,
    propensity: row.propensity,
    served_arm: row.servedArm ?? null,
    served_reason: row.servedReason,
    attempts: row.attempts.map(attemptRecord),
    cost_usd: row.costUsd ?? null,
    ttft_ms: row.ttftMs ?? null,
    total_ms: row.totalMs ?? null,
    completion_tokens: row.completionTokens ?? null,
    finish_reason: row.finishReason,
    rewards: row.rewards.map(rewardRecord),
  }
}

/**
 * Validates a record and gives the decision it describes.
 *
 * @param where `file:line`, the beginning of every message
 * @throws {DatasetError} `dataset_bad_line`
 */
export function fromRecord(json: unknown, where: string): LoggedDecision {
  const parsed = logRecordSchema.safeParse(json)
  if (!parsed.success) throw badRecord(where, describeFirstIssue(parsed.error, json))
  const record = parsed.data
  checkDistribution(record, where)
  const { per_usd: perUsd, per_second: perSecond, per_failure: perFailure } = record.rates
  return {
    id: record.decision_id as DecisionId,
    atMs: Date.parse(record.ts),
    parentId: (record.parent_id ?? undefined) as DecisionId | undefined,
    requestId: record.request_id,
    tenant: record.tenant,
    session: record.session,
    userHash: record.user_hash,
    requestedModel: record.requested_model,
    surface: record.surface,
    stream: record.stream,
    promptTokens: record.prompt_tokens,
    metadata: record.metadata,
    ...(record.assignment && { assignment: assignmentOf(record.assignment) }),
    requestClass: record.class,
    featureSpace: record.feature_space as FeatureSpaceId,
    x: Float64Array.from(record.x, orNaN),
    policy: record.policy as PolicySpec,
    rates: { perUsd, perSecond, perFailure },
    explore: record.explore,
    floor: record.floor,
    salt: record.salt,
    eligible: record.eligible as ArmId[],
    probabilities: Float64Array.from(record.probabilities),
    estimates: record.estimates.map((estimate, i) => estimateOf(estimate, record.eligible[i] as ArmId)),
    exclusions: record.exclusions as Exclusion[],
    arm: record.arm as ArmId,
    propensity: record.propensity,
    servedArm: (record.served_arm ?? undefined) as ArmId | undefined,
    servedReason: record.served_reason,
    attempts: record.attempts.map(attemptOf),
    costUsd: record.cost_usd ?? undefined,
    ttftMs: record.ttft_ms ?? undefined,
    totalMs: record.total_ms ?? undefined,
    completionTokens: record.completion_tokens ?? undefined,
    finishReason: record.finish_reason,
    rewards: record.rewards.map(rewardOf),
  }
}

/** What an estimator relies on. */
function checkDistribution(record: LogRecord, where: string): void {
  const { eligible, probabilities, estimates, arm, propensity } = record
  if (probabilities.length !== eligible.length) {
    const found = `${probabilities.length} for ${eligible.length} eligible arms`
    throw badRecord(where, `probabilities: expected one for each eligible arm, got ${found}`)
  }
  if (estimates.length !== 0 && estimates.length !== eligible.length) {
    const found = `${estimates.length} for ${eligible.length} eligible arms`
    throw badRecord(where, `estimates: expected none or one for each eligible arm, got ${found}`)
  }
  const twice = eligible.find((id, i) => eligible.indexOf(id) !== i)
  if (twice !== undefined) {
    throw badRecord(where, `eligible: expected every arm once, got ${JSON.stringify(twice)} twice`)
  }
  const total = probabilities.reduce((sum, probability) => sum + probability, 0)
  if (Math.abs(total - 1) > PROBABILITY_SLACK) {
    throw badRecord(where, `probabilities: expected a sum of 1, got ${total}`)
  }
  const at = eligible.indexOf(arm)
  if (at === -1) throw badRecord(where, `arm: expected one of the eligible arms, got ${JSON.stringify(arm)}`)
  if (Math.abs((probabilities[at] ?? 0) - propensity) > PROBABILITY_SLACK) {
    throw badRecord(
      where,
      `propensity: expected ${probabilities[at]}, the probability of ${arm}, got ${propensity}`,
    )
  }
  if (propensity === 0) {
    throw badRecord(where, `propensity: expected a number above 0, since ${arm} was drawn, got 0`)
  }
}

export function badRecord(where: string, what: string, cause?: unknown): DatasetError {
  return new DatasetError('dataset_bad_line', `${where}: ${what}`, { cause })
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
function orNaN(value: number | null): number {
  return value ?? Number.NaN
}

type EstimateRecord = LogRecord['estimates'][number]
type BeliefRecord = z.output<typeof belief>

function estimateRecord(estimate: ArmEstimate): EstimateRecord {
  const beliefRecord = ({ mean, sd }: Belief): BeliefRecord => ({ mean: finite(mean), sd: finite(sd) })
  return {
    quality: beliefRecord(estimate.quality),
    cost_usd: beliefRecord(estimate.costUsd),
    ttft_ms: finite(estimate.ttftMs),
    tpot_ms: finite(estimate.tpotMs),
    output_tokens: finite(estimate.outputTokens),
    latency_ms: beliefRecord(estimate.latencyMs),
    success: beliefRecord(estimate.success),
    utility: beliefRecord(estimate.utility),
  }
}

function estimateOf(record: EstimateRecord, arm: ArmId): ArmEstimate {
  const beliefOf = ({ mean, sd }: BeliefRecord): Belief => ({ mean: orNaN(mean), sd: orNaN(sd) })
  return {
    arm,
    quality: beliefOf(record.quality),
    costUsd: beliefOf(record.cost_usd),
    ttftMs: orNaN(record.ttft_ms),
    tpotMs: orNaN(record.tpot_ms),
    outputTokens: orNaN(record.output_tokens),
    latencyMs: beliefOf(record.latency_ms),
    success: beliefOf(record.success),
    utility: beliefOf(record.utility),
  }
}

type AssignmentRecord = NonNullable<LogRecord['assignment']>

function assignmentRecord({ policyHash, as, probability }: Assignment): AssignmentRecord {
  return { policy_hash: policyHash, as, probability }
}

function assignmentOf({ policy_hash: policyHash, as, probability }: AssignmentRecord): Assignment {
  return { policyHash, as, probability }
}

function attemptRecord(attempt: LoggedAttempt): LogRecord['attempts'][number] {
  return {
    decision_id: attempt.decisionId,
    ts: isoTime(attempt.atMs),
    arm: attempt.arm,
    index: attempt.index,
    status: attempt.status,
    upstream_status: attempt.upstreamStatus ?? null,
    error_code: attempt.errorCode,
    finish_reason: attempt.finishReason,
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

function attemptOf(record: LogRecord['attempts'][number]): LoggedAttempt {
  return {
    decisionId: record.decision_id as DecisionId,
    atMs: Date.parse(record.ts),
    arm: record.arm as ArmId,
    index: record.index,
    status: record.status,
    upstreamStatus: record.upstream_status ?? undefined,
    errorCode: record.error_code,
    finishReason: record.finish_reason,
    ttftMs: record.ttft_ms ?? undefined,
    totalMs: record.total_ms,
    promptTokens: record.prompt_tokens ?? undefined,
    cachedTokens: record.cached_tokens ?? undefined,
    completionTokens: record.completion_tokens ?? undefined,
    reasoningTokens: record.reasoning_tokens ?? undefined,
    costUsd: record.cost_usd ?? undefined,
    usageEstimated: record.usage_estimated,
  }
}

function rewardRecord(reward: LoggedReward): LogRecord['rewards'][number] {
  return {
    reward_id: reward.rewardId,
    decision_id: reward.decisionId,
    ts: isoTime(reward.atMs),
    metric: reward.metric,
    value: reward.value ?? null,
    source: reward.source,
    idempotency_key: reward.idempotencyKey,
    ...(reward.position !== undefined && { position: reward.position }),
    ...(reward.quality !== undefined && { quality: reward.quality }),
  }
}

function rewardOf(record: LogRecord['rewards'][number]): LoggedReward {
  return {
    rewardId: record.reward_id,
    decisionId: record.decision_id as DecisionId,
    atMs: Date.parse(record.ts),
    metric: record.metric,
    value: record.value ?? undefined,
    source: record.source,
    idempotencyKey: record.idempotency_key,
    ...(record.position !== undefined && { position: record.position }),
    ...(record.quality !== undefined && { quality: record.quality }),
  }
}
