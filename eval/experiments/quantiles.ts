/**
 * Quantiles of a metric, such as the p95 of a latency, as effects that the tests of means take. The standard error of a quantile
 * comes from how far apart the order statistics at its rank ± one standard error of the rank are (Woodruff 1952; Bahadur 1966):
 * no density has to be estimated, and it needs three order statistics of the values, which the store computes.
 */
import { differenceOf, type Effect, type NoEffect, type Scale } from './effect.ts'

/** The levels whose order statistics are needed for the quantile `level` of n values: itself, and one standard error about it. */
export interface QuantileLevels {
  readonly lower: number
  readonly level: number
  readonly upper: number
}

/**
 * @param n number of values, ≥ 1
 * @param designEffect variance of the share below the quantile, over what n independent values would have; above 1 where a
 *   unit has several values, see {@link designEffectOf}
 */
export function quantileLevels(level: number, n: number, designEffect = 1): QuantileLevels {
  const se = Math.sqrt((level * (1 - level) * designEffect) / n)
  return { lower: Math.max(level - se, 0), level, upper: Math.min(level + se, 1) }
}

/** How much a unit with several values counts for less than as many independent ones. */
export function designEffectOf(varianceOfShare: number, level: number, values: number): number {
  return Math.max((varianceOfShare * values) / (level * (1 - level)), 1e-9)
}

/** A variant's order statistics at {@link quantileLevels}. */
export interface QuantileStatistic {
  readonly n: number
  readonly lower: number
  readonly value: number
  readonly upper: number
}

export function quantileSe({ lower, upper }: QuantileStatistic): number {
  return (upper - lower) / 2
}

/** The difference of the quantiles of two variants; n counts the values of both. */
export function quantileEffect(
  control: QuantileStatistic,
  treatment: QuantileStatistic,
  scale: Scale,
): Effect | NoEffect {
  return differenceOf(located(control), located(treatment), scale)
}

function located(statistic: QuantileStatistic) {
  const { n, value } = statistic
  return { n, value, se: quantileSe(statistic), effective: n }
}
