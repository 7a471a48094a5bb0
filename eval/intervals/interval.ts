/** A number with what the sample says about its precision. */
export interface Interval {
  readonly mean: number
  readonly lo: number
  readonly hi: number
}

/** Share of repetitions in which an interval is meant to hold the true value. */
export const DEFAULT_LEVEL = 0.95

/** All that intervals by the central limit theorem ask of a sample. */
export interface MeanSummary {
  /** How many values the mean is of. */
  readonly count: number
  /** Their mean, or another estimate with a standard error. */
  readonly mean: number
  /** Of `mean`, not of one value; infinite where one value says nothing of it. */
  readonly standardError: number
  /** Of the values, where it is known: see `satterthwaiteInterval`. */
  readonly kurtosis?: number
}

/** An interval of nominal `level`, in (0, 1), about a mean. */
export type IntervalOfMean = (summary: MeanSummary, level: number) => Interval

/** mean ± half, and no bounds where the half-width is not a number: nobody knows them. */
export function around(mean: number, half: number): Interval {
  const reach = Number.isNaN(half) ? Number.POSITIVE_INFINITY : half
  return { mean, lo: mean - reach, hi: mean + reach }
}
