/** The engine's public surface; other folders import this file only. */

export { bestArmProbabilities } from './best-arm.ts'
export type { BudgetTerms, OnExhausted } from './budget.ts'
export { BUDGET_PERIODS, type BudgetPeriod } from './calendar.ts'
export { DEFAULT_EFFECTIVE_SAMPLES } from './cold-start.ts'
export { ConservativeAccount, type ConservativeState, type ConservativeTerms } from './conservative.ts'
export { draw, hash53 } from './draw.ts'
export { type Alternatives, alternativesOf, dualPrice } from './dual-price.ts'
export type { Elsewhere, HeadCut, Merged } from './elsewhere.ts'
export { ENGINE_ERROR_CODES, EngineError, type EngineErrorCode } from './errors.ts'
export { fromVotes, withFloor, withMinimum } from './explore.ts'
export { describeRequest } from './facts.ts'
export {
  createFeatureSpace,
  DEFAULT_CLASSES,
  type FeatureBlock,
  type FeatureSpace,
  type FeatureSpaceOptions,
} from './feature-space.ts'
export {
  type Accepted,
  FeedbackLedger,
  type JudgedAnswer,
  type Judgement,
  type JudgementStatus,
  judgementInForce,
  lessonOf,
} from './feedback-ledger.ts'
export { createFrozenPolicy, type FrozenPolicy, type FrozenPolicyOptions } from './frozen-policy.ts'
export {
  type EppoActions,
  type EppoAttributes,
  type EppoModel,
  eppoScores,
  eppoSelect,
  eppoWeights,
} from './interop/eppo.ts'
export { drawLikeVowpalWabbit, merand48, murmurHash3 } from './interop/vowpal-wabbit.ts'
export { betaBestArmProbabilities, ucb1Width } from './learners/context-free.ts'
export {
  type ConfidenceOptions,
  type DiscountedEstimate,
  DiscountedLinUcb,
  type DiscountedLinUcbOptions,
  discountedConfidence,
} from './learners/discounted-linucb.ts'
export { HybridLinUcb, type HybridLinUcbOptions } from './learners/hybrid-linucb.ts'
export {
  type ArmSums,
  type BanditDecision,
  createLinearBandit,
  type LearningPolicySpec,
  type LinearBandit,
  type LinearBanditOptions,
  type RewardPrior,
} from './linear-bandit.ts'
export {
  drawCoefficients,
  drawWithCovariance,
  drawWithPrecision,
  type LinearPosterior,
  leverage,
  linearPosterior,
  meanOutcome,
  nextOutcome,
  type StudentT,
} from './linear-posterior.ts'
export {
  type LoggedAttempt,
  type LoggedDecision,
  type LoggedReward,
  SERVED_REASONS,
  type ServedReason,
} from './logged-decision.ts'
export { normalCdfExact } from './normal.ts'
export {
  type DecisionContext,
  type ForecastContext,
  observationsFromOutcome,
  qualityObservation,
} from './outcome.ts'
export { ownValue } from './own.ts'
export { createPacer, validateBudget } from './pacing.ts'
export type {
  BudgetSpec,
  BudgetStatus,
  Pacer,
  PacerOptions,
  PacerSnapshot,
  Reservation,
} from './pacing-types.ts'
export {
  distributionOver,
  type OwnBeliefs,
  type PastChoice,
  type PastDecision,
  pastRates,
  validatePastChoice,
} from './past-decision.ts'
export { armsOfPolicy } from './policies/arms.ts'
export { DEFAULT_ALPHA } from './policies/linucb.ts'
export { DEFAULT_TEMPERATURE } from './policies/softmax.ts'
export { DEFAULT_GAMMA_EXPONENT, DEFAULT_GAMMA_SCALE } from './policies/squarecb.ts'
export { DEFAULT_EXPLORATION } from './policies/thompson.ts'
export { FACTOR_MAX, validatePolicy } from './policies/validate.ts'
export {
  createPolicyFile,
  POLICY_FILE_FORMAT,
  type PolicyFile,
  type PolicyFileDraft,
  priorSumsOf,
  readPolicyFile,
  writePolicyFile,
} from './policy-file.ts'
export { policyFileHash } from './policy-file-hash.ts'
export type { LabelProvenance, ProvenanceInterval, TuningProvenance } from './policy-provenance.ts'
export { QUALITY_POINT } from './preferences.ts'
export { createRouter, DEFAULT_FLOOR, DEFAULT_HALF_LIFE_MS, DEFAULT_PRIOR } from './router.ts'
export type {
  BucketWidths,
  DecideRequest,
  DecideResult,
  HalfLives,
  PriorScale,
  PriorSums,
  Router,
  RouterOptions,
  RouterSnapshot,
} from './router-types.ts'
export { incompleteBeta, logBeta, logGamma } from './special-functions.ts'
export {
  DEFAULT_TEXT_COMPONENTS,
  type FitOptions,
  fitTextProjection,
  wordProjection,
} from './text/fit-projection.ts'
export {
  type EmbeddingProjection,
  MAX_TEXT_COMPONENTS,
  readTextProjection,
  type TextProjection,
  type TextProjectionJson,
  type WordProjection,
  writeTextProjection,
} from './text/projection.ts'
export { fitSparseRidge, type SparseRidge } from './text/sparse-ridge.ts'
export { centredProduct, type SparseRow } from './text/sparse-rows.ts'
export { createWordBlock, type EmbeddingBlock, type TextBlock, type WordBlock } from './text/text-block.ts'
export { fitTfIdf, type TfIdf } from './text/tf-idf.ts'
export { userText } from './text/user-text.ts'
export { TEXT_SCAN_CHARS } from './text/word-vector.ts'
export * from './types.ts'
