/** A number with what the sample says about its precision. */
export interface Interval {
  readonly mean: number
  readonly lo: number
  readonly hi: number
}

/** Share of repetitions in which an interval is meant to hold the true value. */
export const DEFAULT_LEVEL = 0.95
