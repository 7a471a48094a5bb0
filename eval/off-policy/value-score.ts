/** The sums of one value: the target's estimators, what it is compared with, and their paired difference. */
import { dr } from './estimators/dr.ts'
import {
  createEstimators,
  DEFAULT_ESTIMATORS,
  type EstimatorName,
  type EstimatorSet,
} from './estimators/index.ts'
import { PairedDifference, type PairedRow } from './estimators/paired-difference.ts'
import { RowMean } from './estimators/row-mean.ts'
import { widenedByRounding } from './rounding.ts'
import { SWITCH_THRESHOLDS, Tuning } from './tuning.ts'
import type { Estimate, EstimatorState, ShrunkEstimate, ValueName } from './types.ts'

/** Read first: the headline, and two whose disagreement with it is a sign. */
export const HEADLINES: readonly EstimatorName[] = ['dr', 'snips', 'cressie_read']

export interface ValueScoreOptions {
  /** @default {@link DEFAULT_ESTIMATORS} */
  readonly estimators?: readonly EstimatorName[]
  /** Largest weight that there can be, for Cressie–Read. */
  readonly mostWeight: number
  /** Between which the value lies whatever happens; undefined: nobody knows. */
  readonly bounds: readonly [number, number] | undefined
  /** Of the differences, see `roundingOf`. */
  readonly rounding: number
  /** Whether to ask what rows of large weights do. @default true */
  readonly sensitivity?: boolean
}

/** @param seen the least and the largest that was told: logs from elsewhere have their own scales */
export function boundsOf(
  value: ValueName,
  [least, most]: readonly [number, number],
): readonly [number, number] | undefined {
  return (value === 'quality' || value === 'success') && least >= 0 && most <= 1 ? [0, 1] : undefined
}

export interface ValueScoreState {
  readonly estimators: Readonly<Record<string, EstimatorState>>
  readonly others: readonly EstimatorState[]
}

export class ValueScore {
  readonly #estimators: EstimatorSet
  readonly #target = new RowMean(dr())
  readonly #logged = new RowMean(dr())
  readonly #difference = new PairedDifference(dr())
  readonly #switched: Tuning | undefined
  readonly #rounding: number

  constructor({
    estimators = DEFAULT_ESTIMATORS,
    mostWeight,
    bounds,
    rounding,
    sensitivity = true,
  }: ValueScoreOptions) {
    this.#rounding = rounding
    this.#switched = sensitivity ? new Tuning('switch_dr', SWITCH_THRESHOLDS) : undefined
    this.#estimators = createEstimators({
      names: [...new Set([...HEADLINES, ...estimators])],
      // A weight that there can be lies above 1, also where every arm is drawn for certain.
      weightBounds: [0, Math.max(mostWeight, 1 + 1e-9)],
      ...(bounds !== undefined && { rewardBounds: bounds }),
    })
  }

  add(pair: PairedRow): void {
    this.#estimators.add(pair.target)
    this.#target.add(pair.target)
    this.#logged.add(pair.incumbent)
    this.#difference.add(pair)
    this.#switched?.add(pair.target)
  }

  /** By name, those that there are. */
  estimates(level: number): Readonly<Record<string, Estimate>> {
    return this.#estimators.estimates(level)
  }

  /** By threshold: rows of larger weights are left to the model. */
  switched(level: number): Readonly<Record<string, ShrunkEstimate>> {
    return Object.fromEntries(
      (this.#switched?.candidates(level) ?? []).map(({ setting, estimate, bias }) => [
        String(setting),
        { ...estimate, bias },
      ]),
    )
  }

  /** By the headline estimator; undefined where there is none. */
  compared(level: number): { target: Estimate; logged: Estimate; difference: Estimate } | undefined {
    const [target, logged] = [this.#target.get(level), this.#logged.get(level)]
    const difference = this.#difference.get(level)
    if (!(target && logged && difference)) return undefined
    return { target, logged, difference: widenedByRounding(difference, this.#rounding) }
  }

  state(): ValueScoreState {
    return {
      estimators: this.#estimators.state(),
      others: this.#others.map((estimator) => estimator.state()),
    }
  }

  merge({ estimators, others }: ValueScoreState): void {
    this.#estimators.mergeState(estimators)
    for (const [i, estimator] of this.#others.entries()) estimator.mergeState(others[i]!)
  }

  get #others() {
    return [this.#target, this.#logged, this.#difference, ...(this.#switched ? [this.#switched] : [])]
  }
}
