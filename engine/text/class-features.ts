/** What the classifier of request classes sees of a text: hashed words where an instruction stands, and plain signs. */
import type { Shares } from './character-shares.ts'
import { eachWord, HashedBag, NO_STEM, pairHash } from './ngrams.ts'

/** As much of a request as says what is wanted; the rest is material. */
export const INSTRUCTION_CHARS = 800
/** The first words are counted once more as first words: "Write", "Why", "Traduis". */
const FIRST_WORDS = 6
const FIRST_WORD = 0x51ed270b
/** A row of answers to choose from: `A.`, `(b)`, `3)`. */
const ANSWER_OPTION = /(?:^|\s)\(?[A-D1-4][.):]\s/g
const OPTIONS_TO_COUNT = 2
/** Shapes that source code has and formulas have not: `=>`, `</p`, `) {`, `f()`, `a.b(`, `;` at the end of a line. */
const CODE_SHAPE = /=>|<\/\w|\)\s?\{|\w\(\)|\w\.\w+\(|;\s?(?:\n|$)/
const SHORT_CHARS = 60
/** The signs' weight beside the words, whose vector has length 1. */
const SIGN_SCALE = 0.25

export const CLASS_BUCKETS = 4_096

const SIGNS: readonly ((text: string, shares: Shares) => number)[] = [
  () => 1,
  (_, { codeShare }) => Math.min(1, codeShare * 5),
  (_, { mathShare }) => Math.min(1, mathShare * 8),
  (_, { digitShare }) => Math.min(1, digitShare * 4),
  (_, { hasQuestion }) => Number(hasQuestion),
  (_, { nonLatinShare }) => nonLatinShare,
  (text) => Math.min(1, Math.log2(1 + text.length) / 12),
  (text) => Number(text.length < SHORT_CHARS),
  (text) => Number(text.includes('```')),
  // Every shape has a code mark in it.
  (text, { codeShare }) => Number(codeShare > 0 && CODE_SHAPE.test(text)),
  (text) => Number(text.includes('\n')),
  (text) => Number(text.includes('\n') && /\n\s*\n/.test(text)),
  (text) => Number(/["“«「]/.test(text)),
  (text) => Number((text.match(ANSWER_OPTION)?.length ?? 0) >= OPTIONS_TO_COUNT),
]

/** Weights per class: buckets first, then the signs. */
export const CLASS_FEATURES = CLASS_BUCKETS + SIGNS.length

const bag = new HashedBag(CLASS_BUCKETS)

/**
 * The buckets of the words that are in a text, in the order they were met: whether a word is there matters, not how often.
 * One that is counted down is told as −1 − bucket. Linear in the text.
 */
export function wordBuckets(text: string): number[] {
  let count = 0
  let before = 0
  eachWord(text, (word, stem) => {
    bag.add(word)
    if (stem !== NO_STEM) bag.add(stem)
    if (count > 0) bag.add(pairHash(before, word))
    if (count < FIRST_WORDS) bag.add(pairHash(FIRST_WORD, word))
    before = word
    count++
  })
  return bag.drainSigns()
}

/** Calls `visit` for each plain sign that is not zero, with its index from {@link CLASS_BUCKETS} on. */
export function eachSign(text: string, shares: Shares, visit: (index: number, value: number) => void): void {
  for (let i = 0; i < SIGNS.length; i++) {
    const value = SIGNS[i]!(text, shares)
    if (value !== 0) visit(CLASS_BUCKETS + i, SIGN_SCALE * value)
  }
}

/** What each of so many words weighs: their vector has length 1. */
export function wordWeight(words: number): number {
  return 1 / Math.sqrt(Math.max(words, 1))
}

/**
 * Calls `visit` for each feature that is not zero, with its index below {@link CLASS_FEATURES}.
 *
 * @param text about {@link INSTRUCTION_CHARS} of a request
 * @param shares of all that was scanned
 */
export function eachClassFeature(
  text: string,
  shares: Shares,
  visit: (index: number, value: number) => void,
): void {
  const buckets = wordBuckets(text)
  const weight = wordWeight(buckets.length)
  for (const bucket of buckets) visit(bucket < 0 ? -1 - bucket : bucket, bucket < 0 ? -weight : weight)
  eachSign(text, shares, visit)
}
