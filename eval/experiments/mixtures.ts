/**
 * Uniform boundaries: curves that a sum of centred observations crosses at any time with probability at most alpha (Howard,
 * Ramdas, McAuliffe & Sekhon 2021, arXiv:1810.08240). Each comes from a mixture of exponential supermartingales: `logValue` is
 * the log of an e-process, `bound` the sum at which it reaches 1/alpha.
 *
 * s is the sum, v its intrinsic time (the accumulated variance); `vOpt` the v at which the bound is tightest for `alphaOpt`.
 */
import { incompleteBeta, logBeta, logGamma } from '../../engine/index.ts'
import { incompleteGamma, normalCdf } from '../distributions.ts'

export interface Mixture {
  logValue(s: number, v: number): number
  bound(v: number, alpha: number): number
}

/** ρ of the two-sided normal mixture that is tightest at v. */
function twoSidedRho(v: number, alpha: number): number {
  const twice = 2 * Math.log(1 / alpha)
  return v / (twice + Math.log1p(twice))
}

/** A one-sided bound has the two-sided one's ρ at twice the alpha. */
function oneSidedRho(v: number, alpha: number): number {
  return twoSidedRho(v, 2 * alpha)
}

/** Sub-Gaussian sums, both tails (proposition 5 there has a closed form). */
export function twoSidedNormalMixture(vOpt: number, alphaOpt = 0.05): Mixture {
  const rho = twoSidedRho(vOpt, alphaOpt)
  return {
    logValue: (s, v) => 0.5 * Math.log(rho / (v + rho)) + (s * s) / (2 * (v + rho)),
    bound: (v, alpha) => Math.sqrt((v + rho) * (Math.log1p(v / rho) + 2 * Math.log(1 / alpha))),
  }
}

/** Sub-Gaussian sums, the upper tail. */
export function normalMixture(vOpt: number, alphaOpt = 0.05): Mixture {
  const rho = oneSidedRho(vOpt, alphaOpt)
  return withBound((s, v) => {
    const spread = v + rho
    const tail = Math.log(normalCdf(s / Math.sqrt(spread)))
    return 0.5 * Math.log((4 * rho) / spread) + (s * s) / (2 * spread) + tail
  })
}

/** Sub-exponential sums of scale c, the upper tail (proposition 9 there). */
export function gammaExponentialMixture(vOpt: number, c: number, alphaOpt = 0.05): Mixture {
  const rho = oneSidedRho(vOpt, alphaOpt) / (c * c)
  const front = rho * Math.log(rho) - logGamma(rho) - Math.log(incompleteGamma(rho, rho).lower)
  return withBound((s, v) => {
    const shape = v / (c * c) + rho
    const moved = (c * s + v) / (c * c)
    const mass = logGamma(shape) + Math.log(incompleteGamma(shape, moved + rho).lower)
    return front + mass - shape * Math.log(moved + rho) + moved
  })
}

/** Sub-Poisson sums of scale c, the upper tail (proposition 10 there). */
export function gammaPoissonMixture(vOpt: number, c: number, alphaOpt = 0.05): Mixture {
  const rho = oneSidedRho(vOpt, alphaOpt) / (c * c)
  const front = rho * Math.log(rho) - logGamma(rho) - Math.log(incompleteGamma(rho, rho).upper)
  return withBound((s, v) => {
    const level = v / (c * c) + rho
    const shape = s / c + level
    const mass = logGamma(shape) + Math.log(incompleteGamma(shape, level).upper)
    return front + mass - shape * Math.log(level) + v / (c * c)
  })
}

/**
 * Sums of steps in [−g, h], such as 0/1 values less their mean g with h = 1 − g (proposition 7 there): a beta prior on the
 * chance of the step up, one-sided only the part above the null.
 */
export function betaBinomialMixture(
  vOpt: number,
  g: number,
  h: number,
  alphaOpt = 0.05,
  isOneSided = true,
): Mixture {
  const rho = isOneSided ? oneSidedRho(vOpt, alphaOpt) : twoSidedRho(vOpt, alphaOpt)
  const r = Math.max(rho - g * h, 1e-3 * g * h)
  const range = g + h
  const logMass = (down: number, up: number) =>
    logBeta(down, up) + (isOneSided ? Math.log(incompleteBeta(h / range, down, up)) : 0)
  const prior = logMass(r / (g * range), r / (h * range))
  return withBound(
    (s, v) => {
      const up = (v + h * s) / (h * range)
      const down = (v - g * s) / (g * range)
      const null_ = up * Math.log(g / range) + down * Math.log(h / range)
      return logMass(r / (g * range) + down, r / (h * range) + up) - prior - null_
    },
    (v) => v / g,
  )
}

/** The bound as the root of logValue = log(1/alpha), which grows in s from 0 on. */
function withBound(
  logValue: (s: number, v: number) => number,
  largest: (v: number) => number = () => Number.POSITIVE_INFINITY,
): Mixture {
  const bound = (v: number, alpha: number) => {
    const threshold = Math.log(1 / alpha)
    const limit = largest(v)
    let high = Number.isFinite(limit) ? limit : v
    if (Number.isFinite(limit) && logValue(limit, v) < threshold) return limit
    while (logValue(high, v) <= threshold && high < limit) high *= 2
    let low = 0
    for (let halving = 0; halving < 60; halving++) {
      const middle = (low + high) / 2
      if (logValue(middle, v) > threshold) high = middle
      else low = middle
    }
    return (low + high) / 2
  }
  return { logValue, bound }
}
