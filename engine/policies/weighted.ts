import { ownValue } from '../own.ts'
import type { PolicySpec } from '../types.ts'
import type { Policy } from './policy.ts'

/** In proportion to fixed weights over the eligible arms; evenly when none of them has a weight. */
export const weighted: Policy<Extract<PolicySpec, { name: 'weighted' }>> = {
  name: 'weighted',
  distribution({ arms }, { weights }) {
    const distribution = Float64Array.from(arms, (arm) => ownValue(weights, arm) ?? 0)
    let total = 0
    for (const weight of distribution) total += weight
    return total > 0 ? distribution.map((weight) => weight / total) : distribution.fill(1 / arms.length)
  },
  exploit: (input, spec) => weighted.distribution(input, spec),
}
