/** From predictions to a cost–quality curve: sweep λ in argmax(predicted quality − λ · predicted cost). */
import { armMeans, type OutcomeTable } from './outcome-table.ts'
import { outcomesOf, type RowOutcomes } from './row-outcomes.ts'

/** Predicted outcomes, row-major like the table's cells. */
export interface Predictions {
  readonly quality: Float64Array
  readonly costUsd: Float64Array
}

/**
 * The exchange rates, quality per USD, between which cost begins to matter and decides everything; undefined where
 * nothing costs anything.
 */
export function exchangeRateRange(
  table: OutcomeTable,
): { readonly low: number; readonly high: number } | undefined {
  const costs = armMeans(table, table.costUsd).filter((cost) => cost > 0)
  if (costs.length === 0) return undefined
  return { low: 1e-3 / Math.max(...costs), high: 10 / Math.min(...costs) }
}

/** 0, then `count` rates in geometric progression over {@link exchangeRateRange}, then `Infinity` (the cheapest arm). */
export function exchangeRateGrid(table: OutcomeTable, count: number): number[] {
  const range = exchangeRateRange(table)
  if (range === undefined) return [0]
  const step = (range.high / range.low) ** (1 / (count - 1))
  return [
    0,
    ...Array.from({ length: count }, (_, index) => range.low * step ** index),
    Number.POSITIVE_INFINITY,
  ]
}

/** The arm with the best predicted utility on a row; ties go to the cheaper prediction, then to the earlier arm. */
export function bestArm(predictions: Predictions, armCount: number, row: number, perUsd: number): number {
  let best = 0
  for (let arm = 1; arm < armCount; arm++) {
    if (isBetter(predictions, row * armCount + arm, row * armCount + best, perUsd)) best = arm
  }
  return best
}

/** One element per exchange rate whose choices differ from those of the rate before it. */
export function sweepPredictions(
  table: OutcomeTable,
  predictions: Predictions,
  perUsdGrid: readonly number[],
): RowOutcomes[] {
  const curve: RowOutcomes[] = []
  let previous: Int32Array | undefined
  for (const perUsd of perUsdGrid) {
    const choices = Int32Array.from({ length: table.rowCount }, (_, row) =>
      bestArm(predictions, table.arms.length, row, perUsd),
    )
    if (previous?.every((arm, row) => arm === choices[row])) continue
    previous = choices
    curve.push(outcomesOf(table, (row) => choices[row]!))
  }
  return curve
}

function isBetter(predictions: Predictions, cell: number, thanCell: number, perUsd: number): boolean {
  const quality = predictions.quality[cell]! - predictions.quality[thanCell]!
  const costUsd = predictions.costUsd[cell]! - predictions.costUsd[thanCell]!
  if (perUsd === Number.POSITIVE_INFINITY) return costUsd < 0 || (costUsd === 0 && quality > 0)
  const gain = quality - perUsd * costUsd
  return gain > 0 || (gain === 0 && costUsd < 0)
}
