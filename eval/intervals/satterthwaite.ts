import { around, type IntervalOfMean } from './interval.ts'
import { studentQuantile } from './student-t.ts'

/**
 * mean ± t_ν · standard error, with the degrees of freedom that the estimate of the variance really has: ν = 2n/(κ − 1) for values
 * of kurtosis κ, which is n for normal ones, and at most n − 1. Importance-weighted rewards have tails: of a thousand with κ = 50
 * the variance is as well known as of forty normal ones, and Student's t with n − 1 promises half a per cent too much.
 *
 * Satterthwaite, "An approximate distribution of estimates of variance components", Biometrics 1946: Var(s²) ≈ σ⁴ (κ − 1)/n.
 */
export const satterthwaiteInterval: IntervalOfMean = ({ count, mean, standardError, kurtosis }, level) => {
  if (!(count > 1)) return around(mean, Number.NaN)
  const ofVariance = kurtosis !== undefined && kurtosis > 1 ? (2 * count) / (kurtosis - 1) : count - 1
  return around(mean, studentQuantile(level, Math.min(count - 1, ofVariance)) * standardError)
}
