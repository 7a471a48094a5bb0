/**
 * Count, mean, spread and tails of a stream of numbers in constant memory, by updates that do not cancel (Welford 1962; third
 * and fourth moments Pébay 2008) and merge pairwise (Chan, Golub & LeVeque 1983): sums of squares would lose all digits of a
 * small spread about a large mean.
 */
import type { MeanSummary } from './interval.ts'

/** How many numbers {@link RunningMoments.state} has. */
export const MOMENT_SUMS = 7

export class RunningMoments implements MeanSummary {
  /** Not whole where values were added with a multiplicity. */
  count = 0
  mean = 0
  /** Σ (x − mean)². */
  squares = 0
  #cubes = 0
  #fourths = 0
  least = Number.POSITIVE_INFINITY
  most = Number.NEGATIVE_INFINITY

  add(value: number): void {
    const before = this.count
    const count = before + 1
    const deviation = value - this.mean
    const step = deviation / count
    const squared = step * step
    const added = deviation * step * before
    this.count = count
    this.mean += step
    this.#fourths +=
      added * squared * (count * count - 3 * count + 3) + 6 * squared * this.squares - 4 * step * this.#cubes
    this.#cubes += added * step * (count - 2) - 3 * step * this.squares
    this.squares += added
    if (value < this.least) this.least = value
    if (value > this.most) this.most = value
  }

  /** As `times` times {@link add}; also for parts of a time. */
  addRepeated(value: number, times: number): void {
    if (times > 0) this.mergeState([times, value, 0, 0, 0, value, value])
  }

  merge(other: RunningMoments): void {
    this.mergeState(other.state())
  }

  /** With n − 1 below; NaN for at most one value. */
  get variance(): number {
    return this.count > 1 ? this.squares / (this.count - 1) : Number.NaN
  }

  /** √(variance / n). */
  get standardError(): number {
    return Math.sqrt(this.variance / this.count)
  }

  /** Fourth central moment over the square of the second: 3 for a normal, larger for heavy tails; NaN without spread. */
  get kurtosis(): number {
    return (this.count * this.#fourths) / (this.squares * this.squares)
  }

  /** The numbers that {@link mergeState} takes. */
  state(): readonly number[] {
    if (this.count === 0) return new Array(MOMENT_SUMS).fill(0)
    return [this.count, this.mean, this.squares, this.#cubes, this.#fourths, this.least, this.most]
  }

  mergeState(state: readonly number[]): void {
    const [count, mean, squares, cubes, fourths, least, most] = state as Sums
    if (count === 0) return
    const own = this.count
    const total = own + count
    const distance = mean - this.mean
    const step = distance / total
    const added = distance * step * own * count
    this.#fourths +=
      fourths +
      added * step * step * (own * own - own * count + count * count) +
      6 * step * step * (own * own * squares + count * count * this.squares) +
      4 * step * (own * cubes - count * this.#cubes)
    this.#cubes += cubes + added * step * (own - count) + 3 * step * (own * squares - count * this.squares)
    this.squares += squares + added
    this.mean += step * count
    this.count = total
    if (least < this.least) this.least = least
    if (most > this.most) this.most = most
  }
}

type Sums = [number, number, number, number, number, number, number]
