/** Logs that keep only a sample of their decisions. */
import { EvaluationError } from '../../errors.ts'
import { checkRow } from '../row.ts'
import type { EstimatorRow } from '../types.ts'

/**
 * A row of a log of which some rows were dropped at random. It stands for 1/(1 − p) decisions, of which the dropped ones count
 * with weight 0, as the estimators of Vowpal Wabbit count them (`pdrop` of its logs).
 */
export interface SampledRow extends EstimatorRow {
  /** p, in [0, 1): with which a row like this one was dropped. @default 0 */
  readonly dropProbability?: number
}

/** @throws {EvaluationError} `eval_bad_row` */
export function checkSampledRow(row: SampledRow): number {
  checkRow(row)
  const drop = row.dropProbability ?? 0
  if (drop >= 0 && drop < 1) return drop
  throw new EvaluationError('eval_bad_row', `dropProbability must be in [0, 1), got ${drop}`)
}
