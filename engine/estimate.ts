/** Beliefs about the heads → what one arm is expected to bring and to cost for one request. */
import { type ArmModel, examplesOf, isOnTrial } from './arm-model.ts'
import { EngineError } from './errors.ts'
import type { FeatureSpace } from './feature-space.ts'
import { nonZeros } from './linalg.ts'
import type { LinearPrediction } from './linear-head.ts'
import type { DecideRequest } from './router-types.ts'
import { type LogNormal, p95, p95OfSum, product } from './tail.ts'
import type { Arm, ArmEstimate, Belief, Price, RequestFacts, WarmCache } from './types.ts'

/** What a forecast asks of a request beside its vector. */
export type PromptSize = Pick<RequestFacts, 'promptTokens' | 'requestedOutputTokens'>

/** What a decision looks at, prepared once for all arms. */
export interface Context {
  readonly x: Float64Array
  /** Non-zero positions of `x`, and those below the serving dimension. */
  readonly nz: Int32Array
  readonly servingNz: Int32Array
  readonly facts: PromptSize
  readonly nowMs: number
  /** Of a conversation. */
  readonly warmCache?: WarmCache | undefined
}

/**
 * The context of a vector `x` of `space`.
 *
 * @throws {EngineError} `engine_bad_observation` for a number that is not finite
 */
export function contextOf(
  { dimension, servingDimension }: FeatureSpace,
  x: Float64Array,
  { facts, atMs: nowMs, warmCache }: Pick<DecideRequest, 'atMs' | 'warmCache'> & Pick<Context, 'facts'>,
): Context {
  const { promptTokens, requestedOutputTokens = 0 } = facts
  let total = nowMs + promptTokens + requestedOutputTokens
  for (let i = 0; i < x.length; i++) total += x[i]!
  if (!Number.isFinite(total)) {
    throw new EngineError(
      'engine_bad_observation',
      `a request has a number that is not finite: atMs ${nowMs}, promptTokens ${promptTokens}, requestedOutputTokens ${requestedOutputTokens}, or one of its facts`,
    )
  }
  const nz = nonZeros(x, dimension)
  const servingNz = servingDimension === dimension ? nz : nonZeros(x, servingDimension)
  return { x, nz, servingNz, facts, nowMs, warmCache }
}

/** Everything of an {@link ArmEstimate} but the utility, which needs the preferences. */
export type Forecast = Omit<ArmEstimate, 'utility'> & {
  /** How much of what could be unknown about the arm's quality on this request still is, [0, 1]; 0 once its trial is over. */
  readonly novelty: number
}

/** Above this the log-normal mean is ruled by outcomes nobody has seen; the variance it uses is capped here. */
const LOG_VARIANCE_CAP = 2
/** How long providers keep an unused prompt; the shortest that any of them promises. */
const CACHE_LIFE_MS = 5 * 60_000

export function forecast(arm: Arm, model: ArmModel, context: Context): Forecast {
  const { x, nz, servingNz, facts, nowMs } = context
  const quality = model.quality.predict(x, nz, nowMs)
  const ttft = logNormal(model.ttft.predict(x, servingNz, nowMs))
  const tpot = logNormal(model.tpot.predict(x, servingNz, nowMs))
  const output = logNormal(model.outputTokens.predict(x, servingNz, nowMs))
  const outputTokens = Math.min(output.mean, longestAnswer(arm, facts))
  const outputUsd = (arm.price.outputUsdPerMtok * outputTokens) / 1e6
  const writingMs = tpot.mean * outputTokens
  return {
    arm: arm.id,
    quality: { mean: quality.mean, sd: quality.sd },
    costUsd: {
      mean: promptUsd(arm, context) + outputUsd,
      sd: outputUsd * output.relativeSd,
    },
    ttftMs: ttft.mean,
    tpotMs: tpot.mean,
    outputTokens,
    latencyMs: {
      mean: ttft.mean + writingMs,
      sd: Math.hypot(ttft.mean * ttft.relativeSd, writingMs * Math.hypot(tpot.relativeSd, output.relativeSd)),
    },
    success: model.success.predict(nowMs),
    novelty: isOnTrial(model, nowMs) ? quality.novelty : 0,
  }
}

/** A forecast, and how many outcomes of the arm it rests on. */
export type Foresight = Forecast & { readonly examples: number }

export function foresight(arm: Arm, model: ArmModel, context: Context): Foresight {
  return { ...forecast(arm, model, context), examples: examplesOf(model, context.nowMs) }
}

/** What 95 % of such requests stay below. */
export interface Tails {
  readonly p95CostUsd: number
  /** To the last token. */
  readonly p95LatencyMs: number
}

/**
 * The tails of single outcomes around what is believed on average. What is not known of the average is left out, as it is
 * in the expectations: an arm that nobody has measured yet would otherwise never be let in to be measured.
 *
 * Where an answer is cut at a longest length L, its time is ttft + tpot · min(tokens, L): below both ttft + tpot · tokens and
 * ttft + tpot · L, so the smaller of their quantiles is an upper bound, and exact where only one of the two matters.
 */
export function tails(arm: Arm, model: ArmModel, context: Context): Tails {
  const { x, servingNz, facts, nowMs } = context
  const ttft = logNormalOutcome(model.ttft.predict(x, servingNz, nowMs))
  const tpot = logNormalOutcome(model.tpot.predict(x, servingNz, nowMs))
  const output = logNormalOutcome(model.outputTokens.predict(x, servingNz, nowMs))
  const longest = longestAnswer(arm, facts)
  const p95Tokens = Math.min(p95(output), longest)
  const unlimited = p95OfSum(ttft, product(tpot, output))
  const limited =
    longest === Number.POSITIVE_INFINITY
      ? unlimited
      : p95OfSum(ttft, { logMean: tpot.logMean + Math.log(longest), logSd: tpot.logSd })
  return {
    p95CostUsd: promptUsd(arm, context) + (arm.price.outputUsdPerMtok * p95Tokens) / 1e6,
    p95LatencyMs: Math.min(unlimited, limited),
  }
}

function longestAnswer(arm: Arm, { requestedOutputTokens }: PromptSize): number {
  return Math.min(
    requestedOutputTokens ?? Number.POSITIVE_INFINITY,
    arm.maxOutputTokens ?? Number.POSITIVE_INFINITY,
  )
}

/** Prompt tokens that this arm's provider is expected to read from its cache. */
export function cachedTokens(arm: Arm, { facts, warmCache }: Context): number {
  if (warmCache === undefined || warmCache.arm !== arm.id || warmCache.ageMs > CACHE_LIFE_MS) return 0
  return Math.min(warmCache.tokens, facts.promptTokens)
}

/** In a conversation that uses a prompt cache, what is not read from it is written to it, at the price of that. */
function promptUsd(arm: Arm, context: Context): number {
  const { inputUsdPerMtok, cachedInputUsdPerMtok = inputUsdPerMtok, cacheWriteUsdPerMtok }: Price = arm.price
  const { facts, warmCache } = context
  const cached = cachedTokens(arm, context)
  const usesCache = warmCache !== undefined && warmCache.tokens > 0
  const freshUsdPerMtok = usesCache ? (cacheWriteUsdPerMtok ?? inputUsdPerMtok) : inputUsdPerMtok
  return (freshUsdPerMtok * (facts.promptTokens - cached) + cachedInputUsdPerMtok * cached) / 1e6
}

function logNormalOutcome({ mean, noiseVariance }: LinearPrediction): LogNormal {
  return { logMean: mean, logSd: Math.sqrt(noiseVariance) }
}

/** Mean of exp(y), and the sd of what is believed of it as a share of it (delta method). */
function logNormal({ mean, sd, noiseVariance }: LinearPrediction): { mean: number; relativeSd: number } {
  return { mean: Math.exp(mean + Math.min(noiseVariance, LOG_VARIANCE_CAP) / 2), relativeSd: sd }
}

export function withUtility(
  { arm, quality, costUsd, ttftMs, tpotMs, outputTokens, latencyMs, success }: Omit<ArmEstimate, 'utility'>,
  rates: { readonly perUsd: number; readonly perSecond: number; readonly perFailure: number },
): ArmEstimate {
  const perMs = rates.perSecond / 1_000
  const utility: Belief = {
    mean:
      quality.mean -
      rates.perUsd * costUsd.mean -
      perMs * latencyMs.mean -
      rates.perFailure * (1 - success.mean),
    sd: Math.sqrt(
      quality.sd ** 2 +
        (rates.perUsd * costUsd.sd) ** 2 +
        (perMs * latencyMs.sd) ** 2 +
        (rates.perFailure * success.sd) ** 2,
    ),
  }
  return { arm, quality, costUsd, ttftMs, tpotMs, outputTokens, latencyMs, success, utility }
}
