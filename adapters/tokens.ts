/**
 * Counts tokens as OpenAI's vocabularies do, in time that grows no faster than the text, whatever the text is.
 *
 * A vocabulary first cuts text into pieces (words, numbers, runs of signs) and then merges bytes inside each. The cutting is a
 * regular expression that V8 runs in linear time; merging is quadratic in the length of a piece (100 kB of one letter took
 * 12 s), so long pieces are cut into slices. Words repeat: the count of each piece is remembered, and only new pieces cross
 * into WebAssembly. What one call may send there is bounded; beyond, the rest is estimated from what was counted. The counts of long
 * texts are remembered too.
 */
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Tiktoken } from 'tiktoken/lite'
import { Generations } from './generations.ts'
import type { ChatMessage, ContentPart } from './providers/spec.ts'

const ENCODINGS = ['o200k_base', 'cl100k_base'] as const
/** o200k: GPT-4o and later. cl100k: GPT-4 and GPT-3.5. Other families are estimated with the former. */
export type TokenEncoding = (typeof ENCODINGS)[number]

export interface TokenCounter {
  /** Exact unless a piece is longer than 64 characters or most of a very long text is new; then a close estimate. */
  countText(text: string, encoding?: TokenEncoding): number
  /** A whole prompt in o200k: text, tool calls, names, the marks around messages, and a flat guess for each picture. */
  countMessages(messages: readonly ChatMessage[]): number
  /** Frees the encoders' memory. Counting afterwards throws. */
  close(): void
}

/** The part of an encoder that is used; tests put a recording one in its place. */
export interface PieceEncoder {
  encode_ordinary(text: string): { readonly length: number }
  free(): void
}
export interface Vocabulary {
  readonly pattern: RegExp
  readonly encoder: PieceEncoder
}

/** UTF-16 units handed to the encoder at once. */
export const PIECE_LENGTH_MAX = 64
/** UTF-16 units of new pieces handed to the encoder in one call: some 10 ms of work at worst. */
export const NEW_LENGTH_MAX = 16_384
/** UTF-16 units read in one call; of longer text, evenly spaced windows. */
export const READ_LENGTH_MAX = 131_072
const WINDOWS = 8
/** Longer pieces do not come again. */
const REMEMBERED_LENGTH_MAX = 32
/** Pieces remembered at least. */
const REMEMBERED_PIECES = 32_768
/** From so many UTF-16 units on, hashing a text costs a small part of cutting it into pieces. */
const LONG_LENGTH_MIN = 512
/** Long texts remembered at least: instructions come with every request, and a conversation is sent again with each turn. */
const REMEMBERED_TEXTS = 16_384

/** OpenAI's chat format: around every message, for a name, and before the answer. */
const TOKENS_PER_MESSAGE = 3
const TOKENS_PER_NAME = 1
const TOKENS_BEFORE_ANSWER = 3
/** A picture of 1024 × 1024 in full and in low detail. */
const TOKENS_PER_IMAGE = 765
const TOKENS_PER_SMALL_IMAGE = 85

/** Loads o200k at once (about 0.2 s), other vocabularies when they are asked for. */
export function createTokenCounter(load: (name: TokenEncoding) => Vocabulary = loadVocabulary): TokenCounter {
  const counters = new Map<TokenEncoding, PieceCounter>()
  let closed = false

  function counterFor(encoding: TokenEncoding): PieceCounter {
    if (closed) throw new Error('The token counter is closed')
    const counter = counters.get(encoding) ?? new PieceCounter(load(encoding))
    counters.set(encoding, counter)
    return counter
  }
  counterFor('o200k_base')

  return {
    countText: (text, encoding = 'o200k_base') => counterFor(encoding).count(text),
    countMessages(messages) {
      const counter = counterFor('o200k_base')
      return messages.reduce((sum, message) => sum + countMessage(message, counter), TOKENS_BEFORE_ANSWER)
    },
    close() {
      closed = true
      for (const counter of counters.values()) counter.free()
      counters.clear()
    },
  }
}

function countMessage(message: ChatMessage, counter: PieceCounter): number {
  let tokens = TOKENS_PER_MESSAGE + counter.count(message.role)
  if (message.name !== undefined) tokens += TOKENS_PER_NAME + counter.count(message.name)
  if (typeof message.content === 'string') tokens += counter.count(message.content)
  else for (const part of message.content ?? []) tokens += countPart(part, counter)
  for (const call of message.tool_calls ?? []) {
    tokens += TOKENS_PER_MESSAGE + counter.count(call.function.name) + counter.count(call.function.arguments)
  }
  return tokens
}

/** Sounds and files count nothing here: their tokens depend on what is in them, and the vendor's usage will tell. */
function countPart(part: ContentPart, counter: PieceCounter): number {
  if (part.type === 'text') return counter.count(part.text)
  if (part.type === 'refusal') return counter.count(part.refusal)
  if (part.type !== 'image_url') return 0
  return part.image_url.detail === 'low' ? TOKENS_PER_SMALL_IMAGE : TOKENS_PER_IMAGE
}

/** Counts with one vocabulary, and remembers. */
class PieceCounter {
  readonly #vocabulary: Vocabulary
  readonly #pieces = new Generations<string, number>(REMEMBERED_PIECES, copyOf)
  /** By SHA-256, so that no prompt is kept. */
  readonly #longTexts = new Generations<string, number>(REMEMBERED_TEXTS)

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary
  }

  count(text: string): number {
    if (text.length > READ_LENGTH_MAX) return this.#countInWindows(text)
    if (text.length >= LONG_LENGTH_MIN) return this.#countLong(text)
    // A role or a name is a piece by itself.
    const known = text.length <= REMEMBERED_LENGTH_MAX ? this.#pieces.get(text) : undefined
    return known ?? this.#countWithin(text, NEW_LENGTH_MAX).tokens
  }

  #countLong(text: string): number {
    const key = hash('sha256', text, 'base64')
    const known = this.#longTexts.get(key)
    if (known !== undefined) return known
    const { tokens, isExact } = this.#countWithin(text, NEW_LENGTH_MAX)
    // What had to be estimated is known better the next time.
    if (isExact) this.#longTexts.set(key, tokens)
    return Math.round(tokens)
  }

  #countInWindows(text: string): number {
    const windowLength = READ_LENGTH_MAX / WINDOWS
    const stride = (text.length - windowLength) / (WINDOWS - 1)
    let tokens = 0
    for (let window = 0; window < WINDOWS; window++) {
      const start = Math.floor(window * stride)
      const { tokens: within } = this.#countWithin(
        text.slice(start, start + windowLength),
        NEW_LENGTH_MAX / WINDOWS,
      )
      tokens += within
    }
    return Math.round((tokens * text.length) / READ_LENGTH_MAX)
  }

  free(): void {
    this.#vocabulary.encoder.free()
  }

  /** @param budget UTF-16 units that may go to the encoder; what is left over then is estimated. */
  #countWithin(text: string, budget: number): { readonly tokens: number; readonly isExact: boolean } {
    let tokens = 0
    let read = 0
    let fresh = 0
    for (const piece of text.match(this.#vocabulary.pattern) ?? []) {
      let count = this.#pieces.get(piece)
      if (count === undefined) {
        if (fresh + piece.length > budget) {
          const slice = piece.slice(0, Math.max(0, budget - fresh))
          tokens += this.#encode(slice)
          return { tokens: (tokens * text.length) / Math.max(1, read + slice.length), isExact: false }
        }
        fresh += piece.length
        count = this.#encode(piece)
        if (piece.length <= REMEMBERED_LENGTH_MAX) this.#pieces.set(piece, count)
      }
      tokens += count
      read += piece.length
    }
    return { tokens, isExact: true }
  }

  #encode(piece: string): number {
    const { encoder } = this.#vocabulary
    if (piece.length <= PIECE_LENGTH_MAX) return piece === '' ? 0 : encoder.encode_ordinary(piece).length
    let tokens = 0
    for (let at = 0; at < piece.length; at += PIECE_LENGTH_MAX) {
      tokens += encoder.encode_ordinary(piece.slice(at, at + PIECE_LENGTH_MAX)).length
    }
    return tokens
  }
}

/** A slice of a string keeps the whole string alive, here a whole prompt. */
function copyOf(piece: string): string {
  return Buffer.from(piece).toString()
}

interface EncoderFile {
  readonly bpe_ranks: string
  readonly special_tokens: Record<string, number>
  readonly pat_str: string
}

function loadVocabulary(name: TokenEncoding): Vocabulary {
  const require = createRequire(import.meta.url)
  // Read, not required: the module cache would keep the megabytes of ranks beside the encoder's own copy.
  const file = readFileSync(require.resolve(`tiktoken/encoders/${name}.json`), 'utf8')
  const { bpe_ranks, special_tokens, pat_str }: EncoderFile = JSON.parse(file)
  return { pattern: toJavaScript(pat_str), encoder: new Tiktoken(bpe_ranks, special_tokens, pat_str) }
}

/** The pattern is written for Rust, whose `\s` is Unicode's White_Space; JavaScript's is another set (U+FEFF, U+0085). */
function toJavaScript(pattern: string): RegExp {
  return new RegExp(pattern.replaceAll('\\s', '\\p{White_Space}').replaceAll('\\S', '\\P{White_Space}'), 'gu')
}
