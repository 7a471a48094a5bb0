/** Distribution → distribution: what is done to a policy's choice before the draw. All keep the length and sum to 1. */

/**
 * Additive floor: p ↦ floor/K + (1 − floor)·p. It keeps order and spacing and bounds every importance weight by K/floor.
 */
export function withFloor(distribution: Float64Array, floor: number): Float64Array {
  const share = floor / distribution.length
  const floored = new Float64Array(distribution.length)
  for (let i = 0; i < floored.length; i++) floored[i] = share + (1 - floor) * distribution[i]!
  return floored
}

/**
 * The nearest distribution with no probability below `floor`/K: p ↦ max(p − τ, floor/K) with the τ that makes the sum 1. Other
 * routers do it like this; it takes from all that are above, so that what was barely above is no longer told from the rest.
 *
 * @param floor in [0, 1)
 * @param keepZeros leaves zeros as they are, K then being the number of the others
 */
export function withMinimum(distribution: Float64Array, floor: number, keepZeros = false): Float64Array {
  const count = keepZeros ? distribution.reduce((n, p) => n + (p > 0 ? 1 : 0), 0) : distribution.length
  const least = floor / count
  const takesPart = (p: number): boolean => !keepZeros || p > 0
  const descending = [...distribution].filter(takesPart).sort((a, b) => b - a)
  // The k largest stay above the minimum, the rest are raised to it; the last k for which that holds gives τ.
  let above = 0
  let tau = 0
  for (let k = 1; k <= count; k++) {
    above += descending[k - 1]!
    const candidate = (above + (count - k) * least - 1) / k
    if (descending[k - 1]! - candidate > least) tau = candidate
  }
  return distribution.map((p) => (takesPart(p) ? Math.max(p - tau, least) : 0))
}

/** Shares of the votes that K learners cast; without any vote, all on the first. */
export function fromVotes(votes: ArrayLike<number>): Float64Array {
  const distribution = Float64Array.from(votes)
  let total = 0
  for (const count of distribution) total += count
  if (total > 0) return distribution.map((count) => count / total)
  distribution[0] = 1
  return distribution
}
