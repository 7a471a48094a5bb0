/** Adaptive allocation by beliefs: top-two Thompson sampling (Russo 2020, "Simple Bayesian algorithms for best-arm identification"). */
import { bestArmProbabilities } from '../../engine/index.ts'
import type { VariantStatistics } from './track-and-stop.ts'

/** Before any data: a mean of 0 with this variance, so loose that it says nothing. */
const PRIOR_VARIANCE = 1e4

export interface MeanBelief {
  readonly mean: number
  readonly sd: number
}

/** Normal posterior of a variant's mean, the variance of a unit taken as known. */
export function meanBelief({ n, mean, variance }: VariantStatistics): MeanBelief {
  const precision = 1 / PRIOR_VARIANCE + n / variance
  return { mean: (mean * n) / variance / precision, sd: 1 / Math.sqrt(precision) }
}

/** P(each variant's mean is the largest), by quadrature; same order, sums to 1. */
export function chancesToBeBest(beliefs: readonly MeanBelief[]): readonly number[] {
  const means = Float64Array.from(beliefs, ({ mean }) => mean)
  const sds = Float64Array.from(beliefs, ({ sd }) => sd)
  return [...bestArmProbabilities(means, sds)]
}

/**
 * Shares of top-two sampling: with probability `top` the variant that a draw says is best, else the best of another draw in
 * which that one is not. It keeps comparing the two that matter, where plain Thompson sampling would leave the second alone.
 *
 * @param chances of each to be best, see {@link chancesToBeBest} @param top @default 0.5
 */
export function topTwoShares(chances: readonly number[], top = 0.5): readonly number[] {
  const sure = chances.findIndex((chance) => chance >= 1)
  // One that is surely best has no second draw without it: what is left is spread evenly.
  if (sure !== -1) return chances.map((_, k) => (k === sure ? top : (1 - top) / (chances.length - 1)))
  return chances.map((own, variant) => {
    const second = chances.reduce((sum, other, k) => (k === variant ? sum : sum + other / (1 - other)), 0)
    return top * own + (1 - top) * own * second
  })
}

/** The additive floor f + (1 − K·f)·p: keeps order and spacing, which clipping and renormalising does not. */
export function withShareFloor(shares: readonly number[], floor: number): readonly number[] {
  const rest = 1 - shares.length * floor
  return shares.map((share) => floor + rest * share)
}
