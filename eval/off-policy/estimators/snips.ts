import type { RatioValue } from './self-normalised.ts'

/**
 * Self-normalised IPS: Σ w r / Σ w. Never outside the rewards seen, unmoved by a constant added to all of them, with a bias of
 * order 1/n; standard error √(Σ w² (r − V)²) / Σ w.
 *
 * Swaminathan & Joachims 2015, "The self-normalized estimator for counterfactual learning"; the ratio estimator of Hájek 1971.
 */
export const snips: RatioValue = { name: 'snips', base: () => 0, gain: ({ reward }) => reward }
