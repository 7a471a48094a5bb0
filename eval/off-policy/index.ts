/** Off-policy evaluation: estimators, diagnostics of what a log allows, and choices made from it. */
export {
  type ArmPropensities,
  PropensityDiagnostics,
  type PropensityFigures,
  type PropensityRow,
  type PropensityState,
} from './diagnostics/propensities.ts'
export {
  EXACT_VALUES,
  Quantiles,
  type QuantilesState,
  RELATIVE_ERROR,
} from './diagnostics/quantiles.ts'
export {
  TAIL_THRESHOLDS,
  WeightDiagnostics,
  type WeightFigures,
  type WeightState,
} from './diagnostics/weights.ts'
export { type PrunedEmbedding, type PruningOptions, pruneEmbedding } from './embedding-pruning.ts'
export { AnytimeIps, type AnytimeOptions } from './estimators/anytime.ts'
export { clippedIps } from './estimators/clipped-ips.ts'
export { ClopperPearson } from './estimators/clopper-pearson.ts'
export { CressieRead, type CressieReadOptions } from './estimators/cressie-read.ts'
export { dm } from './estimators/dm.ts'
export { dr } from './estimators/dr.ts'
export { drOs } from './estimators/dr-os.ts'
export { EmpiricalLikelihood } from './estimators/empirical-likelihood.ts'
export { Gaussian } from './estimators/gaussian.ts'
export {
  createEstimators,
  DEFAULT_ESTIMATORS,
  ESTIMATOR_NAMES,
  type EstimatorName,
  type EstimatorSet,
  type EstimatorSettings,
  type EstimatorsOptions,
} from './estimators/index.ts'
export { ips } from './estimators/ips.ts'
export {
  type EmbeddedDecision,
  type EmbeddingProbabilities,
  marginalWeight,
  marginalWeightByClassifier,
  mips,
  snmips,
} from './estimators/mips.ts'
export { PairedDifference, PairedRatioDifference, type PairedRow } from './estimators/paired-difference.ts'
export { PseudoInverse, type SlateRow } from './estimators/pseudo-inverse.ts'
export {
  type OfferedRow,
  RejectionReplay,
  type RejectionReplayOptions,
} from './estimators/rejection-replay.ts'
export { type MatchRow, Replay } from './estimators/replay.ts'
export { RowMean } from './estimators/row-mean.ts'
export type { RowValue } from './estimators/row-value.ts'
export type { SampledRow } from './estimators/sampled.ts'
export { type RatioValue, SelfNormalised } from './estimators/self-normalised.ts'
export { type Slot, type SlotEstimates, SlotwiseCressieRead } from './estimators/slotwise.ts'
export { sndr } from './estimators/sndr.ts'
export { snips } from './estimators/snips.ts'
export {
  type KeyedRow,
  StreamingBootstrap,
  type StreamingBootstrapOptions,
} from './estimators/streaming-bootstrap.ts'
export { subGaussianDr, subGaussianIps } from './estimators/sub-gaussian.ts'
export { switchDr } from './estimators/switch-dr.ts'
export { estimatorRow, importanceWeight, type RowSource } from './row.ts'
export {
  type Candidate,
  type MseChoice,
  type MseOptions,
  SHRINKAGE_FAMILIES,
  type ShrinkageFamily,
  type SlopeChoice,
  SWITCH_THRESHOLDS,
  Tuning,
} from './tuning.ts'
export {
  type Estimate,
  type Estimator,
  type EstimatorRow,
  type EstimatorState,
  type EvaluationJson,
  type Reason,
  VALUES,
  type ValueName,
} from './types.ts'
