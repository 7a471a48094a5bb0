/** Quantiles of what is predicted on a logarithmic scale. */
import { normalCdf } from './normal.ts'

/** exp(y) with y normal: median exp(logMean). */
export interface LogNormal {
  readonly logMean: number
  /** ≥ 0 */
  readonly logSd: number
}

/** The standard normal's 95 % quantile, and its 97.5 % quantile. */
const Z95 = 1.6448536269514722
const Z975 = 1.959963984540054

/** What 95 % of draws stay below. */
export function p95({ logMean, logSd }: LogNormal): number {
  return Math.exp(logMean + Z95 * logSd)
}

/** Of independent factors. */
export function product(a: LogNormal, b: LogNormal): LogNormal {
  return { logMean: a.logMean + b.logMean, logSd: Math.hypot(a.logSd, b.logSd) }
}

/** Trapezoids over ±6.5 sd, a sixth of an sd wide. */
const NODES = 80
const REACH = 6.5
const WEIGHTED_NODES = Array.from({ length: NODES + 1 }, (_, k) => {
  const z = -REACH + (2 * REACH * k) / NODES
  return { z, weight: ((2 * REACH) / NODES) * (Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)) }
})
const ACCURACY = 1e-6

/**
 * What 95 % of draws of a + b stay below, a and b independent. A sum of log-normals has no closed form, and matching its
 * first two moments by one log-normal (Fenton 1960) misses its tail when the two are of unlike spread; so
 * P(a + b ≤ t) = ∫ φ(z) F_b(t − a(z)) dz is summed and inverted. The quantile lies between the larger of the two
 * 95 % quantiles and, whatever the dependence, the sum of the two 97.5 % quantiles. Relative error below 1e-5.
 */
export function p95OfSum(a: LogNormal, b: LogNormal): number {
  // Over the one that spreads less, the other's distribution function is the smoother.
  const [outer, inner] = a.logSd >= b.logSd ? [b, a] : [a, b]
  const amounts = Float64Array.from(WEIGHTED_NODES, ({ z }) => Math.exp(outer.logMean + outer.logSd * z))
  let low = Math.max(p95(a), p95(b))
  let high = Math.exp(a.logMean + Z975 * a.logSd) + Math.exp(b.logMean + Z975 * b.logSd)
  while (high - low > ACCURACY * high) {
    const middle = (low + high) / 2
    if (cdfOfSum(amounts, inner, middle) < 0.95) low = middle
    else high = middle
  }
  return (low + high) / 2
}

function cdfOfSum(amounts: Float64Array, inner: LogNormal, t: number): number {
  let total = 0
  for (const [k, { weight }] of WEIGHTED_NODES.entries()) {
    const left = t - amounts[k]!
    if (left <= 0) break
    const distance = Math.log(left) - inner.logMean
    total += weight * (inner.logSd > 0 ? normalCdf(distance / inner.logSd) : Number(distance >= 0))
  }
  return total
}
