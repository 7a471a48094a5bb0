/** Which arms may be chosen, and for each that may not the first reason why. */
import type { Forecast } from './estimate.ts'
import type { Arm, Capability, Constraints, Exclusion, ExclusionReason, RequestFacts } from './types.ts'

/** What a request needs of an arm whatever anyone prefers. */
export function neededCapabilities(facts: RequestFacts, constraints: Constraints): ReadonlySet<Capability> {
  const needed = new Set<Capability>(constraints.capabilities)
  if (facts.toolCount > 0) needed.add('tools')
  if (facts.imageCount > 0) needed.add('vision')
  if (facts.wantsSchema) needed.add('json-schema')
  return needed
}

/** `undefined`: eligible as far as the request and the arm's registration go. */
export function exclude(
  arm: Arm,
  facts: RequestFacts,
  needed: ReadonlySet<Capability>,
  constraints: Constraints,
): Exclusion | undefined {
  const no = (reason: ExclusionReason, detail: string): Exclusion => ({ arm: arm.id, reason, detail })
  for (const capability of needed) {
    if (!arm.capabilities.includes(capability)) return no('missing_capability', capability)
  }
  const window = arm.contextWindowTokens
  // An answer of unstated length needs some room too, but how much is the arm's own business: only the prompt is counted.
  const wanted = facts.promptTokens + (facts.requestedOutputTokens ?? 0)
  if (window !== undefined && wanted > window) return no('context_window', `${wanted} > ${window} tokens`)
  const { regions } = constraints
  if (regions !== undefined && (arm.region === undefined || !regions.includes(arm.region))) {
    return no('region', `${arm.region ?? 'no region'} is not one of ${regions.join(', ')}`)
  }
  return undefined
}

/** `undefined`: the forecast is within the limits. */
export function excludeByForecast(forecast: Forecast, constraints: Constraints): Exclusion | undefined {
  const { maxCostUsd, maxLatencyMs } = constraints
  if (maxCostUsd !== undefined && forecast.costUsd.mean > maxCostUsd) {
    return {
      arm: forecast.arm,
      reason: 'max_cost',
      detail: `${forecast.costUsd.mean.toPrecision(3)} > ${maxCostUsd} USD`,
    }
  }
  if (maxLatencyMs !== undefined && forecast.latencyMs.mean > maxLatencyMs) {
    return {
      arm: forecast.arm,
      reason: 'max_latency',
      detail: `${Math.round(forecast.latencyMs.mean)} > ${maxLatencyMs} ms`,
    }
  }
  return undefined
}
