/** Policies as they are written on a command line. */
import type { ArmId, PolicySpec } from '../engine/index.ts'
import { EvaluationError } from './errors.ts'

const DEFAULT_EPSILON = 0.1

/**
 * `thompson`, `thompson:1` (exploration), `epsilon-greedy`, `epsilon-greedy:0.05`, `fixed:<arm>`.
 *
 * @throws {EvaluationError} `eval_unknown_policy` listing what can be written
 */
export function parsePolicyName(name: string): PolicySpec {
  const colon = name.indexOf(':')
  const head = colon < 0 ? name : name.slice(0, colon)
  const argument = colon < 0 ? undefined : name.slice(colon + 1)
  if (head === 'thompson') {
    if (argument === undefined) return { name: 'thompson' }
    const exploration = Number(argument)
    if (exploration > 0 && exploration < Number.POSITIVE_INFINITY) return { name: 'thompson', exploration }
  }
  if (head === 'epsilon-greedy') {
    const epsilon = argument === undefined ? DEFAULT_EPSILON : Number(argument)
    if (argument !== '' && epsilon >= 0 && epsilon <= 1) return { name: 'epsilon-greedy', epsilon }
  }
  if (head === 'fixed' && argument) return { name: 'fixed', arm: argument as ArmId }
  throw new EvaluationError(
    'eval_unknown_policy',
    `unknown policy '${name}'; write thompson[:exploration], epsilon-greedy[:0…1] or fixed:<arm>`,
  )
}

/** The name that {@link parsePolicyName} reads back, where there is one. */
export function policyName(policy: PolicySpec): string {
  if (policy.name === 'thompson' && policy.exploration !== undefined) return `thompson:${policy.exploration}`
  if (policy.name === 'epsilon-greedy') return `epsilon-greedy:${policy.epsilon}`
  if (policy.name === 'fixed') return `fixed:${policy.arm}`
  return policy.name
}

/** @throws {EvaluationError} `eval_unknown_arm` for a policy that names an arm which is not there. */
export function checkPolicyArms(policy: PolicySpec, arms: readonly string[]): void {
  for (const arm of armsOf(policy)) {
    if (!arms.includes(arm)) {
      throw new EvaluationError(
        'eval_unknown_arm',
        `policy ${policy.name} names '${arm}', which is not replayed; the arms are ${arms.join(', ')}`,
      )
    }
  }
}

function armsOf(policy: PolicySpec): readonly string[] {
  if (policy.name === 'fixed') return [policy.arm]
  if (policy.name === 'priority') return policy.order
  if (policy.name === 'weighted') return Object.keys(policy.weights)
  return []
}
