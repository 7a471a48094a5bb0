/** Bayesian linear regression in fixed-point numbers of 600 binary places: what rounding would not have touched. */
import type { LinearPrior } from '../../engine/linear-head.ts'

const PLACES = 600n
const ONE = 1n << PLACES

/** A double is a whole number of 2⁻¹⁰⁷⁴; all that tests use are of 2⁻⁵⁹⁹ or more, and so exact. */
function exact(value: number): bigint {
  let scaled = value
  let shift = 0n
  while (!Number.isInteger(scaled)) {
    scaled *= 2
    shift++
  }
  return (BigInt(scaled) << PLACES) >> shift
}

const times = (a: bigint, b: bigint): bigint => (a * b) >> PLACES
const over = (a: bigint, b: bigint): bigint => (a << PLACES) / b

function toNumber(value: bigint): number {
  // Sixty-four binary digits are more than a double has.
  const digits = (value < 0n ? -value : value).toString(2).length
  const drop = BigInt(Math.max(digits - 64, 0))
  return Number(value >> drop) * 2 ** Number(drop - PLACES)
}

export interface ExactPrediction {
  /** x·m. */
  readonly mean: number
  /** xᵀΛ⁻¹x. */
  readonly spread: number
}

/** Of contexts, after examples of weight 1. */
export function exactRegression(
  examples: Iterable<{ readonly x: Float64Array; readonly y: number }>,
  prior: LinearPrior,
): (x: Float64Array) => ExactPrediction {
  const d = prior.mean.length
  const precision = Array.from({ length: d }, (_, i) =>
    Array.from({ length: d }, (_, j) => (i === j ? exact(prior.precision[i]!) : 0n)),
  )
  const target = Array.from({ length: d }, (_, i) => times(exact(prior.precision[i]!), exact(prior.mean[i]!)))
  for (const { x, y } of examples) {
    const [xs, ye] = [Array.from(x, exact), exact(y)]
    for (let i = 0; i < d; i++) {
      target[i]! += times(xs[i]!, ye)
      for (let j = 0; j < d; j++) precision[i]![j]! += times(xs[i]!, xs[j]!)
    }
  }
  const mean = solve(precision, target)
  return (x) => {
    const xs = Array.from(x, exact)
    const dot = (other: readonly bigint[]) => xs.reduce((sum, value, i) => sum + times(value, other[i]!), 0n)
    return { mean: toNumber(dot(mean)), spread: toNumber(dot(solve(precision, xs))) }
  }
}

/** Gaussian elimination; a positive definite matrix needs no pivoting. */
function solve(matrix: readonly (readonly bigint[])[], right: readonly bigint[]): bigint[] {
  const d = right.length
  const rows = matrix.map((row, i) => [...row, right[i]!])
  for (let k = 0; k < d; k++) {
    for (let i = k + 1; i < d; i++) {
      const factor = over(rows[i]![k]!, rows[k]![k]!)
      for (let j = k; j <= d; j++) rows[i]![j]! -= times(factor, rows[k]![j]!)
    }
  }
  const solution = new Array<bigint>(d).fill(ONE)
  for (let i = d - 1; i >= 0; i--) {
    let rest = rows[i]![d]!
    for (let j = i + 1; j < d; j++) rest -= times(rows[i]![j]!, solution[j]!)
    solution[i] = over(rest, rows[i]![i]!)
  }
  return solution
}
