/**
 * Quantiles of numbers ≥ 0 in bounded memory, whatever the order and however the log was split: exact up to
 * {@link EXACT_VALUES} numbers, and from then on counts of logarithmic buckets, each quantile within
 * {@link RELATIVE_ERROR} of an order statistic (DDSketch: Masson, Rim & Lee, VLDB 2019, arXiv:1908.10693).
 */
import { quantile } from '../../intervals/bootstrap.ts'

/** Numbers that are kept as they are: 80 kB. */
export const EXACT_VALUES = 10_000

/** Of a quantile that is read from buckets. */
export const RELATIVE_ERROR = 0.005

const LOG_BASE = Math.log((1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR))
/** Nothing outside 1e±18 is told apart: it would only cost buckets. */
const OUTERMOST = Math.ceil(Math.log(1e18) / LOG_BASE)

export class Quantiles {
  #exact: number[] | undefined = []
  /** Counts by ⌈ln v / ln γ⌉; of zeros by −∞. */
  readonly #buckets = new Map<number, number>()
  #count = 0

  /** @param value ≥ 0 */
  add(value: number): void {
    this.#count += 1
    if (this.#exact === undefined) this.#countIn(bucketOf(value), 1)
    else {
      this.#exact.push(value)
      if (this.#exact.length > EXACT_VALUES) this.#spill()
    }
  }

  merge(other: Quantiles): void {
    this.mergeState(other.state())
  }

  /** Either the numbers themselves, or pairs of bucket and count; that of zeros is `null`, since JSON has no −∞. */
  state(): QuantilesState {
    if (this.#exact !== undefined) return { exact: [...this.#exact] }
    return {
      buckets: [...this.#buckets].map(([bucket, count]) => [Number.isFinite(bucket) ? bucket : null, count]),
    }
  }

  mergeState(state: QuantilesState): void {
    if ('exact' in state) {
      for (const value of state.exact) this.add(value)
      return
    }
    this.#spill()
    for (const [bucket, count] of state.buckets) {
      this.#countIn(bucket ?? Number.NEGATIVE_INFINITY, count)
      this.#count += count
    }
  }

  /** Linear between order statistics (Hyndman & Fan's type 7); undefined where nothing was added. */
  at(probability: number): number | undefined {
    if (this.#count === 0) return undefined
    if (this.#exact !== undefined) return quantile(Float64Array.from(this.#exact).sort(), probability)
    const position = (this.#count - 1) * probability
    const below = this.#ranked(Math.floor(position))
    const above = this.#ranked(Math.ceil(position))
    return below + (above - below) * (position - Math.floor(position))
  }

  #spill(): void {
    for (const value of this.#exact ?? []) this.#countIn(bucketOf(value), 1)
    this.#exact = undefined
  }

  #countIn(bucket: number, count: number): void {
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + count)
  }

  #ranked(rank: number): number {
    let seen = 0
    for (const [bucket, count] of [...this.#buckets].sort(([a], [b]) => a - b)) {
      seen += count
      if (seen > rank) return bucket === Number.NEGATIVE_INFINITY ? 0 : middleOf(bucket)
    }
    return Number.NaN
  }
}

export type QuantilesState =
  | { readonly exact: readonly number[] }
  | { readonly buckets: readonly (readonly [bucket: number | null, count: number])[] }

function bucketOf(value: number): number {
  if (value === 0) return Number.NEGATIVE_INFINITY
  return Math.max(-OUTERMOST, Math.min(OUTERMOST, Math.ceil(Math.log(value) / LOG_BASE)))
}

/** Within the relative error of every number of the bucket. */
function middleOf(bucket: number): number {
  return (1 - RELATIVE_ERROR) * Math.exp(bucket * LOG_BASE)
}
