/** What came back → examples for the heads. The only place where outcomes are put on the heads' scales. */
import { EngineError } from './errors.ts'
import type { ArmEstimate, ArmId, Decision, HeadName, Observation, Outcome } from './types.ts'

const ONE = Float64Array.of(1)
/** An answer that came whole tells only its total time; at least this share of it is taken to be writing. */
const LEAST_WRITING_SHARE = 0.2

/** The decision an observation belongs to. */
export type DecisionContext = Pick<Decision, 'id' | 'featureSpace' | 'x'>

/** The same with what was forecast of the arms. */
export interface ForecastContext extends DecisionContext {
  readonly estimates: readonly Pick<ArmEstimate, 'arm' | 'ttftMs'>[]
}

/**
 * What the speed, length and success heads learn from one upstream call of `decision`. A call that did not answer teaches
 * `success` alone. A whole (non-streamed) answer has no time to first token: the one that was forecast is taken off its
 * total before the rest is shared among the tokens.
 *
 * @param servingDimension the feature space's; these heads see that many leading coordinates of `x`
 */
export function observationsFromOutcome(
  decision: ForecastContext,
  outcome: Outcome,
  atMs: number,
  servingDimension: number,
): Observation[] {
  const x = decision.x.subarray(0, servingDimension)
  const example = (head: HeadName, y: number, context: Float64Array = x): Observation => ({
    decisionId: decision.id,
    atMs,
    featureSpace: decision.featureSpace,
    arm: outcome.arm,
    head,
    x: context,
    y,
    weight: 1,
  })
  const success = example('success', outcome.succeeded ? 1 : 0, ONE)
  if (!outcome.succeeded) return [success]
  const { ttftMs, totalMs, outputTokens } = outcome
  const observations: Observation[] = []
  if (ttftMs !== undefined) observations.push(example('ttft', logPositive(ttftMs)))
  if (totalMs !== undefined && outputTokens !== undefined && outputTokens > 0) {
    const forecast = decision.estimates.find((estimate) => estimate.arm === outcome.arm)
    const waitedMs = ttftMs ?? forecast?.ttftMs ?? 0
    const writingMs = Math.max(totalMs - waitedMs, LEAST_WRITING_SHARE * totalMs)
    observations.push(example('tpot', logPositive(writingMs / outputTokens)))
  }
  if (outputTokens !== undefined && outputTokens > 0) {
    observations.push(example('output_tokens', Math.log(outputTokens)))
  }
  observations.push(success)
  return observations
}

/**
 * What the quality head learns from one feedback value.
 *
 * @throws {EngineError} `engine_bad_observation` for a quality outside [0, 1]
 */
export function qualityObservation(
  decision: DecisionContext,
  arm: ArmId,
  quality: number,
  atMs: number,
  weight: 1 | -1 = 1,
): Observation {
  if (!(quality >= 0 && quality <= 1)) {
    throw new EngineError('engine_bad_observation', `quality must be in [0, 1], got ${quality}`)
  }
  return {
    decisionId: decision.id,
    atMs,
    featureSpace: decision.featureSpace,
    arm,
    head: 'quality',
    x: decision.x,
    y: quality,
    weight,
  }
}

/** Clocks tick in fractions of a millisecond; the logarithm of less than a microsecond would be an outlier, not a fact. */
function logPositive(ms: number): number {
  return Math.log(Math.max(ms, 1e-3))
}
