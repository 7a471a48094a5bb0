/** The caller's wishes, from the body's `highwayman` field or `x-highwayman-*` headers; the body wins. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Warning } from '../../adapters/index.ts'
import type { ArmId, Constraints, Preferences, QualityFloor } from '../../engine/index.ts'
import { DEFAULTS } from '../config/defaults.ts'
import { didYouMean } from '../config/nearest.ts'
import { serverError } from '../errors.ts'
import type { RegisteredArm, Tenant, VirtualModel } from '../registry.ts'
import type { RegistryView, Rulings } from '../registry-view.ts'
import { type Extensions, extensionsSchema } from '../routes/schemas/extensions.ts'
import { parseOrRefuse } from './validate.ts'

const HEADER_PREFIX = 'x-highwayman-'

export interface Wishes {
  readonly preferences: Preferences
  readonly constraints: Constraints
  readonly rulings: Rulings
  readonly requestClass: string | undefined
  readonly explore: boolean
  readonly session: string
  readonly metadata: Readonly<Record<string, string>>
  readonly warnings: readonly Warning[]
}

/** @throws {ServerError} 400 `invalid_request` */
export function readExtensions(
  view: RegistryView,
  tenant: Tenant,
  model: VirtualModel,
  body: Extensions | undefined,
  headers: IncomingHttpHeaders,
): Wishes {
  const wishes: Extensions = { ...fromHeaders(headers), ...body }
  const warnings: Warning[] = []
  return {
    preferences: preferencesOf(wishes.preferences) ?? tenant.preferences ?? model.preferences,
    constraints: narrow(
      narrow(model.constraints, tenant.constraints),
      constraintsOf(view, tenant, wishes.constraints),
    ),
    rulings: rulingsOf(view, tenant, wishes, warnings),
    requestClass: knownClass(view, wishes.class, warnings),
    explore: wishes.explore ?? model.explore,
    session: wishes.session ?? '',
    metadata: wishes.metadata ?? {},
    warnings,
  }
}

const HEADERS = (['class', 'session', 'explore', 'allow', 'deny'] as const).map(
  (field) => [field, HEADER_PREFIX + field] as const,
)
const NO_WISHES: Extensions = {}

/** `x-highwayman-class`, `-session`, `-explore` (true or false), `-allow` and `-deny` (separated by commas). */
function fromHeaders(headers: IncomingHttpHeaders): Extensions {
  let given: Record<string, unknown> | undefined
  for (const [field, header] of HEADERS) {
    const text = headers[header]
    if (typeof text !== 'string' || text === '') continue
    given ??= {}
    given[field] = headerValue(field, text)
  }
  return given === undefined ? NO_WISHES : parseOrRefuse(extensionsSchema, given, HEADER_PREFIX)
}

function headerValue(field: string, text: string): unknown {
  if (field === 'allow' || field === 'deny') return text.split(',').map((entry) => entry.trim())
  if (field === 'explore') return text === 'true' ? true : text === 'false' ? false : text
  return text
}

function preferencesOf(given: Extensions['preferences']): Preferences | undefined {
  if (given === undefined) return undefined
  const { usd_per_quality_point: usd, seconds_per_quality_point: seconds, quality, cost, latency } = given
  const { within_quality_points: within, then_by: thenBy } = given
  const hasRates = usd !== undefined || seconds !== undefined
  const hasWeights = quality !== undefined || cost !== undefined || latency !== undefined
  const hasOrder = within !== undefined || thenBy !== undefined
  if (Number(hasRates) + Number(hasWeights) + Number(hasOrder) !== 1) throw badPreferences()
  if (hasOrder) {
    if (thenBy === undefined || new Set(thenBy).size < thenBy.length) throw badPreferences()
    return {
      kind: 'lexicographic',
      withinQualityPoints: within ?? DEFAULTS.model.withinQualityPoints,
      thenBy,
    }
  }
  if (hasWeights) {
    if (quality === undefined) throw badPreferences()
    return { kind: 'weights', quality, cost: cost ?? 0, latency: latency ?? 0 }
  }
  return {
    kind: 'exchange-rates',
    ...(usd !== undefined && { usdPerQualityPoint: usd }),
    ...(seconds !== undefined && { secondsPerQualityPoint: seconds }),
  }
}

function badPreferences(): Error {
  return serverError(
    'invalid_request',
    'highwayman.preferences: give exchange rates (usd_per_quality_point, seconds_per_quality_point), or weights (quality, and with it cost, latency), or an order (then_by with cost, latency or both, each once, and within_quality_points).',
    { param: 'highwayman.preferences' },
  )
}

function constraintsOf(view: RegistryView, tenant: Tenant, given: Extensions['constraints']): Constraints {
  if (given === undefined) return {}
  const { max_cost_usd, max_latency_ms, max_p95_cost_usd, max_p95_latency_ms, regions, capabilities } = given
  return {
    ...(max_cost_usd !== undefined && { maxCostUsd: max_cost_usd }),
    ...(max_latency_ms !== undefined && { maxLatencyMs: max_latency_ms }),
    ...(max_p95_cost_usd !== undefined && { maxP95CostUsd: max_p95_cost_usd }),
    ...(max_p95_latency_ms !== undefined && { maxP95LatencyMs: max_p95_latency_ms }),
    ...(given.quality_floor !== undefined && {
      qualityFloors: [qualityFloorOf(view, tenant, given.quality_floor)],
    }),
    ...(regions !== undefined && { regions }),
    ...(capabilities !== undefined && { capabilities }),
  }
}

/** A limit that cannot be held must not be dropped in silence. @throws {ServerError} 400 `invalid_request` */
function qualityFloorOf(
  view: RegistryView,
  tenant: Tenant,
  { arm, share, confidence }: NonNullable<NonNullable<Extensions['constraints']>['quality_floor']>,
): QualityFloor {
  const { arms } = view.registry
  if (!arms.has(arm as ArmId)) {
    throw serverError(
      'invalid_request',
      `highwayman.constraints.quality_floor.arm: there is no arm "${arm}"${didYouMean(
        arm,
        openArms(view, tenant).map((one) => one.arm.id),
      )}`,
      { param: 'highwayman.constraints.quality_floor.arm' },
    )
  }
  return { arm: arm as ArmId, share, ...(confidence !== undefined && { confidence }) }
}

const LIMITS = ['maxCostUsd', 'maxLatencyMs', 'maxP95CostUsd', 'maxP95LatencyMs'] as const

/** Both hold: a request can only narrow what its tenant may, and a tenant what the model may. */
export function narrow(outer: Constraints, inner: Constraints): Constraints {
  if (isEmpty(inner)) return outer
  if (isEmpty(outer)) return inner
  const limits: { -readonly [Limit in (typeof LIMITS)[number]]?: number } = {}
  for (const limit of LIMITS) {
    const lower = least(outer[limit], inner[limit])
    if (lower !== undefined) limits[limit] = lower
  }
  const regions =
    outer.regions === undefined
      ? inner.regions
      : outer.regions.filter((region) => inner.regions?.includes(region) ?? true)
  const capabilities = [...new Set([...(outer.capabilities ?? []), ...(inner.capabilities ?? [])])]
  const qualityFloors = [...(outer.qualityFloors ?? []), ...(inner.qualityFloors ?? [])]
  return {
    ...limits,
    ...(qualityFloors.length > 0 && { qualityFloors }),
    ...(regions !== undefined && { regions }),
    ...(capabilities.length > 0 && { capabilities }),
  }
}

function isEmpty(constraints: Constraints): boolean {
  for (const _ in constraints) return false
  return true
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b)
}

function rulingsOf(view: RegistryView, tenant: Tenant, wishes: Extensions, warnings: Warning[]): Rulings {
  const ofTenant = view.rulingsFor(tenant)
  const { allow, deny = [] } = wishes
  if (allow === undefined && deny.length === 0) return ofTenant
  const { arms } = view.registry
  const known = new Set(idsAndTags([...arms.values()]))
  const open = idsAndTags(openArms(view, tenant))
  for (const [field, entries] of [
    ['allow', allow ?? []],
    ['deny', deny],
  ] as const) {
    for (const entry of entries) {
      if (known.has(entry)) continue
      const message = `no arm has the id or tag "${entry}"${didYouMean(entry, open)}`
      warnings.push({ field: `highwayman.${field}`, message })
    }
  }
  return new Map([...view.rule({ allow, deny }, 'the request'), ...ofTenant])
}

/** A hint names nothing that the tenant may not use. */
function openArms(view: RegistryView, tenant: Tenant): readonly RegisteredArm[] {
  const barred = view.rulingsFor(tenant)
  return [...view.registry.arms.values()].filter(({ arm }) => !barred.has(arm.id))
}

function idsAndTags(arms: readonly RegisteredArm[]): readonly string[] {
  return arms.flatMap(({ arm }) => [arm.id, ...(arm.tags ?? [])])
}

/** A label nobody declared has no coordinate to learn from: the class is inferred, and the caller told so. */
function knownClass(view: RegistryView, label: string | undefined, warnings: Warning[]): string | undefined {
  if (label === undefined || view.classes.has(label)) return label
  const hint = didYouMean(label, view.classes) || `; known are ${[...view.classes].join(', ')}`
  warnings.push({
    field: 'highwayman.class',
    message: `unknown class "${label}"${hint}; the class was inferred`,
  })
  return undefined
}
