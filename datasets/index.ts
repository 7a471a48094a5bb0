/** The public surface of the datasets: loading outcome sets, and the provider simulator that replays one. */

export { type Arrival, readArrivals } from './arrivals.ts'
export { toCbAdf } from './bandit/cb-adf.ts'
export { type DecisionOptions, fromDecision, qualityOf, toDecision } from './bandit/decision.ts'
export { banditRowToDsjson, rowsOfDsjson } from './bandit/dsjson.ts'
export { hashedVector } from './bandit/features.ts'
export { BANDIT_FORMATS, type BanditFormat, banditFormatOf, readBanditFile } from './bandit/files.ts'
export { readOpenBandit } from './bandit/open-bandit.ts'
export type { BanditAction, BanditFeatures, LoggedBanditRow } from './bandit/row.ts'
export { convertLog, isRowFile, writeBanditLog, writeDataset, writeDecisions } from './convert.ts'
export { type ArmSummary, type DatasetSummary, describeDataset } from './describe.ts'
export { describeLog, type LogSummary } from './describe-log.ts'
export { FETCH_LOCK, type FetchedFile, type FetchOptions, fetchDataset } from './fetch.ts'
export { type ListedDataset, licenceOf, listDatasets } from './find.ts'
export { DATASET_FORMATS, type DatasetFormat } from './formats/source.ts'
export { DATASET_KINDS, type DatasetKind, type Found, findAt } from './kinds.ts'
export {
  type DeploymentLatency,
  joinLatency,
  type MeasuredRequest,
  quantile,
  readLatencyFile,
  summarizeLatencies,
} from './latency-set.ts'
export { bundledFolder, listBundledDatasets, openDataset } from './loader.ts'
export {
  LOG_FORMATS,
  type LogFormat,
  logFormatOf,
  readLogFile,
  readPlacedLog,
  writeLogFile,
} from './log/files.ts'
export { fromRecord as readLogRecord, toRecord as logRecord } from './log/record.ts'
export { MANIFEST, type PublishedSet, readManifest } from './manifest.ts'
export type { ReadOptions } from './read/options.ts'
export { renameArms } from './rename-arms.ts'
export {
  type ArmEvent,
  type ClassShiftEvent,
  listBundledScenarios,
  openScenario,
  type Scenario,
  type ScenarioEvent,
} from './scenario.ts'
export type { SimulatedArm } from './simulator/arms.ts'
export { SIMULATOR_ERROR_CODES, SimulatorError } from './simulator/errors.ts'
export { FAULT_STATUSES, type Fault, parseFault } from './simulator/faults.ts'
export {
  type Simulator,
  type SimulatorOptions,
  type SimulatorState,
  startSimulator,
} from './simulator/simulator.ts'
export { readVerdict, type Verdict } from './simulator/verdict.ts'
export { parseShares, type SplitOptions, splitRows, timeSplits } from './split.ts'
export { normalisePrompt, type SplitShares, splitOf } from './split-rule.ts'
export { driveTraffic, type TrafficOptions, type TrafficResult } from './traffic.ts'
export { renderTrafficLine, repeatRows, summarizeTraffic, type TrafficWindow } from './traffic-window.ts'
export * from './types.ts'
export { type Validation, validateSet } from './validate.ts'
