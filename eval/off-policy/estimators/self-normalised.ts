/**
 * Estimators that divide by the weights they have seen: V = mean(b) + Σ w g / Σ w, with a base b and a gain g per row. The
 * weights in the divisor are as random as those above it, and the standard error counts both, by the delta method:
 * se² = Σ (b_i − b̄ + w_i (g_i − G) / w̄)² / n², where G = Σ w g / Σ w. (What the Open Bandit Pipeline gives for SNIPS takes w̄
 * for a constant: zr-obp#187, twice too wide.)
 */
import { around, DEFAULT_LEVEL, type IntervalOfMean } from '../../intervals/interval.ts'
import { studentIntervalOfMean } from '../../intervals/student-t.ts'
import { checkLevel } from '../../option.ts'
import { checkRow } from '../row.ts'
import type { Estimate, Estimator, EstimatorRow, EstimatorState } from '../types.ts'
import { checkMergeable } from './sums.ts'

/** What of a row is the base b and the gain g; the weight is the row's. */
export interface RatioValue {
  readonly name: string
  readonly base: (row: EstimatorRow) => number
  readonly gain: (row: EstimatorRow) => number
}

/** What of a row goes where; `check` throws for rows that are not to be counted. */
export interface RatioParts<Row> {
  readonly check: (row: Row) => void
  readonly base: (row: Row) => number
  readonly weight: (row: Row) => number
  readonly gain: (row: Row) => number
}

const SUMS = 12

/** Means and co-moments of (b, w, w (g − centre)), updated as Welford does; the centre is the first row's gain. */
export class RatioMoments {
  count = 0
  /** Rows of a weight above 0: those that say anything of the gain. */
  weighted = 0
  #centre = 0
  #base = 0
  #weight = 0
  #product = 0
  #bb = 0
  #bw = 0
  #bp = 0
  #ww = 0
  #wp = 0
  #pp = 0

  add(base: number, weight: number, gain: number): void {
    if (this.count === 0) this.#centre = gain
    this.count += 1
    if (weight > 0) this.weighted += 1
    const product = weight * (gain - this.#centre)
    const fromBase = base - this.#base
    const fromWeight = weight - this.#weight
    const fromProduct = product - this.#product
    this.#base += fromBase / this.count
    this.#weight += fromWeight / this.count
    this.#product += fromProduct / this.count
    const weightNow = weight - this.#weight
    const productNow = product - this.#product
    this.#bb += fromBase * (base - this.#base)
    this.#bw += fromBase * weightNow
    this.#bp += fromBase * productNow
    this.#ww += fromWeight * weightNow
    this.#wp += fromWeight * productNow
    this.#pp += fromProduct * productNow
  }

  /** undefined where all weights were 0. */
  get value(): number | undefined {
    if (!(this.#weight > 0)) return undefined
    return this.#base + this.#centre + this.#product / this.#weight
  }

  /** By the delta method; 0 for a single weighted row, of which nothing is known. */
  get standardError(): number {
    const gain = this.#product / this.#weight
    const gainVariance = this.#pp - 2 * gain * this.#wp + gain * gain * this.#ww
    const shared = this.#bp - gain * this.#bw
    const squares = this.#bb + (2 * shared + gainVariance / this.#weight) / this.#weight
    return Math.sqrt(Math.max(0, squares)) / this.count
  }

  state(): readonly number[] {
    const means = [this.#centre, this.#base, this.#weight, this.#product]
    return [this.count, this.weighted, ...means, this.#bb, this.#bw, this.#bp, this.#ww, this.#wp, this.#pp]
  }

  mergeState(state: readonly number[]): void {
    const [count, weighted, centre, base, weight, product, ...squares] = state as Numbers<typeof SUMS>
    if (count === 0) return
    const [bb, bw, bp, ww, wp, pp] = squares
    if (this.count === 0) this.#centre = centre
    // Products about the other's centre become products about this one: p + shift · w.
    const shift = centre - this.#centre
    const total = this.count + count
    const share = (this.count * count) / total
    const toBase = base - this.#base
    const toWeight = weight - this.#weight
    const toProduct = product + shift * weight - this.#product
    this.#bb += bb + toBase * toBase * share
    this.#bw += bw + toBase * toWeight * share
    this.#bp += bp + shift * bw + toBase * toProduct * share
    this.#ww += ww + toWeight * toWeight * share
    this.#wp += wp + shift * ww + toWeight * toProduct * share
    this.#pp += pp + shift * (2 * wp + shift * ww) + toProduct * toProduct * share
    this.#base += (toBase * count) / total
    this.#weight += (toWeight * count) / total
    this.#product += (toProduct * count) / total
    this.count = total
    this.weighted += weighted
  }
}

export class RatioOf<Row> implements Estimator<Row> {
  readonly name: string
  readonly #moments = new RatioMoments()
  readonly #parts: RatioParts<Row>
  readonly #interval: IntervalOfMean

  constructor(name: string, parts: RatioParts<Row>, interval?: IntervalOfMean) {
    this.name = name
    this.#parts = parts
    this.#interval = interval ?? studentIntervalOfMean
  }

  add(row: Row): void {
    const { check, base, weight, gain } = this.#parts
    check(row)
    this.#moments.add(base(row), weight(row), gain(row))
  }

  merge(other: RatioOf<Row>): void {
    this.mergeState(other.state())
  }

  state(): EstimatorState {
    return { name: this.name, sums: this.#moments.state() }
  }

  mergeState(state: EstimatorState): void {
    this.#moments.mergeState(checkMergeable(this.name, state, SUMS))
  }

  /**
   * Only weighted rows count towards the degrees of freedom, and one of them alone gives no bounds.
   *
   * @returns undefined also where all weights are 0: 0/0
   */
  get(level = DEFAULT_LEVEL): Estimate | undefined {
    checkLevel(level)
    const { value, standardError, weighted: count } = this.#moments
    if (value === undefined) return undefined
    const { lo, hi } =
      count > 1 ? this.#interval({ count, mean: value, standardError }, level) : around(value, Number.NaN)
    return { value, lo, hi }
  }
}

/** A {@link RatioValue} over a log. */
export class SelfNormalised extends RatioOf<EstimatorRow> {
  constructor({ name, base, gain }: RatioValue, interval?: IntervalOfMean) {
    super(name, { check: checkRow, base, weight: ({ weight }) => weight, gain }, interval)
  }
}

type Numbers<Length extends number, Tuple extends number[] = []> = Tuple['length'] extends Length
  ? Tuple
  : Numbers<Length, [...Tuple, number]>
