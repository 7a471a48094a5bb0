/** Tables `policies`, `evaluations` and `rollouts`: rows as RowBinary, and back. */
import type { FeatureSpaceId, PolicySpec } from '../../../engine/index.ts'
import type { Row } from '../client.ts'
import type { EvaluationRow, PolicyListing, PolicyRow, RolloutRow } from '../policy-rows.ts'
import type { RowBinary } from '../row-binary.ts'
import { readFlag, readNumber, readText } from './fields.ts'

export const POLICY_COLUMNS = [
  'hash',
  'ts',
  'actor',
  'policy',
  'feature_space',
  'provenance',
  'text',
] as const
export const EVALUATION_COLUMNS = [
  'ts',
  'evaluation_id',
  'target_hash',
  'against',
  'actor',
  'refused',
  'evaluation',
] as const
export const ROLLOUT_COLUMNS = [
  'ts',
  'rollout_id',
  'model',
  'action',
  'outcome',
  'policy_hash',
  'share',
  'forced',
  'reason',
  'refusals',
  'evaluation_id',
  'actor',
] as const

export const POLICY_SELECT =
  'hash, toUnixTimestamp64Milli(ts) AS at_ms, actor, policy, feature_space, provenance'
export const EVALUATION_SELECT =
  'toUnixTimestamp64Milli(ts) AS at_ms, evaluation_id, target_hash, against, actor, evaluation'
export const ROLLOUT_SELECT = `toUnixTimestamp64Milli(ts) AS at_ms, rollout_id, model, action, outcome, policy_hash, share, forced,
  reason, refusals, evaluation_id, actor`

/** Writes {@link POLICY_COLUMNS}. @throws {RangeError} for a time that is none */
export function writePolicyRow(row: PolicyRow, to: RowBinary): void {
  to.text(row.hash)
  to.timeMs(row.atMs)
  to.text(row.actor)
  to.text(JSON.stringify(row.policy))
  to.text(row.featureSpace)
  to.text(JSON.stringify(row.provenance))
  to.text(row.text)
}

export function readPolicyListing(row: Row): PolicyListing {
  return {
    hash: readText(row, 'hash'),
    atMs: readNumber(row, 'at_ms'),
    actor: readText(row, 'actor'),
    policy: JSON.parse(readText(row, 'policy')) as PolicySpec,
    featureSpace: readText(row, 'feature_space') as FeatureSpaceId,
    provenance: JSON.parse(readText(row, 'provenance')) as object,
  }
}

/** Writes {@link EVALUATION_COLUMNS}. @throws {RangeError} for a time that is none */
export function writeEvaluationRow(row: EvaluationRow, to: RowBinary): void {
  to.timeMs(row.atMs)
  to.text(row.id)
  to.text(row.targetHash)
  to.text(row.against)
  to.text(row.actor)
  to.flag('refused' in row.evaluation && row.evaluation.refused === true)
  to.text(JSON.stringify(row.evaluation))
}

export function readEvaluationRow(row: Row): EvaluationRow {
  return {
    id: readText(row, 'evaluation_id'),
    atMs: readNumber(row, 'at_ms'),
    targetHash: readText(row, 'target_hash'),
    against: readText(row, 'against'),
    actor: readText(row, 'actor'),
    evaluation: JSON.parse(readText(row, 'evaluation')) as object,
  }
}

/** Writes {@link ROLLOUT_COLUMNS}. @throws {RangeError} for a time that is none */
export function writeRolloutRow(row: RolloutRow, to: RowBinary): void {
  to.timeMs(row.atMs)
  to.text(row.id)
  to.text(row.model)
  to.text(row.action)
  to.text(row.outcome)
  to.text(row.policyHash)
  to.float(row.share)
  to.flag(row.forced)
  to.text(row.reason)
  to.text(JSON.stringify(row.refusals))
  to.text(row.evaluationId)
  to.text(row.actor)
}

export function readRolloutRow(row: Row): RolloutRow {
  return {
    id: readText(row, 'rollout_id'),
    atMs: readNumber(row, 'at_ms'),
    model: readText(row, 'model'),
    action: readText(row, 'action') as RolloutRow['action'],
    outcome: readText(row, 'outcome') as RolloutRow['outcome'],
    policyHash: readText(row, 'policy_hash'),
    share: readNumber(row, 'share'),
    forced: readFlag(row, 'forced'),
    reason: readText(row, 'reason'),
    refusals: JSON.parse(readText(row, 'refusals')) as RolloutRow['refusals'],
    evaluationId: readText(row, 'evaluation_id'),
    actor: readText(row, 'actor'),
  }
}
