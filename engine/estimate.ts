/** Beliefs about the heads → what one arm is expected to bring and to cost for one request. */
import type { ArmModel } from './arm-model.ts'
import type { LinearPrediction } from './linear-head.ts'
import type { Arm, ArmEstimate, Belief, RequestFacts } from './types.ts'

/** What a decision looks at, prepared once for all arms. */
export interface Context {
  readonly x: Float64Array
  /** Non-zero positions of `x`, and those below the serving dimension. */
  readonly nz: Int32Array
  readonly servingNz: Int32Array
  readonly facts: RequestFacts
  readonly nowMs: number
}

/** Everything of an {@link ArmEstimate} but the utility, which needs the preferences. */
export type Forecast = Omit<ArmEstimate, 'utility'>

/** Above this the log-normal mean is ruled by outcomes nobody has seen; the variance it uses is capped here. */
const LOG_VARIANCE_CAP = 2

export function forecast(arm: Arm, model: ArmModel, context: Context): Forecast {
  const { x, nz, servingNz, facts, nowMs } = context
  const quality = model.quality.predict(x, nz, nowMs)
  const ttft = logNormal(model.ttft.predict(x, servingNz, nowMs))
  const tpot = logNormal(model.tpot.predict(x, servingNz, nowMs))
  const output = logNormal(model.outputTokens.predict(x, servingNz, nowMs))
  const longest = Math.min(
    facts.requestedOutputTokens ?? Number.POSITIVE_INFINITY,
    arm.maxOutputTokens ?? Number.POSITIVE_INFINITY,
  )
  const outputTokens = Math.min(output.mean, longest)
  const outputUsd = (arm.price.outputUsdPerMtok * outputTokens) / 1e6
  const writingMs = tpot.mean * outputTokens
  return {
    arm: arm.id,
    quality: { mean: quality.mean, sd: quality.sd },
    costUsd: {
      mean: (arm.price.inputUsdPerMtok * facts.promptTokens) / 1e6 + outputUsd,
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
  }
}

/** Mean of exp(y), and the sd of what is believed of it as a share of it (delta method). */
function logNormal({ mean, sd, noiseVariance }: LinearPrediction): { mean: number; relativeSd: number } {
  return { mean: Math.exp(mean + Math.min(noiseVariance, LOG_VARIANCE_CAP) / 2), relativeSd: sd }
}

export function withUtility(
  estimate: Forecast,
  rates: { readonly perUsd: number; readonly perSecond: number; readonly perFailure: number },
): ArmEstimate {
  const { quality, costUsd, latencyMs, success } = estimate
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
  return { ...estimate, utility }
}
