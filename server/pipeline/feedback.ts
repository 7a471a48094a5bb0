/** A judgement of an answer → the store, and the quality head of the arm that gave it. */
import { v5 } from 'uuid'
import { type DecisionRecord, type RewardRow, StoreError } from '../../adapters/index.ts'
import {
  type ArmId,
  type DecisionId,
  type Judgement,
  lessonOf,
  type Observation,
} from '../../engine/index.ts'
import { serverError } from '../errors.ts'
import type { FeedbackBody, FeedbackReply } from '../routes/schemas/feedback.ts'
import type { Services } from '../services.ts'
import { readDecisionId, unknownDecision } from './decision-id.ts'
import { learnFrom } from './learn.ts'
import type { RecentDecision } from './recent-decisions.ts'

/** The one metric that is learned from. */
const QUALITY = 'quality'
const FEEDBACK_PER_DECISION_MAX = 256
/** Clocks of other machines may be ahead so far. */
const AHEAD_MS_MAX = 5 * 60_000
const STORE_RETRY_MS = 1_000
const RUNNING_RETRY_MS = 1_000

/**
 * Resolves when the value is durable and learned from. Two values for one decision are taken one after the other, so that
 * none is counted twice.
 *
 * @throws {ServerError} 404 `decision_not_found`, 409 `decision_running` or `feedback_limit`, 422
 *   `invalid_feedback_value`, 503 `store_unavailable`: then nothing was learned
 */
export function takeFeedback(services: Services, tenant: string, body: FeedbackBody): Promise<FeedbackReply> {
  const value = readValue(body)
  const id = readDecisionId(body.decision_id)
  return services.feedbackLock.run(id, () => take(services, tenant, id, body, value))
}

async function take(
  services: Services,
  tenant: string,
  id: DecisionId,
  body: FeedbackBody,
  value: FeedbackValue,
): Promise<FeedbackReply> {
  const { metric, idempotency_key: key = '' } = body
  const known = await findDecision(services, id)
  if (known === undefined || known.tenant !== tenant) throw unknownDecision(id)
  if (known.running) {
    throw serverError(
      'decision_running',
      `Decision ${id} is still being answered; send the feedback when it is done.`,
      {
        retryAfterMs: RUNNING_RETRY_MS,
      },
    )
  }
  const earlier = known.rewards.filter((reward) => reward.metric === metric)
  const reply = (status: FeedbackReply['status'], learned: boolean): FeedbackReply => {
    services.metrics.feedback.inc({ metric: metric === QUALITY ? metric : 'other', result: status })
    return { status, learned, decision_id: id, metric }
  }
  if (key !== '' && earlier.some((reward) => reward.idempotencyKey === key)) return reply('duplicate', false)
  if (known.rewards.length >= FEEDBACK_PER_DECISION_MAX) {
    throw serverError(
      'feedback_limit',
      `Decision ${id} has had ${FEEDBACK_PER_DECISION_MAX} feedback values already.`,
    )
  }
  const previous = earlier.at(-1)
  const row: RewardRow = {
    rewardId: key === '' ? services.ids.next() : v5(`${metric}\n${key}`, id),
    decisionId: id,
    atMs: timeOf(body, previous, services.clock.nowMs()),
    metric,
    ...value,
    source: body.source ?? '',
    idempotencyKey: key,
  }
  const observations = metric === QUALITY ? lesson(known, earlier, row) : []
  await write(services, row, observations)
  known.rewards.push(row)
  if (metric === QUALITY) known.account?.settle(id, row.valueNumber)
  // Another feature space than the running one: kept in the store for its own.
  const learned = observations.length > 0 && known.context.featureSpace === services.router.featureSpace.id
  if (learned) learnFrom(services, observations)
  if (body.value === null) return reply('retracted', learned)
  return reply(previous === undefined ? 'recorded' : 'revised', learned)
}

/** What the value changes of what was learned; a decision that was not answered teaches nothing about quality. */
function lesson(
  { context, servedArm }: RecentDecision,
  earlier: readonly RewardRow[],
  row: RewardRow,
): readonly Observation[] {
  if (servedArm === undefined) return []
  return lessonOf({ ...context, arm: servedArm }, earlier.map(judgementOf), judgementOf(row))
}

function judgementOf({ rewardId, atMs, valueNumber }: RewardRow): Judgement {
  return { key: rewardId, atMs, quality: valueNumber }
}

async function findDecision(services: Services, id: DecisionId): Promise<RecentDecision | undefined> {
  const recent = services.recent.find(id)
  if (recent !== undefined) return recent
  const record = await services.store.findDecision(id).catch(refuseWithoutStore)
  if (record === undefined) return undefined
  const found = fromRecord(record)
  services.recent.put(found)
  return found
}

function fromRecord({ row, attempts, rewards }: DecisionRecord): RecentDecision {
  const { decision, tenant, surface } = row
  const answered = attempts.findLast(({ status }) => status === 'answered')
  return {
    context: { id: decision.id, featureSpace: decision.featureSpace, x: decision.x, atMs: decision.atMs },
    tenant,
    servedArm: surface === 'route' ? decision.arm : (answered?.arm as ArmId | undefined),
    running: false,
    rewards: rewards.toSorted((a, b) => a.atMs - b.atMs),
  }
}

async function write(
  services: Services,
  row: RewardRow,
  observations: readonly Observation[],
): Promise<void> {
  await services.store.writeReward(row, observations).catch((error: unknown) => {
    // It may still be in line there: whether it counts, only the store can say.
    services.recent.forget(row.decisionId)
    return refuseWithoutStore(error)
  })
}

export function refuseWithoutStore(error: unknown): never {
  if (!(error instanceof StoreError)) throw error
  throw serverError(
    'store_unavailable',
    'The store does not answer; nothing was recorded. Try again shortly.',
    {
      retryAfterMs: STORE_RETRY_MS,
      cause: error,
    },
  )
}

type FeedbackValue = Pick<RewardRow, 'valueNumber' | 'valueText'>

function readValue({ metric, value }: FeedbackBody): FeedbackValue {
  if (value === null) return { valueNumber: undefined, valueText: '' }
  const valueNumber =
    typeof value === 'boolean' ? Number(value) : typeof value === 'number' ? value : undefined
  if (metric === QUALITY && !(valueNumber !== undefined && valueNumber >= 0 && valueNumber <= 1)) {
    throw serverError(
      'invalid_feedback_value',
      `value: for metric "quality" it must be true, false or a number in [0, 1], got ${JSON.stringify(value)}.`,
      { param: 'value' },
    )
  }
  return { valueNumber, valueText: typeof value === 'string' ? value : '' }
}

/** Later than the value it replaces, whatever the caller's clock says: the order of values is the order of their times. */
function timeOf({ ts }: FeedbackBody, previous: RewardRow | undefined, nowMs: number): number {
  const givenMs = typeof ts === 'string' ? Date.parse(ts) : ts
  if (givenMs !== undefined && givenMs > nowMs + AHEAD_MS_MAX) {
    throw serverError(
      'invalid_feedback_value',
      `ts: ${new Date(givenMs).toISOString()} lies in the future.`,
      {
        param: 'ts',
      },
    )
  }
  const atMs = givenMs ?? Math.floor(nowMs)
  return previous === undefined ? atMs : Math.max(atMs, previous.atMs + 1)
}
