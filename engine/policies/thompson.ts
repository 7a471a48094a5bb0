import { bestArmProbabilities } from '../best-arm.ts'
import type { PolicySpec } from '../types.ts'
import { bestMean, type Policy } from './policy.ts'

/**
 * The theory's factor makes every arm that might be best be tried for ever; over the some thousand requests after which
 * providers have changed anyway, half of it earns more (decision record 0004) and the floor keeps trying.
 */
export const DEFAULT_EXPLORATION = 0.5

/**
 * Thompson sampling (Thompson 1933; Agrawal & Goyal 2013): each arm is chosen with the probability that its utility is
 * the largest under the posterior. The probability is computed, not sampled, so the logged propensity is exact.
 */
export const thompson: Policy<Extract<PolicySpec, { name: 'thompson' }>> = {
  name: 'thompson',
  distribution({ utilityMean, utilitySd }, { exploration = DEFAULT_EXPLORATION }) {
    return bestArmProbabilities(
      utilityMean,
      utilitySd.map((sd) => exploration * sd),
    )
  },
  exploit: bestMean,
}
