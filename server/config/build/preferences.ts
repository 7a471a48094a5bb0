import type { Preferences } from '../../../engine/index.ts'
import { DEFAULTS } from '../defaults.ts'
import type { PreferenceSettings } from '../schema.ts'
import { QUALITY_WEIGHT_MIN } from '../wish-ranges.ts'
import type { Path } from '../yaml.ts'
import { compact, type Scope } from './scope.ts'

const KINDS =
  'exchange rates (…PerQualityPoint), weights (quality, cost, latency) or an order (withinQualityPoints, thenBy)'

/** Weights, exchange rates or an order, whichever was written; undefined when none was, or after a problem was reported. */
export function buildPreferences(
  settings: PreferenceSettings | undefined,
  path: Path,
  { reporter }: Scope,
): Preferences | undefined {
  if (settings === undefined) return undefined
  const { usdPerQualityPoint, secondsPerQualityPoint, withinQualityPoints, thenBy, ...weights } = settings
  const { quality, cost, latency } = weights
  const hasRates = usdPerQualityPoint !== undefined || secondsPerQualityPoint !== undefined
  const hasWeights = quality !== undefined || cost !== undefined || latency !== undefined
  const hasOrder = withinQualityPoints !== undefined || thenBy !== undefined
  const refuse = (message: string): undefined => {
    reporter.report(path, 'key', message)
    return undefined
  }
  if (Number(hasRates) + Number(hasWeights) + Number(hasOrder) > 1) return refuse(`give ${KINDS}, not both`)
  if (hasRates) return { kind: 'exchange-rates', ...compact({ usdPerQualityPoint, secondsPerQualityPoint }) }
  if (hasOrder) {
    if (thenBy === undefined)
      return refuse('an order needs thenBy: what decides among the arms near the best')
    if (new Set(thenBy).size < thenBy.length) return refuse('thenBy lists the same good twice')
    const within = withinQualityPoints ?? DEFAULTS.model.withinQualityPoints
    return { kind: 'lexicographic', withinQualityPoints: within, thenBy }
  }
  if (quality === undefined || quality === 0) {
    return refuse(
      hasWeights
        ? 'weights need quality above 0: the others are measured against it'
        : `empty; give ${KINDS}`,
    )
  }
  if (quality < QUALITY_WEIGHT_MIN) {
    return refuse(
      `weights need quality of at least ${QUALITY_WEIGHT_MIN}: the others are measured against it`,
    )
  }
  return { kind: 'weights', quality, cost: cost ?? 0, latency: latency ?? 0 }
}
