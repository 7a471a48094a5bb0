/** Policies as they are written on a command line. */
import type { ArmId, PolicyName, PolicySpec } from '../engine/index.ts'
import { EvaluationError } from './errors.ts'

const DEFAULT_EPSILON = 0.1

/** How the number after the colon becomes a policy; `text` is undefined where there is no colon. */
type Parse = (text: string | undefined) => PolicySpec | undefined

const WITHOUT_ARGUMENT =
  (spec: PolicySpec): Parse =>
  (text) =>
    text === undefined ? spec : undefined

/** All but `priority` and `weighted`, which take more than a name, and `least-busy`: in a replay nothing is ever running. */
const PARSERS: { readonly [Name in PolicyName]?: Parse } = {
  thompson: optional((exploration) => ({ name: 'thompson', exploration }), { name: 'thompson' }, isPositive),
  linucb: optional((alpha) => ({ name: 'linucb', alpha }), { name: 'linucb' }, isNotNegative),
  squarecb: optional((gammaScale) => ({ name: 'squarecb', gammaScale }), { name: 'squarecb' }, isPositive),
  'information-directed': WITHOUT_ARGUMENT({ name: 'information-directed' }),
  'epsilon-greedy': optional(
    (epsilon) => ({ name: 'epsilon-greedy', epsilon }),
    { name: 'epsilon-greedy', epsilon: DEFAULT_EPSILON },
    (epsilon) => epsilon >= 0 && epsilon <= 1,
  ),
  softmax: optional((temperature) => ({ name: 'softmax', temperature }), { name: 'softmax' }, isPositive),
  fixed: (arm) => (arm ? { name: 'fixed', arm: arm as ArmId } : undefined),
  'round-robin': WITHOUT_ARGUMENT({ name: 'round-robin' }),
  cheapest: WITHOUT_ARGUMENT({ name: 'cheapest' }),
  fastest: WITHOUT_ARGUMENT({ name: 'fastest' }),
}

/** What can be written, for messages and help. */
export const POLICY_NAMES =
  'thompson[:exploration], linucb[:alpha], squarecb[:gamma scale], information-directed, epsilon-greedy[:0…1], softmax[:temperature], fixed:<arm>, round-robin, cheapest or fastest'

/**
 * `thompson`, `thompson:1`, `linucb:1.5`, `fixed:<arm>`, …: {@link POLICY_NAMES}.
 *
 * @throws {EvaluationError} `eval_unknown_policy` listing what can be written
 */
export function parsePolicyName(name: string): PolicySpec {
  const colon = name.indexOf(':')
  const head = colon < 0 ? name : name.slice(0, colon)
  const argument = colon < 0 ? undefined : name.slice(colon + 1)
  const spec = Object.hasOwn(PARSERS, head) ? PARSERS[head as PolicyName]?.(argument) : undefined
  if (spec !== undefined) return spec
  throw new EvaluationError('eval_unknown_policy', `unknown policy '${name}'; write ${POLICY_NAMES}`)
}

function optional(
  withNumber: (value: number) => PolicySpec,
  without: PolicySpec,
  fits: (value: number) => boolean,
): Parse {
  return (text) => {
    if (text === undefined) return without
    const value = Number(text)
    return text.trim() !== '' && Number.isFinite(value) && fits(value) ? withNumber(value) : undefined
  }
}

function isPositive(value: number): boolean {
  return value > 0
}

function isNotNegative(value: number): boolean {
  return value >= 0
}

/** The name that {@link parsePolicyName} reads back, where there is one. */
export function policyName(policy: PolicySpec): string {
  const argument = argumentOf(policy)
  return argument === undefined ? policy.name : `${policy.name}:${argument}`
}

function argumentOf(policy: PolicySpec): string | number | undefined {
  switch (policy.name) {
    case 'thompson':
      return policy.exploration
    case 'linucb':
      return policy.alpha
    case 'squarecb':
      return policy.gammaScale
    case 'epsilon-greedy':
      return policy.epsilon
    case 'softmax':
      return policy.temperature
    case 'fixed':
      return policy.arm
    default:
      return undefined
  }
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

/** That the policy names. */
export function armsOf(policy: PolicySpec): readonly string[] {
  if (policy.name === 'fixed') return [policy.arm]
  if (policy.name === 'priority') return policy.order
  if (policy.name === 'weighted') return Object.keys(policy.weights)
  return []
}
