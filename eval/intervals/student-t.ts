/** Student's t for whole degrees of freedom, and the interval of a mean. */
import { DEFAULT_LEVEL, type Interval } from './interval.ts'

/**
 * P(|T| ≤ t) for t ≥ 0, exact finite sums (Abramowitz & Stegun 26.7.3–26.7.4).
 *
 * @param degrees whole degrees of freedom ≥ 1
 */
export function studentCentralProbability(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees))
  const cosine = Math.cos(angle)
  const isOdd = degrees % 2 === 1
  let term = isOdd ? cosine : 1
  let sum = degrees === 1 ? 0 : term
  for (let power = isOdd ? 3 : 2; power <= degrees - 2; power += 2) {
    term *= (cosine * cosine * (power - 1)) / power
    sum += term
  }
  return isOdd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum
}

/** The t with P(|T| ≤ t) = `level`; by bisection of the angle to the precision of a double. `level` in (0, 1). */
export function studentQuantile(level: number, degrees: number): number {
  let low = 0
  let high = Math.PI / 2
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2
    if (studentCentralProbability(Math.sqrt(degrees) * Math.tan(middle), degrees) < level) low = middle
    else high = middle
  }
  return Math.sqrt(degrees) * Math.tan((low + high) / 2)
}

/**
 * Mean of independent values, with the interval mean ± t · s/√n (n − 1 degrees of freedom). For a few values that are
 * roughly normal, such as the results of independent seeds.
 *
 * @returns undefined for fewer than two values: one value has no spread
 */
export function studentInterval(values: ArrayLike<number>, level: number): Interval | undefined {
  const count = values.length
  if (count < 2) return undefined
  let sum = 0
  for (let i = 0; i < count; i++) sum += values[i]!
  const mean = sum / count
  let squares = 0
  for (let i = 0; i < count; i++) squares += (values[i]! - mean) ** 2
  const half = studentQuantile(level, count - 1) * Math.sqrt(squares / (count - 1) / count)
  return { mean, lo: mean - half, hi: mean + half }
}

/** {@link studentInterval} of a figure of each seed; of a single one the bounds are NaN, because nobody knows them. */
export function seedInterval(values: readonly number[]): Interval {
  const [only] = values
  const unknown = { mean: only ?? Number.NaN, lo: Number.NaN, hi: Number.NaN }
  return studentInterval(values, DEFAULT_LEVEL) ?? unknown
}
