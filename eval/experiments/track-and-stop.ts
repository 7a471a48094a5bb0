/**
 * Finding the best of K variants with as few units as possible at a fixed error (Garivier & Kaufmann 2016, "Optimal best arm
 * identification with fixed confidence"; Gaussian form): which shares to sample with, and when to stop.
 */

/** What is known of a variant; `n` units with this mean and sample variance of the reward, larger means being better. */
export interface VariantStatistics {
  readonly n: number
  readonly mean: number
  readonly variance: number
}

export interface BestArmOptions {
  /** A variant this much worse than the best is as good. @default 0 */
  readonly epsilon?: number
  /** @default 1e-12 */
  readonly varianceFloor?: number
}

export interface AllocationOptions extends BestArmOptions {
  /** Every variant keeps this share, so that a later change is seen. @default 0.02 */
  readonly minShare?: number
  /** Pull towards equal shares, worth `regularisation`/√(all units) per Σ share². @default 0.01 */
  readonly regularisation?: number
}

const LEAST_GAP_SQUARED = 1e-6
const DEFAULT_VARIANCE_FLOOR = 1e-12

/** The variant with the largest mean; of equals the one whose mean is known best, then the first. */
export function leaderOf(variants: readonly VariantStatistics[]): number {
  let leader = 0
  variants.forEach((variant, index) => {
    const { mean, variance, n } = variants[leader]!
    const isBetter = variant.mean > mean
    if (isBetter || (variant.mean === mean && variant.variance / variant.n < variance / n)) leader = index
  })
  return leader
}

/**
 * Shares w that minimise t + a·‖w‖² subject to t ≥ 2(σ_i²/w_i + σ_L²/w_L)/max((μ_L − μ_i + ε)², 1e-6) for every other variant
 * i than the leader L, Σw = 1, w ≥ minShare; a = regularisation/√N. Convex: over the leader's share and over t by golden
 * sections, the rest by filling up the smallest.
 */
export function optimalShares(
  variants: readonly VariantStatistics[],
  options: AllocationOptions = {},
): readonly number[] {
  const {
    epsilon = 0,
    varianceFloor = DEFAULT_VARIANCE_FLOOR,
    minShare = 0.02,
    regularisation = 0.01,
  } = options
  const leader = leaderOf(variants)
  const least = Math.max(minShare, 1e-6)
  const others = variants.flatMap((variant, index) => (index === leader ? [] : [{ ...variant, index }]))
  if (others.length === 0) return [1]
  const total = variants.reduce((sum, { n }) => sum + n, 0)
  const problem: Problem = {
    leaderVariance: Math.max(variants[leader]!.variance, varianceFloor),
    variance: others.map(({ variance }) => Math.max(variance, varianceFloor)),
    gapSquared: others.map(({ mean }) =>
      Math.max((variants[leader]!.mean - mean + epsilon) ** 2, LEAST_GAP_SQUARED),
    ),
    least,
    pull: regularisation / Math.sqrt(total),
  }
  const most = 1 - least * others.length
  if (most <= least) return variants.map(() => 1 / variants.length)
  const share = minimise(least, most, (leaderShare) => best(problem, leaderShare).value)
  const { shares } = best(problem, share)
  const result = new Array<number>(variants.length)
  result[leader] = share
  others.forEach(({ index }, k) => {
    result[index] = shares[k]!
  })
  return result
}

interface Problem {
  readonly leaderVariance: number
  readonly variance: readonly number[]
  readonly gapSquared: readonly number[]
  readonly least: number
  readonly pull: number
}

/** The best shares of the others once the leader's is set. */
function best(
  problem: Problem,
  leaderShare: number,
): { readonly value: number; readonly shares: readonly number[] } {
  const { leaderVariance, gapSquared, pull } = problem
  const left = 1 - leaderShare
  // Below this t no share is large enough; above it the shares that t asks for shrink as it grows.
  const floor = (2 * leaderVariance) / leaderShare / Math.min(...gapSquared)
  const sumAt = (t: number) => demands(problem, leaderShare, t).reduce((sum, share) => sum + share, 0)
  let low = floor
  let high = floor * 2
  while (sumAt(high) > left) high *= 2
  for (let halving = 0; halving < 100 && high - low > 1e-15 * high; halving++) {
    const middle = (low + high) / 2
    if (sumAt(middle) > left) low = middle
    else high = middle
  }
  const at = (t: number) => {
    const shares = fillUp(demands(problem, leaderShare, t), left)
    const squares = shares.reduce((sum, share) => sum + share * share, leaderShare * leaderShare)
    return { value: t + pull * squares, shares }
  }
  if (pull === 0) return at(high)
  // The pull can win at most `pull`, so t goes up by no more.
  return at(minimise(high, high + pull, (t) => at(t).value))
}

/** The least share of each of the others under t. */
function demands({ leaderVariance, variance, gapSquared, least }: Problem, leaderShare: number, t: number) {
  return variance.map((own, k) => {
    const room = (t * gapSquared[k]!) / 2 - leaderVariance / leaderShare
    return room > 0 ? Math.max(least, own / room) : Number.POSITIVE_INFINITY
  })
}

/** Raises the smallest to a common level until the sum is `total`. */
function fillUp(shares: readonly number[], total: number): readonly number[] {
  const ascending = [...shares].sort((a, b) => a - b)
  let rest = total - shares.reduce((sum, share) => sum + share, 0)
  if (rest <= 0) return shares
  let level = ascending[0]!
  for (let k = 1; k <= ascending.length; k++) {
    const next = ascending[k] ?? Number.POSITIVE_INFINITY
    const step = Math.min((next - level) * k, rest)
    level += step / k
    rest -= step
    if (rest <= 0) break
  }
  return shares.map((share) => Math.max(share, level))
}

/** Where a convex function of one number is smallest, by golden sections. */
function minimise(from: number, to: number, value: (x: number) => number): number {
  const golden = (Math.sqrt(5) - 1) / 2
  let [low, high] = [from, to]
  let [a, b] = [high - golden * (high - low), low + golden * (high - low)]
  let [valueA, valueB] = [value(a), value(b)]
  for (let step = 0; step < 80 && high - low > 1e-14 * Math.abs(high); step++) {
    if (valueA <= valueB) {
      ;[high, b, valueB] = [b, a, valueA]
      a = high - golden * (high - low)
      valueA = value(a)
    } else {
      ;[low, a, valueA] = [a, b, valueB]
      b = low + golden * (high - low)
      valueB = value(b)
    }
  }
  return (low + high) / 2
}

export interface StoppingRule extends BestArmOptions {
  /** Error of naming a winner that is not the best by more than epsilon. */
  readonly delta: number
  /** Units of every variant before anything is named. @default 100 */
  readonly minUnits?: number
  /** Comparisons the error is shared among. @default K − 1 */
  readonly comparisons?: number
}

export interface Stopping {
  readonly leader: number
  /** Generalised likelihood ratio of the leader against each of the others, by index. */
  readonly likelihoodRatios: ReadonlyMap<number, number>
  readonly threshold: number
  readonly stop: boolean
}

/**
 * Chernoff's stopping rule: stop when every (μ_L − μ_i + ε)²/(2(σ_L²/n_L + σ_i²/n_i)) exceeds log((1 + log N)·comparisons/δ).
 */
export function stoppingOf(variants: readonly VariantStatistics[], rule: StoppingRule): Stopping {
  const { epsilon = 0, varianceFloor = DEFAULT_VARIANCE_FLOOR, delta, minUnits = 100 } = rule
  const leader = leaderOf(variants)
  const perUnit = ({ variance, n }: VariantStatistics) => Math.max(variance, varianceFloor) / n
  const ratios = new Map<number, number>()
  variants.forEach((variant, index) => {
    if (index === leader) return
    const gap = variants[leader]!.mean - variant.mean + epsilon
    ratios.set(index, gap ** 2 / (2 * (perUnit(variants[leader]!) + perUnit(variant))))
  })
  const total = variants.reduce((sum, { n }) => sum + n, 0)
  const { comparisons = variants.length - 1 } = rule
  const threshold = Math.log(((1 + Math.log(total)) * comparisons) / delta)
  const isCertain = [...ratios.values()].every((ratio) => ratio > threshold)
  return {
    leader,
    likelihoodRatios: ratios,
    threshold,
    stop: isCertain && variants.every(({ n }) => n >= minUnits),
  }
}
