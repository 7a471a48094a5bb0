/** How many units, how long, and what could be seen: before the start, and on the way. */
import { noncentralStudentTails, normalCdf, normalUpperTail } from '../distributions.ts'
import { asymptoticHalfWidth } from '../intervals/asymptotic-cs.ts'
import { normalQuantile } from '../intervals/normal.ts'
import { studentQuantile } from '../intervals/student-t.ts'

/** How the experiment will be read: once, at its planned size, or at any time. */
export type Reading = 'fixed' | 'always_valid'

export interface PowerOptions {
  /** Two-sided error. @default 0.05 */
  readonly alpha?: number
  /** Units of the treatment per unit of the control. @default 1 */
  readonly ratio?: number
  /** Tests that alpha is shared among, by Bonferroni. @default 1 */
  readonly comparisons?: number
  /** @default 'fixed' */
  readonly reading?: Reading
  /** Of the always-valid reading: the number of units at which it is tightest. @default 5000 */
  readonly tunedFor?: number
}

/** Probability to find the effect `mde` (> 0) with an estimate of this standard error after `n` units of both variants. */
export function powerAt(mde: number, se: number, n: number, options: PowerOptions = {}): number {
  const critical = criticalWidth(se, n, options) / se
  return normalUpperTail(critical - mde / se) + normalCdf(-critical - mde / se)
}

/** The smallest effect that is found with probability `power`, given the standard error that n units of both variants leave. */
export function minimumDetectableEffect(
  se: number,
  n: number,
  power = 0.8,
  options: PowerOptions = {},
): number {
  return (criticalWidth(se, n, options) / se + normalQuantile(power)) * se
}

/** What an estimate has to exceed. */
function criticalWidth(
  se: number,
  n: number,
  { alpha = 0.05, comparisons = 1, ...rest }: PowerOptions,
): number {
  const share = alpha / comparisons
  if (rest.reading !== 'always_valid') return -normalQuantile(share / 2) * se
  return asymptoticHalfWidth({ count: n, sd: se * Math.sqrt(n), level: 1 - share, ...rest })
}

/**
 * Units of the control (not rounded) with which an effect of `standardisedEffect` (difference over the sd of a unit) is found
 * with probability `power`. With the normal distribution, for a two-sided test; the treatment gets `ratio` times as many.
 */
export function sampleSize(standardisedEffect: number, power = 0.8, options: PowerOptions = {}): number {
  const { ratio = 1 } = options
  const mde = Math.abs(standardisedEffect)
  return firstSufficient(power, (n) => powerAt(mde, Math.sqrt((1 + 1 / ratio) / n), n * (1 + ratio), options))
}

/** The same for the t test with equal variances (noncentral t): some units more, which counts for small samples. */
export function sampleSizeStudent(
  standardisedEffect: number,
  power = 0.8,
  options: PowerOptions = {},
): number {
  const { ratio = 1, alpha = 0.05, comparisons = 1 } = options
  return firstSufficient(power, (n) => {
    const degrees = Math.max(n * (1 + ratio) - 2, 4)
    const critical = studentQuantile(1 - alpha / comparisons, degrees)
    return noncentralStudentTails(critical, degrees, standardisedEffect * Math.sqrt(n / (1 + 1 / ratio)))
  })
}

/** The n from which `powerOf` is at least `power`; it has to grow with n. */
function firstSufficient(power: number, powerOf: (n: number) => number): number {
  let low = 2
  let high = 4
  while (powerOf(high) < power) {
    low = high
    high *= 2
    if (high > 1e15) return Number.POSITIVE_INFINITY
  }
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2
    if (powerOf(middle) < power) low = middle
    else high = middle
  }
  return high
}

/**
 * On the way: power for the effect `mde` after `factor` times as many units again as the n that are already there, whose
 * standard error is `se`.
 */
export function powerAfter(
  factor: number,
  mde: number,
  se: number,
  n: number,
  options: PowerOptions = {},
): number {
  return powerAt(mde, se / Math.sqrt(1 + factor), n * (1 + factor), options)
}

/** How many times as many units again are needed for `power`; 0 when those there are suffice, Infinity when none would. */
export function furtherUnits(
  mde: number,
  se: number,
  n: number,
  power = 0.8,
  options: PowerOptions = {},
): number {
  if (powerAfter(0, mde, se, n, options) >= power) return 0
  let high = 1
  while (powerAfter(high, mde, se, n, options) < power) {
    high *= 2
    if (high > 2 ** 40) return Number.POSITIVE_INFINITY
  }
  let low = 0
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2
    if (powerAfter(middle, mde, se, n, options) < power) low = middle
    else high = middle
  }
  return high
}

export interface Plan {
  /** Units of the control and of each treatment, rounded up. */
  readonly unitsPerVariant: number
  readonly units: number
  /** Undefined where the arrival of units is not known. */
  readonly days: number | undefined
}

/**
 * Size and duration of an experiment whose variants get equal shares.
 *
 * @param mde absolute, in the metric's unit @param variance of one unit's value @param unitsPerDay new units that are eligible
 */
export function planExperiment(
  mde: number,
  variance: number,
  variants: number,
  unitsPerDay: number | undefined,
  power = 0.8,
  options: PowerOptions = {},
): Plan {
  const unitsPerVariant = Math.ceil(sampleSize(mde / Math.sqrt(variance), power, { ...options, ratio: 1 }))
  const units = unitsPerVariant * variants
  const days = unitsPerDay === undefined || unitsPerDay <= 0 ? undefined : units / unitsPerDay
  return { unitsPerVariant, units, days }
}
