/**
 * The Bayesian reading of an effect: what to believe of it, given a prior and the data. Its probabilities are about the effect,
 * not about the data, and stay true to the prior however often one looks; they hold no promise on how often one errs.
 */
import { normalCdf, normalDensity } from '../distributions.ts'
import { normalQuantile } from '../intervals/normal.ts'
import type { Effect, Scale } from './effect.ts'

export interface EffectPrior {
  readonly mean: number
  readonly variance: number
  /** What mean and variance are of; a relative prior is rescaled by the control's mean for an absolute effect, and back. */
  readonly scale: Scale
}

export interface Belief {
  /** Mean and sd of the normal posterior. */
  readonly mean: number
  readonly sd: number
  /** Credible interval: holds the effect with probability 1 − alpha. */
  readonly lo: number
  readonly hi: number
  /** Probability that the treatment is the better one. */
  readonly chanceToWin: number
  /** What is lost on average by taking the treatment, in the unit of the effect; only the worlds in which it is worse count. */
  readonly expectedLossOfTreatment: number
  /** What is lost on average by keeping the control. */
  readonly expectedLossOfControl: number
}

/**
 * Normal posterior of an effect whose estimate is normal with known variance; without a prior the flat one, and so where the prior
 * is on the other scale and the control's mean is 0: nothing is relative to that.
 *
 * @param lowerIsBetter of the metric, such as cost: then a negative effect wins
 */
export function beliefOf(effect: Effect, alpha: number, prior?: EffectPrior, lowerIsBetter = false): Belief {
  const { mean, variance } = posterior(effect, prior)
  const sd = Math.sqrt(variance)
  const half = -normalQuantile(alpha / 2) * sd
  const positive = normalCdf(mean / sd)
  // E max(effect, 0) and E max(−effect, 0) of a normal.
  const gain = mean * positive + sd * normalDensity(mean / sd)
  const loss = gain - mean
  return {
    mean,
    sd,
    lo: mean - half,
    hi: mean + half,
    chanceToWin: lowerIsBetter ? normalCdf(-mean / sd) : positive,
    expectedLossOfTreatment: lowerIsBetter ? gain : loss,
    expectedLossOfControl: lowerIsBetter ? loss : gain,
  }
}

function posterior({ estimate, se, scale, baseline }: Effect, prior: EffectPrior | undefined) {
  const variance = se * se
  const isForeign = prior !== undefined && prior.scale !== scale
  if (prior === undefined || (isForeign && baseline === 0)) return { mean: estimate, variance }
  const factor = !isForeign ? 1 : scale === 'absolute' ? Math.abs(baseline) : 1 / Math.abs(baseline)
  const [priorMean, priorVariance] = [prior.mean * factor, prior.variance * factor * factor]
  const precision = 1 / variance + 1 / priorVariance
  return { mean: (estimate / variance + priorMean / priorVariance) / precision, variance: 1 / precision }
}
