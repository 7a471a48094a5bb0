/** Texts as sparse vectors: hashed words weighted by how rare they are among the texts they were fitted on, of length 1. */
import { HashedBag } from './ngrams.ts'
import type { SparseRow } from './sparse-rows.ts'
import { addWords } from './word-vector.ts'

export interface TfIdf {
  readonly buckets: number
  /** Length `buckets`: ln((1 + texts) / (1 + texts with the bucket)) + 1, never zero, and finite for what was never seen. */
  readonly idf: Float32Array
  /** Of the texts it was fitted on, in their order; each of length 1, or empty for a text without a word. */
  readonly rows: readonly SparseRow[]
  /** Of any text. Bounded in time (see TEXT_SCAN_CHARS). */
  rowOf(text: string): SparseRow
}

export const DEFAULT_BUCKETS = 4_096

/** @param buckets a power of two */
export function fitTfIdf(texts: readonly string[], buckets = DEFAULT_BUCKETS): TfIdf {
  const bag = new HashedBag(buckets)
  const counts = texts.map((text) => countWords(bag, text))
  const seenIn = new Float64Array(buckets)
  for (const { indexes } of counts) for (const bucket of indexes) seenIn[bucket]!++
  const idf = Float32Array.from(seenIn, (count) => Math.log((1 + texts.length) / (1 + count)) + 1)
  return {
    buckets,
    idf,
    rows: counts.map((row) => weighted(row, idf)),
    rowOf: (text) => weighted(countWords(bag, text), idf),
  }
}

function countWords(bag: HashedBag, text: string): SparseRow {
  const indexes: number[] = []
  const values: number[] = []
  addWords(bag, text)
  bag.drain((bucket, value) => {
    indexes.push(bucket)
    values.push(value)
  })
  return { indexes: Int32Array.from(indexes), values: Float64Array.from(values) }
}

function weighted({ indexes, values }: SparseRow, idf: Float32Array): SparseRow {
  const scaled = values.map((value, p) => value * idf[indexes[p]!]!)
  const length = Math.sqrt(scaled.reduce((sum, value) => sum + value * value, 0))
  return { indexes, values: length === 0 ? scaled : scaled.map((value) => value / length) }
}
