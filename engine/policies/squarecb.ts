import type { PolicySpec } from '../types.ts'
import { argmax, bestMean, type Policy } from './policy.ts'

/** Vowpal Wabbit's defaults, for rewards in [0, 1]. */
export const DEFAULT_GAMMA_SCALE = 10
export const DEFAULT_GAMMA_EXPONENT = 0.5

/**
 * Inverse gap weighting (Foster & Rakhlin 2020, "SquareCB"; Abe & Long 1999): p_a = 1/(K + γ·(best − mean_a)) for every arm
 * but the best, which gets the rest, at least 1/K. γ = scale·t^exponent grows with the examples the beliefs rest on: at none it
 * is uniform, and as examples are forgotten it explores again.
 */
export const squarecb: Policy<Extract<PolicySpec, { name: 'squarecb' }>> = {
  name: 'squarecb',
  distribution(
    { utilityMean, examples },
    { gammaScale = DEFAULT_GAMMA_SCALE, gammaExponent = DEFAULT_GAMMA_EXPONENT },
  ) {
    return inverseGapWeights(utilityMean, gammaAfter(examples, gammaScale, gammaExponent))
  },
  exploit: bestMean,
}

/** γ after `examples` learned examples; 0 before the first. */
export function gammaAfter(examples: number, scale: number, exponent: number): number {
  return examples > 0 ? scale * examples ** exponent : 0
}

function inverseGapWeights(mean: Float64Array, gamma: number): Float64Array {
  const K = mean.length
  const best = argmax(mean)
  const weights = mean.map((value) => 1 / (K + gamma * (mean[best]! - value)))
  // Every other arm has at most 1/K, so that what is left for the best is no less.
  weights[best] = 0
  let rest = 1
  for (const weight of weights) rest -= weight
  weights[best] = rest
  return weights
}
