/** A projection at work: text or embedding → the coordinates of the text block, each within [−1, 1]. */
import { QrDecomposition } from 'ml-matrix'
import { EngineError } from '../errors.ts'
import { HashedBag } from './ngrams.ts'
import type { EmbeddingProjection, TextProjection, WordProjection } from './projection.ts'
import { gaussian } from './randomized-pca.ts'
import { addWords } from './word-vector.ts'

/** Tells the coordinates of a text itself. */
export interface WordBlock {
  readonly kind: 'words'
  readonly components: number
  /**
   * Length `components`. Bounded in time for any text (see TEXT_SCAN_CHARS). A text without a word is the average text: all
   * zeros.
   */
  describe(text: string): Float64Array
}

/** Is told an embedding of the text, made elsewhere. */
export interface EmbeddingBlock {
  readonly kind: 'embedding'
  readonly components: number
  readonly model: string
  readonly dimensions: number
  /**
   * Length `components`; of an embedding's direction only, its length does not matter.
   * @throws {EngineError} `engine_bad_observation` for another number of dimensions, or one that is not finite
   */
  describe(embedding: ArrayLike<number>): Float64Array
}

export type TextBlock = WordBlock | EmbeddingBlock

export function createTextBlock(projection: TextProjection): TextBlock {
  return projection.kind === 'words' ? createWordBlock(projection) : embeddingBlock(projection)
}

export function createWordBlock({ components, buckets, idf, matrix, offset }: WordProjection): WordBlock {
  const bag = new HashedBag(buckets)
  return {
    kind: 'words',
    components,
    describe(text) {
      const z = new Float64Array(components)
      let squares = 0
      addWords(bag, text)
      bag.drain((bucket, count) => {
        const value = count * idf[bucket]!
        squares += value * value
        const at = bucket * components
        for (let j = 0; j < components; j++) z[j]! += value * matrix[at + j]!
      })
      if (squares === 0) return z
      const length = Math.sqrt(squares)
      for (let j = 0; j < components; j++) z[j] = clamp(z[j]! / length - offset[j]!)
      return z
    },
  }
}

/**
 * Random orthogonal directions keep distances up to a factor (Johnson & Lindenstrauss 1984). √dimensions brings a
 * coordinate of a unit vector to a root mean square of 1, a third of that within [−1, 1].
 */
function embeddingBlock({ components, model, dimensions, seed }: EmbeddingProjection): EmbeddingBlock {
  const directions = new QrDecomposition(gaussian(dimensions, components, seed)).orthogonalMatrix
  const matrix = Float64Array.from(directions.to1DArray())
  const scale = Math.sqrt(dimensions) / 3
  return {
    kind: 'embedding',
    components,
    model,
    dimensions,
    describe(embedding) {
      if (embedding.length !== dimensions) {
        throw new EngineError(
          'engine_bad_observation',
          `an embedding of ${model} must have ${dimensions} dimensions, got ${embedding.length}`,
        )
      }
      const z = new Float64Array(components)
      let squares = 0
      for (let i = 0; i < dimensions; i++) {
        const value = embedding[i]!
        squares += value * value
        for (let j = 0; j < components; j++) z[j]! += value * matrix[i * components + j]!
      }
      if (!Number.isFinite(squares)) {
        throw new EngineError(
          'engine_bad_observation',
          `an embedding of ${model} has a number that is not finite`,
        )
      }
      if (squares === 0) return z
      const factor = scale / Math.sqrt(squares)
      for (let j = 0; j < components; j++) z[j] = clamp(z[j]! * factor)
      return z
    },
  }
}

function clamp(value: number): number {
  return Math.min(1, Math.max(-1, value))
}
