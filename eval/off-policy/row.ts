/** From probabilities to the row that estimators take, and what is refused on the way. */
import { EvaluationError } from '../errors.ts'
import type { EstimatorRow } from './types.ts'

/** How far from 1 the probabilities of a target policy may sum: files give them with a few decimals. */
const SUM_TOLERANCE = 1e-5

/**
 * w = π_e(a|x) / π_b(a|x).
 *
 * @param target π_e(a|x), in [0, 1]
 * @param logged π_b(a|x), the propensity in the log, in (0, 1]
 * @throws {EvaluationError} `eval_bad_propensity` outside these ranges
 */
export function importanceWeight(target: number, logged: number): number {
  if (!(logged > 0 && logged <= 1)) {
    throw new EvaluationError(
      'eval_bad_propensity',
      `the logged propensity must be in (0, 1], got ${logged}; log the probability with which the arm was drawn`,
    )
  }
  if (!(target >= 0 && target <= 1)) {
    throw new EvaluationError(
      'eval_bad_propensity',
      `the target policy's probability must be in [0, 1], got ${target}`,
    )
  }
  return target / logged
}

export interface RowSource {
  /** π_e(·|x) over the arms; sums to 1. */
  readonly target: ArrayLike<number>
  /** Index of the drawn arm a. */
  readonly drawn: number
  /** π_b(a|x), in (0, 1]. */
  readonly propensity: number
  readonly reward: number
  /** q̂(x, ·) over the arms, of a model that has not seen this row; without it, 0 throughout. */
  readonly predictions?: ArrayLike<number>
}

/**
 * The row of one logged decision under a target policy.
 *
 * @throws {EvaluationError} `eval_bad_propensity` where a probability is outside its range or the target's do not sum to 1;
 * `eval_bad_row` for an arm that is not there or a number that is not finite
 */
export function estimatorRow({ target, drawn, propensity, reward, predictions }: RowSource): EstimatorRow {
  const ofDrawn = target[drawn]
  if (ofDrawn === undefined) {
    throw new EvaluationError('eval_bad_row', `arm ${drawn} was drawn, and there are ${target.length}`)
  }
  let sum = 0
  let expected = 0
  for (let arm = 0; arm < target.length; arm++) {
    const probability = target[arm]!
    if (!(probability >= 0 && probability <= 1)) {
      throw new EvaluationError(
        'eval_bad_propensity',
        `the target policy's probability of arm ${arm} must be in [0, 1], got ${probability}`,
      )
    }
    sum += probability
    if (predictions !== undefined) expected += probability * predictions[arm]!
  }
  if (!(Math.abs(sum - 1) <= SUM_TOLERANCE)) {
    throw new EvaluationError(
      'eval_bad_propensity',
      `the target policy's probabilities sum to ${sum}, not to 1: give them over all eligible arms`,
    )
  }
  const row = {
    weight: importanceWeight(ofDrawn, propensity),
    reward,
    predicted: predictions?.[drawn] ?? 0,
    predictedTarget: expected / sum,
  }
  checkRow(row)
  return row
}

/** @throws {EvaluationError} `eval_bad_row` for a negative weight or a number that is not finite */
export function checkRow(row: EstimatorRow): void {
  // One comparison for the four: any NaN or infinity among them makes the sum of their differences NaN.
  const { weight, reward, predicted, predictedTarget } = row
  const spread = weight - weight + (reward - reward) + (predicted - predicted)
  if (weight >= 0 && spread + (predictedTarget - predictedTarget) === 0) return
  const [name, value] = Object.entries(row).find(([, number]) => !Number.isFinite(number)) ?? [
    'weight',
    weight,
  ]
  throw new EvaluationError(
    'eval_bad_row',
    `${name} must be a finite number${name === 'weight' ? ' of at least 0' : ''}, got ${value}`,
  )
}
