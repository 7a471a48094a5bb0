/** The lower incomplete gamma function and the trigamma function, to about 1e-12. */
import { logGamma } from '../../engine/index.ts'

/** Steps within which series and fraction converge for a up to a hundred million. */
const MOST_STEPS = 100_000

/** ln ∫₀ˣ t^{a−1} e^{−t} dt for a, x > 0: the series (DLMF 8.7.1) below a + 1, Legendre's continued fraction above. */
export function logLowerGamma(a: number, x: number): number {
  const front = a * Math.log(x) - x
  if (x < a + 1) {
    let term = 1 / a
    let sum = term
    for (let k = 1; k < MOST_STEPS && term > 1e-17 * sum; k++) {
      term *= x / (a + k)
      sum += term
    }
    return front + Math.log(sum)
  }
  // Q(a, x) by the modified method of Lentz.
  let b = x + 1 - a
  let numerator = 1e300
  let denominator = 1 / b
  let fraction = denominator
  for (let k = 1; k < MOST_STEPS; k++) {
    const an = -k * (k - a)
    b += 2
    denominator = 1 / (an * denominator + b)
    numerator = b + an / numerator
    const factor = denominator * numerator
    fraction *= factor
    if (Math.abs(factor - 1) < 1e-15) break
  }
  const total = logGamma(a)
  return total + Math.log1p(-Math.exp(front - total) * fraction)
}

/** ψ′(x) for x > 0: upward recurrence, then the asymptotic series (DLMF 5.15.8). */
export function trigamma(x: number): number {
  let sum = 0
  let at = x
  for (; at < 15; at++) sum += 1 / (at * at)
  const s = 1 / (at * at)
  const series = 1 / 6 - s * (1 / 30 - s * (1 / 42 - s * (1 / 30 - s * (5 / 66))))
  return sum + 1 / at + s / 2 + (s / at) * series
}
