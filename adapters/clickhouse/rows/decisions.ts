/** Table `decisions`: a {@link DecisionRow} as RowBinary, and back. */
import type {
  ArmEstimate,
  ArmId,
  Belief,
  Decision,
  DecisionId,
  Exclusion,
  FeatureSpaceId,
  PolicySpec,
} from '../../../engine/index.ts'
import type { Row } from '../client.ts'
import type { RowBinary } from '../row-binary.ts'
import type { DecisionRow, OtherContext } from '../store.ts'
import {
  decisionTimeMs,
  readFlag,
  readNumber,
  readText,
  readTexts,
  readVector,
  readVectors,
} from './fields.ts'

export const DECISION_COLUMNS = [
  'decision_ts',
  'decision_id',
  'ts',
  'replica',
  'request_id',
  'parent_id',
  'tenant',
  'session',
  'user_hash',
  'requested_model',
  'surface',
  'stream',
  'prompt_tokens',
  'metadata',
  'feature_space',
  'x',
  'request_class',
  'policy',
  'rate_per_usd',
  'rate_per_second',
  'rate_per_failure',
  'explore',
  'floor',
  'salt',
  'eligible',
  'probabilities',
  'estimates',
  'excluded_arms',
  'excluded_reasons',
  'excluded_details',
  'arm',
  'propensity',
  'policy_hash',
  'assigned_as',
  'assignment_probability',
  'also_feature_spaces',
  'also_x',
] as const

/** Stands for a parent that there is none of. */
export const NO_ID = '00000000-0000-0000-0000-000000000000'
const ESTIMATE_WIDTH = 13
const NOTHING: readonly OtherContext[] = []

/** Policies come from the configuration: the same few objects for every request. */
const policyTexts = new WeakMap<PolicySpec, string>()

/** Writes {@link DECISION_COLUMNS}. @throws {TypeError | RangeError} for an id that is no UUID or a time that is none */
export function writeDecision(row: DecisionRow, replica: string, to: RowBinary): void {
  const { decision } = row
  to.timeMs(decisionTimeMs(decision.id))
  to.uuid(decision.id)
  to.timeMs(decision.atMs)
  to.text(replica)
  to.text(row.requestId)
  if (row.parentId === undefined) to.noUuid()
  else to.uuid(row.parentId)
  to.text(row.tenant)
  to.text(row.session)
  to.text(row.userHash)
  to.text(row.requestedModel)
  to.text(row.surface)
  to.flag(row.stream)
  to.count(row.promptTokens)
  writeMetadata(row.metadata, to)
  to.text(decision.featureSpace)
  to.vector(decision.x)
  to.text(decision.requestClass)
  to.text(policyText(decision.policy))
  to.float(decision.rates.perUsd)
  to.float(decision.rates.perSecond)
  to.float(decision.rates.perFailure)
  to.flag(decision.explore)
  to.float(decision.floor)
  to.text(decision.salt)
  to.texts(decision.eligible)
  to.vector(decision.probabilities)
  writeEstimates(decision.estimates, to)
  to.texts(decision.exclusions.map((exclusion) => exclusion.arm))
  to.texts(decision.exclusions.map((exclusion) => exclusion.reason))
  to.texts(decision.exclusions.map((exclusion) => exclusion.detail))
  to.text(decision.arm)
  to.float(decision.propensity)
  to.text(decision.assignment?.policyHash ?? '')
  to.text(decision.assignment?.as ?? '')
  to.float(decision.assignment?.probability ?? 1)
  writeAlso(row.also ?? NOTHING, to)
}

function writeAlso(also: readonly OtherContext[], to: RowBinary): void {
  to.length(also.length)
  for (const { featureSpace } of also) to.text(featureSpace)
  to.length(also.length)
  for (const { x } of also) to.vector(x)
}

/** What {@link readAlso} reads. */
export const ALSO_SELECT = 'also_feature_spaces, also_x'

export const DECISION_SELECT = `
  decision_id, toUnixTimestamp64Milli(ts) AS at_ms, request_id, parent_id, tenant, session, user_hash, requested_model, surface, stream,
  prompt_tokens, metadata, feature_space, x, request_class, policy, rate_per_usd, rate_per_second, rate_per_failure, explore,
  floor, salt, eligible, probabilities, estimates, excluded_arms, excluded_reasons, excluded_details, arm, propensity,
  policy_hash, assigned_as, assignment_probability, ${ALSO_SELECT}`

export function readDecision(row: Row): DecisionRow {
  const parentId = readText(row, 'parent_id')
  return {
    decision: readEngineDecision(row),
    requestId: readText(row, 'request_id'),
    parentId: parentId === NO_ID ? undefined : (parentId as DecisionId),
    tenant: readText(row, 'tenant'),
    session: readText(row, 'session'),
    userHash: readText(row, 'user_hash'),
    requestedModel: readText(row, 'requested_model'),
    surface: readText(row, 'surface'),
    stream: readFlag(row, 'stream'),
    promptTokens: readNumber(row, 'prompt_tokens'),
    metadata: row['metadata'] as Record<string, string>,
    ...readAlso(row),
  }
}

function readAssignment(row: Row): Pick<Decision, 'assignment'> {
  const as = readText(row, 'assigned_as')
  if (as === '') return {}
  const policyHash = readText(row, 'policy_hash')
  return { assignment: { policyHash, as, probability: readNumber(row, 'assignment_probability') } }
}

export function readAlso(row: Row): Pick<DecisionRow, 'also'> {
  const spaces = readTexts(row, 'also_feature_spaces')
  if (spaces.length === 0) return {}
  const vectors = readVectors(row, 'also_x')
  return {
    also: spaces.map((space, i) => ({
      featureSpace: space as FeatureSpaceId,
      x: vectors[i] ?? new Float64Array(),
    })),
  }
}

function readEngineDecision(row: Row): Decision {
  const eligible = readTexts(row, 'eligible') as ArmId[]
  const reasons = readTexts(row, 'excluded_reasons') as Exclusion['reason'][]
  const details = readTexts(row, 'excluded_details')
  return {
    id: readText(row, 'decision_id') as DecisionId,
    atMs: readNumber(row, 'at_ms'),
    featureSpace: readText(row, 'feature_space') as FeatureSpaceId,
    x: readVector(row, 'x'),
    requestClass: readText(row, 'request_class'),
    policy: JSON.parse(readText(row, 'policy')) as PolicySpec,
    ...readAssignment(row),
    rates: {
      perUsd: readNumber(row, 'rate_per_usd'),
      perSecond: readNumber(row, 'rate_per_second'),
      perFailure: readNumber(row, 'rate_per_failure'),
    },
    explore: readFlag(row, 'explore'),
    floor: readNumber(row, 'floor'),
    salt: readText(row, 'salt'),
    eligible,
    exclusions: readTexts(row, 'excluded_arms').map((arm, i) => ({
      arm: arm as ArmId,
      reason: reasons[i] ?? 'unknown_arm',
      detail: details[i] ?? '',
    })),
    estimates: unpackEstimates(readVector(row, 'estimates'), eligible),
    probabilities: readVector(row, 'probabilities'),
    arm: readText(row, 'arm') as ArmId,
    propensity: readNumber(row, 'propensity'),
  }
}

function writeMetadata(metadata: DecisionRow['metadata'], to: RowBinary): void {
  const entries = Object.entries(metadata)
  to.length(entries.length)
  for (const [key, value] of entries) {
    to.text(key)
    to.text(value)
  }
}

function policyText(policy: PolicySpec): string {
  let text = policyTexts.get(policy)
  if (text === undefined) {
    text = JSON.stringify(policy)
    policyTexts.set(policy, text)
  }
  return text
}

/** The order of the 13 numbers is part of the schema: see `estimates` in migration 0001. */
function writeEstimates(estimates: readonly ArmEstimate[], to: RowBinary): void {
  to.length(estimates.length * ESTIMATE_WIDTH)
  for (const { quality, costUsd, ttftMs, tpotMs, outputTokens, latencyMs, success, utility } of estimates) {
    to.floats([
      quality.mean,
      quality.sd,
      costUsd.mean,
      costUsd.sd,
      ttftMs,
      tpotMs,
      outputTokens,
      latencyMs.mean,
      latencyMs.sd,
      success.mean,
      success.sd,
      utility.mean,
      utility.sd,
    ])
  }
}

function unpackEstimates(packed: Float64Array, eligible: readonly ArmId[]): ArmEstimate[] {
  const number = (at: number): number => packed[at] ?? Number.NaN
  const belief = (at: number): Belief => ({ mean: number(at), sd: number(at + 1) })
  return eligible.slice(0, packed.length / ESTIMATE_WIDTH).map((arm, i) => {
    const at = i * ESTIMATE_WIDTH
    return {
      arm,
      quality: belief(at),
      costUsd: belief(at + 2),
      ttftMs: number(at + 4),
      tpotMs: number(at + 5),
      outputTokens: number(at + 6),
      latencyMs: belief(at + 7),
      success: belief(at + 9),
      utility: belief(at + 11),
    }
  })
}
