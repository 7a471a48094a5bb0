/** What is left of numbers that cancel: where all outcomes are alike, policies differ by rounding, with an interval as narrow. */
import type { Estimate } from './types.ts'

/** Operations on the way from an outcome to a difference of means, at most, that each round. */
const ROUNDINGS = 64

/** How far a mean of such values can be off by rounding alone. @param range the least and the largest of them */
export function roundingOf([least, most]: readonly [number, number]): number {
  return ROUNDINGS * Number.EPSILON * Math.max(Math.abs(least), Math.abs(most))
}

/** The estimate with bounds that hold whatever was rounded. */
export function widenedByRounding(estimate: Estimate, rounding: number): Estimate {
  return { ...estimate, lo: estimate.lo - rounding, hi: estimate.hi + rounding }
}
