/** The public surface of the datasets: loading outcome sets, and the provider simulator that replays one. */

export { toCbAdf } from './bandit/cb-adf.ts'
export { type DecisionOptions, fromDecision, qualityOf, toDecision } from './bandit/decision.ts'
export { banditRowToDsjson, rowsOfDsjson } from './bandit/dsjson.ts'
export { hashedVector } from './bandit/features.ts'
export { BANDIT_FORMATS, type BanditFormat, banditFormatOf, readBanditFile } from './bandit/files.ts'
export { readOpenBandit } from './bandit/open-bandit.ts'
export type { BanditAction, BanditFeatures, LoggedBanditRow } from './bandit/row.ts'
export { DATASET_FORMATS, type DatasetFormat } from './formats/source.ts'
export { listBundledDatasets, openDataset } from './loader.ts'
export { LOG_FORMATS, type LogFormat, logFormatOf, readLogFile, writeLogFile } from './log/files.ts'
export type { ReadOptions } from './read/options.ts'
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
export { driveTraffic, type TrafficOptions, type TrafficResult } from './traffic.ts'
export { renderTrafficLine, repeatRows, summarizeTraffic, type TrafficWindow } from './traffic-window.ts'
export * from './types.ts'
