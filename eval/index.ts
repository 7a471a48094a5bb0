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
export type { ClassBy, ClassOptions, LabelCounts } from './class-labels.ts'
export { averageQuality, type CurvePoint, costToReach, hullQuality, upperHull } from './curve.ts'
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
export { clopperPearson } from './intervals/clopper-pearson.ts'
export { empiricalBernsteinInterval, hoeffdingInterval } from './intervals/concentration.ts'
export {
  DEFAULT_LEVEL,
  type Interval,
  type IntervalOfMean,
  type MeanSummary,
} from './intervals/interval.ts'
export { normalInterval, normalQuantile } from './intervals/normal.ts'
export { RunningMoments } from './intervals/running-moments.ts'
export { satterthwaiteInterval } from './intervals/satterthwaite.ts'
export { studentInterval, studentIntervalOfMean, studentQuantile } from './intervals/student-t.ts'
export {
  evaluateLog,
  type ReadableLog,
  scoreLog,
  surveyLog,
} from './off-policy/evaluate.ts'
export { type Evaluation, evaluationOf } from './off-policy/evaluation.ts'
export type { EvaluationRow } from './off-policy/evaluation-row.ts'
export * from './off-policy/index.ts'
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
export { type EvaluationPart, mergeParts, partOf, readPart } from './off-policy/parts.ts'
export { checkQuestion, createScoring, type EvaluationQuestion } from './off-policy/question.ts'
export { RepeatFilter, Repeats, type RepeatsState } from './off-policy/repeats.ts'
export { ResponseCounts } from './off-policy/response.ts'
export { foldOf, RewardSums } from './off-policy/reward-model.ts'
export type { ScoringState } from './off-policy/scoring.ts'
export { checkSummable } from './off-policy/summable.ts'
export { Survey, type SurveyState } from './off-policy/survey.ts'
export {
  createTarget,
  parseTarget,
  TARGET_NAMES,
  type TargetOverrides,
  type TargetPolicy,
  type TargetSpec,
} from './off-policy/target.ts'
export {
  isTargetTable,
  readTargetTable,
  TARGET_TABLE_FORMAT,
  type TargetTable,
} from './off-policy/target-table.ts'
export {
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
export { renderEvaluationTable, verdictOf } from './report/evaluation-table.ts'
export { renderExperimentReport } from './report/experiment-table.ts'
export { renderEvaluationReport } from './report/html/evaluation-report.ts'
export { renderExperimentPage } from './report/html/experiment-report.ts'
export * from './report/html/index.ts'
export { renderReplayReport } from './report/html/replay-report.ts'
export { type ReplayJson, toReplayJson } from './report/json.ts'
export { renderScenarioTable } from './report/scenario-table.ts'
export { renderReplayTable } from './report/table.ts'
export { renderLogTuneTable, renderTuneTable } from './report/tune-table.ts'
export type { RowOutcomes } from './row-outcomes.ts'
export { replayScenario, type ScenarioOptions } from './scenario.ts'
export { exchangeRateGrid } from './sweep.ts'
export {
  LOG_OBJECTIVES,
  type LogObjective,
  type LogTrial,
  type LogTuneOptions,
  type LogTuneResult,
  tuneOnLog,
} from './tune/log.ts'
export {
  type Fidelity,
  type Judged,
  OBJECTIVE_NAMES,
  type Objective,
  type ObjectiveName,
} from './tune/objective.ts'
export {
  type Candidate,
  type SearchSpace,
  TEXT_CHOICES,
  type TextChoice,
  type TextComponents,
} from './tune/search-space.ts'
export { type TuneOptions, type TuneResult, tune } from './tune.ts'
