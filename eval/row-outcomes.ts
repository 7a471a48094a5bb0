/** What a router got on each row of a table: the common currency of policies, baselines and resampling. */
import type { CurvePoint } from './curve.ts'
import type { OutcomeTable } from './outcome-table.ts'

/** Expected or realised outcome per row of an {@link OutcomeTable}, in its order. */
export interface RowOutcomes {
  /** Length rowCount, [0, 1]. */
  readonly quality: Float64Array
  /** Length rowCount, USD. */
  readonly costUsd: Float64Array
}

export function emptyOutcomes(rowCount: number): RowOutcomes {
  return { quality: new Float64Array(rowCount), costUsd: new Float64Array(rowCount) }
}

/** The outcomes of the arm that `choose` names for each row. */
export function outcomesOf(table: OutcomeTable, choose: (row: number) => number): RowOutcomes {
  const { quality, costUsd } = emptyOutcomes(table.rowCount)
  for (let row = 0; row < table.rowCount; row++) {
    const cell = row * table.arms.length + choose(row)
    quality[row] = table.quality[cell]!
    costUsd[row] = table.costUsd[cell]!
  }
  return { quality, costUsd }
}

/** Mean of `values` under row weights that sum to its length (bootstrap counts); without weights the plain mean. */
export function weightedMean(values: Float64Array, weights?: Float64Array): number {
  let sum = 0
  if (weights === undefined) for (let row = 0; row < values.length; row++) sum += values[row]!
  else for (let row = 0; row < values.length; row++) sum += weights[row]! * values[row]!
  return sum / values.length
}

/** Mean cost and quality: the router's point in the cost–quality plane. */
export function pointOf(outcomes: RowOutcomes, weights?: Float64Array): CurvePoint {
  return {
    costUsd: weightedMean(outcomes.costUsd, weights),
    quality: weightedMean(outcomes.quality, weights),
  }
}
