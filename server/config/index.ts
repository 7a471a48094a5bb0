/** Configuration: a file, the environment or a simulator's description becomes the registry the server runs on. */
export { startBanner } from './banner.ts'
export { DEFAULT_DATA_DIR, DEFAULT_TENANT_NAME } from './defaults.ts'
export { registryFromEnvironment } from './environment.ts'
export {
  CONFIG_ERROR_CODES,
  ConfigError,
  type ConfigErrorCode,
  type ConfigProblem,
  formatProblem,
} from './errors.ts'
export {
  explainRegistry,
  explanationLines,
  REGISTRY_WARNING_CODES,
  type RegistryExplanation,
  type RegistryWarning,
} from './explain.ts'
export { findConfigFile, type LoadOptions, loadRegistry, parseConfig } from './load.ts'
export { registryFromSimulator, type SimulatedArm } from './simulated.ts'
export { type ConfigWatcher, type WatchOptions, watchConfig } from './watch.ts'
