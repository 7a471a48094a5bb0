/**
 * Boundaries in closed form that grow as slowly as the law of the iterated logarithm allows: of sums (Howard et al. 2021,
 * theorem 1), of a quantile's order statistics and of the whole empirical distribution (Howard & Ramdas 2022,
 * arXiv:1906.09712, theorems 2 and 4).
 */
import { zeta } from '../distributions.ts'
import { betaBinomialMixture } from './mixtures.ts'

/** Shape of the stitching: `s` of the series, `eta` of the geometric epochs. */
export interface Stitching {
  /** @default 1.4 */
  readonly s?: number
  /** @default 2 */
  readonly eta?: number
}

function factorsOf({ s = 1.4, eta = 2 }: Stitching) {
  return { s, eta, k1: (eta ** 0.25 + eta ** -0.25) / Math.SQRT2, k2: (Math.sqrt(eta) + 1) / 2 }
}

/** Sub-gamma sums of scale c (c = 0: sub-Gaussian) with intrinsic time v; flat below `vMin`. */
export function polynomialStitching(
  v: number,
  alpha: number,
  vMin: number,
  c = 0,
  stitching: Stitching = {},
): number {
  const { s, eta, k1, k2 } = factorsOf(stitching)
  const time = Math.max(v, vMin)
  const level = s * Math.log(Math.log((eta * time) / vMin)) + Math.log(zeta(s) / (alpha * Math.log(eta) ** s))
  return subGammaCurve(k1 * k1 * time * level, k2 * c * level)
}

/**
 * By how many ranks the order statistics about the p-quantile of t values have to be spread so that they enclose it, at all
 * times and for all p at once.
 *
 * @param tOpt the t from which on it holds @param delta fineness of the grid over p
 */
export function doubleStitching(
  p: number,
  t: number,
  alpha: number,
  tOpt: number,
  delta = 0.5,
  stitching: Stitching = {},
): number {
  const { s, eta, k1, k2 } = factorsOf(stitching)
  const time = Math.max(t, tOpt)
  const logit = Math.log(p / (1 - p))
  const nearer = 1 / (1 + Math.exp(-(logit + 2 * delta * Math.sqrt((tOpt * eta) / time))))
  const r = p >= 0.5 ? p : Math.min(0.5, nearer)
  const variance = r * (1 - r)
  const cells = (Math.sqrt(time / tOpt) * Math.abs(logit)) / (2 * delta) + 1
  const series = zeta(s)
  const level =
    s * Math.log(Math.log((eta * time) / tOpt)) +
    s * Math.log(cells) +
    Math.log((2 * series * (2 * series + 1)) / (alpha * Math.log(eta) ** s))
  return (
    delta * Math.sqrt((eta * time * variance) / tOpt) +
    subGammaCurve(k1 * k1 * variance * time * level, (k2 * (1 - 2 * p) * level) / 3)
  )
}

/** Where a sum stays that is sub-Gaussian but for a linear part: the larger root of x² = square + 2·linear·x. */
function subGammaCurve(square: number, linear: number): number {
  return Math.sqrt(square + linear * linear) + linear
}

/** Largest distance of the empirical from the true distribution function at all times t ≥ `tMin`; Infinity before. */
export function empiricalProcessBound(t: number, alpha: number, tMin: number, A = 0.85): number {
  if (t < tMin) return Number.POSITIVE_INFINITY
  return A * Math.sqrt((Math.log1p(Math.log(t / tMin)) + empiricalProcessConstant(alpha, A)) / t)
}

/** The C at which the error of the bound, with the best width of its epochs, is alpha. A > 1/√2. */
function empiricalProcessConstant(alpha: number, A: number): number {
  const errorOf = (C: number, eta: number) => {
    const gamma = (2 / eta) * (A - Math.sqrt((2 * (eta - 1)) / C)) ** 2
    if (gamma <= 1) return Number.POSITIVE_INFINITY
    return 4 * Math.exp(-gamma * C) * (1 + 1 / ((gamma - 1) * Math.log(eta)))
  }
  const leastError = (C: number) => {
    const widest = bisect(1, 2 * A * A, (eta) => Math.sqrt(eta / 2) + Math.sqrt((2 * (eta - 1)) / C) > A)
    let [low, high] = [1, widest]
    for (let third = 0; third < 200; third++) {
      const [a, b] = [low + (high - low) / 3, high - (high - low) / 3]
      // At either end the error is infinite: towards the narrow end by the logarithm, towards the wide one by gamma.
      if (errorOf(C, a) <= errorOf(C, b)) high = b
      else low = a
    }
    return errorOf(C, (low + high) / 2)
  }
  return bisect(0.5, 1e3, (C) => leastError(C) < alpha)
}

/** Confidence sequence of a success probability after any number of trials, by the two-sided beta-binomial mixture. */
export function bernoulliInterval(
  successes: number,
  trials: number,
  alpha: number,
  tOpt: number,
  alphaOpt = 0.05,
): { readonly lo: number; readonly hi: number } {
  const rate = successes / trials
  const excluded = (p: number) => {
    const v = p * (1 - p)
    const mixture = betaBinomialMixture(v * tOpt, p, 1 - p, alphaOpt, false)
    return mixture.logValue((rate - p) * trials, v * trials) > Math.log(1 / alpha)
  }
  return {
    lo: rate > 0 ? bisect(0, rate, (p) => p > 0 && !excluded(p)) : 0,
    hi: rate < 1 ? bisect(rate, 1, (p) => p >= 1 || excluded(p)) : 1,
  }
}

/** Where `isAbove` turns from false to true between two ends. */
function bisect(from: number, to: number, isAbove: (x: number) => boolean): number {
  let [low, high] = [from, to]
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2
    if (isAbove(middle)) high = middle
    else low = middle
  }
  return (low + high) / 2
}
