/**
 * Analysis of units that were assigned with probabilities that changed on the way, as adaptive allocation does. The plain mean
 * of a variant is then biased (a variant that starts badly gets no chance to recover); a mean weighted by the inverse of each
 * unit's own probability is not.
 */
import { differenceOf, type Effect, type NoEffect, type Scale } from './effect.ts'
import { beyondRounding } from './moments.ts'

/** Sums over the units of one variant; e is the probability that the unit had, at its assignment, to get this variant. */
export interface WeightedMoments {
  readonly n: number
  /** Σ 1/e and Σ 1/e². */
  readonly weight: number
  readonly weightSquares: number
  /** Σ y/e, Σ y/e² and Σ y²/e². */
  readonly sum: number
  readonly sumOverSquares: number
  readonly squaresOverSquares: number
}

export interface WeightedMean {
  readonly n: number
  readonly mean: number
  readonly se: number
  /** (Σ1/e)²/Σ1/e²: so many units of equal weight would tell as much. */
  readonly effectiveUnits: number
}

/** Hájek's estimator Σ(y/e)/Σ(1/e) with the standard error of its linearisation, √Σ(y − mean)²/e² / Σ1/e. */
export function weightedMean(sums: WeightedMoments): WeightedMean {
  const mean = sums.sum / sums.weight
  const squares = sums.squaresOverSquares - 2 * mean * sums.sumOverSquares + mean * mean * sums.weightSquares
  return {
    n: sums.n,
    mean,
    se: Math.sqrt(beyondRounding(sums.n, squares, sums.squaresOverSquares)) / sums.weight,
    effectiveUnits: sums.weight ** 2 / sums.weightSquares,
  }
}

/** The difference of two variants by {@link weightedMean}; its degrees of freedom are those of the effective units. */
export function weightedEffect(
  controlSums: WeightedMoments,
  treatmentSums: WeightedMoments,
  scale: Scale,
): Effect | NoEffect {
  return differenceOf(located(controlSums), located(treatmentSums), scale)
}

function located(sums: WeightedMoments) {
  const { n, mean, se, effectiveUnits } = weightedMean(sums)
  return { n, value: mean, se, effective: effectiveUnits }
}

/** One unit with its outcome and what a model that has not seen it expects of it under either variant. */
export interface ScoredUnit {
  /** P(treatment) at its assignment, in (0, 1). */
  readonly propensity: number
  readonly treated: boolean
  readonly outcome: number
  readonly expectedTreated: number
  readonly expectedControl: number
}

/**
 * The doubly robust score of one unit, whose mean over units is the effect (Robins & Rotnitzky 1995); its running mean and
 * variance are what an asymptotic confidence sequence takes (Waudby-Smith et al. 2024, theorem 3.1).
 */
export function doublyRobustScore(unit: ScoredUnit): number {
  const { propensity, treated, outcome, expectedTreated, expectedControl } = unit
  const residual = treated
    ? (outcome - expectedTreated) / propensity
    : -(outcome - expectedControl) / (1 - propensity)
  return expectedTreated - expectedControl + residual
}
