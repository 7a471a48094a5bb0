/**
 * Intervals of means of bounded values that hold for every sample size, and pay for it in width. Take the range that values
 * can have: of importance-weighted rewards that is (largest possible weight) × (range of rewards), not the largest seen.
 */
import { atLeast } from '../option.ts'
import { around, type IntervalOfMean } from './interval.ts'

/**
 * Hoeffding 1963: mean ± R √(ln(2/δ) / 2n), with δ = 1 − level.
 *
 * @param range R ≥ 0, the distance between the least and the most a value can be
 * @throws {EvaluationError} `eval_bad_option`
 */
export function hoeffdingInterval(range: number): IntervalOfMean {
  atLeast('the range of the values', range, 0)
  return ({ count, mean }, level) => around(mean, range * Math.sqrt(Math.log(2 / (1 - level)) / (2 * count)))
}

/**
 * Empirical Bernstein, Maurer & Pontil 2009 (arXiv:0907.3740), theorem 4 on each side: mean ± [√(2 V ln(4/δ) / n) +
 * 7 R ln(4/δ) / (3 (n − 1))], with V the sample variance. (Two-sided: ln(2/δ) is that of one side.)
 *
 * @param range R ≥ 0, the distance between the least and the most a value can be
 * @throws {EvaluationError} `eval_bad_option`
 */
export function empiricalBernsteinInterval(range: number): IntervalOfMean {
  atLeast('the range of the values', range, 0)
  return ({ count, mean, standardError }, level) => {
    const log = Math.log(4 / (1 - level))
    const half = standardError * Math.sqrt(2 * log) + (7 * range * log) / (3 * (count - 1))
    return around(mean, count > 1 ? half : Number.NaN)
  }
}
