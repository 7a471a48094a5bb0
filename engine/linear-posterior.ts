/**
 * The normal-inverse-gamma posterior of a Bayesian linear regression, in full: what a report, a sampler or a choice between
 * priors needs. A head keeps only what a decision needs (linear-head.ts); this is formed from its sums.
 *
 * y | x ~ N(x·β, σ²), β | σ² ~ N(m₀, σ²Λ₀⁻¹), σ² ~ IG(a₀, b₀). Bishop, "Pattern Recognition and Machine Learning" (2006),
 * 3.3–3.5 and exercise 3.12.
 */
import {
  choleskyFactor,
  choleskySolve,
  logDeterminant,
  multiplyLower,
  solveLower,
  solveUpper,
} from './cholesky.ts'
import { EngineError } from './errors.ts'
import type { LinearPrior, LinearSums } from './linear-head.ts'
import { logGamma } from './special-functions.ts'

export interface LinearPosterior {
  readonly dimension: number
  /** Λ = Λ₀ + Σw·xxᵀ, packed lower triangle by rows. */
  readonly precision: Float64Array
  /** L with Λ = L·Lᵀ, packed. */
  readonly factor: Float64Array
  /** m = Λ⁻¹(Λ₀m₀ + Σw·y·x). */
  readonly mean: Float64Array
  /** a = a₀ + n/2. */
  readonly shape: number
  /** b = b₀ + ½(Σw·y² + m₀ᵀΛ₀m₀ − mᵀΛm), at least b₀. */
  readonly rate: number
  /**
   * log of the probability density of the examples under the prior. Of decayed examples: a power of it. Under a noise that
   * is taken for known rounding leaves nothing of it.
   */
  readonly logEvidence: number
}

/** A Student t distribution: location, scale (not its sd) and degrees of freedom. */
export interface StudentT {
  readonly location: number
  readonly scale: number
  readonly degrees: number
}

/** @throws {EngineError} `engine_bad_observation` for sums that rounding has made indefinite beyond the prior */
export function linearPosterior(sums: Readonly<LinearSums>, prior: LinearPrior): LinearPosterior {
  const { precision: diagonal, mean: m0, shape: a0, rate: b0 } = prior
  const dimension = m0.length
  const precision = sums.A.slice()
  const target = sums.b.slice()
  let squares = sums.c
  let logPriorDeterminant = 0
  for (let i = 0; i < dimension; i++) {
    precision[(i * (i + 3)) / 2]! += diagonal[i]!
    target[i]! += diagonal[i]! * m0[i]!
    squares += diagonal[i]! * m0[i]! ** 2
    logPriorDeterminant += Math.log(diagonal[i]!)
  }
  const factor = choleskyFactor(precision, dimension)
  if (factor === undefined) {
    throw new EngineError(
      'engine_bad_observation',
      `the sums of ${dimension} coordinates are not positive definite with their prior; a larger prior precision mends that`,
    )
  }
  const mean = choleskySolve(factor, target)
  for (let i = 0; i < dimension; i++) squares -= mean[i]! * target[i]!
  const shape = a0 + sums.n / 2
  const rate = b0 + Math.max(squares, 0) / 2
  const logEvidence =
    0.5 * (logPriorDeterminant - logDeterminant(factor, dimension)) +
    a0 * Math.log(b0) -
    shape * Math.log(rate) +
    logGamma(shape) -
    logGamma(a0) -
    (sums.n / 2) * Math.log(2 * Math.PI)
  return { dimension, precision, factor, mean, shape, rate, logEvidence }
}

/** xᵀΛ⁻¹x: the variance of x·β over that of one outcome. */
export function leverage({ factor }: LinearPosterior, x: Float64Array): number {
  let total = 0
  for (const value of solveLower(factor, x)) total += value * value
  return total
}

/** What is believed of the mean outcome x·β. */
export function meanOutcome(posterior: LinearPosterior, x: Float64Array): StudentT {
  return studentT(posterior, x, leverage(posterior, x))
}

/** What is believed of the next outcome. */
export function nextOutcome(posterior: LinearPosterior, x: Float64Array): StudentT {
  return studentT(posterior, x, 1 + leverage(posterior, x))
}

/**
 * A draw of the noise variance and the coefficients, for given random numbers.
 *
 * @param normals length d, standard normal
 * @param gammaVariate from Gamma(shape, 1)
 */
export function drawCoefficients(
  { mean, factor, rate }: LinearPosterior,
  normals: Float64Array,
  gammaVariate: number,
): { readonly noiseVariance: number; readonly coefficients: Float64Array } {
  const noiseVariance = rate / gammaVariate
  return { noiseVariance, coefficients: drawWithPrecision(mean, factor, Math.sqrt(noiseVariance), normals) }
}

/** A draw from N(mean, sd²·(L·Lᵀ)⁻¹), L the factor of a precision. */
export function drawWithPrecision(
  mean: Float64Array,
  factor: Float64Array,
  sd: number,
  normals: Float64Array,
): Float64Array {
  const deviation = solveUpper(factor, normals)
  return mean.map((value, i) => value + sd * deviation[i]!)
}

/** A draw from N(mean, C·Cᵀ), C the factor of a covariance. */
export function drawWithCovariance(
  mean: Float64Array,
  factor: Float64Array,
  normals: Float64Array,
): Float64Array {
  const deviation = multiplyLower(factor, normals)
  return mean.map((value, i) => value + deviation[i]!)
}

function studentT({ mean, shape, rate }: LinearPosterior, x: Float64Array, spread: number): StudentT {
  let location = 0
  for (let i = 0; i < x.length; i++) location += mean[i]! * x[i]!
  return { location, scale: Math.sqrt((rate / shape) * spread), degrees: 2 * shape }
}
