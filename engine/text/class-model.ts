/** A multinomial logistic regression from text to request class, trained offline by test/helpers/build-class-model.ts. */
import { EngineError } from '../errors.ts'
import type { Shares } from './character-shares.ts'
import { CLASS_FEATURES, eachSign, wordBuckets, wordWeight } from './class-features.ts'
import trained from './class-model.json' with { type: 'json' }

/** Weights are signed bytes times a scale, which costs no accuracy; signs weigh more than words and have their own. */
export interface ClassModelJson {
  readonly version: number
  readonly classes: readonly string[]
  /** By class: what a byte counts by, for words and for signs. */
  readonly wordScale: readonly number[]
  readonly signScale: readonly number[]
  /** Base64 of classes × CLASS_FEATURES signed bytes, by class. */
  readonly weights: string
}

export interface ClassModel {
  readonly classes: readonly string[]
  /** Probability of each class, in the order of `classes`; sums to 1. */
  probabilities(text: string, shares: Shares): Float64Array
}

const FORMAT_VERSION = 1

/** @throws {EngineError} `engine_bad_config` for a model of other features than these sources compute */
export function createClassModel(json: ClassModelJson): ClassModel {
  const { version, classes, wordScale, signScale, weights } = json
  const bytes = Buffer.from(weights, 'base64')
  const size = classes.length * CLASS_FEATURES
  if (version !== FORMAT_VERSION || bytes.length !== size) {
    throw new EngineError(
      'engine_bad_config',
      `a class model needs version ${FORMAT_VERSION} and ${size} weights for ${classes.length} classes, got version ${version} and ${bytes.length} weights: train it again`,
    )
  }
  const classCount = classes.length
  // By feature, so that the weights of one feature lie together; as the bytes they are, so that the table stays in the cache.
  const table = new Int8Array(size)
  for (let k = 0; k < classCount; k++) {
    for (let f = 0; f < CLASS_FEATURES; f++) {
      table[f * classCount + k] = bytes.readInt8(k * CLASS_FEATURES + f)
    }
  }
  return {
    classes,
    probabilities(text, shares) {
      const buckets = wordBuckets(text)
      const counted = new Int32Array(classCount)
      for (const bucket of buckets) {
        const at = (bucket < 0 ? -1 - bucket : bucket) * classCount
        if (bucket < 0) for (let k = 0; k < classCount; k++) counted[k]! -= table[at + k]!
        else for (let k = 0; k < classCount; k++) counted[k]! += table[at + k]!
      }
      const weight = wordWeight(buckets.length)
      const scores = new Float64Array(classCount)
      for (let k = 0; k < classCount; k++) scores[k] = weight * wordScale[k]! * counted[k]!
      eachSign(text, shares, (feature, value) => {
        const at = feature * classCount
        for (let k = 0; k < classCount; k++) scores[k]! += value * signScale[k]! * table[at + k]!
      })
      return softmax(scores)
    },
  }
}

/** The one that comes with the engine. */
export const CLASS_MODEL = createClassModel(trained)

/** In place. */
function softmax(scores: Float64Array): Float64Array {
  let most = Number.NEGATIVE_INFINITY
  for (let k = 0; k < scores.length; k++) most = Math.max(most, scores[k]!)
  let total = 0
  for (let k = 0; k < scores.length; k++) total += scores[k] = Math.exp(scores[k]! - most)
  for (let k = 0; k < scores.length; k++) scores[k]! /= total
  return scores
}
