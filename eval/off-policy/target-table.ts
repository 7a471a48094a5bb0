/** A policy that is nothing but its probabilities: by request class, as JSON. For policies of other systems. */
import { ownValue } from '../../engine/index.ts'
import { EvaluationError } from '../errors.ts'

export const TARGET_TABLE_FORMAT = 'highwayman-distribution'

/** Of an arm that is not named: 0. The class `*` stands for those that are not named. */
export interface TargetTable {
  readonly format: typeof TARGET_TABLE_FORMAT
  readonly byClass: Readonly<Record<string, Readonly<Record<string, number>>>>
}

export function isTargetTable(json: unknown): boolean {
  return typeof json === 'object' && json !== null && 'format' in json && json.format === TARGET_TABLE_FORMAT
}

/** @throws {EvaluationError} `eval_bad_target` with the path of the first thing that is wrong */
export function readTargetTable(json: unknown): TargetTable {
  const byClass = (json as { readonly byClass?: unknown }).byClass
  if (!isMap(byClass) || Object.keys(byClass).length === 0) {
    throw bad('byClass', 'must have a distribution for at least one class')
  }
  for (const [name, weights] of Object.entries(byClass)) {
    if (!isMap(weights)) throw bad(`byClass.${name}`, 'must be an object of arms and their probabilities')
    let total = 0
    for (const [arm, weight] of Object.entries(weights)) {
      if (typeof weight !== 'number' || !(weight >= 0) || weight === Number.POSITIVE_INFINITY) {
        throw bad(`byClass.${name}.${arm}`, 'must be a number of at least 0')
      }
      total += weight
    }
    if (!(total > 0)) throw bad(`byClass.${name}`, 'must have an arm with a probability above 0')
  }
  return { format: TARGET_TABLE_FORMAT, byClass: byClass as TargetTable['byClass'] }
}

/** In proportion to the table's numbers, over the eligible arms. @throws {EvaluationError} `eval_bad_target` where it has none */
export function tableDistribution(
  { byClass }: TargetTable,
  requestClass: string,
  eligible: readonly string[],
): Float64Array {
  const weights = ownValue(byClass, requestClass) ?? byClass['*'] ?? {}
  const distribution = Float64Array.from(eligible, (arm) => ownValue(weights, arm) ?? 0)
  const total = distribution.reduce((sum, weight) => sum + weight, 0)
  if (total > 0) return distribution.map((weight) => weight / total)
  throw bad(`byClass.${requestClass}`, `has none of the eligible arms ${eligible.slice(0, 5).join(', ')}`)
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function bad(path: string, rule: string): EvaluationError {
  return new EvaluationError('eval_bad_target', `distribution: ${path} ${rule}`)
}
