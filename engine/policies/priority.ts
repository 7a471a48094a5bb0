import type { PolicySpec } from '../types.ts'
import { argmax, certain, type Policy } from './policy.ts'

/** The first eligible arm of a list. When none of the list is eligible, the best mean utility. */
export const priority: Policy<Extract<PolicySpec, { name: 'priority' }>> = {
  name: 'priority',
  distribution({ arms, utilityMean }, { order }) {
    for (const arm of order) {
      const index = arms.indexOf(arm)
      if (index !== -1) return certain(arms.length, index)
    }
    return certain(arms.length, argmax(utilityMean))
  },
  exploit: (input, spec) => priority.distribution(input, spec),
}
