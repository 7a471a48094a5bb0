/**
 * The category-mean router: for each request class the mean quality and cost of every arm, shrunk to the arm's mean over
 * all classes. It sees the class and nothing else of the request, which makes it the bar for every text feature.
 */
import { describeTraining, foldsOf } from '../folds.ts'
import { armMeans, type OutcomeTable } from '../outcome-table.ts'
import type { Baseline, BaselineContext } from './baseline.ts'
import { emptyPredictions, predictedBaseline } from './predicted.ts'

/** Rows of the global mean that each class mean is mixed with. */
const SHRINKAGE_ROWS = 20

export function categoryMeanBaseline(context: BaselineContext): Baseline {
  const { selection } = context
  const table = selection.evaluation
  const armCount = table.arms.length
  const predictions = emptyPredictions(table)
  for (const fold of foldsOf(selection)) {
    const quality = shrunkClassMeans(fold.training, fold.training.quality)
    const costUsd = shrunkClassMeans(fold.training, fold.training.costUsd)
    for (const row of fold.rows) {
      const from = table.classOf[row]! * armCount
      predictions.quality.set(quality.subarray(from, from + armCount), row * armCount)
      predictions.costUsd.set(costUsd.subarray(from, from + armCount), row * armCount)
    }
  }
  const detail = `${table.classes.length} classes, ${describeTraining(selection)}`
  return predictedBaseline('categoryMean', context, predictions, detail)
}

/** classes × arms: `(Σ over the class + SHRINKAGE_ROWS · mean over all) / (rows of the class + SHRINKAGE_ROWS)`. */
export function shrunkClassMeans(table: OutcomeTable, cells: Float64Array): Float64Array {
  const armCount = table.arms.length
  const overall = armMeans(table, cells)
  const sums = new Float64Array(table.classes.length * armCount)
  const rows = new Float64Array(table.classes.length)
  for (let row = 0; row < table.rowCount; row++) {
    const label = table.classOf[row]!
    rows[label]! += 1
    for (let arm = 0; arm < armCount; arm++) sums[label * armCount + arm]! += cells[row * armCount + arm]!
  }
  return sums.map((sum, cell) => {
    const count = rows[Math.floor(cell / armCount)]!
    return (sum + SHRINKAGE_ROWS * overall[cell % armCount]!) / (count + SHRINKAGE_ROWS)
  })
}
