import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createFeatureSpace, DEFAULT_CLASSES, describeRequest, EngineError } from '../../engine/index.ts'
import { SCAN_LIMIT_CHARS } from '../../engine/text/user-text.ts'
import { facts } from '../helpers/engine.ts'

const describe = (text: string, more: Partial<Parameters<typeof describeRequest>[0]> = {}) =>
  describeRequest({ messages: [{ role: 'user', text }], promptTokens: 10, ...more })

test('any text gives finite facts, and a vector of the space', () => {
  const space = createFeatureSpace()
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 500 }), fc.nat(1e9), (text, promptTokens) => {
      const described = describe(text, { promptTokens })
      for (const share of [
        described.codeShare,
        described.mathShare,
        described.digitShare,
        described.nonLatinShare,
      ]) {
        assert.ok(share >= 0 && share <= 1)
      }
      const x = space.vector(described)
      assert.equal(x.length, space.dimension)
      assert.equal(x[0], 1)
      assert.ok(x.every((value) => Number.isFinite(value) && Math.abs(value) <= 1))
    }),
    { seed: 1 },
  )
})

test('only a bounded part of a text is looked at: its head and its tail', () => {
  const filler = 'a'.repeat(SCAN_LIMIT_CHARS)
  const middle = `${filler}${'中'.repeat(50_000)}${filler}`
  assert.equal(describe(middle).nonLatinShare, 0)
  assert.ok(describe(`${middle}?`).hasQuestion)
  assert.ok(describe(`?${middle}`).hasQuestion)
})

test('the last user turns are looked at, not the system prompt or the answers', () => {
  const described = describeRequest({
    messages: [
      { role: 'system', text: 'Translate everything' },
      { role: 'user', text: 'Write a poem about rain' },
      { role: 'assistant', text: '```js\nfunction f() {}\n```' },
    ],
    promptTokens: 30,
  })
  assert.equal(described.requestClass, 'creative')
  assert.equal(described.turns, 3)
})

test('what was said long before does not drown what is asked last', () => {
  const user = (text: string) => ({ role: 'user', text })
  const long = 'The ferry left the harbour at noon. '.repeat(1_000)
  const described = describeRequest({
    messages: [user(long), { role: 'assistant', text: 'Noted.' }, user('Translate it into Spanish, please.')],
    promptTokens: 5_000,
  })
  assert.equal(described.requestClass, 'translation')
})

for (const [text, expected, more] of [
  ['Translate to French: good morning', 'translation'],
  ['Summarize the meeting notes below', 'summarization'],
  ['Extract the invoice number as JSON', 'extraction'],
  ['Why does this Python function return None?', 'code'],
  ['Solve 3x + 4 = 10', 'math'],
  ['Compare two approaches to queueing', 'reasoning'],
  ['Tell me a story about a lighthouse', 'creative'],
  ['Hello there', 'chat'],
  ['Hello there', 'tool-use', { toolCount: 2 }],
  ['Hello there', 'vision', { imageCount: 1 }],
  ['Hello there', 'long-context', { promptTokens: 50_000 }],
  ['Hello there', 'extraction', { wantsSchema: true }],
  ['for (const x of xs) { y[x] = [] } <div></div>', 'code'],
] as const satisfies readonly (readonly [
  string,
  string,
  Partial<Parameters<typeof describeRequest>[0]>?,
])[]) {
  test(`without a label, ${JSON.stringify(text)} ${more ? JSON.stringify(more) : ''} is ${expected}`, () => {
    const described = describe(text, more ?? {})
    assert.equal(described.requestClass, expected)
    assert.equal(described.classSource, 'inferred')
    assert.ok(DEFAULT_CLASSES.includes(described.requestClass))
  })
}

test("the caller's label is taken as it is", () => {
  const described = describe('Translate this', { requestClass: 'support' })
  assert.deepEqual([described.requestClass, described.classSource], ['support', 'caller'])
})

test('a class that the space does not know has no class coordinate', () => {
  const space = createFeatureSpace({ classes: ['chat', 'code'] })
  const known = space.vector(facts({ requestClass: 'code' }))
  const unknown = space.vector(facts({ requestClass: 'poetry' }))
  assert.deepEqual([...known.slice(0, 3)], [1, 0, 1])
  assert.deepEqual([...unknown.slice(0, 3)], [1, 0, 0])
  assert.deepEqual(known.slice(3), unknown.slice(3))
})

test('the id follows the recipe: same classes same id, other classes another', () => {
  const id = (classes: string[]) => createFeatureSpace({ classes }).id
  assert.equal(id(['a', 'b']), id(['a', 'b']))
  assert.notEqual(id(['a', 'b']), id(['b', 'a']))
})

test('a repeated class is refused by name', () => {
  assert.throws(
    () => createFeatureSpace({ classes: ['chat', 'chat'] }),
    (error) =>
      error instanceof EngineError && error.code === 'engine_bad_config' && error.message.includes('"chat"'),
  )
})
