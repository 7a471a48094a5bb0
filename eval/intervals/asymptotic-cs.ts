/**
 * Asymptotic confidence sequence of a mean: an interval that may be looked at after every value, and acted on at any of the
 * looks, with the coverage of one look. Asymptotic as the central limit theorem is: it needs no bounds on the values.
 *
 * Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences",
 * Annals of Statistics 2024 (arXiv:2103.06476), equation 9; of doubly robust row values it is their section 3.
 */
import { EvaluationError } from '../errors.ts'
import { around, type IntervalOfMean } from './interval.ts'

/** Number of values for which intervals are tightest, where nothing better is planned. */
export const DEFAULT_TUNED_FOR = 5_000

/** What is known at one look. */
export interface AsymptoticLook {
  /** Number of values so far, > 0. */
  readonly count: number
  /** Of one value, ≥ 0: what the sample so far shows, either with n or n − 1 below. */
  readonly sd: number
  /** 1 − α: share of sequences that hold the true mean at every look, in (0, 1). */
  readonly level: number
  /** n*, the count at which the interval is tightest; fixed before the first look. @default 5000 */
  readonly tunedFor?: number
}

/** ρ for which the two-sided half-width at n* values is smallest: √((−2 ln α + ln(1 − 2 ln α)) / n*). */
export function asymptoticRho(alpha: number, tunedFor = DEFAULT_TUNED_FOR): number {
  if (!(tunedFor > 0)) {
    throw new EvaluationError(
      'eval_bad_option',
      `a confidence sequence is tuned for a number of values above 0, got ${tunedFor}`,
    )
  }
  if (!(alpha > 0 && alpha < 1)) {
    throw new EvaluationError('eval_bad_option', `1 − level must be in (0, 1), got ${alpha}`)
  }
  const penalty = -2 * Math.log(alpha)
  return Math.sqrt((penalty + Math.log1p(penalty)) / tunedFor)
}

/**
 * Half-width of the two-sided interval: sd · √(2 (nρ² + 1) / (n²ρ²) · ln(√(nρ² + 1) / α)).
 *
 * @throws {EvaluationError} `eval_bad_option` for a level or `tunedFor` outside its range
 */
export function asymptoticHalfWidth({ count, sd, level, tunedFor }: AsymptoticLook): number {
  const alpha = 1 - level
  const rho = asymptoticRho(alpha, tunedFor)
  return reach(count, sd, rho, Math.log(Math.sqrt(count * rho * rho + 1) / alpha))
}

/**
 * How far below the mean the one-sided lower bound lies, or above it the upper one: as above with
 * ln(1 + √(nρ² + 1) / (2α)), and ρ tuned at 2α.
 *
 * @throws {EvaluationError} `eval_bad_option` for a level of at most 1/2 or `tunedFor` outside its range
 */
export function asymptoticHalfWidthOneSided({ count, sd, level, tunedFor }: AsymptoticLook): number {
  const alpha = 1 - level
  const rho = asymptoticRho(2 * alpha, tunedFor)
  return reach(count, sd, rho, Math.log1p(Math.sqrt(count * rho * rho + 1) / (2 * alpha)))
}

function reach(count: number, sd: number, rho: number, logTerm: number): number {
  const information = count * rho * rho
  return sd * Math.sqrt((2 * (information + 1) * logTerm) / (count * information))
}

/**
 * log of the e-value against "the mean is `against`": ρ²S / (2(nρ² + 1)) − ½ ln(nρ² + 1) with S = n² (x̄ − against)² / sd².
 * A p-value that holds at every look is min(1, exp(−log e)).
 */
export function asymptoticLogEValue(mean: number, against: number, look: AsymptoticLook): number {
  const { count, sd, level, tunedFor } = look
  const rho = asymptoticRho(1 - level, tunedFor)
  const information = count * rho * rho + 1
  const distance = (count * (mean - against)) / sd
  return (rho * rho * distance * distance) / (2 * information) - 0.5 * Math.log(information)
}

/** The sequence as an interval of means, tightest at `tunedFor` values. */
export function asymptoticInterval(tunedFor = DEFAULT_TUNED_FOR): IntervalOfMean {
  return ({ count, mean, standardError }, level) => {
    const sd = standardError * Math.sqrt(count)
    return around(mean, count > 1 ? asymptoticHalfWidth({ count, sd, level, tunedFor }) : Number.NaN)
  }
}
