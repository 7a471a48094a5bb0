/**
 * A text projection: the linear map from a text, as hashed words or as a user's embedding, to the few coordinates of the
 * text block. It is data: fitted offline, kept in a policy file, and part of what a feature space's id is the hash of.
 */
import { EngineError } from '../errors.ts'
import { fromBase64, toBase64 } from './float32.ts'

/** Hashed words, weighted by how rare they are, projected on directions that were fitted: topics, or what foretells outcomes. */
export interface WordProjection {
  readonly kind: 'words'
  readonly components: number
  /** A power of two. */
  readonly buckets: number
  /** Length `buckets`: inverse document frequency. */
  readonly idf: Float32Array
  /** buckets × components, by rows, scaled so that a coordinate's root mean square over the fitted texts is about 1/3. */
  readonly matrix: Float32Array
  /** Length `components`: the projection of the mean text, taken off. */
  readonly offset: Float32Array
}

/** An embedding of the user's, projected at random: the matrix follows from the seed. */
export interface EmbeddingProjection {
  readonly kind: 'embedding'
  readonly components: number
  /** What made the embedding; vectors of two models have nothing in common. */
  readonly model: string
  /** Length of the embedding. */
  readonly dimensions: number
  readonly seed: number
}

export type TextProjection = WordProjection | EmbeddingProjection

/** With 24 coordinates for the default classes and structure this fills d = 64. */
export const MAX_TEXT_COMPONENTS = 40
const MAX_BUCKETS = 1 << 16
const MAX_EMBEDDING_DIMENSIONS = 16_384
const FORMAT_VERSION = 1

/** Numbers as base64 of little-endian single precision; about 350 kB for 16 components of 4,096 buckets. */
export interface WordProjectionJson {
  readonly version: 1
  readonly kind: 'words'
  readonly components: number
  readonly buckets: number
  readonly idf: string
  readonly matrix: string
  readonly offset: string
}

export type TextProjectionJson = WordProjectionJson | ({ readonly version: 1 } & EmbeddingProjection)

/** Reading it back gives the same projection to the last bit. */
export function writeTextProjection(projection: TextProjection): TextProjectionJson {
  if (projection.kind === 'embedding') {
    const { kind, components, model, dimensions, seed } = projection
    return { version: FORMAT_VERSION, kind, components, model, dimensions, seed }
  }
  const { kind, components, buckets, idf, matrix, offset } = projection
  return {
    version: FORMAT_VERSION,
    kind,
    components,
    buckets,
    idf: toBase64(idf),
    matrix: toBase64(matrix),
    offset: toBase64(offset),
  }
}

/**
 * Fields that are not known are ignored.
 *
 * @throws {EngineError} `engine_bad_config` naming the field and what it must be
 */
export function readTextProjection(json: unknown): TextProjection {
  if (typeof json !== 'object' || json === null) throw bad('it', 'an object', json)
  const fields = json as Readonly<Record<string, unknown>>
  if (fields['version'] !== FORMAT_VERSION) throw bad('version', `${FORMAT_VERSION}`, fields['version'])
  const components = whole(fields, 'components', 1, MAX_TEXT_COMPONENTS)
  const { kind, model } = fields
  if (kind === 'embedding') {
    if (typeof model !== 'string' || model === '') throw bad('model', 'a name', model)
    const dimensions = whole(fields, 'dimensions', components, MAX_EMBEDDING_DIMENSIONS)
    return { kind, components, model, dimensions, seed: whole(fields, 'seed', 0, 2 ** 31 - 1) }
  }
  if (kind !== 'words') throw bad('kind', '"words" or "embedding"', kind)
  const buckets = whole(fields, 'buckets', 2, MAX_BUCKETS)
  if ((buckets & (buckets - 1)) !== 0) throw bad('buckets', 'a power of two', buckets)
  const numbers = (name: string, length: number): Float32Array => {
    const values = fromBase64(fields[name], length)
    if (values === undefined) {
      throw bad(name, `base64 of ${length} finite little-endian float32 numbers`, undefined)
    }
    return values
  }
  return {
    kind,
    components,
    buckets,
    idf: numbers('idf', buckets),
    matrix: numbers('matrix', buckets * components),
    offset: numbers('offset', components),
  }
}

function whole(fields: Readonly<Record<string, unknown>>, name: string, least: number, most: number): number {
  const value = fields[name]
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw bad(name, `a whole number from ${least} to ${most}`, value)
  }
  return value
}

function bad(field: string, expected: string, got: unknown): EngineError {
  const seen = got === undefined ? '' : `, got ${JSON.stringify(got)?.slice(0, 100)}`
  return new EngineError('engine_bad_config', `text projection: ${field} must be ${expected}${seen}`)
}
