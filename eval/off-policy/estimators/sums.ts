/** What all estimators share in merging. */
import { EvaluationError } from '../../errors.ts'
import type { EstimatorState } from '../types.ts'

/** @throws {EvaluationError} `eval_bad_option` where the state is of another estimator, or of other settings */
export function checkMergeable(name: string, state: EstimatorState, length?: number): readonly number[] {
  if (state.name === name && (length === undefined || state.sums.length === length)) return state.sums
  const found = state.name === name ? `one of ${state.sums.length} sums` : state.name
  throw new EvaluationError(
    'eval_bad_option',
    `only sums of the same estimator with the same settings merge: ${name} cannot take ${found}`,
  )
}
