/** Tolerant readers of what vendors send: a value of the wrong type counts as absent. */

import { isNestedTooDeeply } from '../nesting.ts'

export type Wire = Readonly<Record<string, unknown>>

/** The object behind `value`, or undefined for anything else (arrays included). */
export function asRecord(value: unknown): Wire | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Wire) : undefined
}

/** The array behind `value`; empty for anything else. */
export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** The objects of an array; everything else in it is left out. */
export function asRecords(value: unknown): readonly Wire[] {
  return asArray(value).filter((item): item is Wire => asRecord(item) !== undefined)
}

/** The fields but those of `keys`; the same object where it has none of them, as most have. */
export function without(fields: Wire, keys: readonly string[]): Wire {
  if (!keys.some((key) => key in fields)) return fields
  const rest: Record<string, unknown> = {}
  for (const key in fields) if (!keys.includes(key)) rest[key] = fields[key]
  return rest
}

export function asString(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** A string with something in it. */
export function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** More tokens than any answer has; what an outcome may tell, too. */
const TOKENS_MAX = 2 ** 31
const COST_USD_MAX = 1e6

/** A number of tokens; what can be none was not told, so that it is counted here instead of spoiling what is learned. */
export function asCount(value: unknown): number | undefined {
  const isCount = Number.isInteger(value) && (value as number) >= 0 && (value as number) <= TOKENS_MAX
  return isCount ? (value as number) : undefined
}

/** USD for one call; likewise. */
export function asCostUsd(value: unknown): number | undefined {
  const cost = asNumber(value)
  return cost !== undefined && cost >= 0 && cost <= COST_USD_MAX ? cost : undefined
}

/** The parsed JSON, or undefined when `text` is not JSON (no JSON text means undefined), or deeper than can be written again. */
export function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return isNestedTooDeeply(text, value) ? undefined : value
  } catch {
    return undefined
  }
}

/** `defined({ a: 1, b: undefined })` is `{ a: 1 }`: upstreams get no key that has no value. */
export function defined<T extends Wire>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept: Record<string, unknown> = {}
  for (const key in fields) if (fields[key] !== undefined) kept[key] = fields[key]
  return kept as { [K in keyof T]?: Exclude<T[K], undefined> }
}
