import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { labelledRequests } from '../../datasets/request-classes/rows.ts'
import { DEFAULT_CLASSES, describeRequest, EngineError, type RequestText } from '../../engine/index.ts'
import { CONFIDENCE_MIN, textClassProbabilities } from '../../engine/request-class.ts'
import trained from '../../engine/text/class-model.json' with { type: 'json' }
import { createClassModel } from '../../engine/text/class-model.ts'
import { fingerprint, TEXT_CLASSES } from '../helpers/build-class-model.ts'
import { keywordClass } from '../helpers/keyword-class.ts'
import { referenceRequests } from '../helpers/reference-classes.ts'
import { needsShared } from '../helpers/shared.ts'

const requestOf = (text: string): RequestText => ({
  messages: [{ role: 'user', text }],
  promptTokens: Math.min(Math.ceil(text.length / 4), 1_000),
})
const probabilitiesOf = (text: string) => {
  const facts = describeRequest(requestOf(text))
  return textClassProbabilities(text, facts)
}

test('any text gets a default class, with a probability', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), (text) => {
      const { requestClass, classConfidence } = describeRequest(requestOf(text))
      assert.ok(DEFAULT_CLASSES.includes(requestClass))
      assert.ok(classConfidence > 0 && classConfidence <= 1)
    }),
    { seed: 1 },
  )
})

test('the probabilities of the classes sum to 1', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
      const values = Object.values(probabilitiesOf(text))
      assert.equal(values.length, TEXT_CLASSES.length)
      assert.ok(Math.abs(values.reduce((sum, value) => sum + value, 0) - 1) < 1e-12)
    }),
    { seed: 1 },
  )
})

for (const [what, text] of [
  ['nothing', ''],
  ['a megabyte of one letter', 'a'.repeat(1_000_000)],
  ['a megabyte of brackets and spaces', '( A) '.repeat(200_000)],
  ['a megabyte of line breaks', '\n'.repeat(1_000_000)],
  ['unpaired surrogates', '\udfff\ud800'.repeat(10_000)],
  ['emoji', '🏴‍☠️👩‍👩‍👧'.repeat(2_000)],
  ['right-to-left text', 'שלום עולם '.repeat(5_000)],
] as const) {
  test(`${what} gets a class`, () => {
    assert.ok(DEFAULT_CLASSES.includes(describeRequest(requestOf(text)).requestClass))
  })
}

for (const [text, expected] of [
  ['Übersetze ins Englische: Der Zug fährt heute nicht.', 'translation'],
  ['Escribe un poema sobre el mar', 'creative'],
  ['Résume ce texte en une phrase : Le musée sera fermé lundi.', 'summarization'],
  ['写一个函数，判断一个数是否为质数。用 Python。', 'code'],
  ['Реши уравнение 3x - 4 = 11', 'math'],
  ['こんにちは、元気ですか。', 'chat'],
] as const) {
  test(`${JSON.stringify(text)} is ${expected}`, () => {
    assert.equal(describeRequest(requestOf(text)).requestClass, expected)
  })
}

test('what a request carries goes before what it says, and is sure', () => {
  for (const [extra, expected] of [
    [{ imageCount: 1, toolCount: 1 }, 'vision'],
    [{ toolCount: 1, wantsSchema: true }, 'tool-use'],
    [{ promptTokens: 8_000, wantsSchema: true }, 'long-context'],
    [{ wantsSchema: true }, 'extraction'],
  ] as const) {
    const facts = describeRequest({ ...requestOf('Write a haiku about rain'), ...extra })
    assert.deepEqual([facts.requestClass, facts.classConfidence], [expected, 1])
  }
})

test('where no class is believed, the request is general', () => {
  const unsure = labelledRequests()
    .map(({ request }) => request.messages[0]!.text)
    .filter((text) => Math.max(...Object.values(probabilitiesOf(text))) < CONFIDENCE_MIN)
  assert.ok(unsure.length > 0)
  for (const text of unsure) {
    const facts = describeRequest(requestOf(text))
    assert.equal(facts.requestClass, 'chat')
    assert.equal(facts.classConfidence, probabilitiesOf(text)['chat'])
  }
})

test("the caller's label has confidence 1", () => {
  assert.equal(describeRequest({ ...requestOf('Hi'), requestClass: 'support' }).classConfidence, 1)
})

test('the committed model was trained on the rows and features as they are: else run test/helpers/build-class-model.ts', () => {
  assert.equal(trained.trainedOn.fingerprint, fingerprint(labelledRequests()))
  assert.deepEqual(trained.classes, TEXT_CLASSES)
})

test('a model of other features is refused', () => {
  for (const wrong of [
    { ...trained, version: 2 },
    { ...trained, weights: trained.weights.slice(8) },
  ]) {
    assert.throws(
      () => createClassModel(wrong),
      (error) => error instanceof EngineError && error.code === 'engine_bad_config',
    )
  }
})

test('the labelled set: over 1,500 prompts, no prompt on both sides, families of each class on both', () => {
  const rows = labelledRequests()
  assert.ok(rows.length >= 1_500, `${rows.length} rows`)
  const texts = (split: string) =>
    new Set(rows.filter((row) => row.split === split).map(({ request }) => request.messages[0]!.text))
  const [train, heldOut] = [texts('train'), texts('held-out')]
  assert.deepEqual(
    [...heldOut].filter((text) => train.has(text)),
    [],
  )
  for (const label of new Set(rows.map(({ requestClass }) => requestClass))) {
    const splits = new Set(
      rows.filter(({ requestClass }) => requestClass === label).map(({ split }) => split),
    )
    assert.equal(splits.size, 2, label)
  }
  assert.deepEqual(labelledRequests(), rows)
})

interface Case {
  readonly label: string
  readonly request: RequestText
}

/** Right in each of both ways; by McNemar's statistic on the rows where only one of them is right. */
function againstKeywords(cases: readonly Case[]): { readonly accuracy: number; readonly z: number } {
  let right = 0
  let onlyModel = 0
  let onlyKeywords = 0
  for (const { label, request } of cases) {
    const model = describeRequest(request).requestClass === label
    const keywords = keywordClass(request) === label
    right += Number(model)
    onlyModel += Number(model && !keywords)
    onlyKeywords += Number(keywords && !model)
  }
  return {
    accuracy: right / cases.length,
    z: (onlyModel - onlyKeywords) / Math.sqrt(onlyModel + onlyKeywords),
  }
}

test('on families it has not seen the classifier beats the keyword rules', () => {
  const heldOut = labelledRequests()
    .filter(({ split }) => split === 'held-out')
    .map(({ requestClass, request }) => ({ label: requestClass, request }))
  const { accuracy, z } = againstKeywords(heldOut)
  assert.ok(accuracy > 0.75, `accuracy ${accuracy}`)
  assert.ok(z > 5, `z ${z}`)
})

test('on prompts of others the classifier beats the keyword rules', needsShared('data'), async () => {
  const cases: Case[] = []
  for await (const { label, prompt } of referenceRequests()) cases.push({ label, request: requestOf(prompt) })
  const { accuracy, z } = againstKeywords(cases)
  assert.ok(accuracy > 0.85, `accuracy ${accuracy}`)
  assert.ok(z > 5, `z ${z}`)
})
