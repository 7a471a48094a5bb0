import { EngineError } from '../errors.ts'
import type { PolicyName, PolicySpec } from '../types.ts'
import { epsilonGreedy } from './epsilon-greedy.ts'
import { fixed } from './fixed.ts'
import type { Policy } from './policy.ts'
import { priority } from './priority.ts'
import { thompson } from './thompson.ts'
import { weighted } from './weighted.ts'

/** Every policy there is, by the name it has in configs and logs. */
export const POLICIES = {
  thompson,
  'epsilon-greedy': epsilonGreedy,
  fixed,
  priority,
  weighted,
} as const satisfies { [Name in PolicyName]: Policy<Extract<PolicySpec, { name: Name }>> }

/** The policy that `spec` names. */
export function policyOf(spec: PolicySpec): Policy {
  // The table's type ties each name to the spec it takes; a union of calls cannot express that.
  return POLICIES[spec.name] as Policy
}

/** Checks a spec's numbers. @throws {EngineError} `engine_bad_config` naming the field, the value and the range. */
export function validatePolicy(spec: PolicySpec): void {
  if (!Object.hasOwn(POLICIES, spec.name)) {
    throw new EngineError(
      'engine_bad_config',
      `unknown policy "${spec.name}"; known are ${Object.keys(POLICIES).join(', ')}`,
    )
  }
  if (spec.name === 'epsilon-greedy' && !(spec.epsilon >= 0 && spec.epsilon <= 1)) {
    throw new EngineError('engine_bad_config', `epsilon must be in [0, 1], got ${spec.epsilon}`)
  }
  if (spec.name === 'thompson' && spec.exploration !== undefined && !(spec.exploration > 0)) {
    throw new EngineError('engine_bad_config', `exploration must be above 0, got ${spec.exploration}`)
  }
  if (spec.name === 'weighted') {
    for (const [arm, weight] of Object.entries(spec.weights)) {
      if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
        throw new EngineError('engine_bad_config', `the weight of ${arm} must be ≥ 0, got ${weight}`)
      }
    }
  }
}
