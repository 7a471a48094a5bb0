/** The caller's wishes, from the body's `highwayman` field or `x-highwayman-*` headers; the body wins. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Warning } from '../../adapters/index.ts'
import type { Constraints, Preferences } from '../../engine/index.ts'
import { didYouMean } from '../config/nearest.ts'
import { serverError } from '../errors.ts'
import type { Tenant, VirtualModel } from '../registry.ts'
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
    constraints: narrow(narrow(model.constraints, tenant.constraints), constraintsOf(wishes.constraints)),
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
  const hasRates = usd !== undefined || seconds !== undefined
  const hasWeights = quality !== undefined || cost !== undefined || latency !== undefined
  if (hasRates === hasWeights || (hasWeights && quality === undefined)) {
    throw serverError(
      'invalid_request',
      'highwayman.preferences: give exchange rates (usd_per_quality_point, seconds_per_quality_point) or weights (quality, and with it cost, latency).',
      { param: 'highwayman.preferences' },
    )
  }
  return quality === undefined
    ? {
        kind: 'exchange-rates',
        ...(usd !== undefined && { usdPerQualityPoint: usd }),
        ...(seconds !== undefined && { secondsPerQualityPoint: seconds }),
      }
    : { kind: 'weights', quality, cost: cost ?? 0, latency: latency ?? 0 }
}

function constraintsOf(given: Extensions['constraints']): Constraints {
  if (given === undefined) return {}
  const { max_cost_usd, max_latency_ms, regions, capabilities } = given
  return {
    ...(max_cost_usd !== undefined && { maxCostUsd: max_cost_usd }),
    ...(max_latency_ms !== undefined && { maxLatencyMs: max_latency_ms }),
    ...(regions !== undefined && { regions }),
    ...(capabilities !== undefined && { capabilities }),
  }
}

/** Both hold: a request can only narrow what its tenant may, and a tenant what the model may. */
export function narrow(outer: Constraints, inner: Constraints): Constraints {
  if (isEmpty(inner)) return outer
  if (isEmpty(outer)) return inner
  const maxCostUsd = least(outer.maxCostUsd, inner.maxCostUsd)
  const maxLatencyMs = least(outer.maxLatencyMs, inner.maxLatencyMs)
  const regions =
    outer.regions === undefined
      ? inner.regions
      : outer.regions.filter((region) => inner.regions?.includes(region) ?? true)
  const capabilities = [...new Set([...(outer.capabilities ?? []), ...(inner.capabilities ?? [])])]
  return {
    ...(maxCostUsd !== undefined && { maxCostUsd }),
    ...(maxLatencyMs !== undefined && { maxLatencyMs }),
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
  const known = new Set<string>(arms.keys())
  for (const { arm } of arms.values()) for (const tag of arm.tags ?? []) known.add(tag)
  for (const [field, entries] of [
    ['allow', allow ?? []],
    ['deny', deny],
  ] as const) {
    for (const entry of entries) {
      if (known.has(entry)) continue
      const message = `no arm has the id or tag "${entry}"${didYouMean(entry, known)}`
      warnings.push({ field: `highwayman.${field}`, message })
    }
  }
  return new Map([...view.rule({ allow, deny }, 'the request'), ...ofTenant])
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
