/** One value on one decision → the store, and the quality head of the arm that answered. */
import { v5 } from 'uuid'
import type { RewardRow } from '../../adapters/index.ts'
import { lessonOf, type Observation } from '../../engine/index.ts'
import { serverError } from '../errors.ts'
import { learnFrom } from '../pipeline/learn.ts'
import type { RecentDecision } from '../pipeline/recent-decisions.ts'
import type { Services } from '../services.ts'
import { refuseWithoutStore } from './known-decision.ts'
import { metricNamed, type StoredValue } from './metric.ts'
import { standingsOf, taughtQuality } from './quality.ts'
import type { RewardStatus } from './reward-status.ts'
import { kindOf } from './source.ts'

const REWARDS_PER_DECISION_MAX = 256

/** A value that was read and found good. */
export interface Said {
  readonly metric: string
  readonly value: StoredValue
  readonly source: string
  /** Of all values of one metric on one decision, those with the same key count once. '' is no key. */
  readonly key: string
  /** When it came to pass, Unix ms. Undefined: now. */
  readonly atMs: number | undefined
}

export interface Taken {
  readonly status: RewardStatus
  /** The router's beliefs changed by it. */
  readonly learned: boolean
}

/**
 * Resolves when the value is durable and learned from. The caller holds the decision's lock: two values are taken one after
 * the other, so that none is counted twice.
 *
 * The row that changes what is learned says to which quality. Taking it back later subtracts that very number, whatever the
 * metrics of the configuration are by then.
 *
 * @throws {ServerError} 409 `feedback_limit`, 503 `store_unavailable`: then nothing was learned
 */
export async function takeReward(services: Services, known: RecentDecision, said: Said): Promise<Taken> {
  const { metric, value, source, key } = said
  const { id } = known.context
  const ofMetric = known.rewards.filter((reward) => reward.metric === metric)
  if (key !== '' && ofMetric.some((reward) => reward.idempotencyKey === key)) {
    return counted(services, said, { status: 'duplicate', learned: false })
  }
  if (known.rewards.length >= REWARDS_PER_DECISION_MAX) {
    throw serverError(
      'feedback_limit',
      `Decision ${id} has had ${REWARDS_PER_DECISION_MAX} feedback values already.`,
    )
  }
  const kind = kindOf(source)
  const ofSame = ofMetric.filter((reward) => kindOf(reward.source) === kind)
  const bare: RewardRow = {
    rewardId: key === '' ? services.ids.next() : v5(`${metric}\n${key}`, id),
    decisionId: id,
    atMs: timeOf(said.atMs ?? Math.floor(services.clock.nowMs()), ofSame.at(-1)),
    metric,
    ...value,
    source,
    idempotencyKey: key,
    ...(known.rewards.length > 0 && { position: known.rewards.length }),
  }
  const { standings, quality } = standingsOf(
    [...known.rewards, bare],
    services.view().metrics,
    known.context.atMs,
  )
  const before = taughtQuality(known.rewards)
  const observations = lesson(known, before, quality)
  const row = observations.length === 0 ? bare : { ...bare, quality: quality ?? null }
  await write(services, row, observations)
  known.rewards.push(row)
  if (observations.length > 0) known.account?.settle(id, quality)
  // In a feature space that nothing learns in now, it is kept in the store for its own.
  const learned = observations.some(({ featureSpace }) => services.slots.spaceOf(featureSpace) !== undefined)
  for (const ofSpace of bySpace(observations)) learnFrom(services, ofSpace)
  const status =
    standings.at(-1) === 'late'
      ? 'late'
      : isTakenBack(value)
        ? 'retracted'
        : ofSame.length === 0
          ? 'recorded'
          : 'revised'
  return counted(services, said, { status, learned })
}

/** What the change of quality changes of what was learned; a decision that was not answered teaches nothing about it. */
function lesson(
  { context, also, servedArm }: RecentDecision,
  before: number | undefined,
  after: number | undefined,
): readonly Observation[] {
  if (servedArm === undefined) return []
  const earlier = before === undefined ? [] : [{ key: 'before', atMs: 0, quality: before }]
  const later = { key: 'after', atMs: 1, quality: after }
  return [context, ...also.map((other) => ({ ...context, ...other }))].flatMap((each) =>
    lessonOf({ ...each, arm: servedArm }, earlier, later),
  )
}

/** One list for nearly all: decisions have one context, unless a canary looks at requests in another way. */
function bySpace(observations: readonly Observation[]): Iterable<readonly Observation[]> {
  const [first] = observations
  if (first === undefined || observations.at(-1)?.featureSpace === first.featureSpace) return [observations]
  return Map.groupBy(observations, ({ featureSpace }) => featureSpace).values()
}

/** Later than the value that it replaces, whatever the caller's clock says. */
function timeOf(atMs: number, replaced: RewardRow | undefined): number {
  return replaced === undefined ? atMs : Math.max(atMs, replaced.atMs + 1)
}

function isTakenBack({ valueNumber, valueText }: StoredValue): boolean {
  return valueNumber === undefined && valueText === ''
}

function counted(services: Services, { metric, source }: Said, taken: Taken): Taken {
  const isKnown = metricNamed(services.view().metrics, metric) !== undefined
  services.metrics.feedback.inc({
    metric: isKnown ? metric : 'other',
    source: kindOf(source),
    result: taken.status,
  })
  return taken
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
