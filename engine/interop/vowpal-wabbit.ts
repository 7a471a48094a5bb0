/**
 * How Vowpal Wabbit draws an action (explore.h of version 9): with these a logged decision of its, given the event's id and
 * the distribution, can be recomputed, which tells whether a log's probabilities are those that were drawn with.
 */

const encoder = new TextEncoder()

/** MurmurHash3 (x86, 32 bits, seed 0; A. Appleby, public domain) of the UTF-8 text. */
export function murmurHash3(text: string): number {
  const bytes = encoder.encode(text)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const blocks = bytes.length >>> 2
  let hash = 0
  for (let i = 0; i < blocks; i++) {
    hash ^= scrambled(view.getUint32(4 * i, true))
    hash = (Math.imul(rotated(hash, 13), 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let i = bytes.length - 1; i >= 4 * blocks; i--) tail = (tail << 8) | bytes[i]!
  if (bytes.length % 4 !== 0) hash ^= scrambled(tail)
  hash ^= bytes.length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** Uniform in [0, 1) with 23 bits: one step of the 48-bit linear congruence of drand48 from `seed`, by its high bits. */
export function merand48(seed: number): number {
  const state = (BigInt(seed) * 0xeece66d5deece66dn + 2147483647n) & 0xffffffffffffffffn
  return Number((state >> 25n) & 0x7fffffn) / 2 ** 23
}

/**
 * Index of the action: weights are normalised, then the first whose running sum exceeds the draw is taken. VW sums in single
 * precision, so a draw within 1e-7 of an edge may fall on the other side.
 */
export function drawLikeVowpalWabbit(seed: string, weights: ArrayLike<number>): number {
  let total = 0
  for (let i = 0; i < weights.length; i++) total += Math.max(weights[i]!, 0)
  const u = merand48(murmurHash3(seed)) * total
  let running = 0
  for (let i = 0; i < weights.length; i++) {
    running += Math.max(weights[i]!, 0)
    if (running > u) return i
  }
  return weights.length - 1
}

function scrambled(block: number): number {
  return Math.imul(rotated(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593)
}

function rotated(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}
