/**
 * Sample-ratio mismatch: units were not split as the weights say, so something between assignment and log loses or favours some
 * of them, and no other number of the experiment can be believed (Fabijan et al. 2019).
 */
import { logGamma } from '../../engine/index.ts'
import { chiSquareUpperTail } from '../distributions.ts'

/** Below this p-value the readout is blocked. */
export const MISMATCH_P_VALUE = 0.001
/** A cell that expects fewer units is too small for the χ² distribution. */
const MIN_EXPECTED = 5

/** Units by variant during which the weights stayed as they were. */
export interface AllocationPeriod {
  readonly units: readonly number[]
  /** Same order; any positive scale. A variant of weight 0 gets no unit by design and is left out. */
  readonly weights: readonly number[]
}

export interface RatioTest {
  readonly chi2: number
  readonly degrees: number
  readonly pValue: number
}

/**
 * Pearson's χ² of the counts, summed over periods of constant weights, each with one degree of freedom less than it has
 * variants of positive weight. A period in which a cell expects fewer than 5 units is not tested.
 */
export function sampleRatioTest(periods: readonly AllocationPeriod[]): RatioTest {
  let chi2 = 0
  let degrees = 0
  for (const { units, weights } of periods) {
    const open = weights.flatMap((weight, variant) => (weight > 0 ? [variant] : []))
    const total = open.reduce((sum, variant) => sum + units[variant]!, 0)
    const weight = open.reduce((sum, variant) => sum + weights[variant]!, 0)
    const expected = open.map((variant) => (total * weights[variant]!) / weight)
    if (open.length < 2 || expected.some((count) => count < MIN_EXPECTED)) continue
    degrees += open.length - 1
    open.forEach((variant, index) => {
      chi2 += (units[variant]! - expected[index]!) ** 2 / expected[index]!
    })
  }
  return { chi2, degrees, pValue: degrees === 0 ? 1 : chiSquareUpperTail(chi2, degrees) }
}

export interface SequentialRatioTest {
  /** Of "another split" over "the intended one". */
  readonly logBayesFactor: number
  /** Of this look; the smallest over all looks is valid at any time. */
  readonly pValue: number
}

/**
 * The multinomial test that may be looked at after every unit (Lindon & Malek 2022, arXiv:2011.03567): a Dirichlet mixture over
 * other splits, with its mass about the intended one.
 *
 * @param weights of all variants, positive @param concentration how near the intended split the others are, in units seen
 */
export function sequentialRatioTest(
  units: readonly number[],
  weights: readonly number[],
  concentration = 100,
): SequentialRatioTest {
  const scale = weights.reduce((sum, weight) => sum + weight, 0)
  const total = units.reduce((sum, count) => sum + count, 0)
  let log = logGamma(concentration) - logGamma(concentration + total)
  units.forEach((count, variant) => {
    const share = weights[variant]! / scale
    const prior = concentration * share
    log += logGamma(prior + count) - logGamma(prior) - count * Math.log(share)
  })
  return { logBayesFactor: log, pValue: Math.min(1, Math.exp(-log)) }
}
