import { atLeast } from '../../option.ts'
import { corrected, type RowValue } from './row-value.ts'

/**
 * Switch-DR: mean(DM_i + 1[w ≤ τ] w (r − q̂)): rows of a weight above τ are left to the reward model. A weight of exactly τ
 * is kept. A sensitivity analysis: where the numbers for τ = 10, 30 and 100 differ, few rows decide.
 *
 * Wang, Agarwal & Dudík 2017 (arXiv:1612.01205).
 *
 * @param threshold τ ≥ 0; 0 leaves all to the model, ∞ is DR
 * @throws {EvaluationError} `eval_bad_option`
 */
export function switchDr(threshold: number): RowValue {
  atLeast('the threshold of switch-DR', threshold, 0)
  return corrected(`switch_dr(${threshold})`, (weight) => (weight <= threshold ? weight : 0))
}
