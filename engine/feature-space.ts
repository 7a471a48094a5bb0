import type { FeatureSpaceId, RequestFacts } from './types.ts'

export const DEFAULT_CLASSES: readonly string[] = [
  'chat',
  'code',
  'math',
  'reasoning',
  'extraction',
  'summarization',
  'translation',
  'creative',
  'tool-use',
  'vision',
  'long-context',
  'other',
]

/** A versioned recipe that turns {@link RequestFacts} into a context vector. */
export interface FeatureSpace {
  readonly id: FeatureSpaceId
  readonly dimension: number
  /** Name of each coordinate: `intercept`, `class:code`, `structure:turns`, … */
  readonly names: readonly string[]
  readonly classes: readonly string[]
  /** Length `dimension`, `x[0] = 1`. A class that the space does not know gets no class coordinate. */
  vector(facts: RequestFacts): Float64Array
}

export declare function createFeatureSpace(options?: { readonly classes?: readonly string[] }): FeatureSpace
