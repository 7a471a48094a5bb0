import type { PolicySpec } from '../types.ts'
import { argmax, certain, type Policy } from './policy.ts'

/** Always one arm. While that arm is not eligible, the best mean utility stands in for it. */
export const fixed: Policy<Extract<PolicySpec, { name: 'fixed' }>> = {
  name: 'fixed',
  distribution({ arms, utilityMean }, { arm }) {
    const index = arms.indexOf(arm)
    return certain(arms.length, index === -1 ? argmax(utilityMean) : index)
  },
  exploit: (input, spec) => fixed.distribution(input, spec),
}
