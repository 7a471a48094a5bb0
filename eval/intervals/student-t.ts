/** Student's t, and the interval of a mean. */
import { incompleteBeta } from '../../engine/index.ts'
import { around, DEFAULT_LEVEL, type Interval, type IntervalOfMean } from './interval.ts'
import { normalQuantile } from './normal.ts'

/** From here on the expansion about the normal is exact to 1e-11, and the finite sums would be long. */
const EXPANDED_FROM = 1_000

/**
 * P(|T| ≤ t) for t ≥ 0: exact finite sums for whole degrees (Abramowitz & Stegun 26.7.3–26.7.4), the incomplete beta
 * function for others.
 *
 * @param degrees of freedom, > 0
 */
function centralProbability(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees))
  const cosine = Math.cos(angle)
  if (!Number.isInteger(degrees)) return 1 - incompleteBeta(cosine * cosine, degrees / 2, 0.5)
  const isOdd = degrees % 2 === 1
  let term = isOdd ? cosine : 1
  let sum = degrees === 1 ? 0 : term
  for (let power = isOdd ? 3 : 2; power <= degrees - 2; power += 2) {
    term *= (cosine * cosine * (power - 1)) / power
    sum += term
  }
  return isOdd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum
}

/**
 * P(|T| > |t|), exact far into the tails, where 1 − P(|T| ≤ |t|) would be rounded to 0.
 *
 * @param degrees of freedom, > 0
 */
export function studentTails(t: number, degrees: number): number {
  return incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5)
}

/**
 * The t with P(|T| ≤ t) = `level`, in (0, 1): by bisection of the angle to the precision of a double, and for a thousand
 * degrees or more by the expansion about the normal quantile (Abramowitz & Stegun 26.7.5).
 *
 * @param degrees of freedom, > 0, not necessarily whole (Welch's are not)
 */
export function studentQuantile(level: number, degrees: number): number {
  if (degrees >= EXPANDED_FROM) return expandedQuantile(-normalQuantile((1 - level) / 2), degrees)
  let low = 0
  let high = Math.PI / 2
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2
    if (centralProbability(Math.sqrt(degrees) * Math.tan(middle), degrees) < level) low = middle
    else high = middle
  }
  return Math.sqrt(degrees) * Math.tan((low + high) / 2)
}

function expandedQuantile(z: number, degrees: number): number {
  const s = z * z
  const first = (s + 1) / 4
  const second = ((5 * s + 16) * s + 3) / 96
  const third = (((3 * s + 19) * s + 17) * s - 15) / 384
  const fourth = ((((79 * s + 776) * s + 1482) * s - 1920) * s - 945) / 92_160
  return z * (1 + (first + (second + (third + fourth / degrees) / degrees) / degrees) / degrees)
}

/** mean ± t_{n−1} · standard error; without bounds for a single value. */
export const studentIntervalOfMean: IntervalOfMean = ({ count, mean, standardError }, level) =>
  around(mean, count > 1 ? studentQuantile(level, count - 1) * standardError : Number.NaN)

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
