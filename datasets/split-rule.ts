/** Which part of a set a prompt belongs to: decided by a hash, so that it is the same for ever and for everyone. */
import { hash } from 'node:crypto'

/** What share of the prompts each split gets, out of 100 together, in the order of the hash's range. */
export type SplitShares = readonly (readonly [name: string, percent: number])[]

export const DEFAULT_SHARES: SplitShares = [
  ['train', 70],
  ['test', 30],
]

/**
 * The split of a key: the first 8 hexadecimal digits of SHA-256 of `split-v1:<set>:<key>`, modulo 100, fall into the shares.
 *
 * @param key the smallest prompt id among rows of the same prompt, so that no prompt is in two splits
 */
export function splitOf(set: string, key: string, shares: SplitShares = DEFAULT_SHARES): string {
  const draw = Number.parseInt(hash('sha256', `split-v1:${set}:${key}`).slice(0, 8), 16) % 100
  let upTo = 0
  for (const [name, percent] of shares) {
    upTo += percent
    if (draw < upTo) return name
  }
  return shares.at(-1)?.[0] ?? ''
}

/** A prompt with every run of white space as one space: two prompts that differ in nothing else are the same. */
export function normalisePrompt(prompt: string): string {
  return prompt.trim().replace(/\s+/g, ' ')
}
