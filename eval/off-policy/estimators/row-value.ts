/**
 * Estimators that are the mean of one number per row: each shrinks the weight of a row in its own way and applies it to the
 * reward, or to what a reward model missed by.
 */
import type { EstimatorRow } from '../types.ts'

export interface RowValue {
  /** With its settings, as in `switch_dr(10)`. */
  readonly name: string
  /** The ŵ that the estimator uses for a row of weight w ≥ 0; without bias where ŵ = w. */
  readonly shrink: (weight: number) => number
  /** True: DM_i + ŵ (r − q̂); false: ŵ r. */
  readonly usesModel: boolean
  /** The number of a row, in the unit of the reward. */
  readonly of: (row: EstimatorRow) => number
}

/** ŵ_i r_i. */
export function weighted(name: string, shrink: (weight: number) => number): RowValue {
  return { name, shrink, usesModel: false, of: ({ weight, reward }) => shrink(weight) * reward }
}

/** DM_i + ŵ_i (r_i − q̂_i). */
export function corrected(name: string, shrink: (weight: number) => number): RowValue {
  return {
    name,
    shrink,
    usesModel: true,
    of: ({ weight, reward, predicted, predictedTarget }) =>
      predictedTarget + shrink(weight) * (reward - predicted),
  }
}
