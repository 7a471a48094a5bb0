import type { RatioValue } from './self-normalised.ts'

/**
 * Self-normalised DR: mean(DM_i) + Σ w (r − q̂) / Σ w; its standard error counts that the two parts are of the same rows.
 *
 * Thomas & Brunskill 2016 (arXiv:1604.00923), the weighted doubly robust estimator, for one step.
 */
export const sndr: RatioValue = {
  name: 'sndr',
  base: ({ predictedTarget }) => predictedTarget,
  gain: ({ reward, predicted }) => reward - predicted,
}
