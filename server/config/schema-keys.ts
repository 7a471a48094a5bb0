/** Reads the schema as data: which keys there are, of what type and with which default. */
import { z } from 'zod'
import { ownValue } from '../../engine/index.ts'

type Schema = z.core.$ZodType

/** The schema below defaults, optionality and preprocessing. */
function inner(schema: Schema): Schema {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return inner(schema.def.innerType)
  if (schema instanceof z.ZodPipe) return inner(schema.def.out)
  return schema
}

function child(schema: Schema, key: string | number): Schema | undefined {
  const type = inner(schema)
  if (type instanceof z.ZodObject) return ownValue(type.def.shape, String(key))
  if (type instanceof z.ZodRecord) return type.def.valueType
  if (type instanceof z.ZodArray) return type.def.element
  return undefined
}

/** The keys that are known at `path`; none where keys are free or there is no map. */
export function knownKeys(schema: Schema, path: readonly PropertyKey[]): readonly string[] {
  let at: Schema | undefined = schema
  for (const part of path) at = at && typeof part !== 'symbol' ? child(at, part) : undefined
  const type = at && inner(at)
  return type instanceof z.ZodObject ? Object.keys(type.def.shape) : []
}

export interface Setting {
  /** `arms.<provider/model>.price.inputUsdPerMtok`. */
  readonly path: string
  readonly type: string
  /** As it would be written in the file; undefined where the schema gives none. */
  readonly default: string | undefined
  readonly description: string
}

function typeText(schema: Schema): string {
  const type = inner(schema)
  if (type instanceof z.ZodEnum) return type.options.map((option) => `\`${option}\``).join(', ')
  if (type instanceof z.ZodArray) return `list of ${typeText(type.def.element)}`
  if (type instanceof z.ZodObject) return 'map'
  if (type instanceof z.ZodRecord) return 'map by name'
  if (type instanceof z.ZodBoolean) return '`true`, `false`'
  if (type instanceof z.ZodNumber)
    return `${type.format === 'safeint' ? 'whole number' : 'number'}${range(type)}`
  return 'text'
}

function range(type: z.ZodNumber): string {
  const limits: string[] = []
  for (const { _zod } of type.def.checks ?? []) {
    const check = _zod.def as { check: string; value?: number; inclusive?: boolean }
    if (check.value === undefined || Math.abs(check.value) === Number.MAX_SAFE_INTEGER) continue
    if (check.check === 'greater_than') limits.push(`${check.inclusive ? '≥' : '>'} ${check.value}`)
    if (check.check === 'less_than') limits.push(`${check.inclusive ? '≤' : '<'} ${check.value}`)
  }
  return limits.length === 0 ? '' : `, ${limits.join(', ')}`
}

function defaultText(schema: Schema): string | undefined {
  if (!(schema instanceof z.ZodDefault)) return undefined
  const value = schema.def.defaultValue
  return Array.isArray(value) ? `[${value.join(', ')}]` : String(value)
}

const PLACEHOLDER: Readonly<Record<string, string>> = {
  arms: '<provider/model>',
  headers: '<header>',
  weights: '<arm>',
}

/** Every key of the schema, parents before children, in the order of the schema. */
export function listSettings(schema: Schema, prefix = ''): readonly Setting[] {
  const type = inner(schema)
  if (type instanceof z.ZodRecord) {
    const section = prefix.slice(prefix.lastIndexOf('.') + 1)
    return listSettings(type.def.valueType, `${prefix}.${ownValue(PLACEHOLDER, section) ?? '<name>'}`)
  }
  if (!(type instanceof z.ZodObject)) return []
  return Object.entries(type.def.shape).flatMap(([key, value]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`
    const description = z.globalRegistry.get(value as z.ZodType)?.description ?? ''
    return [
      { path, type: typeText(value), default: defaultText(value), description },
      ...listSettings(value, path),
    ]
  })
}
