/**
 * Whom an evaluation judges: a policy by name on the beliefs that the log holds, a policy file on its own, or the log's own
 * policy. As data, so that it can be handed to another thread or machine.
 */
import {
  type Arm,
  type ArmId,
  createFrozenPolicy,
  distributionOver,
  EngineError,
  type PolicyFile,
  type PolicySpec,
  type Preferences,
  validatePastChoice,
} from '../../engine/index.ts'
import { EvaluationError } from '../errors.ts'
import { parsePolicyName, policyName } from '../policy-name.ts'
import type { EvaluationRow } from './evaluation-row.ts'
import { type TargetTable, tableDistribution } from './target-table.ts'

/** What takes the place of the policy's, or the log's, own settings. */
export interface TargetOverrides {
  /** Total additive floor in [0, 1). @default a file's own; of a name, each decision's */
  readonly floor?: number
  /** False: nothing for the sake of learning, and no floor. @default true */
  readonly explore?: boolean
  /** Exchange rates or an order of goods. @default the wishes each request was decided with */
  readonly preferences?: Preferences
}

export type TargetSpec =
  /** The policy that wrote the log, as it wrote it. */
  | { readonly kind: 'logged' }
  | ({ readonly kind: 'policy'; readonly policy: PolicySpec } & TargetOverrides)
  | ({
      readonly kind: 'file'
      readonly file: PolicyFile
      /** How the file is called, and a hash of its text. */
      readonly name: string
      readonly hash: string
      /** Registered arms: their prices and priors. Without them cost is as the log estimated it. */
      readonly arms?: readonly Arm[]
    } & TargetOverrides)
  | { readonly kind: 'table'; readonly table: TargetTable; readonly name: string; readonly hash: string }

export interface TargetPolicy {
  readonly name: string
  /** Of the file that it came in. */
  readonly hash?: string
  /** It is the policy that wrote the log: every weight is 1. */
  readonly isLog?: true
  /**
   * What it would have drawn from, in the order of the eligible arms; sums to 1.
   * @throws {EvaluationError} `eval_bad_target` where the log does not hold what the policy goes by
   */
  distribution(decision: EvaluationRow): Float64Array
}

/** What `parseTarget` reads and a log can be judged for. */
export const TARGET_NAMES =
  'thompson[:exploration], linucb[:alpha], information-directed, epsilon-greedy[:0…1], softmax[:temperature], fixed:<arm>, cheapest, fastest, uniform, weighted:<arm>=<weight>,…, priority:<arm>,…, or live for the policy that wrote the log'

const WEIGHT = /^(.+)=(\d+(?:\.\d+)?(?:e-?\d+)?)$/

/** @throws {EvaluationError} `eval_unknown_policy` listing what can be written */
export function parseTarget(text: string): TargetSpec {
  if (text === 'live' || text === 'logged') return { kind: 'logged' }
  if (text === 'uniform') return { kind: 'policy', policy: { name: 'epsilon-greedy', epsilon: 1 }, floor: 0 }
  const colon = text.indexOf(':')
  const list = colon === -1 ? [] : text.slice(colon + 1).split(',')
  if (text.startsWith('priority:') && list.every((arm) => arm !== '')) {
    return { kind: 'policy', policy: { name: 'priority', order: list as ArmId[] } }
  }
  if (text.startsWith('weighted:')) {
    const weights = list.map((entry) => WEIGHT.exec(entry))
    if (weights.every((match) => match !== null)) {
      const entries = weights.map((match): [string, number] => [match[1] ?? '', Number(match[2])])
      return { kind: 'policy', policy: { name: 'weighted', weights: Object.fromEntries(entries) } }
    }
  }
  try {
    return { kind: 'policy', policy: parsePolicyName(text) }
  } catch {
    throw new EvaluationError(
      'eval_unknown_policy',
      `unknown policy '${text}'; write ${TARGET_NAMES}; or the path of a policy file, ending in .json`,
    )
  }
}

/** @throws {EvaluationError} `eval_bad_target` for a policy or wishes that go by what no log holds */
export function createTarget(spec: TargetSpec): TargetPolicy {
  return translated(() => targetOf(spec))
}

function targetOf(spec: TargetSpec): TargetPolicy {
  if (spec.kind === 'logged') return { name: 'live', isLog: true, distribution: loggedDistribution }
  if (spec.kind === 'file') {
    const { file, name, hash, arms, kind: _, ...overrides } = spec
    if (file.sums.length === 0) return believingTheLog(file, name, hash, overrides)
    const frozen = createFrozenPolicy(file, { ...(arms !== undefined && { arms }), choice: overrides })
    return {
      name: name + overridden(overrides),
      hash,
      distribution: (decision) => translated(() => sound(frozen.distribution(decision), decision, name)),
    }
  }
  if (spec.kind === 'table') {
    const { table, name, hash } = spec
    return {
      name,
      hash,
      distribution: ({ requestClass, eligible }) => tableDistribution(table, requestClass, eligible),
    }
  }
  const { policy, floor, explore, preferences } = spec
  const overrides = {
    ...(explore !== undefined && { explore }),
    ...(preferences !== undefined && { preferences }),
  }
  validatePastChoice({ policy, floor: floor ?? 0, ...overrides }, false)
  const name = targetName(policy) + (isUniform(policy) ? '' : overridden(spec))
  return {
    name,
    distribution: (decision) =>
      translated(() => {
        const choice = { policy, floor: floor ?? decision.floor, ...overrides }
        return sound(distributionOver(decision, decision.estimates, choice), decision, name)
      }),
  }
}

/**
 * A file without sums knows nothing of its own: in force it believes what was ever observed in its feature space, and that is
 * what the estimates of a log in that space say.
 */
function believingTheLog(
  file: PolicyFile,
  name: string,
  hash: string,
  overrides: TargetOverrides,
): TargetPolicy {
  const { policy, featureSpace, hyperparameters } = file
  const { distribution } = targetOf({ kind: 'policy', policy, floor: hyperparameters.floor, ...overrides })
  return {
    name: name + overridden(overrides),
    hash,
    distribution: (decision) => {
      if (decision.featureSpace === featureSpace.id) return distribution(decision)
      throw new EvaluationError(
        'eval_bad_target',
        `${name} has no sums and believes what is learned in feature space ${featureSpace.id}; decision ${decision.id} is of ${decision.featureSpace}: judge decisions of the file's space, or a file with sums`,
      )
    },
  }
}

function loggedDistribution({ id, probabilities }: EvaluationRow): Float64Array {
  if (probabilities !== undefined) return probabilities
  throw new EvaluationError('eval_bad_target', `the log has only the probability of the drawn arm for ${id}`)
}

/** What sets it apart from the policy as it stands in its file, or beside the log. */
function overridden({ floor, explore, preferences }: TargetOverrides): string {
  return [
    explore === false && ', greedy',
    explore !== false && floor !== undefined && `, floor ${floor}`,
    preferences !== undefined && ', other wishes',
  ]
    .filter((part) => part !== false)
    .join('')
}

function isUniform(policy: PolicySpec): boolean {
  return policy.name === 'epsilon-greedy' && policy.epsilon === 1
}

function targetName(policy: PolicySpec): string {
  if (isUniform(policy)) return 'uniform'
  if (policy.name === 'priority') return `priority:${policy.order.join(',')}`
  if (policy.name === 'weighted') {
    const weights = Object.entries(policy.weights).map(([arm, weight]) => `${arm}=${weight}`)
    return `weighted:${weights.join(',')}`
  }
  return policyName(policy)
}

/** A log from elsewhere can hold estimates that are no numbers. */
function sound(distribution: Float64Array, { id }: EvaluationRow, name: string): Float64Array {
  let total = 0
  for (const probability of distribution) total += probability
  if (Math.abs(total - 1) < 1e-9) return distribution
  throw new EvaluationError(
    'eval_bad_target',
    `${name} has no distribution for decision ${id}: an estimate of its arms is missing or no number`,
  )
}

function translated<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    throw new EvaluationError('eval_bad_target', error.message)
  }
}
