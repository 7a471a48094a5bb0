import type { Selection } from '../outcome-table.ts'
import type { RowOutcomes } from '../row-outcomes.ts'
import type { Predictions } from '../sweep.ts'

export const BASELINE_NAMES = [
  'random',
  'bestSingle',
  'bestSingleTrain',
  'zeroRouter',
  'categoryMean',
  'knn',
  'ridge',
  'classHindsight',
  'oracle',
] as const
/** Names are those of the replay report. */
export type BaselineName = (typeof BASELINE_NAMES)[number]

/** A router to compare with, already run on every row of the evaluation table. */
export interface Baseline {
  readonly name: BaselineName
  /** Outcomes at the exchange rate of the comparison. */
  readonly rows: RowOutcomes
  /** One element per point of its cost–quality curve, where it can trade one for the other. */
  readonly curve?: readonly RowOutcomes[]
  /** What it expected of every arm, where it chooses by that. */
  readonly predictions?: Predictions
  /** What was chosen or learnt from, for a report. */
  readonly detail: string
}

export interface BaselineContext {
  readonly selection: Selection
  /** Price of a dollar in units of quality: utility = quality − perUsd · cost. */
  readonly perUsd: number
  /** Exchange rates of the curves, quality per USD. */
  readonly perUsdGrid: readonly number[]
}
