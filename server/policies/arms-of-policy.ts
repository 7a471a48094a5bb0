/** The arms that a policy names, and whether a virtual model has them. Pure. */
import type { PolicySpec } from '../../engine/index.ts'
import type { VirtualModel } from '../registry.ts'

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

/** Why a policy cannot choose among the arms of a virtual model, as text that goes on after "it"; undefined: it can. */
export function whyForeign(policy: PolicySpec, model: VirtualModel): string | undefined {
  const foreign = armsOfPolicy(policy).filter((arm) => !model.arms.some((own) => own === arm))
  if (foreign.length === 0) return undefined
  return `names ${foreign.join(', ')}, which ${foreign.length === 1 ? 'is' : 'are'} not among the arms of ${model.name}`
}
