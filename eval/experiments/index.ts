/** Statistics of experiments: sums in, verdicts out. No clock, no store. The server may import this of `eval`, and nothing else. */
export { type AlwaysValidResult, alwaysValidTest, MIN_UNITS, type Msprt, msprt } from './always-valid.ts'
export { type Belief, beliefOf, type EffectPrior } from './bayes.ts'
export {
  bettingCapital,
  bettingSequence,
  conjugateBernsteinLower,
  conjugateBernsteinSequence,
  conjugateHoeffdingSequence,
  empiricalBernsteinSequence,
  hoeffdingSequence,
  runningIntersection,
  type Sequence,
} from './bounded-sequences.ts'
export { type Effect, effectOf, type NoEffect, type Scale } from './effect.ts'
export { type Side, type TestResult, welchTest, zTest } from './fixed-horizon.ts'
export { groupSequentialBounds, type SpendingOptions } from './group-sequential.ts'
export { type ChiSquare, effectHeterogeneity, shareDifference } from './heterogeneity.ts'
export {
  betaBinomialMixture,
  gammaExponentialMixture,
  gammaPoissonMixture,
  type Mixture,
  normalMixture,
  twoSidedNormalMixture,
} from './mixtures.ts'
export {
  type Covariate,
  type Denominator,
  type Described,
  describe,
  type Moments,
  mergeMoments,
} from './moments.ts'
export { ADJUSTMENTS, type Adjustment, eBenjaminiHochberg } from './multiple-testing.ts'
export {
  furtherUnits,
  minimumDetectableEffect,
  type Plan,
  type PowerOptions,
  planExperiment,
  powerAfter,
  powerAt,
  type Reading,
  sampleSize,
  sampleSizeStudent,
} from './power.ts'
export {
  designEffectOf,
  type QuantileLevels,
  type QuantileStatistic,
  quantileEffect,
  quantileLevels,
  quantileSe,
} from './quantiles.ts'
export type {
  Alarm,
  AlarmCode,
  Comparison,
  MissingComparison,
  Readout,
  SegmentReadout,
  TestReadout,
} from './readout.ts'
export {
  type AllocationPeriod,
  MISMATCH_P_VALUE,
  type RatioTest,
  type SequentialRatioTest,
  sampleRatioTest,
  sequentialRatioTest,
} from './sample-ratio.ts'
export {
  bernoulliInterval,
  doubleStitching,
  empiricalProcessBound,
  polynomialStitching,
  type Stitching,
} from './stitching.ts'
export { chancesToBeBest, type MeanBelief, meanBelief, topTwoShares, withShareFloor } from './top-two.ts'
export {
  type AllocationOptions,
  leaderOf,
  optimalShares,
  type Stopping,
  type StoppingRule,
  stoppingOf,
  type VariantStatistics,
} from './track-and-stop.ts'
export {
  doublyRobustScore,
  type ScoredUnit,
  type WeightedMean,
  type WeightedMoments,
  weightedEffect,
  weightedMean,
} from './weighted.ts'
