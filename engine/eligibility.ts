/** Which arms may be chosen, and for each that may not the first reason why. */
import { EngineError } from './errors.ts'
import type { Forecast, Tails } from './estimate.ts'
import { normalCdf } from './normal.ts'
import type {
  Arm,
  ArmId,
  Belief,
  Capability,
  Constraints,
  Exclusion,
  ExclusionReason,
  QualityFloor,
  RequestFacts,
} from './types.ts'

const LIMITS = ['maxCostUsd', 'maxLatencyMs', 'maxP95CostUsd', 'maxP95LatencyMs'] as const
/** Means are compared. */
const DEFAULT_CONFIDENCE = 0.5
const NOTHING_NEEDED: ReadonlySet<Capability> = new Set()

/** What a request needs of an arm whatever anyone prefers. */
export function neededCapabilities(facts: RequestFacts, constraints: Constraints): ReadonlySet<Capability> {
  const { capabilities } = constraints
  const isPlain = facts.toolCount === 0 && facts.imageCount === 0 && !facts.wantsSchema
  if (isPlain && capabilities === undefined) return NOTHING_NEEDED
  const needed = new Set<Capability>(capabilities)
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

/** What the limits on beliefs look at, of one arm; all but the forecast is worked out when a limit asks for it. */
export interface Beliefs {
  readonly forecast: Forecast
  readonly tails: () => Tails
  /** Of the arm that a floor is measured by; undefined where nothing is known of such an arm. */
  readonly qualityOf: (arm: ArmId) => Belief | undefined
}

/** Whether any limit looks at beliefs: most requests have none. */
export function boundsBeliefs(constraints: Constraints): boolean {
  return LIMITS.some((limit) => constraints[limit] !== undefined) || constraints.qualityFloors !== undefined
}

/** `undefined`: what is believed of the arm is within the limits. */
export function excludeByBelief(beliefs: Beliefs, constraints: Constraints): Exclusion | undefined {
  const { forecast } = beliefs
  const { maxCostUsd, maxLatencyMs, maxP95CostUsd, maxP95LatencyMs, qualityFloors } = constraints
  const no = (reason: ExclusionReason, detail: string): Exclusion => ({ arm: forecast.arm, reason, detail })
  if (maxCostUsd !== undefined && forecast.costUsd.mean > maxCostUsd) {
    return no('max_cost', `${forecast.costUsd.mean.toPrecision(3)} > ${maxCostUsd} USD`)
  }
  if (maxLatencyMs !== undefined && forecast.latencyMs.mean > maxLatencyMs) {
    return no('max_latency', `${Math.round(forecast.latencyMs.mean)} > ${maxLatencyMs} ms`)
  }
  if (maxP95CostUsd !== undefined || maxP95LatencyMs !== undefined) {
    const { p95CostUsd, p95LatencyMs } = beliefs.tails()
    if (maxP95CostUsd !== undefined && p95CostUsd > maxP95CostUsd) {
      return no('max_p95_cost', `p95 ${p95CostUsd.toPrecision(3)} > ${maxP95CostUsd} USD`)
    }
    if (maxP95LatencyMs !== undefined && p95LatencyMs > maxP95LatencyMs) {
      return no('max_p95_latency', `p95 ${Math.round(p95LatencyMs)} > ${maxP95LatencyMs} ms`)
    }
  }
  for (const floor of qualityFloors ?? []) {
    if (floor.arm === forecast.arm) continue
    const reference = beliefs.qualityOf(floor.arm)
    const shortfall = reference && belowFloor(forecast.quality, reference, floor)
    if (shortfall !== undefined) return no('quality_floor', shortfall)
  }
  return undefined
}

/** The two beliefs are taken to be independent. @returns the particulars when the floor is missed */
function belowFloor(quality: Belief, reference: Belief, floor: QualityFloor): string | undefined {
  const { arm, share, confidence = DEFAULT_CONFIDENCE } = floor
  const lead = quality.mean - share * reference.mean
  const sd = Math.hypot(quality.sd, share * reference.sd)
  const probability = sd > 0 ? normalCdf(lead / sd) : Number(lead >= 0)
  if (probability >= confidence) return undefined
  const least = `${Number((100 * share).toPrecision(4))} % of ${arm}'s ${reference.mean.toPrecision(3)}`
  return `quality ${quality.mean.toPrecision(3)} is at least ${least} with probability ${probability.toFixed(3)} < ${confidence}`
}

/** @throws {EngineError} `engine_bad_config` naming the field, the value and the range */
export function validateConstraints(constraints: Constraints): void {
  for (const field of LIMITS) {
    const limit = constraints[field]
    if (limit !== undefined && !(limit > 0)) throw badConstraint(field, 'a number above 0', limit)
  }
  if (constraints.qualityFloors === undefined) return
  for (const [i, { arm, share, confidence }] of constraints.qualityFloors.entries()) {
    const field = `qualityFloors[${i}]`
    if (typeof arm !== 'string' || arm === '') throw badConstraint(`${field}.arm`, 'the id of an arm', arm)
    if (!(share > 0 && share <= 1)) throw badConstraint(`${field}.share`, 'above 0 and at most 1', share)
    if (confidence !== undefined && !(confidence > 0 && confidence < 1)) {
      throw badConstraint(`${field}.confidence`, 'between 0 and 1, both excluded', confidence)
    }
  }
}

function badConstraint(field: string, range: string, value: unknown): EngineError {
  return new EngineError('engine_bad_config', `constraints.${field} must be ${range}, got ${value}`)
}
