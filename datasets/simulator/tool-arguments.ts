/** Arguments that a model might plausibly pass to a tool, made from the tool's JSON Schema. */
import type { RandomStream } from '../random.ts'
import type { JsonObject } from './wire/wire.ts'

/** Deeper than this a schema is cut off with its simplest value: schemas may refer to themselves. */
const MAX_DEPTH = 6
const MAX_ITEMS = 16
const MAX_STRING_CHARS = 1_000

/** By a word in the property's name. */
const VALUES_BY_NAME: readonly (readonly [name: RegExp, values: readonly string[]])[] = [
  [/city|location|place|town|address/i, ['Lisbon', 'Gdansk', 'Nairobi', 'Osaka']],
  [/country/i, ['Portugal', 'Poland', 'Kenya', 'Japan']],
  [/lang/i, ['en', 'pt', 'ja']],
  [/currency/i, ['EUR', 'JPY', 'USD']],
  [/mail/i, ['amara@example.com', 'emre@example.com']],
  [/phone/i, ['+1 555 0100', '+1 555 0142']],
  [/url|uri|link/i, ['https://example.com/']],
  [/date|day/i, ['2026-03-14', '2026-10-02']],
  [/time/i, ['09:30', '16:00']],
  [/unit/i, ['celsius', 'metric']],
  [/lat/i, ['38.72', '54.35']],
  [/lon|lng/i, ['-9.14', '18.65']],
  [/name|person|user/i, ['Amara Okafor', 'Emre Silva']],
  [/id$|number|code/i, ['A-1042', 'B-2077']],
]
const VALUES_BY_FORMAT: ReadonlyMap<string, string> = new Map(
  Object.entries({
    date: '2026-03-14',
    'date-time': '2026-03-14T09:30:00Z',
    time: '09:30:00Z',
    duration: 'PT1H30M',
    email: 'amara@example.com',
    uri: 'https://example.com/',
    url: 'https://example.com/',
    hostname: 'example.com',
    ipv4: '192.0.2.1',
    ipv6: '2001:db8::1',
    uuid: '3f2b8c1e-9d4a-4e6b-8f70-1a2b3c4d5e6f',
  }),
)

interface Scope {
  readonly root: JsonObject
  readonly random: RandomStream
  /** The user's words, for arguments such as a search query. */
  readonly userText: string
}

/**
 * An object that satisfies the schema: all required properties, and the first property where none is required. Honours
 * type, enum, const, default, examples, the bounds of numbers, strings and arrays, formats, `$ref` into the same document, anyOf, oneOf and allOf.
 * A `pattern` is not honoured: such a property needs an example, a default or an enum.
 */
export function plausibleArguments(schema: JsonObject, random: RandomStream, userText: string): JsonObject {
  const value = valueFor(schema, '', { root: schema, random, userText }, 0)
  return isObject(value) ? value : {}
}

function valueFor(given: unknown, name: string, scope: Scope, depth: number): unknown {
  const schema = resolve(given, scope)
  if ('const' in schema) return schema['const']
  const listed = schema['enum'] ?? schema['examples']
  if (Array.isArray(listed) && listed.length > 0) return scope.random.pick(listed)
  if ('default' in schema) return schema['default']
  switch (typeOf(schema)) {
    case 'object':
      return objectOf(schema, scope, depth)
    case 'array':
      return arrayOf(schema, name, scope, depth)
    case 'integer':
      return numberOf(schema, scope, 1)
    case 'number':
      return numberOf(schema, scope, 0.5)
    case 'boolean':
      return scope.random.uniform() < 0.5
    case 'null':
      return null
    default:
      return stringOf(schema, name, scope)
  }
}

/** Follows `$ref` and folds the combinators into one plain schema. */
function resolve(given: unknown, scope: Scope, depth = 0): JsonObject {
  if (!isObject(given) || depth > MAX_DEPTH) return {}
  if (typeof given['$ref'] === 'string') return resolve(lookUp(scope.root, given['$ref']), scope, depth + 1)
  const { allOf, anyOf, oneOf, ...own } = given
  const parts = Array.isArray(allOf) ? [...allOf] : []
  const choices = anyOf ?? oneOf
  if (Array.isArray(choices))
    parts.push(choices.find((choice) => !isObject(choice) || choice['type'] !== 'null'))
  return parts.map((part) => resolve(part, scope, depth + 1)).reduce<JsonObject>(merge, own)
}

function merge(one: JsonObject, other: JsonObject): JsonObject {
  const properties = { ...asObject(one['properties']), ...asObject(other['properties']) }
  const required = [...asArray(one['required']), ...asArray(other['required'])]
  return {
    ...one,
    ...other,
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(required.length > 0 ? { required } : {}),
  }
}

function lookUp(root: JsonObject, reference: string): unknown {
  const steps = reference
    .replace(/^#\/?/, '')
    .split('/')
    .filter((step) => step !== '')
  return steps.reduce<unknown>((node, step) => {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
    return isObject(node) && Object.hasOwn(node, key) ? node[key] : undefined
  }, root)
}

/** Lower case, as Google spells types in capitals; the first that is not null of several. */
function typeOf(schema: JsonObject): string {
  const types = [schema['type']].flat().filter((type) => typeof type === 'string')
  const type = (types.find((candidate) => candidate !== 'null') ?? types[0])?.toLowerCase()
  if (type !== undefined) return type
  if ('properties' in schema) return 'object'
  return 'items' in schema ? 'array' : 'string'
}

function objectOf(schema: JsonObject, scope: Scope, depth: number): JsonObject {
  const properties = asObject(schema['properties'])
  const required = asArray(schema['required']).filter((name) => typeof name === 'string')
  const names = required.length > 0 ? [...new Set(required)] : Object.keys(properties).slice(0, 1)
  if (depth >= MAX_DEPTH) return {}
  return Object.fromEntries(
    names.map((name) => [
      name,
      valueFor(Object.hasOwn(properties, name) ? properties[name] : undefined, name, scope, depth + 1),
    ]),
  )
}

function arrayOf(schema: JsonObject, name: string, scope: Scope, depth: number): readonly unknown[] {
  if (depth >= MAX_DEPTH) return []
  const most = Math.min(numberIn(schema, 'maxItems') ?? MAX_ITEMS, MAX_ITEMS)
  const length = Math.min(Math.max(1, numberIn(schema, 'minItems') ?? 1), most)
  return Array.from({ length }, () => valueFor(schema['items'], name, scope, depth + 1))
}

/** The multiple of `step` (or of `multipleOf`) nearest above the lower bound, or below the upper one. */
function numberOf(schema: JsonObject, scope: Scope, step: number): number {
  const unit = numberIn(schema, 'multipleOf') ?? step
  const exclusiveLow = numberIn(schema, 'exclusiveMinimum')
  const exclusiveHigh = numberIn(schema, 'exclusiveMaximum')
  const low = Math.max(numberIn(schema, 'minimum') ?? -Infinity, exclusiveLow ?? -Infinity)
  const high = Math.min(numberIn(schema, 'maximum') ?? Infinity, exclusiveHigh ?? Infinity)
  const first = low === -Infinity ? Math.min(1, Math.floor(high / unit)) : Math.ceil(low / unit)
  const lowest = first * unit === exclusiveLow ? first + 1 : first
  const last = high === Infinity ? lowest + 9 : Math.floor(high / unit)
  const highest = last * unit === exclusiveHigh ? last - 1 : last
  // A range narrower than the unit holds no multiple of it; its middle is the best there is.
  if (highest < lowest) return (low + high) / 2
  return (lowest + scope.random.index(Math.min(10, highest - lowest + 1))) * unit
}

function stringOf(schema: JsonObject, name: string, scope: Scope): string {
  const format = typeof schema['format'] === 'string' ? VALUES_BY_FORMAT.get(schema['format']) : undefined
  if (format !== undefined) return format
  const known = VALUES_BY_NAME.find(([pattern]) => pattern.test(name))?.[1]
  const value = known === undefined ? excerpt(scope.userText) : scope.random.pick(known)
  const least = Math.min(numberIn(schema, 'minLength') ?? 0, MAX_STRING_CHARS)
  const most = numberIn(schema, 'maxLength') ?? MAX_STRING_CHARS
  return value.padEnd(least, '.').slice(0, most)
}

function excerpt(text: string): string {
  return text.trim().replace(/\s+/g, ' ').slice(0, 60).toWellFormed() || 'example'
}

function numberIn(schema: JsonObject, key: string): number | undefined {
  const value = schema[key]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
