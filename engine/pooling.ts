/**
 * Partial pooling across arms: some requests are hard, or long, or slow, for every arm. What all arms have in common in
 * the class, structure and text coefficients is fitted from their sums together, each arm keeping its own intercept,
 * and becomes the mean of every arm's prior: an arm's own deviations are then shrunk towards its fellows instead of
 * towards zero. (Empirical Bayes for a hierarchical linear model; Gelman & Hill 2007, chapter 12.) On mmlu-pro this is
 * worth as much as the class features themselves.
 */
import { invertWithDiagonal, multiply, packedLength } from './linalg.ts'
import type { LinearHead, LinearSums } from './linear-head.ts'

/** A refit costs O(arms·d² + d³): once every 5 % more data, and at least once in so many observations. */
const GROWTH_BETWEEN_REFITS = 1.05
const FIRST_REFIT = 30
const MOST_BETWEEN_REFITS = 5_000

/** The prior mean that all arms of one head share, and when it is due to be fitted again. */
export class SharedPrior {
  /** Diagonal of the precision that shrinks the shared coefficients towards zero. */
  readonly #precision: Float64Array
  #observations = 0
  #nextRefit = FIRST_REFIT
  /** Length d; coordinate 0 is not shared and stays 0. */
  #coefficients: Float64Array

  constructor(precision: Float64Array) {
    this.#precision = precision
    this.#coefficients = new Float64Array(precision.length)
  }

  get coefficients(): Float64Array {
    return this.#coefficients
  }

  /** Counts one observation. @returns whether a refit is due */
  count(): boolean {
    return ++this.#observations >= this.#nextRefit
  }

  refit(heads: Iterable<LinearHead>, nowMs: number): void {
    const sums: LinearSums[] = []
    for (const head of heads) {
      const of = head.sumsAt(nowMs)
      if (of !== undefined) sums.push(of)
    }
    this.#coefficients = sharedCoefficients(sums, this.#precision)
    const step = Math.min(this.#observations * (GROWTH_BETWEEN_REFITS - 1), MOST_BETWEEN_REFITS)
    this.#nextRefit = this.#observations + Math.max(Math.ceil(step), 1)
  }

  state(): SharedPriorState {
    return {
      observations: this.#observations,
      nextRefit: this.#nextRefit,
      coefficients: [...this.#coefficients],
    }
  }

  restore(state: SharedPriorState): void {
    this.#observations = state.observations
    this.#nextRefit = state.nextRefit
    this.#coefficients = Float64Array.from(state.coefficients)
  }
}

export interface SharedPriorState {
  readonly observations: number
  readonly nextRefit: number
  readonly coefficients: readonly number[]
}

/**
 * Ridge fit of the coefficients that arms share, with one free intercept per arm taken out by centring each arm's sums
 * within the arm (Frisch–Waugh–Lovell). Pure.
 *
 * @param precision length d; entry 0 is not used
 * @returns length d, entry 0 is 0
 */
export function sharedCoefficients(
  sums: readonly Readonly<LinearSums>[],
  precision: Float64Array,
): Float64Array {
  const d = precision.length
  const centred = new Float64Array(packedLength(d))
  const target = new Float64Array(d)
  for (const { n, A, b } of sums) {
    if (n < 1) continue
    for (let i = 1; i < d; i++) {
      const row = (i * (i + 1)) / 2
      // Column 0 of A is Σw·x, because x[0] = 1.
      const total = A[row]!
      target[i]! += b[i]! - (total * b[0]!) / n
      for (let j = 1; j <= i; j++) centred[row + j]! += A[row + j]! - (total * A[(j * (j + 1)) / 2]!) / n
    }
  }
  const covariance = invertWithDiagonal(centred, precision)
  const coefficients = new Float64Array(d)
  multiply(
    covariance,
    target,
    Int32Array.from({ length: d }, (_, i) => i),
    coefficients,
  )
  coefficients[0] = 0
  return coefficients
}
