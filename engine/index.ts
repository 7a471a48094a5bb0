/** The engine's public surface; other folders import this file only. */

export { draw, hash53 } from './draw.ts'
export { ENGINE_ERROR_CODES, EngineError, type EngineErrorCode } from './errors.ts'
export { describeRequest } from './facts.ts'
export {
  createFeatureSpace,
  DEFAULT_CLASSES,
  type FeatureBlock,
  type FeatureSpace,
  type FeatureSpaceOptions,
} from './feature-space.ts'
export { type DecisionContext, observationsFromOutcome, qualityObservation } from './outcome.ts'
export { createRouter, DEFAULT_FLOOR, DEFAULT_HALF_LIFE_MS, DEFAULT_PRIOR } from './router.ts'
export type {
  DecideRequest,
  DecideResult,
  HalfLives,
  Router,
  RouterOptions,
  RouterSnapshot,
} from './router-types.ts'
export { DEFAULT_TEXT_COMPONENTS, type FitOptions, fitTextProjection } from './text/fit-projection.ts'
export {
  type EmbeddingProjection,
  MAX_TEXT_COMPONENTS,
  readTextProjection,
  type TextProjection,
  type TextProjectionJson,
  type WordProjection,
  writeTextProjection,
} from './text/projection.ts'
export type { EmbeddingBlock, TextBlock, WordBlock } from './text/text-block.ts'
export { userText } from './text/user-text.ts'
export { TEXT_SCAN_CHARS } from './text/word-vector.ts'
export * from './types.ts'
