import type { PolicySpec } from '../types.ts'
import { argmax, bestMean, certain, type Policy } from './policy.ts'

/** Twice the noise sd is what the width needs (golden numbers: half of that locks a bad arm in); our sd contains it. */
export const DEFAULT_ALPHA = 2

/**
 * The arm with the largest upper confidence bound, mean + α·sd, for certain (Li et al. 2010, algorithm 1, "LinUCB"). Theirs
 * takes the width √(xᵀA⁻¹x); ours the sd of what is believed of the utility, σ̂·√(xᵀA⁻¹x) where only quality counts, so
 * that α needs no tuning to the scale of the rewards. Its log has support for the chosen arm alone: the floor gives the rest.
 */
export const linucb: Policy<Extract<PolicySpec, { name: 'linucb' }>> = {
  name: 'linucb',
  distribution({ utilityMean, utilitySd }, { alpha = DEFAULT_ALPHA }) {
    return certain(utilityMean.length, argmax(utilityMean.map((mean, a) => mean + alpha * utilitySd[a]!)))
  },
  exploit: bestMean,
}
