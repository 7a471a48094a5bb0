/**
 * IPS and DR with sub-Gaussian weights: ŵ = w / (1 − λ + λw), which is below 1/λ however large w is, and falls off so that
 * errors have sub-Gaussian tails. Biased towards 0, or towards the direct method, for every λ > 0.
 *
 * Metelli, Russo & Restelli, "Subgaussian and differentiable importance sampling for off-policy evaluation and learning",
 * NeurIPS 2021.
 */
import { within } from '../../option.ts'
import { corrected, type RowValue, weighted } from './row-value.ts'

/**
 * mean(ŵ r).
 *
 * @param lambda in [0, 1]; 0 is IPS, 1 gives every row that the target could have had weight 1
 * @throws {EvaluationError} `eval_bad_option`
 */
export function subGaussianIps(lambda: number): RowValue {
  return weighted(`sg_ips(${lambda})`, subGaussian(lambda))
}

/**
 * mean(DM_i + ŵ (r − q̂)).
 *
 * @param lambda in [0, 1]; 0 is DR
 * @throws {EvaluationError} `eval_bad_option`
 */
export function subGaussianDr(lambda: number): RowValue {
  return corrected(`sg_dr(${lambda})`, subGaussian(lambda))
}

function subGaussian(lambda: number): (weight: number) => number {
  within('λ of sub-Gaussian weights', lambda, 0, 1)
  // A weight of 0 stays 0 for λ = 1 too, where the quotient would be 0/0.
  return (weight) => (weight === 0 ? 0 : weight / (1 - lambda + lambda * weight))
}
