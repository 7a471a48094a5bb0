import type { PolicyName, PolicySpec } from '../types.ts'
import { cheapest } from './cheapest.ts'
import { epsilonGreedy } from './epsilon-greedy.ts'
import { fastest } from './fastest.ts'
import { fixed } from './fixed.ts'
import { informationDirected } from './information-directed.ts'
import { leastBusy } from './least-busy.ts'
import { linucb } from './linucb.ts'
import type { Policy } from './policy.ts'
import { priority } from './priority.ts'
import { roundRobin } from './round-robin.ts'
import { softmax } from './softmax.ts'
import { squarecb } from './squarecb.ts'
import { thompson } from './thompson.ts'
import { weighted } from './weighted.ts'

/** Every policy there is, by the name it has in configs and logs. */
export const POLICIES = {
  thompson,
  linucb,
  squarecb,
  'information-directed': informationDirected,
  'epsilon-greedy': epsilonGreedy,
  softmax,
  fixed,
  priority,
  weighted,
  'round-robin': roundRobin,
  cheapest,
  fastest,
  'least-busy': leastBusy,
} as const satisfies { [Name in PolicyName]: Policy<Extract<PolicySpec, { name: Name }>> }

/** The policy that `spec` names. */
export function policyOf(spec: PolicySpec): Policy {
  // The table's type ties each name to the spec it takes; a union of calls cannot express that.
  return POLICIES[spec.name] as Policy
}
