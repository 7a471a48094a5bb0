/**
 * Tests for one look at a sample size that was fixed beforehand. Looked at again and again until it is significant, such a test
 * finds effects that are not there in far more than alpha of all cases: see {@link ./always-valid.ts} for that.
 */
import { normalUpperTail } from '../distributions.ts'
import { normalQuantile } from '../intervals/normal.ts'
import { studentQuantile, studentTails } from '../intervals/student-t.ts'
import type { Effect } from './effect.ts'

/** `two-sided`, or what the alternative says of the treatment. */
export type Side = 'two-sided' | 'greater' | 'lesser'

export interface TestResult {
  /** Probability of a difference at least as large if there were none. */
  readonly pValue: number
  readonly lo: number
  readonly hi: number
}

/**
 * Welch's t test of an effect (Welch 1947; Satterthwaite 1946 for the degrees of freedom).
 *
 * @param alpha error of the test and of its interval, in (0, 1)
 */
export function welchTest(
  { estimate, se, degrees }: Effect,
  alpha: number,
  side: Side = 'two-sided',
): TestResult {
  const t = estimate / se
  const tail = studentTails(t, degrees) / 2
  const quantile = (level: number) => studentQuantile(level, degrees)
  return testResult(estimate, se, alpha, side, t > 0 ? tail : 1 - tail, quantile)
}

/** The same with the normal distribution, for sample sizes at which t is normal, and for effects without degrees of freedom. */
export function zTest(estimate: number, se: number, alpha: number, side: Side = 'two-sided'): TestResult {
  const quantile = (level: number) => -normalQuantile((1 - level) / 2)
  return testResult(estimate, se, alpha, side, normalUpperTail(estimate / se), quantile)
}

/** @param above P(statistic > observed) under the null @param quantile of |statistic|, at a level */
function testResult(
  estimate: number,
  se: number,
  alpha: number,
  side: Side,
  above: number,
  quantile: (level: number) => number,
): TestResult {
  if (side === 'two-sided') {
    const half = quantile(1 - alpha) * se
    return { pValue: 2 * Math.min(above, 1 - above), lo: estimate - half, hi: estimate + half }
  }
  const width = (alpha <= 0.5 ? quantile(1 - 2 * alpha) : -quantile(2 * alpha - 1)) * se
  if (side === 'greater') return { pValue: above, lo: estimate - width, hi: Number.POSITIVE_INFINITY }
  return { pValue: 1 - above, lo: Number.NEGATIVE_INFINITY, hi: estimate + width }
}
