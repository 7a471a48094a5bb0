/** Fits the projection of a text block on a set of texts, offline. */
import type { Matrix } from 'ml-matrix'
import { EngineError } from '../errors.ts'
import { MAX_TEXT_COMPONENTS, type WordProjection } from './projection.ts'
import { principalComponents } from './randomized-pca.ts'
import { DEFAULT_BUCKETS, fitTfIdf } from './tf-idf.ts'

export interface FitOptions {
  /** 1 … 40. @default 16 */
  readonly components?: number
  /** A power of two. @default 4096 */
  readonly buckets?: number
  /** The same texts and seed give the same projection. @default 1 */
  readonly seed?: number
}

export const DEFAULT_TEXT_COMPONENTS = 16
/** Root mean square of a coordinate: all but the outliers then lie within [−1, 1], like the rest of a context. */
const COORDINATE_RMS = 1 / 3

/**
 * Latent semantic analysis (Deerwester et al. 1990) on hashed words: tf-idf rows of length 1, centred, and their principal
 * components, all scaled by one factor. They keep their unequal spread: whitening would make the prior trust faint components
 * as much as strong ones, and gained nothing (decision 0010).
 *
 * @throws {EngineError} `engine_bad_config` for options out of range and for texts that differ in fewer directions than
 * there are components
 */
export function fitTextProjection(texts: readonly string[], options: FitOptions = {}): WordProjection {
  const { components = DEFAULT_TEXT_COMPONENTS, buckets = DEFAULT_BUCKETS, seed = 1 } = options
  if (!(Number.isInteger(components) && components >= 1 && components <= MAX_TEXT_COMPONENTS)) {
    throw new EngineError(
      'engine_bad_config',
      `components must be a whole number from 1 to ${MAX_TEXT_COMPONENTS}, got ${components}`,
    )
  }
  if (!(Number.isInteger(buckets) && buckets >= 2 && buckets <= 65_536 && (buckets & (buckets - 1)) === 0)) {
    throw new EngineError('engine_bad_config', `buckets must be a power of two up to 65536, got ${buckets}`)
  }
  if (texts.length <= components) {
    throw new EngineError(
      'engine_bad_config',
      `${components} text components need more than ${components} texts, got ${texts.length}`,
    )
  }
  const { idf, rows } = fitTfIdf(texts, buckets)
  const { mean, directions, sd } = principalComponents(rows, buckets, components, seed)
  const power = sd.reduce((sum, value) => sum + value * value, 0)
  // What remains of directions that the texts do not have is rounding.
  if (sd.length < components || !(sd[components - 1]! > 1e-6)) {
    throw new EngineError(
      'engine_bad_config',
      `the texts differ in fewer than ${components} directions: give more texts or ask for fewer components`,
    )
  }
  return wordProjection(idf, mean, directions, Math.sqrt(power / components))
}

/**
 * The projection on given directions, all scaled by one factor to coordinates that are like the rest of a context.
 *
 * @param directions buckets × components
 * @param rms root mean square of a coordinate over the fitted texts before that, above 0
 */
export function wordProjection(
  idf: Float32Array,
  mean: Float64Array,
  directions: Matrix,
  rms: number,
): WordProjection {
  const { rows: buckets, columns: components } = directions
  const scale = COORDINATE_RMS / rms
  const matrix = new Float32Array(buckets * components)
  const offset = new Float64Array(components)
  for (let bucket = 0; bucket < buckets; bucket++) {
    for (let j = 0; j < components; j++) {
      const entry = Math.fround(scale * directions.get(bucket, j))
      matrix[bucket * components + j] = entry
      offset[j]! += mean[bucket]! * entry
    }
  }
  return { kind: 'words', components, buckets, idf, matrix, offset: Float32Array.from(offset) }
}
