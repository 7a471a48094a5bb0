/**
 * The nearest-neighbour router: of each arm the mean quality and cost over the K training prompts that are most like the
 * prompt, by the cosine of hashed words weighted by tf-idf. What many routers are, and what others have to beat.
 *
 * K is chosen on training rows alone: the one that foretells a sample of them best from the others. Neither there nor
 * anywhere is an answer told by the same prompt's own answer, or its twin's.
 */
import { fitTfIdf, hash53, type SparseRow } from '../../engine/index.ts'
import { describeTraining, foldsOf, normalizedPrompt } from '../folds.ts'
import type { OutcomeTable } from '../outcome-table.ts'
import type { Predictions } from '../sweep.ts'
import type { Baseline, BaselineContext } from './baseline.ts'
import { emptyPredictions, predictedBaseline } from './predicted.ts'

export const NEIGHBOUR_COUNTS: readonly number[] = [5, 10, 20, 40, 80, 160, 320]
/** Training rows that K is chosen by, at most. */
const ROWS_TO_CHOOSE_BY = 1_000

export function knnBaseline(context: BaselineContext): Baseline {
  const { selection } = context
  const table = selection.evaluation
  const predictions = emptyPredictions(table)
  const chosen = new Set<number>()
  for (const { training, rows } of foldsOf(selection)) {
    const index = new NeighbourIndex(training)
    const count = chooseNeighbourCount(index)
    chosen.add(count)
    for (const row of rows) index.predict(index.of(table.prompts[row]!), count, predictions, row)
  }
  const counts = [...chosen].sort((one, other) => one - other).join(', ')
  return predictedBaseline(
    'knn',
    context,
    predictions,
    `K = ${counts} by cosine of tf-idf, ${describeTraining(selection)}`,
  )
}

/** The K of {@link NEIGHBOUR_COUNTS} with the least squared error over a sample of the index's own rows. */
export function chooseNeighbourCount(index: NeighbourIndex): number {
  const { table } = index
  const armCount = table.arms.length
  // By chance, and the same in every run.
  const sample = table.promptIds
    .map((id, row) => ({ row, rank: hash53(id, 'knn') }))
    .sort((one, other) => one.rank - other.rank || one.row - other.row)
    .slice(0, ROWS_TO_CHOOSE_BY)
  const counts = NEIGHBOUR_COUNTS.filter((count) => count < table.rowCount)
  const errors = new Float64Array(counts.length)
  for (const { row } of sample) {
    const nearest = index.nearest(index.rows[row]!, counts.at(-1) ?? 0, row)
    const sums = new Float64Array(armCount)
    let used = 0
    for (const [choice, count] of counts.entries()) {
      for (; used < count && used < nearest.length; used++) {
        for (let arm = 0; arm < armCount; arm++) sums[arm]! += table.quality[nearest[used]! * armCount + arm]!
      }
      for (let arm = 0; arm < armCount; arm++) {
        errors[choice]! += (sums[arm]! / used - table.quality[row * armCount + arm]!) ** 2
      }
    }
  }
  let best = 0
  for (let choice = 1; choice < counts.length; choice++) if (errors[choice]! < errors[best]!) best = choice
  return counts[best] ?? 1
}

/** The prompts of a table by the words that are in them. */
export class NeighbourIndex {
  readonly table: OutcomeTable
  readonly rows: readonly SparseRow[]
  readonly of: (prompt: string) => SparseRow
  /** By row: the first row with the same prompt. */
  readonly #firstTwins: Int32Array
  readonly #postings: Postings
  readonly #scores: Float64Array

  constructor(table: OutcomeTable) {
    const { rows, rowOf, buckets } = fitTfIdf(table.prompts)
    this.table = table
    this.rows = rows
    this.of = rowOf
    this.#firstTwins = firstTwins(table.prompts)
    this.#postings = postingsOf(rows, buckets)
    this.#scores = new Float64Array(table.rowCount)
  }

  /**
   * The `count` most similar rows, nearest first, ties to the earlier row; fewer where there are no more.
   *
   * @param except a row of the index that is no neighbour, nor are those with the same prompt
   */
  nearest({ indexes, values }: SparseRow, count: number, except?: number): Int32Array {
    const scores = this.#scores.fill(0)
    const { starts, rows: holders, values: shares } = this.#postings
    for (const [p, bucket] of indexes.entries()) {
      const value = values[p]!
      const end = starts[bucket + 1]!
      for (let i = starts[bucket]!; i < end; i++) scores[holders[i]!]! += value * shares[i]!
    }
    const twins = this.#firstTwins
    const twin = except === undefined ? -1 : twins[except]!
    const heap = new BoundedHeap(count, scores)
    for (let row = 0; row < scores.length; row++) if (twins[row] !== twin) heap.offer(row)
    return heap.best()
  }

  /** Fills a row of `predictions` with the means over its neighbours. */
  predict(prompt: SparseRow, count: number, { quality, costUsd }: Predictions, row: number): void {
    const { table } = this
    const armCount = table.arms.length
    const nearest = this.nearest(prompt, count)
    const to = row * armCount
    for (const neighbour of nearest) {
      for (let arm = 0; arm < armCount; arm++) {
        quality[to + arm]! += table.quality[neighbour * armCount + arm]! / nearest.length
        costUsd[to + arm]! += table.costUsd[neighbour * armCount + arm]! / nearest.length
      }
    }
  }
}

/** The rows that have bucket b, and how much, from `starts[b]` to `starts[b + 1]`, in their order. */
interface Postings {
  readonly starts: Int32Array
  readonly rows: Int32Array
  readonly values: Float64Array
}

function postingsOf(rows: readonly SparseRow[], buckets: number): Postings {
  const starts = new Int32Array(buckets + 1)
  for (const { indexes } of rows) for (const bucket of indexes) starts[bucket + 1]!++
  for (let bucket = 0; bucket < buckets; bucket++) starts[bucket + 1]! += starts[bucket]!
  const postings = {
    starts,
    rows: new Int32Array(starts[buckets]!),
    values: new Float64Array(starts[buckets]!),
  }
  const next = starts.slice()
  for (const [row, { indexes, values }] of rows.entries()) {
    for (const [p, bucket] of indexes.entries()) {
      const at = next[bucket]!++
      postings.rows[at] = row
      postings.values[at] = values[p]!
    }
  }
  return postings
}

function firstTwins(prompts: readonly string[]): Int32Array {
  const firstOf = new Map<string, number>()
  return Int32Array.from(prompts, (prompt, row) => {
    const normalized = normalizedPrompt(prompt)
    const first = firstOf.get(normalized) ?? row
    if (first === row) firstOf.set(normalized, row)
    return first
  })
}

/** The rows with the best scores so far; the worst of them on top, so that most offers end after one comparison. */
class BoundedHeap {
  readonly #scores: Float64Array
  readonly #limit: number
  readonly #rows: number[] = []

  constructor(limit: number, scores: Float64Array) {
    this.#limit = limit
    this.#scores = scores
  }

  offer(row: number): void {
    const rows = this.#rows
    if (rows.length < this.#limit) {
      rows.push(row)
      let at = rows.length - 1
      for (
        let up = (at - 1) >> 1;
        at > 0 && this.#isWorse(rows[at]!, rows[up]!);
        at = up, up = (at - 1) >> 1
      ) {
        this.#swap(at, up)
      }
    } else if (this.#limit > 0 && this.#isWorse(rows[0]!, row)) {
      rows[0] = row
      this.#sink()
    }
  }

  best(): Int32Array {
    return Int32Array.from(this.#rows.toSorted((one, other) => (this.#isWorse(one, other) ? 1 : -1)))
  }

  #sink(): void {
    const rows = this.#rows
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      if (left >= rows.length) return
      const right = left + 1
      const worse = right < rows.length && this.#isWorse(rows[right]!, rows[left]!) ? right : left
      if (!this.#isWorse(rows[worse]!, rows[at]!)) return
      this.#swap(at, worse)
      at = worse
    }
  }

  #swap(one: number, other: number): void {
    const rows = this.#rows
    const kept = rows[one]!
    rows[one] = rows[other]!
    rows[other] = kept
  }

  #isWorse(row: number, than: number): boolean {
    const difference = this.#scores[row]! - this.#scores[than]!
    return difference < 0 || (difference === 0 && row > than)
  }
}
