import { atLeast } from '../../option.ts'
import { corrected, type RowValue } from './row-value.ts'

/**
 * Doubly robust: mean(DM_i + min(w, λ)(r − q̂)). With λ = ∞ right where either the propensities or the model are, and with
 * the right propensities the model's only task is to take variance away. The headline, with a cross-fitted model.
 *
 * Dudík, Langford & Li 2011 (arXiv:1103.4601); clipped as in Su, Dimakopoulou, Krishnamurthy & Dudík 2020 (arXiv:1907.09623).
 *
 * @param limit λ ≥ 0; weights above it are cut, at the price of a bias
 * @throws {EvaluationError} `eval_bad_option`
 */
export function dr(limit = Number.POSITIVE_INFINITY): RowValue {
  atLeast('the limit of clipped DR', limit, 0)
  const name = limit === Number.POSITIVE_INFINITY ? 'dr' : `clipped_dr(${limit})`
  return corrected(name, (weight) => Math.min(weight, limit))
}
