/**
 * IPS with an interval that holds at every length of the log at once, for rewards in known bounds: the gamma-exponential
 * mixture on X = w (r − r_min) / (r_max − r_min) for the lower bound, on w (r_max − r) / (r_max − r_min) for the upper, each at
 * α/2 and with the running mean as prediction. Wide; where approximations will do, take `asymptoticInterval` of DR values.
 *
 * Howard, Ramdas, McAuliffe & Sekhon 2021 (arXiv:1810.08240), proposition 9; Vowpal Wabbit's `cs`. Deviation: predictions are cut
 * at 1, the most that the mean of X can be, as the theorem needs; `cutPredictions: false` gives theirs.
 */
import { EvaluationError } from '../../errors.ts'
import { logLowerGamma, trigamma } from '../../intervals/gamma-functions.ts'
import { DEFAULT_LEVEL } from '../../intervals/interval.ts'
import { checkLevel } from '../../option.ts'
import type { Estimate } from '../types.ts'
import { checkSampledRow, type SampledRow } from './sampled.ts'

/** Of the mixture; the same on both sides. */
const RHO = 1

export interface AnytimeOptions {
  readonly rewardBounds: readonly [number, number]
  /** @default true */
  readonly cutPredictions?: boolean
}

/** In the order of the log, whose predictions each rest on the rows before: parts of a log do not merge. */
export class AnytimeIps {
  readonly #least: number
  readonly #range: number
  readonly #low: Side
  readonly #high: Side
  #weightedReward = 0
  #count = 0

  /** @throws {EvaluationError} `eval_bad_option` */
  constructor({ rewardBounds, cutPredictions = true }: AnytimeOptions) {
    const [least, most] = rewardBounds
    if (!(least < most)) {
      throw new EvaluationError(
        'eval_bad_option',
        `bounds of rewards must be least < most, got [${least}, ${most}]`,
      )
    }
    this.#least = least
    this.#range = most - least
    this.#low = new Side(cutPredictions)
    this.#high = new Side(cutPredictions)
  }

  /** @throws {EvaluationError} `eval_bad_row`, also for a reward outside the bounds */
  add(row: SampledRow): void {
    const drop = checkSampledRow(row)
    const scaled = (row.reward - this.#least) / this.#range
    if (!(scaled >= 0 && scaled <= 1)) {
      throw new EvaluationError('eval_bad_row', `a reward of ${row.reward} is outside the given bounds`)
    }
    const weight = row.weight / (1 - drop)
    const dropped = drop / (1 - drop)
    this.#low.add(weight * scaled, dropped)
    this.#high.add(weight * (1 - scaled), dropped)
    this.#weightedReward += weight * row.reward
    this.#count += 1 + dropped
  }

  get(level = DEFAULT_LEVEL): Estimate | undefined {
    checkLevel(level)
    if (this.#count === 0) return undefined
    const alpha = (1 - level) / 2
    const lo = this.#least + this.#low.bound(alpha) * this.#range
    const hi = this.#least + (1 - this.#high.bound(alpha)) * this.#range
    return { value: this.#weightedReward / this.#count, lo, hi }
  }
}

/** A lower bound on the mean of values ≥ 0 whose mean is at most 1. */
class Side {
  readonly #cut: boolean
  #count = 0
  #sum = 0
  /** Σ (x − prediction)². */
  #squares = 0

  constructor(cut: boolean) {
    this.#cut = cut
  }

  add(value: number, zeros: number): void {
    if (zeros > 0) this.#addZeros(zeros)
    const free = (this.#sum + 0.5) / (this.#count + 1)
    const prediction = this.#cut ? Math.min(1, free) : free
    this.#squares += (value - prediction) ** 2
    this.#sum += value
    this.#count += 1
  }

  /** Σ_{s<zeros} (a/(b + s))² in closed form, for parts of a step too; 1 for each s at which the prediction is cut. */
  #addZeros(zeros: number): void {
    const a = this.#sum + 0.5
    const b = this.#count + 1
    const cut = this.#cut ? Math.min(zeros, Math.max(0, a - b)) : 0
    this.#squares += cut + a * a * (trigamma(b + cut) - trigamma(b + zeros))
    this.#count += zeros
  }

  /** The mean at which the wealth of betting against it reaches 1/α. */
  bound(alpha: number): number {
    const threshold = -Math.log(alpha)
    if (this.#logWealth(0) <= threshold) return 0
    let low = 0
    let high = Math.min(1, this.#sum / this.#count)
    if (this.#logWealth(high) >= threshold) return high
    for (let halving = 0; halving < 60; halving++) {
      const middle = (low + high) / 2
      if (this.#logWealth(middle) > threshold) low = middle
      else high = middle
    }
    return (low + high) / 2
  }

  #logWealth(mean: number): number {
    const gain = this.#sum - this.#count * mean
    const shape = this.#squares + RHO
    const reach = gain + shape
    return (
      gain +
      this.#squares +
      RHO * Math.log(RHO) -
      shape * Math.log(reach) +
      logLowerGamma(shape, reach) -
      logLowerGamma(RHO, RHO)
    )
  }
}
