/** Offline evaluation: the public surface of this folder. */
export {
  BASELINE_NAMES,
  type Baseline,
  type BaselineContext,
  type BaselineName,
  runBaselines,
  singlePoints,
  zeroRouterPoint,
} from './baselines/index.ts'
export { averageQuality, type CurvePoint, hullQuality, upperHull } from './curve.ts'
export { EVALUATION_ERROR_CODES, EvaluationError, type EvaluationErrorCode } from './errors.ts'
export * from './experiments/index.ts'
export { featureSpaceFor } from './feature-space.ts'
export { fitPolicyFile, type PolicyFitOptions } from './fit.ts'
export { DEFAULT_GATE_RULES, type GateRules, judgePromotion, readEvaluation } from './gate/index.ts'
export {
  type AsymptoticLook,
  asymptoticHalfWidth,
  asymptoticHalfWidthOneSided,
  asymptoticInterval,
  asymptoticLogEValue,
  asymptoticRho,
  DEFAULT_TUNED_FOR,
} from './intervals/asymptotic-cs.ts'
export { type BootstrapOptions, bootstrap } from './intervals/bootstrap.ts'
export {
  DEFAULT_LEVEL,
  type Interval,
  type IntervalOfMean,
  type MeanSummary,
} from './intervals/interval.ts'
export { normalInterval, normalQuantile } from './intervals/normal.ts'
export { studentInterval, studentIntervalOfMean, studentQuantile } from './intervals/student-t.ts'
export {
  type Goods,
  LEFT_OUT,
  LEFT_OUT_MEANING,
  type LeftOut,
  leftOut,
  type Realised,
  realised,
  utilityOf,
} from './off-policy/logged-row.ts'
export { ResponseCounts } from './off-policy/response.ts'
export { foldOf, RewardSums } from './off-policy/reward-model.ts'
export {
  createTarget,
  parseTarget,
  TARGET_NAMES,
  type TargetOverrides,
  type TargetPolicy,
  type TargetSpec,
} from './off-policy/target.ts'
export {
  type Estimate,
  type Estimator,
  type EstimatorRow,
  type EstimatorState,
  type EvaluationJson,
  type Reason,
  VALUES,
  type ValueName,
} from './off-policy/types.ts'
export {
  type ClassBy,
  type Dropped,
  type OutcomeTable,
  type Selection,
  type SelectionOptions,
  selectOutcomes,
} from './outcome-table.ts'
export { POLICY_NAMES, parsePolicyName, policyName } from './policy-name.ts'
export type { PricePoint, PriceRange } from './replay/price-path.ts'
export {
  RECOVERY,
  type ScenarioResult,
  type SeriesPoint,
  type StretchFigures,
} from './replay/scenario-figures.ts'
export type {
  BaselineFigures,
  BudgetFigures,
  PolicyFigures,
  ReplayOptions,
  ReplayResult,
  RouterFigures,
  Verdict,
} from './replay/types.ts'
export { replay } from './replay.ts'
export { renderExperimentReport } from './report/experiment-table.ts'
export { renderExperimentPage } from './report/html/experiment-report.ts'
export * from './report/html/index.ts'
export { renderReplayReport } from './report/html/replay-report.ts'
export { type ReplayJson, toReplayJson } from './report/json.ts'
export { renderScenarioTable } from './report/scenario-table.ts'
export { renderReplayTable } from './report/table.ts'
export type { RowOutcomes } from './row-outcomes.ts'
export { replayScenario, type ScenarioOptions } from './scenario.ts'
export { exchangeRateGrid } from './sweep.ts'
