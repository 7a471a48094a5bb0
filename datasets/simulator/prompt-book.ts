/** Finds the dataset row that decides an answer: the row of the very prompt, or the one most like it. */
import { hash } from 'node:crypto'
import type { PromptRow } from '../types.ts'

/** How much of an unknown prompt is read, and how many of its rarest words are compared. */
const MAX_READ_CHARS = 4_000
const MAX_WORDS = 32
/** A word on more rows than this says little and would cost much. */
const MAX_ROWS_PER_WORD = 1_000
const WORD = /[\p{L}\p{N}]{2,}/gu

export interface Match {
  readonly row: PromptRow
  /** `nearest`: the prompt is not in the set, or not with an outcome of this arm. */
  readonly kind: 'exact' | 'nearest'
}

export class PromptBook {
  readonly size: number
  readonly #byText = new Map<string, PromptRow>()
  readonly #rowsOfWord = new Map<string, PromptRow[]>()
  readonly #rowsOfArm = new Map<string, PromptRow[]>()

  constructor(rows: readonly PromptRow[]) {
    this.size = rows.length
    for (const row of rows) {
      const text = normalise(row.prompt)
      // The first of several rows with one prompt speaks for it, as in a dataset where a prompt was asked in two ways.
      if (!this.#byText.has(text)) this.#byText.set(text, row)
      for (const word of wordsOf(text)) append(this.#rowsOfWord, word, row)
      for (const arm of row.outcomes.keys()) append(this.#rowsOfArm, arm, row)
    }
  }

  /** A pure function of the prompt's words and the arm; white space does not count. */
  find(userText: string, armId: string): Match {
    const text = normalise(userText)
    const exact = this.#byText.get(text)
    if (exact?.outcomes.has(armId)) return { row: exact, kind: 'exact' }
    return { row: this.#mostAlike(text, armId) ?? this.#anyRow(text, armId), kind: 'nearest' }
  }

  /** Shared words, each weighted by its rarity; the earlier row wins a tie. */
  #mostAlike(text: string, armId: string): PromptRow | undefined {
    const postings = [...wordsOf(text)]
      .map((word) => this.#rowsOfWord.get(word) ?? [])
      .filter((rows) => rows.length > 0 && rows.length <= MAX_ROWS_PER_WORD)
      .sort((one, other) => one.length - other.length)
      .slice(0, MAX_WORDS)
    const scores = new Map<PromptRow, number>()
    for (const rows of postings) {
      const rarity = Math.log(1 + this.size / rows.length)
      for (const row of rows) if (row.outcomes.has(armId)) scores.set(row, (scores.get(row) ?? 0) + rarity)
    }
    let best: PromptRow | undefined
    let bestScore = 0
    for (const [row, score] of scores) {
      if (score <= bestScore) continue
      best = row
      bestScore = score
    }
    return best
  }

  #anyRow(text: string, armId: string): PromptRow {
    const rows = this.#rowsOfArm.get(armId) ?? []
    const row = rows[Number.parseInt(hash('sha256', text).slice(0, 8), 16) % rows.length]
    if (row === undefined) throw new RangeError(`no row has an outcome of ${armId}`)
    return row
  }
}

function normalise(text: string): string {
  return text.trim().replace(/\s+/g, ' ')
}

function wordsOf(text: string): Set<string> {
  return new Set(text.slice(0, MAX_READ_CHARS).toLowerCase().match(WORD))
}

function append<K>(lists: Map<K, PromptRow[]>, key: K, row: PromptRow): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [row])
  else list.push(row)
}
