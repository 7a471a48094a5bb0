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
export { averageQuality, type CurvePoint, costToReach, hullQuality, upperHull } from './curve.ts'
export { EVALUATION_ERROR_CODES, EvaluationError, type EvaluationErrorCode } from './errors.ts'
export { featureSpaceFor } from './feature-space.ts'
export { fitPolicyFile, type PolicyFitOptions } from './fit.ts'
export { type BootstrapOptions, bootstrap } from './intervals/bootstrap.ts'
export { DEFAULT_LEVEL, type Interval } from './intervals/interval.ts'
export { studentInterval, studentQuantile } from './intervals/student-t.ts'
export {
  type ClassBy,
  type Dropped,
  type OutcomeTable,
  type Selection,
  type SelectionOptions,
  selectOutcomes,
} from './outcome-table.ts'
export { type Pair, type PairFigures, pairOf, pairScores, pairStatistics } from './pair.ts'
export { POLICY_NAMES, parsePolicyName, policyName } from './policy-name.ts'
export type { ClassFigures, PlanePoint } from './replay/breakdown.ts'
export type { CalibrationBin } from './replay/calibration.ts'
export type { PricePoint, PriceRange } from './replay/price-path.ts'
export type { RegretPoint } from './replay/regret-path.ts'
export {
  RECOVERY,
  type ScenarioResult,
  type SeriesPoint,
  type StretchFigures,
} from './replay/scenario-figures.ts'
export type {
  BaselineFigures,
  BudgetFigures,
  PairIntervals,
  PolicyFigures,
  ReplayOptions,
  ReplayResult,
  RouterFigures,
  Verdict,
} from './replay/types.ts'
export { replay } from './replay.ts'
export * from './report/html/index.ts'
export { renderReplayReport } from './report/html/replay-report.ts'
export { type ReplayJson, toReplayJson } from './report/json.ts'
export { renderScenarioTable } from './report/scenario-table.ts'
export { renderReplayTable } from './report/table.ts'
export type { RowOutcomes } from './row-outcomes.ts'
export { replayScenario, type ScenarioOptions } from './scenario.ts'
export { exchangeRateGrid } from './sweep.ts'
