/**
 * Feedback as it comes: hours late, in any order, twice, corrected, taken back. Whatever the interleaving, what has been
 * learned is what the judgements in force would have taught had they come alone: every example has the time of its
 * decision, and leaves the sums with the very weight it entered with.
 */
import { EngineError } from './errors.ts'
import { type DecisionContext, qualityObservation } from './outcome.ts'
import type { ArmId, DecisionId, Observation } from './types.ts'

/** An answer that can be judged. */
export interface JudgedAnswer extends DecisionContext {
  readonly arm: ArmId
  /** Time of the decision, Unix ms: the age of an example is the age of the answer, not of its judgement. */
  readonly atMs: number
}

/** What somebody said of one answer. */
export interface Judgement {
  /** Names it among those of its decision: the same key again is a repetition and changes nothing. */
  readonly key: string
  /** When it was said, Unix ms. The latest holds; of two at the same time the one with the greater key. */
  readonly atMs: number
  /** In [0, 1]; undefined takes back what was said before. */
  readonly quality: number | undefined
}

/** The judgement that holds; undefined for none. The order of the list does not matter. */
export function judgementInForce(judgements: Iterable<Judgement>): Judgement | undefined {
  let latest: Judgement | undefined
  for (const judgement of judgements) {
    if (latest === undefined || isLater(judgement, latest)) latest = judgement
  }
  return latest
}

/**
 * What one more judgement changes, given all that were taken before it: nothing, or the example it replaces with weight −1
 * and its own.
 *
 * @throws {EngineError} `engine_bad_observation` for a quality outside [0, 1] or a time that is no number
 */
export function lessonOf(
  answer: JudgedAnswer,
  earlier: readonly Judgement[],
  judgement: Judgement,
): readonly Observation[] {
  validate(judgement)
  if (earlier.some(({ key }) => key === judgement.key)) return []
  const before = judgementInForce(earlier)
  if (before !== undefined && !isLater(judgement, before)) return []
  if (before?.quality === judgement.quality) return []
  return [...exampleOf(answer, before?.quality, -1), ...exampleOf(answer, judgement.quality, 1)]
}

export type JudgementStatus =
  | 'recorded'
  | 'revised'
  | 'retracted'
  /** Its key was known. */
  | 'duplicate'
  /** A later one holds. */
  | 'superseded'
  /** Its decision is not, or no longer, in the ledger: whether it would replace another cannot be told. */
  | 'unknown'
  /** Its decision has had {@link JUDGEMENTS_MAX}. */
  | 'limit'

export interface Accepted {
  readonly status: JudgementStatus
  /** To be learned as they are, at any time and in any order. */
  readonly observations: readonly Observation[]
}

/** Judgements that are remembered of one decision. */
export const JUDGEMENTS_MAX = 64
const DEFAULT_CAPACITY = 100_000

interface Entry {
  readonly answer: JudgedAnswer
  readonly judgements: Judgement[]
}

/**
 * Remembers the latest `capacity` answers, each with its judgements: at most capacity × (context + 64 judgements). When it
 * is full, the answer that was opened first is forgotten, and a judgement of it teaches nothing (`unknown`). A caller with
 * a store of its own asks that for the history and calls {@link lessonOf} instead.
 */
export class FeedbackLedger {
  readonly #capacity: number
  /** In the order of opening. */
  readonly #entries = new Map<DecisionId, Entry>()
  #forgotten = 0

  /** @throws {EngineError} `engine_bad_config` for a capacity that is no whole number above 0 */
  constructor(capacity: number = DEFAULT_CAPACITY) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new EngineError('engine_bad_config', `capacity must be a whole number above 0, got ${capacity}`)
    }
    this.#capacity = capacity
  }

  get size(): number {
    return this.#entries.size
  }

  /** Answers that were forgotten for want of room. */
  get forgotten(): number {
    return this.#forgotten
  }

  /** From now on the answer can be judged. Opening it again changes nothing. */
  open(answer: JudgedAnswer): void {
    if (this.#entries.has(answer.id)) return
    this.#entries.set(answer.id, { answer, judgements: [] })
    if (this.#entries.size <= this.#capacity) return
    const [oldest] = this.#entries.keys()
    this.#entries.delete(oldest!)
    this.#forgotten++
  }

  /** @throws {EngineError} as {@link lessonOf} */
  accept(id: DecisionId, judgement: Judgement): Accepted {
    validate(judgement)
    const entry = this.#entries.get(id)
    if (entry === undefined) return { status: 'unknown', observations: [] }
    const { answer, judgements } = entry
    if (judgements.some(({ key }) => key === judgement.key)) return { status: 'duplicate', observations: [] }
    if (judgements.length >= JUDGEMENTS_MAX) return { status: 'limit', observations: [] }
    const before = judgementInForce(judgements)
    const observations = lessonOf(answer, judgements, judgement)
    judgements.push(judgement)
    return { status: statusOf(before, judgement), observations }
  }
}

function statusOf(before: Judgement | undefined, judgement: Judgement): JudgementStatus {
  if (before !== undefined && !isLater(judgement, before)) return 'superseded'
  if (judgement.quality === undefined) return 'retracted'
  return before === undefined ? 'recorded' : 'revised'
}

function isLater(a: Judgement, b: Judgement): boolean {
  return a.atMs > b.atMs || (a.atMs === b.atMs && a.key > b.key)
}

function exampleOf(answer: JudgedAnswer, quality: number | undefined, weight: 1 | -1): Observation[] {
  return quality === undefined ? [] : [qualityObservation(answer, answer.arm, quality, answer.atMs, weight)]
}

function validate({ atMs, quality }: Judgement): void {
  if (!Number.isFinite(atMs)) {
    throw new EngineError('engine_bad_observation', `a judgement's atMs must be a finite number, got ${atMs}`)
  }
  if (quality !== undefined && !(quality >= 0 && quality <= 1)) {
    throw new EngineError('engine_bad_observation', `quality must be in [0, 1], got ${quality}`)
  }
}
