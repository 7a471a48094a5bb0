/** Wishes → the price of the other goods in units of quality. Changing them relearns nothing. */
import { EngineError } from './errors.ts'
import type { Forecast } from './estimate.ts'
import type { Preferences, UtilityRates } from './types.ts'

/** One percentage point. */
const QUALITY_POINT = 0.01
/** A call that fails costs the caller as much as half a perfect answer, even though another arm then serves. */
const PER_FAILURE = 0.5

/**
 * Weights are measured against the mean expected cost and latency over the candidates, all of them, eligible or not: so
 * the rates of a request do not change when an arm goes down.
 */
export function utilityRates(preferences: Preferences, candidates: readonly Forecast[]): UtilityRates {
  if (preferences.kind === 'exchange-rates') {
    return {
      perUsd:
        preferences.usdPerQualityPoint === undefined ? 0 : QUALITY_POINT / preferences.usdPerQualityPoint,
      perSecond:
        preferences.secondsPerQualityPoint === undefined
          ? 0
          : QUALITY_POINT / preferences.secondsPerQualityPoint,
      perFailure: PER_FAILURE,
    }
  }
  const { quality, cost, latency } = preferences
  return {
    perUsd: ratio(
      cost / quality,
      mean(candidates, (c) => c.costUsd.mean),
    ),
    perSecond: ratio(latency / quality, mean(candidates, (c) => c.latencyMs.mean) / 1_000),
    perFailure: PER_FAILURE,
  }
}

/** @throws {EngineError} `engine_bad_config` naming the field, the value and the range. */
export function validatePreferences(preferences: Preferences): void {
  const check = (field: string, value: number | undefined, leastAllowed: 'zero' | 'positive'): void => {
    if (value === undefined) return
    if (!Number.isFinite(value) || value < 0 || (value === 0 && leastAllowed === 'positive')) {
      const range = leastAllowed === 'zero' ? 'at least 0' : 'above 0'
      throw new EngineError(
        'engine_bad_config',
        `preferences.${field} must be a finite number ${range}, got ${value}`,
      )
    }
  }
  if (preferences.kind === 'exchange-rates') {
    check('usdPerQualityPoint', preferences.usdPerQualityPoint, 'positive')
    check('secondsPerQualityPoint', preferences.secondsPerQualityPoint, 'positive')
  } else {
    check('quality', preferences.quality, 'positive')
    check('cost', preferences.cost, 'zero')
    check('latency', preferences.latency, 'zero')
  }
}

function mean(candidates: readonly Forecast[], of: (candidate: Forecast) => number): number {
  let total = 0
  for (const candidate of candidates) total += of(candidate)
  return total / candidates.length
}

/** When every candidate is free there is nothing to weigh. */
function ratio(weight: number, reference: number): number {
  return reference > 0 ? weight / reference : 0
}
