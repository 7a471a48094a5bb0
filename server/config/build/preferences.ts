import type { Preferences } from '../../../engine/index.ts'
import type { PreferenceSettings } from '../schema.ts'
import type { Path } from '../yaml.ts'
import { compact, type Scope } from './scope.ts'

/** Weights or exchange rates, whichever were written; undefined when none were, or after a problem was reported. */
export function buildPreferences(
  settings: PreferenceSettings | undefined,
  path: Path,
  { reporter }: Scope,
): Preferences | undefined {
  if (settings === undefined) return undefined
  const { usdPerQualityPoint, secondsPerQualityPoint, ...weights } = settings
  const { quality, cost, latency } = weights
  const hasRates = usdPerQualityPoint !== undefined || secondsPerQualityPoint !== undefined
  const hasWeights = quality !== undefined || cost !== undefined || latency !== undefined
  if (hasRates && hasWeights) {
    reporter.report(
      path,
      'key',
      'give exchange rates (…PerQualityPoint) or weights (quality, cost, latency), not both',
    )
    return undefined
  }
  if (hasRates) return { kind: 'exchange-rates', ...compact({ usdPerQualityPoint, secondsPerQualityPoint }) }
  if (quality === undefined || quality === 0) {
    reporter.report(
      path,
      'key',
      hasWeights
        ? 'weights need quality above 0: the others are measured against it'
        : 'empty; give exchange rates (…PerQualityPoint) or weights (quality, cost, latency)',
    )
    return undefined
  }
  return { kind: 'weights', quality, cost: cost ?? 0, latency: latency ?? 0 }
}
