import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { randomStream } from '../../../datasets/random.ts'
import { plausibleArguments } from '../../../datasets/simulator/tool-arguments.ts'
import type { JsonObject } from '../../../datasets/simulator/wire/wire.ts'

const make = (schema: JsonObject, seed = 1) =>
  plausibleArguments(schema, randomStream(seed), 'Find flights to Porto')
const property = (schema: JsonObject, seed = 1) =>
  make({ type: 'object', properties: { value: schema }, required: ['value'] }, seed)['value']

test('what a schema requires and does not describe is a text, whatever it is called', () => {
  const made = make({ type: 'object', properties: {}, required: ['constructor', 'toString'] })
  assert.deepEqual(
    Object.values(made).map((value) => typeof value),
    ['string', 'string'],
  )
  assert.equal(typeof property({ type: 'string', format: 'valueOf' }), 'string')
  assert.equal(typeof property({ $ref: '#/constructor' }), 'string')
})

/** A reading of the keywords that the generator promises to honour, written apart from it. */
function isValid(schema: JsonObject, value: unknown): boolean {
  const {
    minimum = -Infinity,
    maximum = Infinity,
    minLength = 0,
    maxLength = Infinity,
    minItems = 0,
    maxItems = Infinity,
  } = schema as Record<string, number>
  switch (schema['type']) {
    case 'integer':
    case 'number':
      return (
        typeof value === 'number' &&
        value >= minimum &&
        value <= maximum &&
        (schema['type'] === 'number' || Number.isInteger(value))
      )
    case 'string':
      return typeof value === 'string' && value.length >= minLength && value.length <= maxLength
    case 'boolean':
      return typeof value === 'boolean'
    case 'array':
      return (
        Array.isArray(value) &&
        value.length >= minItems &&
        value.length <= maxItems &&
        value.every((item) => isValid(schema['items'] as JsonObject, item))
      )
    case 'object': {
      if (typeof value !== 'object' || value === null) return false
      const properties = schema['properties'] as Record<string, JsonObject>
      const required = schema['required'] as string[]
      return (
        required.every((name) => name in value) &&
        Object.entries(value).every(
          ([name, item]) => properties[name] !== undefined && isValid(properties[name], item),
        )
      )
    }
    default:
      return false
  }
}

const range = (low: number, high: number) =>
  fc.tuple(fc.integer({ min: low, max: high }), fc.integer({ min: 0, max: 12 }))
const { schema: anySchema } = fc.letrec<{ schema: JsonObject }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3 },
    range(-50, 50).map(([minimum, width]) => ({ type: 'integer', minimum, maximum: minimum + width })),
    range(-50, 50).map(([minimum, width]) => ({ type: 'number', minimum, maximum: minimum + width / 8 })),
    range(0, 80).map(([minLength, width]) => ({ type: 'string', minLength, maxLength: minLength + width })),
    fc.constant({ type: 'boolean' }),
    fc.tuple(tie('schema'), range(0, 4)).map(([items, [minItems, width]]) => ({
      type: 'array',
      items,
      minItems,
      maxItems: Math.max(1, minItems + width),
    })),
    fc
      .dictionary(fc.stringMatching(/^[a-z]{1,6}$/), tie('schema'), { maxKeys: 4 })
      .map((properties) => ({ type: 'object', properties, required: Object.keys(properties) })),
  ),
}))

test('arguments are valid for any schema of types, bounds, lists and objects', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), anySchema, { maxKeys: 4 }),
      fc.nat(),
      (properties, seed) => {
        const schema = { type: 'object', properties, required: Object.keys(properties) }
        const value = make(schema, seed)
        assert.ok(isValid(schema, value), `${JSON.stringify(value)} for ${JSON.stringify(schema)}`)
        assert.deepEqual(make(schema, seed), value)
      },
    ),
    { seed: 1 },
  )
})

suite('keywords', () => {
  test('const, enum, examples and default are taken as they are', () => {
    assert.equal(property({ const: 7 }), 7)
    assert.ok(
      ['celsius', 'kelvin'].includes(property({ type: 'string', enum: ['celsius', 'kelvin'] }) as string),
    )
    assert.deepEqual(property({ type: 'object', examples: [{ a: 1 }] }), { a: 1 })
    assert.equal(property({ type: 'string', pattern: '^x+$', default: 'xx' }), 'xx')
  })

  test('exclusive bounds and multipleOf', () => {
    for (let seed = 0; seed < 40; seed++) {
      const value = property(
        { type: 'integer', exclusiveMinimum: 3, exclusiveMaximum: 12, multipleOf: 3 },
        seed,
      )
      assert.ok(value === 6 || value === 9, String(value))
    }
    assert.equal((property({ type: 'integer', maximum: -5 }) as number) <= -5, true)
  })

  test('formats, and names that say what is meant', () => {
    assert.match(property({ type: 'string', format: 'date-time' }) as string, /^\d{4}-\d\d-\d\dT/)
    const args = make({
      type: 'object',
      properties: { email: { type: 'string' }, query: { type: 'string' } },
      required: ['email', 'query'],
    })
    assert.match(args['email'] as string, /@example\.com$/)
    assert.equal(args['query'], 'Find flights to Porto')
  })

  test('$ref, allOf, anyOf with null, type lists, and Google’s capitals', () => {
    const schema = {
      type: 'object',
      $defs: { size: { type: 'integer', minimum: 4, maximum: 4 } },
      allOf: [{ properties: { a: { $ref: '#/$defs/size' } }, required: ['a'] }],
      properties: {
        b: { anyOf: [{ type: 'null' }, { type: 'boolean' }] },
        c: { type: ['null', 'string'] },
        d: { type: 'INTEGER' },
      },
      required: ['b', 'c', 'd'],
    }
    const { a, b, c, d } = make(schema)
    assert.equal(a, 4)
    assert.equal(typeof b, 'boolean')
    assert.equal(typeof c, 'string')
    assert.ok(Number.isInteger(d))
  })

  test('only required properties, or the first where none is required', () => {
    const properties = { a: { type: 'boolean' }, b: { type: 'boolean' } }
    assert.deepEqual(Object.keys(make({ type: 'object', properties, required: ['b'] })), ['b'])
    assert.deepEqual(Object.keys(make({ type: 'object', properties })), ['a'])
    assert.deepEqual(make({}), {})
  })

  test('schemas without end or with absurd bounds stay small', () => {
    const node = { type: 'object', properties: { next: { $ref: '#' } }, required: ['next'] }
    assert.ok(JSON.stringify(make(node)).length < 200)
    assert.ok(JSON.stringify(property({ type: 'array', items: {}, minItems: 1e9 })).length < 2_000)
    assert.ok((property({ type: 'string', minLength: 1e9 }) as string).length <= 1_000)
    assert.deepEqual(make({ $ref: '#' }), {})
  })
})
