import { type BestArmInformation, bestArmInformation } from '../best-arm-information.ts'
import type { PolicySpec } from '../types.ts'
import { argmin, bestMean, certain, type Policy } from './policy.ts'

/**
 * Variance-based information-directed sampling (Russo & Van Roy 2018, "Learning to Optimize via Information-Directed Sampling", 6.2): of
 * all distributions the one that pays least for what it learns, by the ratio of squared expected regret to expected gain, the gain
 * being the variance of an arm's expectation once it were known which arm is best. At most two arms have a part in it (their
 * proposition 6). Computed, not sampled, so the logged propensity is exact.
 *
 * Where `thompson` calls every arm as often as it may be best, this one calls it as often as that can be told by calling it.
 */
export const informationDirected: Policy<Extract<PolicySpec, { name: 'information-directed' }>> = {
  name: 'information-directed',
  distribution: ({ utilityMean, utilitySd }) => leastRatio(bestArmInformation(utilityMean, utilitySd)),
  exploit: bestMean,
}

function leastRatio({ regret, gain }: BestArmInformation): Float64Array {
  const best = argmin(regret)
  // Nothing to lose: nothing to find out.
  if (!(regret[best]! > 0)) return certain(regret.length, best)
  let least = Number.POSITIVE_INFINITY
  let [safe, telling, share] = [best, best, 0]
  for (let i = 0; i < regret.length; i++) {
    for (let j = 0; j < regret.length; j++) {
      const more = regret[j]! - regret[i]!
      const told = gain[j]! - gain[i]!
      // An arm that costs more and tells no more has no part beside i.
      if (i !== j && !(more > 0 && told > 0)) continue
      const q = i === j ? 0 : Math.min(Math.max(regret[i]! / more - (2 * gain[i]!) / told, 0), 1)
      const ratio = (regret[i]! + q * more) ** 2 / (gain[i]! + q * told)
      if (ratio < least) {
        least = ratio
        safe = i
        telling = j
        share = q
      }
    }
  }
  const distribution = new Float64Array(regret.length)
  distribution[safe]! += 1 - share
  distribution[telling]! += share
  return distribution
}
