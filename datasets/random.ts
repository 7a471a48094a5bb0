/**
 * Randomness by key: the numbers drawn for a key depend on nothing else, so the order of calls, the number of draws made
 * elsewhere and the machine do not matter. SHA-256 in counter mode; far from the fastest, but its quality needs no argument.
 */
import { hash } from 'node:crypto'

const TWO_POW_MINUS_53 = 2 ** -53
const UNIFORMS_PER_BLOCK = 4

export interface RandomStream {
  /** Uniform on [0, 1), 53 bits. */
  uniform(): number
  /** Standard normal. */
  normal(): number
  /** Whole number in [0, below). */
  index(below: number): number
  /** @throws {RangeError} for an empty list */
  pick<T>(items: readonly T[]): T
}

/** The stream of a key. Parts are joined with a separator that no part should hold (NUL). */
export function randomStream(...key: readonly (string | number)[]): RandomStream {
  const name = key.join('\0')
  let block: Buffer | undefined
  let drawn = 0
  const uniform = () => {
    const slot = drawn % UNIFORMS_PER_BLOCK
    if (block === undefined || slot === 0) {
      block = hash('sha256', `${name}\0${drawn / UNIFORMS_PER_BLOCK}`, 'buffer')
    }
    drawn++
    const high = block.readUInt32BE(slot * 8) >>> 5
    const low = block.readUInt32BE(slot * 8 + 4) >>> 6
    return (high * 2 ** 26 + low) * TWO_POW_MINUS_53
  }
  const index = (below: number) => Math.floor(uniform() * below)
  return {
    uniform,
    index,
    // Box–Muller; 1 − u keeps the logarithm finite. The pair's second half is not kept: a draw always costs two uniforms.
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    pick: (items) => {
      const item = items[index(items.length)]
      if (item === undefined) throw new RangeError('cannot pick from an empty list')
      return item
    },
  }
}
