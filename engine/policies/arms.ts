import type { PolicySpec } from '../types.ts'

/** Arms that a policy names; none where it goes by what is eligible. */
export function armsOfPolicy(policy: PolicySpec): readonly string[] {
  switch (policy.name) {
    case 'fixed':
      return [policy.arm]
    case 'priority':
      return policy.order
    case 'weighted':
      return Object.keys(policy.weights)
    default:
      return []
  }
}
