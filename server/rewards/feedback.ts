/** `POST /v1/feedback`: a judgement of one answer, or of all answers of a session. */
import type { RewardableDecision } from '../../adapters/index.ts'
import type { DecisionId } from '../../engine/index.ts'
import { didYouMean } from '../config/nearest.ts'
import { serverError } from '../errors.ts'
import { readDecisionId, unknownDecision } from '../pipeline/decision-id.ts'
import type { RecentDecision } from '../pipeline/recent-decisions.ts'
import type { FeedbackBody, FeedbackReply } from '../routes/schemas/feedback.ts'
import type { Services } from '../services.ts'
import { eventTime } from './event-time.ts'
import { findKnown, knownFrom, refuseWithoutStore } from './known-decision.ts'
import { type Metric, metricNamed, QUALITY, readValue } from './metric.ts'
import { isDefault } from './source.ts'
import { type Said, type Taken, takeReward } from './take-reward.ts'

const RUNNING_RETRY_MS = 1_000
/** Of one session, the latest so many answers. */
const SESSION_DECISIONS_MAX = 64
/** How far back the answers of a session are looked for where the metric has no window. */
const SESSION_MS_MAX = 7 * 86_400_000

/**
 * Resolves when the value is durable and learned from.
 *
 * @throws {ServerError} 404 `decision_not_found` or `session_not_found`, 409 `decision_running` or `feedback_limit`, 422
 *   `invalid_feedback_value` or `unknown_metric`, 503 `store_unavailable`: then nothing was learned
 */
export function takeFeedback(services: Services, tenant: string, body: FeedbackBody): Promise<FeedbackReply> {
  const metric = declaredMetric(services, body.metric)
  const said: Said = {
    metric: body.metric,
    value: readValue(metric, body.value),
    source: readSource(body.source ?? ''),
    key: body.idempotency_key ?? '',
    atMs: eventTime(body.ts, services.clock.nowMs(), noTime),
  }
  if (body.session !== undefined)
    return onSession(services, tenant, body.session, body.apply_to, metric, said)
  return onDecision(services, tenant, readDecisionId(body.decision_id ?? ''), said)
}

async function onDecision(
  services: Services,
  tenant: string,
  id: DecisionId,
  said: Said,
): Promise<FeedbackReply> {
  const taken = await services.feedbackLock.run(id, async () => {
    const known = await findKnown(services, id, { anew: true })
    if (known === undefined || known.tenant !== tenant) throw unknownDecision(id)
    if (known.running) throw stillRunning(`Decision ${id} is`)
    return takeReward(services, known, said)
  })
  return { ...taken, decision_id: id, metric: said.metric }
}

/**
 * One value for each answer. What was given under the same key before is completed, not repeated: answers that came after the
 * first try are none of its business.
 */
async function onSession(
  services: Services,
  tenant: string,
  session: string,
  applyTo: FeedbackBody['apply_to'],
  metric: Metric | undefined,
  said: Said,
): Promise<FeedbackReply> {
  const nowMs = services.clock.nowMs()
  const untilMs = said.atMs ?? nowMs
  const found = await services.store
    .findSession({
      tenant,
      session,
      fromMs: untilMs - (metric?.windowMs ?? SESSION_MS_MAX),
      toMs: untilMs,
      limit: SESSION_DECISIONS_MAX,
    })
    .catch(refuseWithoutStore)
  const answers = notAfterTheFirstTry(found, said)
  const chosen = applyTo === 'last' ? answers.slice(-1) : answers
  const decisions: { decision_id: string; status: Taken['status']; learned: boolean }[] = []
  for (const read of chosen) {
    const taken = await services.feedbackLock.run(read.id, () => {
      const known: RecentDecision = knownFrom(services, read)
      return takeReward(services, known, said)
    })
    decisions.push({ decision_id: read.id, ...taken })
  }
  const [first] = decisions
  if (first === undefined) throw unknownSession(session, metric)
  const isDuplicate = decisions.every(({ status }) => status === 'duplicate')
  const fresh = decisions.find(({ status }) => status !== 'duplicate') ?? first
  return {
    status: isDuplicate ? 'duplicate' : fresh.status,
    learned: decisions.some(({ learned }) => learned),
    session,
    metric: said.metric,
    decisions,
  }
}

function notAfterTheFirstTry(
  answers: readonly RewardableDecision[],
  { metric, key }: Said,
): readonly RewardableDecision[] {
  if (key === '') return answers
  const tries = answers
    .flatMap(({ rewards }) => rewards)
    .filter((reward) => reward.metric === metric && reward.idempotencyKey === key)
  const firstTryMs = Math.min(...tries.map(({ atMs }) => atMs))
  return answers.filter(({ atMs }) => atMs <= firstTryMs)
}

/** While nothing is declared every name is taken; with the first declaration a name that is none is a mistake. */
function declaredMetric(services: Services, name: string): Metric | undefined {
  const { metrics } = services.view()
  const metric = metricNamed(metrics, name)
  if (metric !== undefined || metrics.size === 0) return metric
  const names = [...new Set([QUALITY, ...metrics.keys()])]
  throw serverError(
    'unknown_metric',
    `metric: "${name}" is not among the metrics of the configuration (${names.join(', ')})${didYouMean(name, names)}`,
    { param: 'metric', shouldRetry: false },
  )
}

function readSource(source: string): string {
  if (!isDefault(source)) return source
  throw serverError(
    'invalid_feedback_value',
    `source: "${source}" is what the gateway itself writes when nothing has come; name who judged: user, outcome, judge:…`,
    { param: 'source' },
  )
}

function noTime(message: string): Error {
  return serverError('invalid_feedback_value', `ts: ${message}.`, { param: 'ts' })
}

function stillRunning(what: string): Error {
  return serverError('decision_running', `${what} still being answered; send the feedback when it is done.`, {
    retryAfterMs: RUNNING_RETRY_MS,
  })
}

function unknownSession(session: string, metric: Metric | undefined): Error {
  const withinMs = metric?.windowMs ?? SESSION_MS_MAX
  return serverError(
    'session_not_found',
    `No answer of session "${session}" is known of the last ${withinMs / 3_600_000} hours; send the session along with the requests, as highwayman.session.`,
    { param: 'session', shouldRetry: false },
  )
}
