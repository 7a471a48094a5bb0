/**
 * The asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2024, arXiv:2103.06476, eq. 9): an
 * interval of a mean that holds at every sample size at once, so that one may look at any time and stop for any reason. It
 * asks for no more than a consistent variance, as a z interval does, and is tightest at one sample size that is chosen before.
 *
 * Words: `rho` sets that sample size; `variance` is that of one observation, so that se² = variance/n; the alphas are of all
 * looks together.
 */

/** Sample size at which the sequence is tightest where none is planned. */
export const DEFAULT_TUNING = 5_000

/**
 * The ρ whose sequence is tightest at `tuning` observations.
 *
 * @param alpha of a two-sided sequence; for a one-sided one give twice its alpha
 */
export function csRho(alpha: number, tuning: number = DEFAULT_TUNING): number {
  const twice = -2 * Math.log(alpha)
  return Math.sqrt((twice + Math.log(twice + 1)) / tuning)
}

/** Half the width of the two-sided sequence after n ≥ 1 observations. */
export function csHalfWidth(n: number, variance: number, alpha: number, rho: number): number {
  const grown = n * rho * rho + 1
  return Math.sqrt((variance * 2 * grown * Math.log(Math.sqrt(grown) / alpha)) / (n * rho) ** 2)
}

/** How far below the mean the one-sided sequence's only bound is, after n ≥ 1 observations. */
export function csOneSidedWidth(n: number, variance: number, alpha: number, rho: number): number {
  const grown = n * rho * rho + 1
  const log = Math.log1p(Math.sqrt(grown) / (2 * alpha))
  return Math.sqrt((variance * 2 * grown * log) / (n * rho) ** 2)
}

/**
 * log of the e-value against "the mean is 0": its expectation under the null is at most 1 at any stopping time.
 *
 * @param z mean/se
 */
export function csLogEValue(n: number, z: number, rho: number): number {
  const grown = n * rho * rho + 1
  return (n * rho * rho * z * z) / (2 * grown) - 0.5 * Math.log(grown)
}

/** The smallest two-sided alpha at which the sequence with this ρ excludes 0: an always-valid p-value. */
export function csPValue(n: number, z: number, rho: number): number {
  return Math.min(1, Math.exp(-csLogEValue(n, z, rho)))
}

/** The same of the one-sided sequence, against "the mean is at most 0". */
export function csOneSidedPValue(n: number, z: number, rho: number): number {
  if (!(z > 0)) return 1
  const grown = n * rho * rho + 1
  const gain = Math.expm1((n * rho * rho * z * z) / (2 * grown))
  return Math.min(1, Math.sqrt(grown) / (2 * gain))
}
