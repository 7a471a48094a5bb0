import { armMeans, type OutcomeTable } from '../outcome-table.ts'
import { outcomesOf } from '../row-outcomes.ts'
import type { Baseline, BaselineContext } from './baseline.ts'

/** The arm with the best mean utility on the very rows that are judged: the hardest fixed choice to beat. */
export function bestSingleBaseline({ selection, perUsd }: BaselineContext): Baseline {
  const arm = bestSingleArm(selection.evaluation, perUsd)
  return {
    name: 'bestSingle',
    rows: outcomesOf(selection.evaluation, () => arm),
    detail: selection.evaluation.arms[arm]!,
  }
}

/** The arm with the best mean utility on the training rows: the fixed choice someone could have made beforehand. */
export function bestSingleTrainBaseline({ selection, perUsd }: BaselineContext): Baseline | undefined {
  if (selection.training === undefined) return undefined
  const arm = bestSingleArm(selection.training, perUsd)
  return {
    name: 'bestSingleTrain',
    rows: outcomesOf(selection.evaluation, () => arm),
    detail: selection.evaluation.arms[arm]!,
  }
}

/** Index of the arm with the best mean utility on `table`; ties go to the cheaper arm, then to the earlier. */
export function bestSingleArm(table: OutcomeTable, perUsd: number): number {
  const quality = armMeans(table, table.quality)
  const costUsd = armMeans(table, table.costUsd)
  let best = 0
  for (let arm = 1; arm < table.arms.length; arm++) {
    const dearer = costUsd[arm]! - costUsd[best]!
    const gain = quality[arm]! - quality[best]! - perUsd * dearer
    if (gain > 0 || (gain === 0 && dearer < 0)) best = arm
  }
  return best
}
