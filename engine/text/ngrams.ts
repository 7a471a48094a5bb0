/**
 * Text → hashed words (Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning"): no vocabulary, any
 * script, one pass, and nothing of the text left but numbers.
 *
 * A word is a run of letters and digits, in lower case, every digit as 0, cut after 24 UTF-16 units so that a text without
 * a space is words too. Characters of scripts that write no spaces (Chinese, Japanese, Korean) and symbols are words of their
 * own. Unpaired surrogates are letters like any other.
 */

const WORD_UNITS_MAX = 24
const STEM_UNITS = 5
const DIGIT = 48
const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193
/** Keeps stems from hashing like the words they are the beginning of. */
const STEM_SALT = 0x5bd1e995
/** Keeps a pair from hashing like the same words in the other order. */
const PAIR_FACTOR = 0x9e3779b1

/** What stands in for the stem of a word too short to have one. */
export const NO_STEM = 0

/**
 * Calls `visit` for each word in order with 32-bit hashes of the word and of its first five units, {@link NO_STEM} where
 * it has no more. Linear in the text.
 */
export function eachWord(text: string, visit: (word: number, stem: number) => void): void {
  const lower = text.toLowerCase()
  let hash = FNV_OFFSET
  let stem = NO_STEM
  let length = 0
  for (let i = 0; i < lower.length; i++) {
    const unit = lower.charCodeAt(i)
    const kind = kindOf(unit)
    if (length > 0 && (kind !== LETTER || length === WORD_UNITS_MAX)) {
      visit(mix(hash), length > STEM_UNITS ? mix(stem ^ STEM_SALT) : NO_STEM)
      hash = FNV_OFFSET
      length = 0
    }
    if (kind === LETTER) {
      hash = Math.imul(hash ^ (isDigit(unit) ? DIGIT : unit), FNV_PRIME)
      if (++length === STEM_UNITS) stem = hash
    } else if (kind === WORD) visit(mix(Math.imul(FNV_OFFSET ^ unit, FNV_PRIME)), NO_STEM)
  }
  if (length > 0) visit(mix(hash), length > STEM_UNITS ? mix(stem ^ STEM_SALT) : NO_STEM)
}

/** Hash of two things in order: neighbouring words, or a word and what is said of it. */
export function pairHash(first: number, second: number): number {
  return mix(Math.imul(first, PAIR_FACTOR) ^ second)
}

const SEPARATOR = 0
const LETTER = 1
const WORD = 2
/** Of ASCII: letters and digits. */
const ASCII_KINDS = Uint8Array.from({ length: 0x80 }, (_, unit) =>
  (unit >= 97 && unit <= 122) || isDigit(unit) ? LETTER : SEPARATOR,
)

/** Of a UTF-16 unit of text in lower case: part of a word, a word of its own, or what separates words. */
function kindOf(unit: number): number {
  if (unit < 0x80) return ASCII_KINDS[unit]!
  // Latin-1 signs, of which ª, µ and º are letters.
  if (unit < 0xc0) return unit === 0xaa || unit === 0xb5 || unit === 0xba ? LETTER : SEPARATOR
  if (unit < 0x2000) return LETTER
  // General punctuation separates; currencies, arrows, operators and box drawing stand for themselves.
  if (unit < 0x20a0) return SEPARATOR
  if (unit < 0x2e80) return WORD
  if (unit >= 0x3000 && unit <= 0x303f) return SEPARATOR
  // CJK, kana and hangul; then compatibility ideographs; then full-width punctuation.
  if (unit < 0xd800 || (unit >= 0xf900 && unit <= 0xfaff)) return WORD
  return unit >= 0xff00 && unit <= 0xff0f ? SEPARATOR : LETTER
}

function isDigit(unit: number): boolean {
  return unit >= DIGIT && unit <= 57
}

/** Finaliser of MurmurHash3 (public domain): every bit of the result depends on every bit of the argument. */
function mix(hash: number): number {
  let h = hash ^ (hash >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** Counts by bucket, filled by hash and emptied by reading: one is reused from text to text. */
export class HashedBag {
  readonly #counts: Int32Array
  readonly #mask: number
  /** 1 for a bucket that is in `touched`. */
  readonly #listed: Uint8Array
  readonly #touched: Int32Array
  #size = 0

  /** @param buckets a power of two */
  constructor(buckets: number) {
    this.#counts = new Int32Array(buckets)
    this.#listed = new Uint8Array(buckets)
    this.#touched = new Int32Array(buckets)
    this.#mask = buckets - 1
  }

  /** The low bits choose the bucket, the sign bit whether it is counted up or down, so that collisions cancel on average. */
  add(hash: number): void {
    const bucket = hash & this.#mask
    if (this.#listed[bucket] === 0) {
      this.#listed[bucket] = 1
      this.#touched[this.#size++] = bucket
    }
    this.#counts[bucket]! += hash < 0 ? -1 : 1
  }

  /** Every bucket that is not zero, in the order they were first counted: −1 − bucket for one below. Leaves the bag empty. */
  drainSigns(): number[] {
    const signed: number[] = []
    for (let i = 0; i < this.#size; i++) {
      const bucket = this.#touched[i]!
      const count = this.#counts[bucket]!
      this.#listed[bucket] = 0
      if (count === 0) continue
      this.#counts[bucket] = 0
      signed.push(count > 0 ? bucket : -1 - bucket)
    }
    this.#size = 0
    return signed
  }

  /** Calls `visit` with every bucket that is not zero and its sublinear count ±(1 + ln |n|), and leaves the bag empty. */
  drain(visit: (bucket: number, value: number) => void): void {
    for (let i = 0; i < this.#size; i++) {
      const bucket = this.#touched[i]!
      const count = this.#counts[bucket]!
      this.#listed[bucket] = 0
      // Two words of opposite signs may have cancelled each other.
      if (count === 0) continue
      this.#counts[bucket] = 0
      visit(bucket, count > 0 ? 1 + Math.log(count) : -1 - Math.log(-count))
    }
    this.#size = 0
  }
}
