/** Wishes → the price of the other goods in units of quality. Changing them relearns nothing. */
import { EngineError } from './errors.ts'
import type { ArmEstimate, Preferences, UtilityRates } from './types.ts'

/** One percentage point: what exchange rates put a price on. */
export const QUALITY_POINT = 0.01
/** A call that fails costs the caller as much as half a perfect answer, even though another arm then serves. */
const PER_FAILURE = 0.5

/**
 * Quality that a dollar or a second is worth at most. A billionth of a dollar outweighs all quality then: no higher price could choose
 * otherwise, and the squares of what is worth more would leave the range of numbers.
 */
const MOST_RATE = 1e100

/** What a typical request costs and takes: the yardstick of weights. */
export interface Yardstick {
  readonly costUsd: number
  readonly latencyMs: number
}

/** @param yardstick of the request's class; asked for by weights alone */
export function utilityRates(preferences: Preferences, yardstick: () => Yardstick): UtilityRates {
  if (preferences.kind === 'lexicographic') return { perUsd: 0, perSecond: 0, perFailure: PER_FAILURE }
  if (preferences.kind === 'exchange-rates') {
    return {
      perUsd: ratio(QUALITY_POINT, preferences.usdPerQualityPoint ?? 0),
      perSecond: ratio(QUALITY_POINT, preferences.secondsPerQualityPoint ?? 0),
      perFailure: PER_FAILURE,
    }
  }
  const { quality, cost, latency } = preferences
  if (cost === 0 && latency === 0) return { perUsd: 0, perSecond: 0, perFailure: PER_FAILURE }
  const { costUsd, latencyMs } = yardstick()
  return {
    perUsd: ratio(cost / quality, costUsd),
    perSecond: ratio(latency / quality, latencyMs / 1_000),
    perFailure: PER_FAILURE,
  }
}

/**
 * Lexicographic wishes as utilities: the arms within the tolerance of the best keep the best one's mean, less a share of
 * the tolerance that grows with their place in the next good; the others are below them already and stay as they are. The
 * best mean is then the lexicographic choice exactly, and what is unknown of an arm's quality still invites exploration.
 * Other kinds of preferences change nothing.
 */
export function inOrder(estimates: readonly ArmEstimate[], preferences: Preferences): readonly ArmEstimate[] {
  if (preferences.kind !== 'lexicographic') return estimates
  const tolerance = QUALITY_POINT * preferences.withinQualityPoints
  const best = Math.max(...estimates.map(({ utility }) => utility.mean))
  const isNear = ({ utility }: ArmEstimate) => utility.mean >= best - tolerance
  const near = estimates.filter(isNear)
  for (const good of preferences.thenBy) {
    const amountOf = good === 'cost' ? costOf : latencyOf
    const least = Math.min(...near.map(amountOf))
    const span = Math.max(...near.map(amountOf)) - least
    if (span === 0) continue
    return estimates.map((estimate) => {
      if (!isNear(estimate)) return estimate
      const mean = best - tolerance * ((amountOf(estimate) - least) / span)
      return { ...estimate, utility: { mean, sd: estimate.utility.sd } }
    })
  }
  return estimates
}

const costOf = ({ costUsd }: ArmEstimate) => costUsd.mean
const latencyOf = ({ latencyMs }: ArmEstimate) => latencyMs.mean

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
  } else if (preferences.kind === 'weights') {
    check('quality', preferences.quality, 'positive')
    check('cost', preferences.cost, 'zero')
    check('latency', preferences.latency, 'zero')
  } else {
    check('withinQualityPoints', preferences.withinQualityPoints, 'zero')
    const { thenBy } = preferences
    const known = thenBy.every((good) => good === 'cost' || good === 'latency')
    if (thenBy.length === 0 || !known || new Set(thenBy).size < thenBy.length) {
      throw new EngineError(
        'engine_bad_config',
        `preferences.thenBy must list "cost", "latency" or both, each once, got ${JSON.stringify(thenBy)}`,
      )
    }
  }
}

/** When a good costs nothing anywhere, or nobody said what it is worth, there is nothing to weigh. */
function ratio(weight: number, reference: number): number {
  return reference > 0 ? Math.min(weight / reference, MOST_RATE) : 0
}
