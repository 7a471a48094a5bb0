/** Rows for store tests: complete, deterministic, and easy to vary. */
import { v7 } from 'uuid'
import type { AttemptRow, DecisionRow, RewardRow } from '../../adapters/index.ts'
import type {
  ArmEstimate,
  ArmId,
  Decision,
  DecisionId,
  FeatureSpaceId,
  HeadName,
  Observation,
} from '../../engine/index.ts'

export const SPACE = 'space-1' as FeatureSpaceId
/** Six hours ago: ClickHouse rolls up buckets that are older than a day whenever it merges, and that moves their age. */
export const START_MS = Date.now() - 6 * 3_600_000
export const HALF_LIFE_MS: Readonly<Record<HeadName, number>> = {
  quality: 14 * 86_400_000,
  ttft: 900_000,
  tpot: 900_000,
  output_tokens: 7 * 86_400_000,
  success: 300_000,
}
/** Sums that only add up. */
export const NEVER_FORGET: Readonly<Record<HeadName, number>> = {
  quality: Number.POSITIVE_INFINITY,
  ttft: Number.POSITIVE_INFINITY,
  tpot: Number.POSITIVE_INFINITY,
  output_tokens: Number.POSITIVE_INFINITY,
  success: Number.POSITIVE_INFINITY,
}

export function decisionId(atMs = START_MS): DecisionId {
  return v7({ msecs: atMs }) as DecisionId
}

export function decisionRow(
  change: Partial<DecisionRow> = {},
  decision: Partial<Decision> = {},
): DecisionRow {
  const atMs = decision.atMs ?? START_MS
  const arms = ['openai/gpt-5', 'anthropic/claude'] as ArmId[]
  return {
    decision: {
      id: decisionId(atMs),
      atMs,
      featureSpace: SPACE,
      x: Float64Array.of(1, 0.1, -2.5e-300),
      requestClass: 'code',
      policy: { name: 'thompson' },
      rates: { perUsd: 0.1 + 0.2, perSecond: 1e-9, perFailure: 12_345.678 },
      explore: true,
      floor: 0.02,
      salt: 'v1',
      eligible: arms,
      exclusions: [],
      estimates: arms.map((arm, i) => estimate(arm, i)),
      probabilities: Float64Array.of(1 / 3, 2 / 3),
      arm: 'anthropic/claude' as ArmId,
      propensity: 2 / 3,
      ...decision,
    },
    requestId: 'request-1',
    parentId: undefined,
    tenant: 'acme',
    session: 'session-1',
    requestedModel: 'auto',
    surface: 'chat',
    stream: false,
    promptTokens: 321,
    metadata: {},
    ...change,
  }
}

function estimate(arm: ArmId, i: number): ArmEstimate {
  const belief = (mean: number) => ({ mean: mean + i / 7, sd: (mean + i) / 11 })
  return {
    arm,
    quality: belief(0.5),
    costUsd: belief(0.001),
    ttftMs: 123.4 + i,
    tpotMs: 5.6 + i,
    outputTokens: 789.1 + i,
    latencyMs: belief(2_000),
    success: belief(0.9),
    utility: belief(-0.3),
  }
}

export function attemptRow(change: Partial<AttemptRow> = {}): AttemptRow {
  return {
    decisionId: decisionId(),
    atMs: START_MS + 900,
    arm: 'anthropic/claude',
    index: 0,
    status: 'answered',
    upstreamStatus: 200,
    errorCode: '',
    errorMessage: '',
    finishReason: 'stop',
    ttftMs: 210.25,
    totalMs: 900.5,
    promptTokens: 321,
    cachedTokens: 0,
    completionTokens: 45,
    reasoningTokens: undefined,
    costUsd: 0.1 + 0.2,
    usageEstimated: false,
    ...change,
  }
}

/** One that taught what it says, where it is of quality. */
export function rewardRow(change: Partial<RewardRow> = {}): RewardRow {
  const row: RewardRow = {
    rewardId: v7(),
    decisionId: decisionId(),
    atMs: START_MS + 3_600_000,
    metric: 'quality',
    valueNumber: 0.7,
    valueText: '',
    source: 'user',
    idempotencyKey: '',
    ...change,
  }
  return row.metric === 'quality' && !('quality' in change)
    ? { ...row, quality: row.valueNumber ?? null }
    : row
}

export function observation(change: Partial<Observation> = {}): Observation {
  return {
    decisionId: decisionId(),
    atMs: START_MS,
    featureSpace: SPACE,
    arm: 'anthropic/claude' as ArmId,
    head: 'quality',
    x: Float64Array.of(1, 0.5, -0.25),
    y: 0.7,
    weight: 1,
    ...change,
  }
}

/** What one answered call teaches: three speed heads over one `x`, and success. */
export function callObservations(id: DecisionId, atMs: number, x: Float64Array): Observation[] {
  const shared = { decisionId: id, atMs, x }
  return [
    observation({ ...shared, head: 'ttft', y: 5.3 }),
    observation({ ...shared, head: 'tpot', y: 1.7 }),
    observation({ ...shared, head: 'output_tokens', y: 6.1 }),
    observation({ ...shared, head: 'success', x: Float64Array.of(1), y: 1 }),
  ]
}
