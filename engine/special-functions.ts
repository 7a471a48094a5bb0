/** The gamma and beta functions, to about 1e-13. */

/** Of Lanczos' approximation with g = 7 and nine terms (Lanczos 1964; coefficients of P. Godfrey, 2001). */
const LANCZOS_G = 7
const LANCZOS = [
  0.9999999999998099, 676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406,
  12.507343278686905, -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
]

/** From here on Stirling's series is at its best, and differences of large logarithms lose nothing. */
const STIRLING_FROM = 10
const LOG_SQRT_TWO_PI = 0.5 * Math.log(2 * Math.PI)

/** log Γ(x) for x > 0. */
export function logGamma(x: number): number {
  if (x >= STIRLING_FROM) return LOG_SQRT_TWO_PI + (x - 0.5) * Math.log(x) - x + stirlingRest(x)
  // Γ(x) = Γ(x + 1)/x: the approximation is at its best from 1 on.
  if (x < 1) return logGamma(x + 1) - Math.log(x)
  let sum = LANCZOS[0]!
  for (let k = 1; k < LANCZOS.length; k++) sum += LANCZOS[k]! / (x - 1 + k)
  const t = x + LANCZOS_G - 0.5
  return LOG_SQRT_TWO_PI + (x - 0.5) * Math.log(t) - t + Math.log(sum)
}

/** What Stirling's formula leaves of log Γ(x), x ≥ 10 (DLMF 5.11.1). */
function stirlingRest(x: number): number {
  const y = 1 / (x * x)
  const tail = 1 / 1260 - y * (1 / 1680 - y * (1 / 1188 - y * (691 / 360_360 - y / 156)))
  return (1 / 12 - y * (1 / 360 - y * tail)) / x
}

/** log B(a, b) for a, b > 0; the large terms of log Γ that cancel are taken out first (Didonato & Morris 1992). */
export function logBeta(a: number, b: number): number {
  const [small, large] = a < b ? [a, b] : [b, a]
  if (large < STIRLING_FROM) return logGamma(a) + logGamma(b) - logGamma(a + b)
  const rest = stirlingRest(large) - stirlingRest(large + small)
  const tilt = (large - 0.5) * Math.log1p(-small / (large + small))
  if (small < STIRLING_FROM) return logGamma(small) + rest + small - small * Math.log(large + small) + tilt
  const powers =
    (small - 0.5) * Math.log(small / (large + small)) + large * Math.log1p(-small / (large + small))
  return LOG_SQRT_TWO_PI - 0.5 * Math.log(large) + stirlingRest(small) + rest + powers
}

/**
 * The regularised incomplete beta function I_x(a, b): the distribution function of Beta(a, b). Continued fraction (DLMF
 * 8.17.22) by the modified method of Lentz, from the side where it converges fast.
 *
 * @param x in [0, 1]
 */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a)
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b)) / a
  let numerator = 1
  let denominator = away(1 - ((a + b) * x) / (a + 1))
  denominator = 1 / denominator
  let fraction = denominator
  for (let m = 1; m <= 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    denominator = 1 / away(1 + even * denominator)
    numerator = away(1 + even / numerator)
    fraction *= denominator * numerator
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    denominator = 1 / away(1 + odd * denominator)
    numerator = away(1 + odd / numerator)
    const factor = denominator * numerator
    fraction *= factor
    if (Math.abs(factor - 1) < 1e-15) break
  }
  return front * fraction
}

/** Lentz: what would be divided by 0 is taken to be tiny. */
function away(value: number): number {
  return Math.abs(value) < 1e-300 ? 1e-300 : value
}
