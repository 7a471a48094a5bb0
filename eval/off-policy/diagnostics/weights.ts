/**
 * What the importance weights of a log allow to be estimated from it, as sums over rows: effective sample sizes, the largest
 * share, the tail, and whether weights have mean 1 as they must.
 *
 * Effective sample sizes as in Owen, "Monte Carlo theory, methods and examples", section 9.3.
 */
import { CompensatedSums } from '../../intervals/compensated-sums.ts'
import { MOMENT_SUMS, RunningMoments } from '../../intervals/running-moments.ts'
import { checkMergeable } from '../estimators/sums.ts'
import { checkRow } from '../row.ts'
import type { EstimatorRow, EstimatorState } from '../types.ts'
import { Quantiles, type QuantilesState } from './quantiles.ts'

/** Above which the tail is told: the thresholds of switch-DR among them. */
export const TAIL_THRESHOLDS = [2, 5, 10, 30, 100] as const
const QUANTILES = [0.5, 0.9, 0.95, 0.99, 0.999] as const

export interface WeightFigures {
  readonly n: number
  /** Rows of a weight above 0: those in which the target could have drawn the logged arm. */
  readonly weighted: number
  readonly mean: number
  readonly largest: number
  readonly smallest: number
  /** (Σw)² / Σw²: how many rows of weight 1 are worth as much for a mean; 0 where all weights are 0. */
  readonly ess: number
  /** (Σw²)² / Σw⁴: for its standard error. */
  readonly essVariance: number
  /** (Σw²)³ / (Σw³)²: for the skewness that a normal interval passes over. */
  readonly essSkewness: number
  /** max w / Σw: how much of the value hangs on one row. */
  readonly largestShare: number
  /**
   * z of mean weight = 1, (w̄ − 1) / √(s²/n). Beyond ±3 propensities are wrong, or candidates, or rows were left out. ±Infinity
   * where all weights are the same and not 1; 0 for a single row, which says nothing of it.
   */
  readonly meanZ: number
  /** Of weights above a threshold: how many rows, and which share of Σw. */
  readonly tail: readonly { readonly above: number; readonly rows: number; readonly share: number }[]
  /** By probability; within half a per cent for more than 10,000 rows. */
  readonly quantiles: Readonly<Record<string, number>>
}

const W = 0
const W2 = 1
const W3 = 2
const W4 = 3
const TAIL = 4

export interface WeightState {
  readonly sums: EstimatorState
  readonly quantiles: QuantilesState
}

export class WeightDiagnostics {
  readonly #moments = new RunningMoments()
  readonly #sums = new CompensatedSums(TAIL + 2 * TAIL_THRESHOLDS.length)
  readonly #quantiles = new Quantiles()
  #weighted = 0

  /** @throws {EvaluationError} `eval_bad_row` */
  add(row: EstimatorRow): void {
    checkRow(row)
    const { weight } = row
    const square = weight * weight
    this.#moments.add(weight)
    this.#quantiles.add(weight)
    if (weight > 0) this.#weighted += 1
    const sums = this.#sums
    sums.add(W, weight)
    sums.add(W2, square)
    sums.add(W3, square * weight)
    sums.add(W4, square * square)
    for (let index = 0; index < TAIL_THRESHOLDS.length; index++) {
      if (weight <= TAIL_THRESHOLDS[index]!) break
      sums.add(TAIL + 2 * index, 1)
      sums.add(TAIL + 2 * index + 1, weight)
    }
  }

  merge(other: WeightDiagnostics): void {
    this.mergeState(other.state())
  }

  state(): WeightState {
    const sums = [this.#weighted, ...this.#moments.state(), ...this.#sums.values()]
    return { sums: { name: 'weights', sums }, quantiles: this.#quantiles.state() }
  }

  mergeState(state: WeightState): void {
    const length = 1 + MOMENT_SUMS + TAIL + 2 * TAIL_THRESHOLDS.length
    const [weighted, ...numbers] = checkMergeable('weights', state.sums, length)
    this.#weighted += weighted!
    this.#moments.mergeState(numbers.slice(0, MOMENT_SUMS))
    for (const [index, sum] of numbers.slice(MOMENT_SUMS).entries()) this.#sums.add(index, sum)
    this.#quantiles.mergeState(state.quantiles)
  }

  /** @returns undefined where no row was added */
  get(): WeightFigures | undefined {
    const { count: n, mean, least, most, standardError } = this.#moments
    if (n === 0) return undefined
    const sums = this.#sums
    const [w, w2, w3, w4] = [sums.at(W), sums.at(W2), sums.at(W3), sums.at(W4)]
    return {
      n,
      weighted: this.#weighted,
      mean,
      largest: most,
      smallest: least,
      ess: orZero(w ** 2 / w2),
      essVariance: orZero(w2 ** 2 / w4),
      essSkewness: orZero(w2 ** 3 / w3 ** 2),
      largestShare: orZero(most / w),
      meanZ: zOf(mean - 1, standardError),
      tail: TAIL_THRESHOLDS.map((above, index) => ({
        above,
        rows: sums.at(TAIL + 2 * index),
        share: orZero(sums.at(TAIL + 2 * index + 1) / w),
      })),
      quantiles: Object.fromEntries(QUANTILES.map((p) => [String(p), this.#quantiles.at(p)!])),
    }
  }
}

/** 0 for 0/0. */
function orZero(ratio: number): number {
  return Number.isNaN(ratio) ? 0 : ratio
}

/** A distance in standard errors. No distance is 0 of them, however small they are, and so is any where there are none. */
export function zOf(distance: number, standardError: number): number {
  if (Number.isNaN(standardError)) return 0
  if (Math.abs(distance) < 1e-12 && standardError < 1e-12) return 0
  return distance / standardError
}
