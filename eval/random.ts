/** Seeded randomness of evaluations: the same seed and purpose give the same stream on every machine. */
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator'
import { hash53 } from '../engine/index.ts'

export type { RandomGenerator }

/** A stream of its own for each (purpose, seed), so that drawing more in one place moves nothing elsewhere. */
export function randomStream(purpose: string, seed: number): RandomGenerator {
  return xoroshiro128plus(Math.floor(hash53(String(seed), purpose) * 0x1_0000_0000) | 0)
}

/** The numbers 0 … length−1 in an order drawn uniformly (Fisher–Yates). */
export function shuffledIndexes(length: number, random: RandomGenerator): Int32Array {
  const order = Int32Array.from({ length }, (_, index) => index)
  for (let last = length - 1; last > 0; last--) {
    const other = uniformInt(random, 0, last)
    const kept = order[last]!
    order[last] = order[other]!
    order[other] = kept
  }
  return order
}

/** Fills `counts` with how often each index is drawn in `counts.length` draws with replacement. */
export function resampleCounts(counts: Float64Array, random: RandomGenerator): void {
  counts.fill(0)
  const last = counts.length - 1
  for (let drawn = 0; drawn <= last; drawn++) counts[uniformInt(random, 0, last)]! += 1
}
