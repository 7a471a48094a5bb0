/** Rows of foreign bandit logs as decisions of our own log, and the other way. */
import { createHash } from 'node:crypto'
import type { ArmId, DecisionId, FeatureSpaceId, LoggedDecision, LoggedReward } from '../../engine/index.ts'
import { DatasetError } from '../types.ts'
import { hashedVector } from './features.ts'
import type { LoggedBanditRow } from './row.ts'

const QUALITY = 'quality'
const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i

export interface DecisionOptions {
  /** Length of the vector that a context is hashed into, at least 2. @default 32 */
  readonly dimensions?: number
  /** Where only the taken action's probability is known, the rest is shared out evenly. @default false: such a row is refused */
  readonly spread?: boolean
}

/**
 * The decision that a row tells of. Its context is hashed into `x`; features of actions have no place in our log and stay behind. The reward
 * becomes a value of `quality`, whatever its range.
 *
 * @throws {DatasetError} `dataset_bad_option` where the row does not tell its whole distribution and `spread` is not set, or stands for more
 * rounds than one: our log has no weights
 */
export function toDecision(
  row: LoggedBanditRow,
  { dimensions = 32, spread = false }: DecisionOptions = {},
): LoggedDecision {
  if (row.weight !== 1) {
    throw new DatasetError(
      'dataset_bad_option',
      `${row.id}: stands for ${row.weight} rounds, as rows were dropped, and our log has no weights; give the whole log, or stay with dsjson`,
    )
  }
  const atMs = row.atMs ?? 0
  const id = decisionIdOf(row.id, atMs)
  const arms = row.actions.map((action) => action.id as ArmId)
  const arm = arms[row.taken] as ArmId
  const probabilities = distributionOf(row, spread)
  const requestClass = row.context.get('class')
  return {
    id,
    atMs,
    parentId: undefined,
    requestId: row.id,
    tenant: '',
    session: '',
    userHash: '',
    requestedModel: '',
    surface: 'imported',
    stream: false,
    promptTokens: 0,
    metadata: metadataOf(row),
    requestClass: typeof requestClass === 'string' ? requestClass : '',
    featureSpace: `hashed-${dimensions}` as FeatureSpaceId,
    x: hashedVector(row.context, dimensions),
    // Another system's policy has a name here that none of ours has.
    policy: { name: 'unknown' } as unknown as LoggedDecision['policy'],
    rates: { perUsd: 0, perSecond: 0, perFailure: 0 },
    explore: true,
    floor: 0,
    salt: '',
    eligible: arms,
    probabilities,
    estimates: [],
    exclusions: [],
    arm,
    propensity: probabilities[row.taken] ?? 0,
    servedArm: arm,
    servedReason: 'drawn',
    attempts: [],
    costUsd: undefined,
    ttftMs: undefined,
    totalMs: undefined,
    completionTokens: undefined,
    finishReason: '',
    rewards: row.reward === undefined ? [] : [rewardOf(row, id, atMs, row.reward)],
  }
}

function rewardOf(row: LoggedBanditRow, decisionId: DecisionId, atMs: number, value: number): LoggedReward {
  return {
    rewardId: `${row.id}:label`,
    decisionId,
    atMs,
    metric: QUALITY,
    value,
    source: 'imported',
    idempotencyKey: '',
  }
}

/** What our log has no column for. */
function metadataOf(row: LoggedBanditRow): Record<string, string> {
  return {
    ...(row.position !== undefined && { position: String(row.position) }),
    ...(row.probabilities === undefined && { probabilities: 'spread' }),
  }
}

/** Sums to 1 in double precision, whatever the source was written in. */
function distributionOf(
  { probabilities, propensity, actions, taken, id }: LoggedBanditRow,
  spread: boolean,
): Float64Array {
  if (probabilities !== undefined) {
    const sum = probabilities.reduce((total, value) => total + value, 0)
    return probabilities.map((value) => value / sum)
  }
  if (actions.length === 1) return Float64Array.of(1)
  if (!spread) {
    throw new DatasetError(
      'dataset_bad_option',
      `${id}: only the taken action's probability is known; --spread-propensity shares the rest out evenly, which is an assumption, and no estimator that weighs by the taken action alone depends on it`,
    )
  }
  const rest = (1 - propensity) / (actions.length - 1)
  return Float64Array.from(actions, (_, i) => (i === taken ? propensity : rest))
}

/** An event's own UUID, or one that is the same whenever the same row is read. */
function decisionIdOf(eventId: string, atMs: number): DecisionId {
  if (UUID.test(eventId)) return eventId as DecisionId
  const time = Math.max(Math.trunc(atMs), 0).toString(16).padStart(12, '0').slice(-12)
  const hash = createHash('sha256').update(eventId).digest('hex')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hash.slice(0, 3)}-8${hash.slice(3, 6)}-${hash.slice(6, 18)}` as DecisionId
}

/**
 * A decision as a row: the class is a category of the context, `x` its numbers, the eligible arms the actions. The reward is
 * what the quality was in the end.
 */
export function fromDecision(decision: LoggedDecision): LoggedBanditRow {
  const context = new Map<string, number | string>()
  if (decision.requestClass !== '') context.set('class', decision.requestClass)
  for (const [i, value] of decision.x.entries()) {
    if (value !== 0 && Number.isFinite(value)) context.set(`x^x${i}`, value)
  }
  return {
    id: decision.id,
    atMs: decision.atMs,
    context,
    actions: decision.eligible.map((arm) => ({ id: arm, features: new Map() })),
    taken: decision.eligible.indexOf(decision.arm),
    propensity: decision.propensity,
    probabilities: Float64Array.from(decision.probabilities),
    reward: qualityOf(decision.rewards),
    position: undefined,
    weight: 1,
    skipLearn: false,
  }
}

/**
 * What a row's quality was in the end, [0, 1]; undefined: none, or taken back. Of logs that do not say what their values made
 * of it, the latest value of `quality`.
 */
export function qualityOf(rewards: readonly LoggedReward[]): number | undefined {
  const last = rewards.findLast(({ quality }) => quality !== undefined)
  if (last !== undefined) return last.quality ?? undefined
  const value = rewards.findLast(({ metric }) => metric === QUALITY)?.value
  return typeof value === 'number' ? value : undefined
}
