/**
 * The price of a dollar at which a set of choices spends what it may: the multiplier that solves the Lagrangian dual
 *
 *     min_λ≥0  λ·B + mean_i max_a (u_ia − λ·c_ia)
 *
 * over choices that stand for those to come. Where a pacer would have to search for its price by spending, this is the
 * price to start from: at the start of a period, after a restart, for a tenant that is new to a model others use.
 */
import { EngineError } from './errors.ts'
import type { Decision } from './types.ts'

/** Of each arm that could be chosen: expected utility with cost left out of it, and expected cost, USD. Equal lengths. */
export interface Alternatives {
  readonly utility: Float64Array
  readonly costUsd: Float64Array
}

const HALVINGS = 60
/** Prices searched, times the target: below, a dollar is worth nothing; above, nothing else matters. */
const LEAST_PRICE = 1e-6
const MOST_PRICE = 1e3

/** What a decision chose among. */
export function alternativesOf({ estimates, rates }: Pick<Decision, 'estimates' | 'rates'>): Alternatives {
  return {
    utility: Float64Array.from(
      estimates,
      ({ utility, costUsd }) => utility.mean + rates.perUsd * costUsd.mean,
    ),
    costUsd: Float64Array.from(estimates, ({ costUsd }) => costUsd.mean),
  }
}

/**
 * The smallest price, quality per USD, at which the best arm of each choice costs at most `targetUsd` in the mean; 0 when
 * money is no object. When not even the cheapest arms are cheap enough it is a price that leaves nothing but them.
 * O(choices · arms).
 *
 * @param targetUsd mean USD per choice, above 0
 * @throws {EngineError} `engine_bad_config` for a target that is not above 0, or no choices
 */
export function dualPrice(choices: readonly Alternatives[], targetUsd: number): number {
  if (!(targetUsd > 0) || choices.length === 0) {
    throw new EngineError(
      'engine_bad_config',
      `a price needs a target above 0 USD and at least one choice, got ${targetUsd} and ${choices.length}`,
    )
  }
  if (meanCost(choices, 0) <= targetUsd) return 0
  let low = Math.log(LEAST_PRICE / targetUsd)
  let high = Math.log(MOST_PRICE / targetUsd)
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (low + high) / 2
    if (meanCost(choices, Math.exp(middle)) > targetUsd) low = middle
    else high = middle
  }
  return Math.exp(high)
}

/** Mean cost of the best arm at a price; of arms that are equally good the cheapest. Never rises with the price. */
function meanCost(choices: readonly Alternatives[], perUsd: number): number {
  let total = 0
  for (const { utility, costUsd } of choices) {
    let best = 0
    let bestValue = Number.NEGATIVE_INFINITY
    for (let a = 0; a < utility.length; a++) {
      const value = utility[a]! - perUsd * costUsd[a]!
      if (value > bestValue || (value === bestValue && costUsd[a]! < costUsd[best]!)) {
        best = a
        bestValue = value
      }
    }
    total += costUsd[best]!
  }
  return total / choices.length
}
