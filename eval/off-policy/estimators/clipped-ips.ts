import { atLeast } from '../../option.ts'
import { type RowValue, weighted } from './row-value.ts'

/**
 * Clipped IPS: mean(min(w, λ) r), not renormalised. Biased towards 0 by all the weight above λ, and no interval of it has
 * that bias in it: at λ = 5 and an opposed logger 95 % intervals cover 2 %.
 *
 * Ionides 2008; Bottou et al. 2013 (arXiv:1209.2355).
 *
 * @param limit λ ≥ 0; ∞ is IPS
 * @throws {EvaluationError} `eval_bad_option`
 */
export function clippedIps(limit: number): RowValue {
  atLeast('the limit of clipped IPS', limit, 0)
  return weighted(`clipped_ips(${limit})`, (weight) => Math.min(weight, limit))
}
