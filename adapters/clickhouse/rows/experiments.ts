/** Tables `experiments` and `assignments`: rows as RowBinary, and back. */
import type { Row } from '../client.ts'
import type { AssignmentRow, ExperimentStepRow } from '../experiment-rows.ts'
import type { RowBinary } from '../row-binary.ts'
import { decisionTimeMs, readNumber, readText } from './fields.ts'

export const EXPERIMENT_STEP_COLUMNS = [
  'ts',
  'step_id',
  'experiment',
  'step',
  'action',
  'actor',
  'reason',
  'state',
] as const
export const ASSIGNMENT_COLUMNS = [
  'decision_ts',
  'decision_id',
  'experiment',
  'run',
  'period',
  'variant',
  'unit',
  'is_first',
  'probability',
  'tenant',
  'request_class',
  'prompt_tokens',
] as const

export const EXPERIMENT_STEP_SELECT =
  'step_id, toUnixTimestamp64Milli(ts) AS at_ms, experiment, step, action, actor, reason, state'

/** Writes {@link EXPERIMENT_STEP_COLUMNS}. @throws {RangeError} for a time or a number that is none */
export function writeExperimentStep(row: ExperimentStepRow, to: RowBinary): void {
  to.timeMs(row.atMs)
  to.text(row.id)
  to.text(row.experiment)
  to.count(row.step)
  to.text(row.action)
  to.text(row.actor)
  to.text(row.reason)
  to.text(JSON.stringify(row.state))
}

export function readExperimentStep(row: Row): ExperimentStepRow {
  return {
    id: readText(row, 'step_id'),
    atMs: readNumber(row, 'at_ms'),
    experiment: readText(row, 'experiment'),
    step: readNumber(row, 'step'),
    action: readText(row, 'action'),
    actor: readText(row, 'actor'),
    reason: readText(row, 'reason'),
    state: JSON.parse(readText(row, 'state')) as object,
  }
}

/** Writes {@link ASSIGNMENT_COLUMNS}. @throws {TypeError | RangeError} for an id that is no UUID or a number that is none */
export function writeAssignment(row: AssignmentRow, to: RowBinary): void {
  to.timeMs(decisionTimeMs(row.decisionId))
  to.uuid(row.decisionId)
  to.text(row.experiment)
  to.smallCount(row.run)
  to.smallCount(row.period)
  to.text(row.variant)
  to.text(row.unit)
  to.flag(row.isFirst)
  to.float(row.probability)
  to.text(row.tenant)
  to.text(row.requestClass)
  to.count(row.promptTokens)
}
