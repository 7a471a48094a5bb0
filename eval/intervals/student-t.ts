/** Student's t, and the interval of a mean. */
import { incompleteBeta } from '../../engine/index.ts'
import { DEFAULT_LEVEL, type Interval } from './interval.ts'

/**
 * P(|T| > |t|): twice the tail, exact in it (DLMF 8.17; Abramowitz & Stegun 26.7.1).
 *
 * @param degrees degrees of freedom > 0, whole or not
 */
export function studentTails(t: number, degrees: number): number {
  return incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5)
}

/** The t ≥ 0 with P(|T| ≤ t) = `level`; by bisection of the angle to the precision of a double. `level` in (0, 1). */
export function studentQuantile(level: number, degrees: number): number {
  let low = 0
  let high = Math.PI / 2
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2
    if (studentTails(Math.sqrt(degrees) * Math.tan(middle), degrees) > 1 - level) low = middle
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
