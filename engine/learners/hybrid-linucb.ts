/**
 * Hybrid LinUCB: Li, Chu, Langford, Schapire 2010 (arXiv:1003.0146), algorithm 2, with λI in place of I. Coefficients that
 * all arms share (on z, which may differ by arm) beside those of each arm (on x). It equals one ridge regression on
 * [z; e_arm ⊗ x], and its update costs O(k³ + d³) however many arms there are.
 *
 * The router pools its arms through a prior instead, because then their sums stay separate and merge by addition; this is
 * for comparison, and for uses with few updates.
 */
import { choleskyFactor, choleskySolve } from '../cholesky.ts'
import { EngineError } from '../errors.ts'
import { addOuter, nonZeros, packedLength } from '../linalg.ts'

export interface HybridLinUcbOptions {
  readonly arms: number
  /** Length of x, the arm's own features, and of z, the shared ones. */
  readonly dimension: number
  readonly sharedDimension: number
  /** λ, above 0. @default 1 */
  readonly precision?: number
}

interface OwnPart {
  readonly A: Float64Array
  /** Σ x·zᵀ, by rows of z. */
  readonly B: readonly Float64Array[]
  readonly b: Float64Array
}

export class HybridLinUcb {
  readonly #own: readonly OwnPart[]
  readonly #A0: Float64Array
  readonly #b0: Float64Array

  /** @throws {EngineError} `engine_bad_config` for an option out of its range */
  constructor({ arms, dimension, sharedDimension, precision = 1 }: HybridLinUcbOptions) {
    for (const [name, value] of Object.entries({ arms, dimension, sharedDimension })) {
      if (!(Number.isInteger(value) && value > 0)) {
        throw new EngineError('engine_bad_config', `${name} must be a whole number above 0, got ${value}`)
      }
    }
    if (!(precision > 0)) {
      throw new EngineError('engine_bad_config', `precision must be above 0, got ${precision}`)
    }
    this.#own = Array.from({ length: arms }, () => ({
      A: scaledIdentity(dimension, precision),
      B: Array.from({ length: sharedDimension }, () => new Float64Array(dimension)),
      b: new Float64Array(dimension),
    }))
    this.#A0 = scaledIdentity(sharedDimension, precision)
    this.#b0 = new Float64Array(sharedDimension)
  }

  /** A₀ (packed) and b₀ of the shared coefficients, copied. */
  get sharedSums(): { readonly A: Float64Array; readonly b: Float64Array } {
    return { A: this.#A0.slice(), b: this.#b0.slice() }
  }

  /** β. */
  sharedCoefficients(): Float64Array {
    return choleskySolve(factorOf(this.#A0, this.#b0.length), this.#b0)
  }

  /** θ of one arm. */
  coefficients(arm: number): Float64Array {
    const { A, B, b } = this.#own[arm]!
    const beta = this.sharedCoefficients()
    const rest = b.map((value, i) => value - B.reduce((sum, row, j) => sum + row[i]! * beta[j]!, 0))
    return choleskySolve(factorOf(A, b.length), rest)
  }

  /** Mean z·β + x·θ, and its variance in units of the noise variance. The bound is mean + α·√variance. */
  estimate(
    arm: number,
    x: Float64Array,
    z: Float64Array,
  ): { readonly mean: number; readonly variance: number } {
    const { A, B } = this.#own[arm]!
    const ax = choleskySolve(factorOf(A, x.length), x)
    // What z tells of this arm beyond what x does.
    const rest = z.map((value, j) => value - inner(B[j]!, ax))
    const A0rest = choleskySolve(factorOf(this.#A0, z.length), rest)
    return {
      mean: inner(z, this.sharedCoefficients()) + inner(x, this.coefficients(arm)),
      variance: inner(x, ax) + inner(rest, A0rest),
    }
  }

  learn(arm: number, x: Float64Array, z: Float64Array, reward: number): void {
    const own = this.#own[arm]!
    this.#takeOut(own, 1)
    addOuter(own.A, x, nonZeros(x, x.length), 1)
    for (const [j, row] of own.B.entries()) for (let i = 0; i < x.length; i++) row[i]! += z[j]! * x[i]!
    for (let i = 0; i < x.length; i++) own.b[i]! += reward * x[i]!
    addOuter(this.#A0, z, nonZeros(z, z.length), 1)
    for (let j = 0; j < z.length; j++) this.#b0[j]! += reward * z[j]!
    this.#takeOut(own, -1)
  }

  /** A₀ += sign·BᵀA⁻¹B and b₀ += sign·BᵀA⁻¹b: −1 takes out what the arm's own coefficients explain. */
  #takeOut({ A, B, b }: OwnPart, sign: 1 | -1): void {
    const factor = factorOf(A, b.length)
    const ab = choleskySolve(factor, b)
    let k = 0
    for (const [j, row] of B.entries()) {
      const solved = choleskySolve(factor, row)
      for (let l = 0; l <= j; l++) this.#A0[k++]! += sign * inner(B[l]!, solved)
      this.#b0[j]! += sign * inner(row, ab)
    }
  }
}

function scaledIdentity(dimension: number, scale: number): Float64Array {
  const packed = new Float64Array(packedLength(dimension))
  for (let i = 0; i < dimension; i++) packed[(i * (i + 3)) / 2] = scale
  return packed
}

function factorOf(A: Float64Array, dimension: number): Float64Array {
  const factor = choleskyFactor(A, dimension)
  if (factor === undefined) {
    throw new EngineError(
      'engine_bad_observation',
      'the sums are not positive definite; a larger precision mends that',
    )
  }
  return factor
}

function inner(a: Float64Array, b: Float64Array): number {
  let total = 0
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!
  return total
}
