/** Tolerant readers of what vendors send: a value of the wrong type counts as absent. */

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

/** The parsed JSON, or undefined when `text` is not JSON (no JSON text means undefined). */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
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
