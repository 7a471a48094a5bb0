/**
 * Tests that may be looked at after every unit and stopped for any reason: their error over all looks is at most alpha. Both
 * are asymptotic in the variance, which is estimated; below some hundred units a verdict waits ({@link MIN_UNITS}).
 */
import {
  asymptoticHalfWidth,
  asymptoticHalfWidthOneSided,
  asymptoticLogEValue,
  asymptoticRho,
  DEFAULT_TUNED_FOR,
} from '../intervals/asymptotic-cs.ts'
import type { Effect } from './effect.ts'
import type { Side, TestResult } from './fixed-horizon.ts'

/** Units that each variant has before any verdict is spoken. */
export const MIN_UNITS = 100

export interface AlwaysValidResult extends TestResult {
  /**
   * Evidence against "no effect": how often a bet of 1 on it would have been multiplied. At least 1/alpha rejects at alpha. Of more
   * than a number can hold the largest one, which is an e-value as well: less is always fair.
   */
  readonly eValue: number
}

/**
 * The asymptotic confidence sequence of an effect (Waudby-Smith et al. 2024, eq. 9 and its one-sided form), over the units of
 * both variants together.
 *
 * @param tunedFor number of units at which the interval is tightest; choose it before the start, not while looking
 */
export function alwaysValidTest(
  { estimate, se, n }: Pick<Effect, 'estimate' | 'se' | 'n'>,
  alpha: number,
  side: Side = 'two-sided',
  tunedFor: number = DEFAULT_TUNED_FOR,
): AlwaysValidResult {
  const look = { count: n, sd: se * Math.sqrt(n), level: 1 - alpha, tunedFor }
  if (side === 'two-sided') {
    const half = asymptoticHalfWidth(look)
    const log = asymptoticLogEValue(estimate, 0, look)
    const pValue = Math.min(1, Math.exp(-log))
    return {
      pValue,
      eValue: Math.min(Math.exp(log), Number.MAX_VALUE),
      lo: estimate - half,
      hi: estimate + half,
    }
  }
  const width = asymptoticHalfWidthOneSided(look)
  const z = (side === 'greater' ? estimate : -estimate) / se
  const pValue = oneSidedPValue(n, z, asymptoticRho(2 * alpha, tunedFor))
  // A p-process gives an e-process by the calibrator 1/(2√p) (Vovk & Wang 2021); there is no sharper one without more work.
  const eValue = Math.min(1 / (2 * Math.sqrt(pValue)), Number.MAX_VALUE)
  return side === 'greater'
    ? { pValue, eValue, lo: estimate - width, hi: Number.POSITIVE_INFINITY }
    : { pValue, eValue, lo: Number.NEGATIVE_INFINITY, hi: estimate + width }
}

/** The smallest alpha at which the one-sided sequence with this ρ has 0 outside: where ln(1 + √(nρ² + 1)/(2α)) is what z allows. */
function oneSidedPValue(n: number, z: number, rho: number): number {
  if (!(z > 0)) return 1
  const grown = n * rho * rho + 1
  const allowed = (n * rho * rho * z * z) / (2 * grown)
  return Math.min(1, Math.sqrt(grown) / (2 * Math.expm1(allowed)))
}

export interface Msprt {
  /** Λ: likelihood ratio of the mixture over effects against none. */
  readonly likelihoodRatio: number
  /** Of this look alone; the always-valid p-value is the smallest over all looks so far. */
  readonly pValue: number
  readonly halfWidth: number
}

/**
 * The mixture sequential probability ratio test for two equal variants of known variance (Johari, Koomen, Pekelis & Walsh
 * 2022, arXiv:1512.04922), with effects N(0, tau²) as the alternative.
 *
 * @param n units of each variant @param variance of one unit @param tau2 variance of the effects that are looked for
 */
export function msprt(n: number, difference: number, variance: number, tau2: number, alpha: number): Msprt {
  const V = 2 * variance
  const spread = V + n * tau2
  const likelihoodRatio =
    Math.sqrt(V / spread) * Math.exp((n * n * tau2 * difference * difference) / (2 * V * spread))
  const log = 2 * Math.log(1 / alpha) + Math.log(spread / V)
  return {
    likelihoodRatio,
    pValue: Math.min(1, 1 / likelihoodRatio),
    halfWidth: Math.sqrt((V * spread * log) / (n * n * tau2)),
  }
}
