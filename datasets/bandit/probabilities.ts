/** Distributions as logs write them: in single precision, or rounded. */
import { DatasetError } from '../types.ts'

/** Hundreds of actions in single precision, or a few rounded to three places, sum to 1 within this. */
const SUM_SLACK = 2e-3

/** @throws {DatasetError} `dataset_bad_line` unless they sum to 1 */
export function probabilitiesOf(values: readonly number[], where: string): Float64Array {
  const sum = values.reduce((total, value) => total + value, 0)
  if (Math.abs(sum - 1) > SUM_SLACK) {
    throw new DatasetError('dataset_bad_line', `${where} p: expected a sum of 1, got ${sum}`)
  }
  return Float64Array.from(values)
}
