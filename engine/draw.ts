import { sha256Hex } from './hash.ts'

const TWO_POW_53 = 2 ** 53

/**
 * Uniform in [0, 1) with 53 bits, a pure function of (id, salt): the first 53 bits of SHA-256(`salt:id`). A logged
 * decision can thus be recomputed by anyone who has its id.
 */
export function hash53(id: string, salt: string): number {
  const digest = sha256Hex(`${salt}:${id}`)
  const high = Number.parseInt(digest.slice(0, 8), 16)
  const low = Number.parseInt(digest.slice(8, 14), 16) >>> 3
  return (high * 2 ** 21 + low) / TWO_POW_53
}

/**
 * Index of the arm that `u` in [0, 1) falls on. An arm of probability 0 is never drawn, not even when rounding leaves the
 * running sum just below `u`: then the last arm with a positive probability is.
 */
export function draw(probabilities: Float64Array, u: number): number {
  let cumulative = 0
  let last = -1
  for (let i = 0; i < probabilities.length; i++) {
    const p = probabilities[i]!
    if (p <= 0) continue
    cumulative += p
    last = i
    if (u < cumulative) return i
  }
  return last
}
