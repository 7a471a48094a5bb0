import { bestArmProbabilities } from '../best-arm.ts'
import type { PolicySpec } from '../types.ts'
import { bestMean, type Policy } from './policy.ts'

/**
 * The theory's factor is 1, and makes every arm that might be best in some class of requests be tried for ever; over the
 * some thousand requests after which providers have changed anyway, less earns more (decision record 0008).
 */
export const DEFAULT_EXPLORATION = 0.3

/**
 * Thompson sampling (Thompson 1933; Agrawal & Goyal 2013): each arm is chosen with the probability that its utility is
 * the largest under the posterior. The probability is computed, not sampled, so the logged propensity is exact.
 *
 * Deviation: the sd is multiplied by a factor that falls from 1 for an arm of which nothing is known to `exploration` for one
 * that is known. The first answers of a good arm can all be bad, and with a small factor from the start it would not be
 * called again to mend that.
 */
export const thompson: Policy<Extract<PolicySpec, { name: 'thompson' }>> = {
  name: 'thompson',
  distribution({ utilityMean, utilitySd, novelty }, { exploration = DEFAULT_EXPLORATION }) {
    const forStrangers = Math.max(exploration, 1)
    const sd = new Float64Array(utilitySd.length)
    for (let a = 0; a < sd.length; a++) {
      sd[a] = utilitySd[a]! * (exploration + (forStrangers - exploration) * novelty[a]!)
    }
    return bestArmProbabilities(utilityMean, sd)
  },
  exploit: bestMean,
}
