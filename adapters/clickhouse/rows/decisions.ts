/** Table `decisions`: a {@link DecisionRow} as one line of JSONCompactEachRow, and back. */
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
import type { DecisionRow } from '../store.ts'
import {
  decisionTimeMs,
  readFlag,
  readNumber,
  readText,
  readTexts,
  readVector,
  writeCount,
  writeId,
  writeNumber,
  writeText,
  writeTimeMs,
  writeVector,
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
  'requested_model',
  'surface',
  'stream',
  'prompt_tokens',
  'metadata',
  'feature_space',
  'x_base64',
  'request_class',
  'policy',
  'rate_per_usd',
  'rate_per_second',
  'rate_per_failure',
  'explore',
  'floor',
  'salt',
  'eligible',
  'probabilities_base64',
  'estimates_base64',
  'excluded_arms',
  'excluded_reasons',
  'excluded_details',
  'arm',
  'propensity',
] as const

const NO_ID = '00000000-0000-0000-0000-000000000000'
const ESTIMATE_WIDTH = 13

/** @throws {TypeError | RangeError} for an id that is no UUID or a time that is none */
export function writeDecision(row: DecisionRow, replica: string): string {
  const { decision } = row
  return JSON.stringify([
    decisionTimeMs(decision.id),
    writeId(decision.id),
    writeTimeMs(decision.atMs),
    replica,
    writeText(row.requestId),
    row.parentId === undefined ? NO_ID : writeId(row.parentId),
    writeText(row.tenant),
    writeText(row.session),
    writeText(row.requestedModel),
    row.surface,
    row.stream,
    writeCount(row.promptTokens),
    writeMetadata(row.metadata),
    decision.featureSpace,
    writeVector(decision.x),
    writeText(decision.requestClass),
    JSON.stringify(decision.policy),
    writeNumber(decision.rates.perUsd),
    writeNumber(decision.rates.perSecond),
    writeNumber(decision.rates.perFailure),
    decision.explore,
    writeNumber(decision.floor),
    writeText(decision.salt),
    decision.eligible,
    writeVector(decision.probabilities),
    writeVector(packEstimates(decision.estimates)),
    decision.exclusions.map((exclusion) => exclusion.arm),
    decision.exclusions.map((exclusion) => exclusion.reason),
    decision.exclusions.map((exclusion) => writeText(exclusion.detail)),
    decision.arm,
    writeNumber(decision.propensity),
  ])
}

export const DECISION_SELECT = `
  decision_id, toUnixTimestamp64Milli(ts) AS at_ms, request_id, parent_id, tenant, session, requested_model, surface, stream,
  prompt_tokens, metadata, feature_space, x, request_class, policy, rate_per_usd, rate_per_second, rate_per_failure, explore,
  floor, salt, eligible, probabilities, estimates, excluded_arms, excluded_reasons, excluded_details, arm, propensity`

export function readDecision(row: Row): DecisionRow {
  const parentId = readText(row, 'parent_id')
  return {
    decision: readEngineDecision(row),
    requestId: readText(row, 'request_id'),
    parentId: parentId === NO_ID ? undefined : (parentId as DecisionId),
    tenant: readText(row, 'tenant'),
    session: readText(row, 'session'),
    requestedModel: readText(row, 'requested_model'),
    surface: readText(row, 'surface'),
    stream: readFlag(row, 'stream'),
    promptTokens: readNumber(row, 'prompt_tokens'),
    metadata: row['metadata'] as Record<string, string>,
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

function writeMetadata(metadata: DecisionRow['metadata']): Record<string, string> {
  const written: Record<string, string> = {}
  for (const [key, value] of Object.entries(metadata)) written[writeText(key)] = writeText(value)
  return written
}

/** The order of the 13 numbers is part of the schema: see `estimates` in migration 0001. */
function packEstimates(estimates: readonly ArmEstimate[]): Float64Array {
  const packed = new Float64Array(estimates.length * ESTIMATE_WIDTH)
  let at = 0
  for (const { quality, costUsd, ttftMs, tpotMs, outputTokens, latencyMs, success, utility } of estimates) {
    packed[at] = quality.mean
    packed[at + 1] = quality.sd
    packed[at + 2] = costUsd.mean
    packed[at + 3] = costUsd.sd
    packed[at + 4] = ttftMs
    packed[at + 5] = tpotMs
    packed[at + 6] = outputTokens
    packed[at + 7] = latencyMs.mean
    packed[at + 8] = latencyMs.sd
    packed[at + 9] = success.mean
    packed[at + 10] = success.sd
    packed[at + 11] = utility.mean
    packed[at + 12] = utility.sd
    at += ESTIMATE_WIDTH
  }
  return packed
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
