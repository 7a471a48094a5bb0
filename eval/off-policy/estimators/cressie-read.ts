/**
 * The Cressie–Read estimator of order −2 and its interval: the distribution over (weight, reward) nearest to the log in
 * which weights have mean 1, with one more row of the largest or smallest weight there can be; the interval holds the
 * values of all distributions that are near enough. Both are closed forms of seven sums, never leave the range of
 * rewards, and are conservative by a little.
 *
 * Karampatziakis, Langford & Mineiro, "Empirical likelihood for contextual bandits", NeurIPS 2020 (arXiv:1906.03323), as in
 * Vowpal Wabbit's estimators. Deviations: where no distribution is near enough, the bound is that of the rewards on its own
 * side (theirs is the lower one on both); below {@link FEWEST_ROWS} rows, where their interval collapses, bounds are those
 * of the rewards; sums are of rewards from the lower bound, so that a large constant in them costs no digits.
 */
import { EvaluationError } from '../../errors.ts'
import { CompensatedSums } from '../../intervals/compensated-sums.ts'
import { DEFAULT_LEVEL } from '../../intervals/interval.ts'
import { studentQuantile } from '../../intervals/student-t.ts'
import { checkLevel } from '../../option.ts'
import type { Estimate, Estimator, EstimatorState } from '../types.ts'
import { checkSampledRow, type SampledRow } from './sampled.ts'
import { checkMergeable } from './sums.ts'

/** Rows below which the interval says nothing but what rewards can be. */
export const FEWEST_ROWS = 10

export interface CressieReadOptions {
  /**
   * The smallest and the largest weight there can be, not those seen: 0 and 1/(smallest propensity). The smallest is below 1
   * and the largest above. A weight outside widens them. @default [0, ∞]
   */
  readonly weightBounds?: readonly [number, number]
  /** Between which rewards lie. Without them, those seen; the interval is then too narrow by what was not seen. */
  readonly rewardBounds?: readonly [number, number]
}

/** Indexes of the sums, over weights w and rewards r from the centre. */
const N = 0
const W = 1
const WW = 2
const WR = 3
const WWR = 4
const WWRR = 5
const R = 6
const SUM_COUNT = 7

export class CressieRead implements Estimator<SampledRow> {
  readonly name: string
  readonly #weightBounds: readonly [number, number]
  readonly #rewardBounds: readonly [number, number] | undefined
  readonly #sums = new CompensatedSums(SUM_COUNT)
  #centre: number
  #leastWeight = Number.POSITIVE_INFINITY
  #mostWeight = 0
  #leastReward = Number.POSITIVE_INFINITY
  #mostReward = Number.NEGATIVE_INFINITY
  #rows = 0

  /** @throws {EvaluationError} `eval_bad_option` for bounds between which there is nothing */
  constructor({ weightBounds = [0, Number.POSITIVE_INFINITY], rewardBounds }: CressieReadOptions = {}) {
    const [least, most] = weightBounds
    if (!(least >= 0 && least < 1 && most > 1)) {
      throw new EvaluationError(
        'eval_bad_option',
        `bounds of weights must be 0 ≤ least < 1 < most, got [${least}, ${most}]`,
      )
    }
    if (rewardBounds !== undefined && !(rewardBounds[0] < rewardBounds[1])) {
      throw new EvaluationError(
        'eval_bad_option',
        `bounds of rewards must be least < most, got [${rewardBounds.join(', ')}]`,
      )
    }
    this.#weightBounds = weightBounds
    this.#rewardBounds = rewardBounds
    this.#centre = rewardBounds?.[0] ?? 0
    const settings = [...weightBounds, ...(rewardBounds ?? [])].join(',')
    this.name = `cressie_read(${settings})`
  }

  /**
   * @returns the probability with which rows like this one were dropped
   * @throws {EvaluationError} `eval_bad_row`, also for a reward outside the bounds
   */
  check(row: SampledRow): number {
    const bounds = this.#rewardBounds
    if (bounds !== undefined && !(row.reward >= bounds[0] && row.reward <= bounds[1])) {
      throw new EvaluationError(
        'eval_bad_row',
        `a reward of ${row.reward} is outside the bounds [${bounds[0]}, ${bounds[1]}] given for rewards`,
      )
    }
    return checkSampledRow(row)
  }

  /** @throws {EvaluationError} as {@link check} */
  add(row: SampledRow): void {
    const drop = this.check(row)
    if (this.#rows === 0 && this.#rewardBounds === undefined) this.#centre = row.reward
    const weight = row.weight / (1 - drop)
    const reward = row.reward - this.#centre
    const sums = this.#sums
    this.#rows += 1
    sums.add(N, 1 / (1 - drop))
    sums.add(W, weight)
    sums.add(WW, weight * weight)
    sums.add(WR, weight * reward)
    sums.add(WWR, weight * weight * reward)
    sums.add(WWRR, weight * weight * reward * reward)
    sums.add(R, reward / (1 - drop))
    this.#widen(weight, weight, row.reward, row.reward)
  }

  merge(other: CressieRead): void {
    this.mergeState(other.state())
  }

  state(): EstimatorState {
    const seen =
      this.#rows === 0
        ? [0, 0, 0, 0]
        : [this.#leastWeight, this.#mostWeight, this.#leastReward, this.#mostReward]
    return { name: this.name, sums: [this.#rows, this.#centre, ...seen, ...this.#sums.values()] }
  }

  mergeState(state: EstimatorState): void {
    const numbers = checkMergeable(this.name, state, SUM_COUNT + 6)
    const [rows, centre, leastWeight, mostWeight, leastReward, mostReward] = numbers as Seen
    if (rows === 0) return
    const [n, w, ww, wr, wwr, wwrr, r] = numbers.slice(6) as Sums
    if (this.#rows === 0) this.#centre = centre
    const shift = centre - this.#centre
    const moved = [n, w, ww, wr + shift * w, wwr + shift * ww]
    moved.push(wwrr + shift * (2 * wwr + shift * ww), r + shift * n)
    for (const [index, sum] of moved.entries()) this.#sums.add(index, sum)
    this.#rows += rows
    this.#widen(leastWeight, mostWeight, leastReward, mostReward)
  }

  get(level = DEFAULT_LEVEL): Estimate | undefined {
    checkLevel(level)
    if (this.#rows === 0) return undefined
    const [least, most] = this.#rewardBounds ?? [this.#leastReward, this.#mostReward]
    const value = this.#value()
    if (this.#rows < FEWEST_ROWS) {
      return this.#rewardBounds === undefined
        ? { value, lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY }
        : { value, lo: least, hi: most }
    }
    const centre = this.#centre
    const lo = centre + this.#bound(level, least - centre, 1)
    const hi = centre + this.#bound(level, most - centre, -1)
    return { value, lo: Math.max(least, lo), hi: Math.min(most, hi) }
  }

  #widen(leastWeight: number, mostWeight: number, leastReward: number, mostReward: number): void {
    if (leastWeight < this.#leastWeight) this.#leastWeight = leastWeight
    if (mostWeight > this.#mostWeight) this.#mostWeight = mostWeight
    if (leastReward < this.#leastReward) this.#leastReward = leastReward
    if (mostReward > this.#mostReward) this.#mostReward = mostReward
  }

  get #bounds(): readonly [number, number] {
    const [least, most] = this.#weightBounds
    return [Math.min(least, this.#leastWeight), Math.max(most, this.#mostWeight)]
  }

  /** The weight of the row that was not seen: it pulls the mean weight towards 1. */
  get #unseenWeight(): number {
    const [least, most] = this.#bounds
    return this.#sums.at(W) < this.#sums.at(N) ? most : least
  }

  #value(): number {
    const [n, w, ww, wr, wwr, , r] = this.#sums.values() as Sums
    const unseen = this.#unseenWeight
    let gamma = -(1 + n) / n
    let beta = 0
    if (unseen !== Number.POSITIVE_INFINITY) {
      const a = (unseen + w) / (1 + n)
      const b = (unseen * unseen + ww) / (1 + n)
      const spread = a * a - b
      gamma = (b - a) / spread
      beta = (1 - a) / spread
    }
    const mass = (-gamma * w - beta * ww) / (1 + n)
    const missing = Math.max(0, 1 - mass)
    return (-gamma * wr - beta * wwr) / (1 + n) + (missing * r) / n + (mass + missing) * this.#centre
  }

  /** How far the divergence may reach: Owen's F quantile, in the paper's parametrisation. */
  #radius(level: number): number {
    const [n, w, ww] = this.#sums.values() as Sums
    const unseen = this.#unseenWeight
    let best = 1 + 1 / n
    if (unseen !== Number.POSITIVE_INFINITY) {
      const a = (unseen + w) / (1 + n)
      const b = (unseen * unseen + ww) / (1 + n)
      best = ((1 + n) * (a - 1) ** 2) / (b - a * a)
    }
    return (-best - studentQuantile(level, n) ** 2) / (2 * (1 + n))
  }

  /**
   * The least value (`sign` 1) or the largest (−1), from the centre.
   *
   * @param reward that the unseen row would have: the worst there is on this side
   */
  #bound(level: number, reward: number, sign: 1 | -1): number {
    const phi = this.#radius(level)
    const candidates = this.#bounds
      .map((unseen) =>
        unseen === Number.POSITIVE_INFINITY
          ? this.#candidateUnbounded(phi, reward, sign)
          : this.#candidate(phi, unseen, reward, sign),
      )
      .filter((candidate) => candidate !== undefined)
    return candidates.length === 0 ? reward : sign * Math.min(...candidates)
  }

  #candidateUnbounded(phi: number, reward: number, sign: 1 | -1): number | undefined {
    const [n, w, ww, wr, wwr, wwrr] = this.#sums.values() as Sums
    const middle = sign * (reward + (wr - w * reward) / n)
    const y =
      (reward * w - wr) ** 2 / (n * (1 + n)) - (reward * reward * ww - 2 * reward * wwr + wwrr) / (1 + n)
    return below(middle, y, phi + 1 / (2 * n))
  }

  #candidate(phi: number, unseen: number, reward: number, sign: 1 | -1): number | undefined {
    const [n, w, ww, wr, wwr, wwrr] = this.#sums.values() as Sums
    const meanW = (unseen + w) / (1 + n)
    const meanWw = (unseen * unseen + ww) / (1 + n)
    const spread = meanWw - meanW * meanW
    if (!(spread > 0)) return undefined
    const meanWr = (sign * (unseen * reward + wr)) / (1 + n)
    const meanWwr = (sign * (unseen * unseen * reward + wwr)) / (1 + n)
    const meanWwrr = ((unseen * reward) ** 2 + wwrr) / (1 + n)
    const slope = (meanWwr - meanW * meanWr) / spread
    const middle = meanWr + (1 - meanW) * slope
    const y = slope * slope * spread - (meanWwrr - meanWr * meanWr)
    return below(middle, y, phi + (1 - meanW) ** 2 / (2 * spread))
  }
}

/** middle − √(2yz), where the divergence can be reached: z ≤ 0 and y ≤ 0. */
function below(middle: number, y: number, z: number): number | undefined {
  const product = y * z
  // What rounding has made negative is 0.
  if (Math.abs(product) < 1e-18) return middle
  return z <= 0 && product >= 0 ? middle - Math.sqrt(2 * product) : undefined
}

type Seen = [number, number, number, number, number, number]
type Sums = [number, number, number, number, number, number, number]
