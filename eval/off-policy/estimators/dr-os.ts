import { atLeast } from '../../option.ts'
import { corrected, type RowValue } from './row-value.ts'

/**
 * DR with optimistic shrinkage: mean(DM_i + λw/(w² + λ) (r − q̂)). Minimises a bound on the squared error; biased towards the
 * direct method for every finite λ.
 *
 * Su, Dimakopoulou, Krishnamurthy & Dudík 2020 (arXiv:1907.09623), section 3.
 *
 * @param lambda λ ≥ 0; 0 is the direct method, for rows of weight 0 too, and ∞ is DR
 * @throws {EvaluationError} `eval_bad_option`
 */
export function drOs(lambda: number): RowValue {
  atLeast('λ of DR with optimistic shrinkage', lambda, 0)
  const name = `dr_os(${lambda})`
  if (lambda === 0) return corrected(name, () => 0)
  // As w/(w²/λ + 1) there is no ∞/∞ to run into.
  return corrected(name, (weight) => weight / ((weight * weight) / lambda + 1))
}
