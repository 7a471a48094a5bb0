/**
 * The maximum of the empirical likelihood: the distribution over (weight, reward) under which the log is likeliest and weights
 * have mean 1. With β the multiplier of that condition, V = Σ w r / ((w − 1)β + n), and what is missing to 1 of
 * Σ w / ((w − 1)β + n) has the mean reward.
 *
 * Kallus & Uehara 2019 (arXiv:1906.03735); Karampatziakis, Langford & Mineiro 2020 (arXiv:1906.03323). No closed form of sums:
 * the one estimator here whose memory grows with the log, for logs that fit and to judge Cressie–Read by, which is its
 * approximation. The interval is Cressie–Read's.
 */
import { DEFAULT_LEVEL } from '../../intervals/interval.ts'
import type { Estimate, Estimator, EstimatorRow, EstimatorState } from '../types.ts'
import { CressieRead, type CressieReadOptions } from './cressie-read.ts'
import { checkMergeable } from './sums.ts'

export class EmpiricalLikelihood implements Estimator {
  readonly name: string
  readonly #weights: number[] = []
  readonly #rewards: number[] = []
  readonly #bounds: readonly [number, number]
  /** Checks the rows, and has the interval. */
  readonly #beside: CressieRead

  /** @throws {EvaluationError} `eval_bad_option` as {@link CressieRead} */
  constructor(options: CressieReadOptions = {}) {
    this.#beside = new CressieRead(options)
    this.#bounds = options.weightBounds ?? [0, Number.POSITIVE_INFINITY]
    this.name = this.#beside.name.replace('cressie_read', 'mle')
  }

  add({ weight, reward }: EstimatorRow): void {
    this.#beside.add({ weight, reward, predicted: 0, predictedTarget: 0 })
    this.#weights.push(weight)
    this.#rewards.push(reward)
  }

  merge(other: EmpiricalLikelihood): void {
    this.mergeState(other.state())
  }

  state(): EstimatorState {
    return { name: this.name, sums: [...this.#weights, ...this.#rewards] }
  }

  mergeState(state: EstimatorState): void {
    const numbers = checkMergeable(this.name, state)
    const count = numbers.length / 2
    for (let i = 0; i < count; i++) {
      this.add({ weight: numbers[i]!, reward: numbers[count + i]!, predicted: 0, predictedTarget: 0 })
    }
  }

  get(level = DEFAULT_LEVEL): Estimate | undefined {
    const interval = this.#beside.get(level)
    if (interval === undefined) return undefined
    const count = this.#weights.length
    const beta = this.#multiplier()
    let rewards = 0
    let mass = 0
    let value = 0
    for (let i = 0; i < count; i++) {
      const share = this.#weights[i]! / ((this.#weights[i]! - 1) * beta + count)
      mass += share
      value += share * this.#rewards[i]!
      rewards += this.#rewards[i]!
    }
    value += Math.max(0, 1 - mass) * (rewards / count)
    return { value, lo: interval.lo, hi: interval.hi }
  }

  /** β at which weights have mean 1, or the end of its range where they cannot: the dual is concave, so bisection. */
  #multiplier(): number {
    const count = this.#weights.length
    let least = this.#bounds[0]
    let most = this.#bounds[1]
    let leastSeen = Number.POSITIVE_INFINITY
    let mostSeen = 0
    for (const weight of this.#weights) {
      leastSeen = Math.min(leastSeen, weight)
      mostSeen = Math.max(mostSeen, weight)
    }
    least = Math.min(least, leastSeen)
    most = Math.max(most, mostSeen)
    // No row may have more than the mass of one, nor the unseen one less than none.
    let high = count / (1 - least)
    if (leastSeen < 1) high = Math.min(high, (count - 1) / (1 - leastSeen))
    let low = most === Number.POSITIVE_INFINITY ? 0 : count / (1 - most)
    if (mostSeen > 1) low = Math.max(low, (count - 1) / (1 - mostSeen))
    if (this.#slope(low) < 0) return low
    if (this.#slope(high) >= 0) return high
    for (let halving = 0; halving < 200; halving++) {
      const middle = (low + high) / 2
      if (middle === low || middle === high) break
      if (this.#slope(middle) >= 0) low = middle
      else high = middle
    }
    return (low + high) / 2
  }

  #slope(beta: number): number {
    const count = this.#weights.length
    let sum = 0
    for (const weight of this.#weights) sum += (weight - 1) / ((weight - 1) * beta + count)
    return sum
  }
}
