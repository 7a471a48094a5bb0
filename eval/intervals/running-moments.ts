/**
 * Count, mean and spread of a stream of numbers in constant memory, by updates that do not cancel (Welford 1962) and merge
 * pairwise (Chan, Golub & LeVeque 1983): sums of squares would lose all digits of a small spread about a large mean.
 */
import type { MeanSummary } from './interval.ts'

export class RunningMoments implements MeanSummary {
  /** Not whole where values were added with a multiplicity. */
  count = 0
  mean = 0
  /** Σ (x − mean)². */
  squares = 0
  least = Number.POSITIVE_INFINITY
  most = Number.NEGATIVE_INFINITY

  add(value: number): void {
    this.count += 1
    const deviation = value - this.mean
    this.mean += deviation / this.count
    this.squares += deviation * (value - this.mean)
    if (value < this.least) this.least = value
    if (value > this.most) this.most = value
  }

  /** As `times` times {@link add}; also for parts of a time. */
  addRepeated(value: number, times: number): void {
    if (times > 0) this.#absorb(times, value, 0, value, value)
  }

  merge({ count, mean, squares, least, most }: RunningMoments): void {
    if (count > 0) this.#absorb(count, mean, squares, least, most)
  }

  /** With n − 1 below; NaN for at most one value. */
  get variance(): number {
    return this.count > 1 ? this.squares / (this.count - 1) : Number.NaN
  }

  /** √(variance / n). */
  get standardError(): number {
    return Math.sqrt(this.variance / this.count)
  }

  /** The numbers that {@link mergeState} takes. */
  state(): readonly number[] {
    return this.count === 0 ? [0, 0, 0, 0, 0] : [this.count, this.mean, this.squares, this.least, this.most]
  }

  mergeState(state: readonly number[]): void {
    const [count, mean, squares, least, most] = state as [number, number, number, number, number]
    if (count > 0) this.#absorb(count, mean, squares, least, most)
  }

  #absorb(count: number, mean: number, squares: number, least: number, most: number): void {
    const total = this.count + count
    const distance = mean - this.mean
    this.mean += (distance * count) / total
    this.squares += squares + (distance * distance * this.count * count) / total
    this.count = total
    if (least < this.least) this.least = least
    if (most > this.most) this.most = most
  }
}
