/** Every default of the configuration, in one place. Those that belong to the engine or the adapters are read from there. */

import { DEFAULT_DEADLINES, DEFAULT_SPOOL_BYTES, DEFAULT_WRITER_OPTIONS } from '../../adapters/index.ts'
import {
  DEFAULT_ALPHA,
  DEFAULT_CLASSES,
  DEFAULT_EXPLORATION,
  DEFAULT_FLOOR,
  DEFAULT_GAMMA_EXPONENT,
  DEFAULT_GAMMA_SCALE,
  DEFAULT_PRIOR,
  DEFAULT_TEMPERATURE,
  DEFAULT_TEXT_COMPONENTS,
} from '../../engine/index.ts'
import { DEFAULT_GATE_RULES, DEFAULT_SUCCESS_WORSE_BY } from '../../eval/gate/index.ts'

export const DEFAULT_DATA_DIR = '.highwayman'
/** Whose everything is while no tenants are configured. */
export const DEFAULT_TENANT_NAME = 'default'

export const DEFAULTS = {
  provider: { connections: 256, deadlines: DEFAULT_DEADLINES },
  arm: {
    prior: DEFAULT_PRIOR,
    /** Of a model the price table does not list: what every upstream can do. */
    capabilities: ['streaming'] as const,
  },
  model: {
    policy: 'thompson',
    preferences: { quality: 1, cost: 0.1, latency: 0.05 },
    withinQualityPoints: 1,
    switchMargin: 0,
    floor: DEFAULT_FLOOR,
    /** A policy that says exactly which arm is meant to be taken at its word. */
    staticPolicyFloor: 0,
    explore: true,
  },
  policy: {
    exploration: DEFAULT_EXPLORATION,
    alpha: DEFAULT_ALPHA,
    gammaScale: DEFAULT_GAMMA_SCALE,
    gammaExponent: DEFAULT_GAMMA_EXPONENT,
    temperature: DEFAULT_TEMPERATURE,
    epsilon: 0.1,
  },
  classes: DEFAULT_CLASSES,
  embedding: { components: DEFAULT_TEXT_COMPONENTS, timeoutMs: 150 },
  prompts: { enabled: false, retentionDays: 30, maxChars: 16_000 },
  metric: { optimize: 'max', defaultSource: 'default' },
  signals: {
    metric: 'quality',
    share: 0.1,
    passedWorth: 0.8,
    worths: {
      empty: 0,
      refused: 0.2,
      truncated: 0.4,
      invalidJson: 0,
      invalidToolArguments: 0,
      repeatedQuestion: 0.2,
      tryAgain: 0.1,
    },
  },
  judge: { metric: 'quality', share: 0.02, maxUsdPerDay: 1, maxConcurrent: 2, ownAnswers: 'skip' },
  store: {
    dataDir: DEFAULT_DATA_DIR,
    database: 'highwayman',
    flushMs: DEFAULT_WRITER_OPTIONS.flushEveryMs,
    batchRows: DEFAULT_WRITER_OPTIONS.batchRowsMax,
    spoolDir: '.highwayman/spool',
    spoolMaxBytes: DEFAULT_SPOOL_BYTES,
  },
  replicas: { mergeEveryMs: 5_000 },
  promotion: {
    objective: DEFAULT_GATE_RULES.objective,
    successWorseBy: DEFAULT_SUCCESS_WORSE_BY,
    maxAgeDays: DEFAULT_GATE_RULES.maxAgeMs / 86_400_000,
    minEss: DEFAULT_GATE_RULES.minEss,
    minEssShare: DEFAULT_GATE_RULES.minEssShare,
    maxMeanWeightZ: DEFAULT_GATE_RULES.maxMeanWeightZ,
    canaryShare: 0.05,
    unit: 'session',
    followEveryMs: 5_000,
  },
  /** Where somebody looks at `/readyz`: about what Kubernetes takes to tell every node. */
  probedShutdownDelayMs: 5_000,
  server: {
    host: '127.0.0.1',
    port: 8787,
    bodyLimitBytes: 16 * 1024 * 1024,
    maxInFlight: 1024,
    maxAttempts: 4,
    drainMs: 30_000,
  },
} as const
