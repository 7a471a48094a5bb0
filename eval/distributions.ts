/** Distribution functions and quantiles that tests and intervals need, exact far into the tails. */
import { logGamma, normalCdfExact } from '../engine/index.ts'

/** Φ(z). */
export const normalCdf = normalCdfExact

/** 1 − Φ(z), which subtraction would round to 0 from 8 on. */
export function normalUpperTail(z: number): number {
  return normalCdfExact(-z)
}

/** φ(z). */
export function normalDensity(z: number): number {
  return Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)
}

/**
 * The regularised incomplete gamma functions P(a, x) and Q(a, x) = 1 − P: a series below a + 1 (DLMF 8.11.4), above it a
 * continued fraction (DLMF 8.9.2) by the modified method of Lentz. a > 0, x ≥ 0.
 */
export function incompleteGamma(a: number, x: number): { readonly lower: number; readonly upper: number } {
  if (x <= 0) return { lower: 0, upper: 1 }
  if (x === Number.POSITIVE_INFINITY) return { lower: 1, upper: 0 }
  const front = Math.exp(a * Math.log(x) - x - logGamma(a))
  if (x < a + 1) {
    let term = 1 / a
    let sum = term
    for (let k = 1; Math.abs(term) > 1e-17 * sum && k < 100_000; k++) {
      term *= x / (a + k)
      sum += term
    }
    const lower = front * sum
    return { lower, upper: 1 - lower }
  }
  let denominator = 1 / (x + 1 - a)
  let numerator = Number.POSITIVE_INFINITY
  let fraction = denominator
  for (let k = 1; k < 100_000; k++) {
    const factor = -k * (k - a)
    const level = x + 2 * k + 1 - a
    denominator = 1 / (factor * denominator + level)
    numerator = level + factor / numerator
    const change = denominator * numerator
    fraction *= change
    if (Math.abs(change - 1) < 1e-16) break
  }
  const upper = front * fraction
  return { lower: 1 - upper, upper }
}

/** P(χ² > x) with `degrees` degrees of freedom > 0. */
export function chiSquareUpperTail(x: number, degrees: number): number {
  return incompleteGamma(degrees / 2, x / 2).upper
}

/**
 * P(|T| > critical) for a noncentral t: T = (Z + shift)/√(χ²_ν/ν), by the trapezoidal rule over √(χ²_ν/ν), whose density
 * falls off so fast on both sides that the rule converges geometrically.
 *
 * @param degrees ν ≥ 4
 */
export function noncentralStudentTails(critical: number, degrees: number, shift: number): number {
  const NODES = 400
  const reach = 10 / Math.sqrt(2 * degrees)
  const from = Math.max(1 - reach, 1e-6)
  const step = (1 + 1.5 * reach - from) / NODES
  const logFront = Math.log(2) + (degrees / 2) * Math.log(degrees / 2) - logGamma(degrees / 2)
  let mass = 0
  let total = 0
  for (let node = 0; node <= NODES; node++) {
    const s = from + node * step
    const density = Math.exp(logFront + (degrees - 1) * Math.log(s) - (degrees * s * s) / 2)
    mass += density
    total += density * (normalUpperTail(critical * s - shift) + normalCdf(-critical * s - shift))
  }
  return total / mass
}

/** ζ(s) for s > 1, by Euler and Maclaurin's summation. */
export function zeta(s: number): number {
  const N = 20
  let sum = 0
  for (let n = 1; n < N; n++) sum += n ** -s
  // Bernoulli numbers over factorials: B₂ₖ/(2k)!.
  const terms = [1 / 12, -1 / 720, 1 / 30_240, -1 / 1_209_600, 1 / 47_900_160]
  let rising = s * N ** (-s - 1)
  let rest = N ** (1 - s) / (s - 1) + 0.5 * N ** -s
  terms.forEach((term, k) => {
    rest += term * rising
    rising *= ((s + 2 * k + 1) * (s + 2 * k + 2)) / (N * N)
  })
  return sum + rest
}
