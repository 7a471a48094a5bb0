/** Baselines that predict every arm's quality and cost and choose by them. */
import type { OutcomeTable } from '../outcome-table.ts'
import { outcomesOf } from '../row-outcomes.ts'
import { bestArm, type Predictions, sweepPredictions } from '../sweep.ts'
import type { Baseline, BaselineContext, BaselineName } from './baseline.ts'

/** rowCount × arms of a table, to be filled. */
export function emptyPredictions(table: OutcomeTable): Predictions {
  const cells = table.rowCount * table.arms.length
  return { quality: new Float64Array(cells), costUsd: new Float64Array(cells) }
}

export function predictedBaseline(
  name: BaselineName,
  { selection, perUsd, perUsdGrid }: BaselineContext,
  predictions: Predictions,
  detail: string,
): Baseline {
  const table = selection.evaluation
  return {
    name,
    rows: outcomesOf(table, (row) => bestArm(predictions, table.arms.length, row, perUsd)),
    curve: sweepPredictions(table, predictions, perUsdGrid),
    predictions,
    detail,
  }
}
