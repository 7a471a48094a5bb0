import type { ArmId, PolicySpec } from '../types.ts'

/** What a policy chooses among: the eligible arms, sorted by id, with what is believed and known of each. */
export interface PolicyInput {
  /** At least one; ascending by id, so that "the first" means the same wherever the arms came from. */
  readonly arms: readonly ArmId[]
  /** Belief about each arm's utility. All arrays have the length and order of `arms`; all numbers are finite. */
  readonly utilityMean: Float64Array
  readonly utilitySd: Float64Array
  /** How much of what could be unknown about each arm for this request still is: 1 for a stranger, towards 0 as it is known. */
  readonly novelty: Float64Array
  /** Expected cost of this request, USD. */
  readonly costUsd: Float64Array
  /** Expected time to the last token, ms. */
  readonly latencyMs: Float64Array
  /** Calls running now. */
  readonly inFlight: Float64Array
  /** When round-robin last took the arm, counted in its turns; −1 for never. */
  readonly lastTurn: Float64Array
  /** How many examples the beliefs rest on, over all these arms; fewer as they are forgotten. */
  readonly examples: number
}

/**
 * A pure function from the eligible arms to a probability for each. All learning is in the heads, which every policy
 * shares: changing the policy relearns nothing.
 */
export interface Policy<Spec extends PolicySpec = PolicySpec> {
  readonly name: Spec['name']
  /** Same length and order as `input.arms`; each ≥ 0; sums to 1 within 1e-12. */
  distribution(input: PolicyInput, spec: Spec): Float64Array
  /**
   * The same with nothing done for the sake of learning: the best mean, for a policy that learns; for one that was told
   * what to do, its distribution.
   */
  exploit(input: PolicyInput, spec: Spec): Float64Array
}

/** What a learning policy exploits: the best mean utility for certain. */
export function bestMean({ utilityMean }: PolicyInput): Float64Array {
  return certain(utilityMean.length, argmax(utilityMean))
}

/** All probability on one arm. */
export function certain(count: number, index: number): Float64Array {
  const distribution = new Float64Array(count)
  distribution[index] = 1
  return distribution
}

/** Index of the largest value; ties go to the lowest arm id. */
export function argmax(values: Float64Array): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  return best
}

/** Index of the smallest value; ties go to the lowest arm id. */
export function argmin(values: Float64Array): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i]! < values[best]!) best = i
  return best
}
