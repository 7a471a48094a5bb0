/**
 * One reward for a slate of slots that were drawn independently: mean(w r) with w = 1 − S + Σ_s π_e,s/π_b,s. Without bias where
 * what slots add to the reward adds up, and then with the variance of S weights instead of that of their product. Weights may
 * be negative.
 *
 * Swaminathan et al., "Off-policy evaluation for slate recommendation", NeurIPS 2017 (arXiv:1605.04812), example 4.
 */
import { EvaluationError } from '../../errors.ts'
import type { IntervalOfMean } from '../../intervals/interval.ts'
import { normalInterval } from '../../intervals/normal.ts'
import { MeanOf } from './row-mean.ts'

export interface SlateRow {
  /** π_e/π_b of each slot's choice, ≥ 0. */
  readonly weights: readonly number[]
  readonly reward: number
}

export class PseudoInverse extends MeanOf<SlateRow> {
  constructor(interval: IntervalOfMean = normalInterval) {
    super(
      'pseudo_inverse',
      ({ weights, reward }) => {
        let weight = 1 - weights.length
        for (const ofSlot of weights) weight += ofSlot
        const value = weight * reward
        if (Number.isFinite(value) && weights.every((ofSlot) => ofSlot >= 0)) return value
        throw new EvaluationError(
          'eval_bad_row',
          `weights must be at least 0 and the reward finite, got [${weights.join(', ')}] and ${reward}`,
        )
      },
      interval,
    )
  }
}
