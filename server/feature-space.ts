/** The feature space of a registry: its classes, and the text block that it has a model or a policy file for. */
import {
  createFeatureSpace,
  type FeatureSpace,
  readTextProjection,
  type TextProjection,
} from '../engine/index.ts'
import type { ColdStartSettings, EmbeddingSettings } from './registry.ts'

/** Embeddings keep their distances under any random directions; which ones must only never change. */
const PROJECTION_SEED = 1

interface Source {
  readonly classes: readonly string[]
  readonly embedding?: EmbeddingSettings
  readonly coldStart?: ColdStartSettings
}

export function featureSpaceOf(source: Source): FeatureSpace {
  const text = textOf(source)
  return createFeatureSpace({ classes: source.classes, ...(text !== undefined && { text }) })
}

/** What tells the coordinates of its text block; undefined: it has none. */
export function textOf({ embedding, coldStart }: Omit<Source, 'classes'>): TextProjection | undefined {
  return embedding === undefined ? wordsOf(coldStart) : ofEmbedding(embedding)
}

function ofEmbedding({ components, model, dimensions }: EmbeddingSettings): TextProjection {
  return { kind: 'embedding', components, model, dimensions, seed: PROJECTION_SEED }
}

/** A file whose text block needs a model of the user's says nothing of where that model is. */
function wordsOf(coldStart: ColdStartSettings | undefined): TextProjection | undefined {
  const text = coldStart?.policyFile.text
  return text?.kind === 'words' ? readTextProjection(text) : undefined
}
