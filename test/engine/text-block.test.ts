import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  createFeatureSpace,
  describeRequest,
  EngineError,
  fitTextProjection,
  readTextProjection,
  type TextProjection,
  writeTextProjection,
} from '../../engine/index.ts'
import { eachWord, HashedBag } from '../../engine/text/ngrams.ts'
import { principalComponents } from '../../engine/text/randomized-pca.ts'
import { createTextBlock, type WordBlock } from '../../engine/text/text-block.ts'
import { TEXT_SCAN_CHARS } from '../../engine/text/word-vector.ts'
import { assertClose, gaussian, seeded } from '../helpers/engine.ts'

const SUBJECTS = [
  ['river', 'boat', 'harbour', 'tide', 'anchor', 'sail', 'crew', 'storm'],
  ['oven', 'flour', 'butter', 'yeast', 'crust', 'knead', 'salt', 'bake'],
  ['proof', 'lemma', 'prime', 'field', 'group', 'ring', 'degree', 'root'],
]

/** Texts that draw their words from one of three subjects, and which. */
function texts(count: number): { readonly text: string; readonly subject: number }[] {
  const uniform = seeded(7)
  return Array.from({ length: count }, (_, i) => {
    const words = SUBJECTS[i % 3]!
    const text = Array.from({ length: 12 }, () => words[Math.floor(uniform() * words.length)]).join(' ')
    return { text, subject: i % 3 }
  })
}

const samples = texts(90)
const projection = fitTextProjection(
  samples.map(({ text }) => text),
  { components: 4, buckets: 256 },
)
const block = createTextBlock(projection) as WordBlock
const wordsOf = (text: string): number[] => {
  const words: number[] = []
  eachWord(text, (word) => words.push(word))
  return words
}

test('any text gives coordinates in [−1, 1], the same each time', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      const z = block.describe(text)
      assert.equal(z.length, 4)
      assert.ok(z.every((value) => value >= -1 && value <= 1))
      assert.deepEqual(block.describe(text), z)
    }),
    { seed: 1 },
  )
})

for (const [what, text] of [
  ['a megabyte of one letter', 'a'.repeat(1_000_000)],
  ['unpaired surrogates', '\ud800\udc00\ud800 \udfff'.repeat(1_000)],
  ['emoji', '👩‍👩‍👧 🏴‍☠️ 🇵🇹'.repeat(500)],
  ['right-to-left text', 'مرحبا بالعالم '.repeat(500)],
  ['NULs', '\0'.repeat(50_000)],
] as const) {
  test(`${what} is described like any text`, () => {
    const z = block.describe(text)
    assert.ok(z.every((value) => Number.isFinite(value) && Math.abs(value) <= 1))
    const counted = wordsOf(text.slice(0, TEXT_SCAN_CHARS)).length
    assert.ok(counted <= TEXT_SCAN_CHARS)
  })
}

test('nothing beyond the scanned part is looked at', () => {
  const head = 'harbour boat tide '.repeat(400).slice(0, TEXT_SCAN_CHARS)
  assert.deepEqual(block.describe(`${head} flour butter oven`), block.describe(head))
})

test('words: case and digits do not matter, neighbours are apart, a long run is cut', () => {
  assert.deepEqual(wordsOf('Order 4711, PLEASE'), wordsOf('order 0815 please'))
  assert.notDeepEqual(wordsOf('order 47'), wordsOf('order 471'))
  assert.equal(wordsOf("l'été à 8h").length, 4)
  assert.equal(wordsOf('図書館は来週').length, 6)
  assert.equal(wordsOf('x'.repeat(100)).length, 5)
  assert.equal(wordsOf('a ≤ b').length, 3)
  assert.deepEqual(wordsOf(' \n.,;!? '), [])
})

test('a bag that was read is empty, also of buckets that cancelled out', () => {
  const bag = new HashedBag(8)
  const read = (): [number, number][] => {
    const entries: [number, number][] = []
    bag.drain((bucket, value) => entries.push([bucket, value]))
    return entries
  }
  const down = -(2 ** 31) + 3
  for (const hash of [3, down, 3, 5, 5, down]) bag.add(hash)
  assert.deepEqual(read(), [[5, 1 + Math.log(2)]])
  assert.deepEqual(read(), [])
  bag.add(down)
  assert.deepEqual(read(), [[3, -1]])
})

test('texts of one subject lie together, and a text without a word at the origin', () => {
  const z = samples.map(({ text }) => block.describe(text))
  const centres = [0, 1, 2].map((subject) => {
    const own = z.filter((_, i) => samples[i]!.subject === subject)
    return Float64Array.from({ length: 4 }, (_, j) => own.reduce((sum, v) => sum + v[j]!, 0) / own.length)
  })
  for (const { text, subject } of texts(300).slice(90)) {
    const distances = centres.map((centre) => {
      const v = block.describe(text)
      return v.reduce((sum, value, j) => sum + (value - centre[j]!) ** 2, 0)
    })
    assert.equal(distances.indexOf(Math.min(...distances)), subject, text)
  }
  assert.deepEqual(block.describe(' \n—…'), new Float64Array(4))
})

test('over the fitted texts the coordinates have mean 0 and a root mean square of 1/3', () => {
  const z = samples.map(({ text }) => block.describe(text))
  let squares = 0
  for (let j = 0; j < 4; j++) {
    assertClose(z.reduce((sum, v) => sum + v[j]!, 0) / z.length, 0, 1e-6, `mean of ${j}`)
    squares += z.reduce((sum, v) => sum + v[j]! ** 2, 0) / z.length
  }
  assertClose(Math.sqrt(squares / 4), 1 / 3, 1e-6, 'root mean square')
})

test('the components are those of a full decomposition', () => {
  const uniform = seeded(3)
  const columns = 12
  const rows = Array.from({ length: 60 }, () => ({
    indexes: Int32Array.from({ length: columns }, (_, i) => i),
    values: Float64Array.from({ length: columns }, (_, i) => 3 + gaussian(uniform) * 2 ** (3 - i)),
  }))
  const { mean, directions, sd } = principalComponents(rows, columns, 5, 1)
  const deviations = (j: number) =>
    rows.map(({ values }) => values.reduce((sum, v, i) => sum + (v - mean[i]!) * directions.get(i, j), 0))
  for (let j = 0; j < 5; j++) {
    // An eigenvector of the covariance: C·v = sd²·v.
    const scores = deviations(j)
    for (let i = 0; i < columns; i++) {
      const covariance = rows.reduce((sum, { values }, r) => sum + (values[i]! - mean[i]!) * scores[r]!, 0)
      assertClose(covariance / rows.length, sd[j]! ** 2 * directions.get(i, j), 1e-8, `component ${j}`)
    }
    if (j > 0) assert.ok(sd[j - 1]! >= sd[j]!)
  }
})

test('a projection written and read back is the same, and so is the space', () => {
  for (const each of [
    projection,
    { kind: 'embedding', components: 3, model: 'acme/embed', dimensions: 8, seed: 5 },
  ] satisfies TextProjection[]) {
    const json: unknown = JSON.parse(JSON.stringify(writeTextProjection(each)))
    assert.deepEqual(readTextProjection(json), each)
    assert.equal(
      createFeatureSpace({ text: readTextProjection(json) }).id,
      createFeatureSpace({ text: each }).id,
    )
  }
})

test('the id follows the projection; without one it is that of classes and structure', () => {
  const other = fitTextProjection(
    samples.map(({ text }) => text),
    { components: 4, buckets: 256, seed: 2 },
  )
  const ids = [undefined, projection, { ...projection, offset: other.offset.map((v) => v + 0.25) }].map(
    (text) => createFeatureSpace({ ...(text && { text }) }).id,
  )
  assert.equal(new Set(ids).size, 3)
  // Statistics are stored under it: it must not move.
  assert.equal(createFeatureSpace().id, '08ec27f749073703')
})

for (const [field, value] of [
  ['version', 2],
  ['kind', 'bert'],
  ['components', 0],
  ['components', 41],
  ['components', 3],
  ['buckets', 300],
  ['idf', 'AAAA'],
  ['matrix', undefined],
  ['offset', 'not base64!'],
  ['offset', Buffer.from(new Float32Array([1, Number.NaN, 0, 0]).buffer).toString('base64')],
] as const) {
  test(`a projection whose ${field} is ${JSON.stringify(value)} is refused by name`, () => {
    assert.throws(
      () => readTextProjection({ ...writeTextProjection(projection), [field]: value }),
      (error) => error instanceof EngineError && error.code === 'engine_bad_config',
    )
  })
}

test('buckets that are no power of two are refused, however well all else fits', () => {
  const zeros = (length: number) => Buffer.from(new Float32Array(length).buffer).toString('base64')
  const json = { version: 1, kind: 'words', components: 1, offset: zeros(1) }
  const of = (buckets: number) => ({ ...json, buckets, idf: zeros(buckets), matrix: zeros(buckets) })
  assert.equal(readTextProjection(of(4)).components, 1)
  assert.throws(() => readTextProjection(of(3)), /buckets must be a power of two/)
})

test('anything that is no object is refused', () => {
  for (const json of [null, 3, 'x', []]) assert.throws(() => readTextProjection(json), EngineError)
})

test('texts that are too few or too alike are refused', () => {
  const refused = (list: string[], options = {}) =>
    assert.throws(
      () => fitTextProjection(list, options),
      (error) => error instanceof EngineError && error.code === 'engine_bad_config',
    )
  refused(['a b', 'b c'], { components: 2 })
  refused(Array(20).fill('the same words'), { components: 2 })
  refused(
    samples.map(({ text }) => text),
    { components: 41 },
  )
  refused(
    samples.map(({ text }) => text),
    { buckets: 1000 },
  )
})

test('the facts of a request carry the coordinates and none of the text', () => {
  const space = createFeatureSpace({ classes: ['chat'], text: projection })
  const facts = describeRequest(
    {
      messages: [{ role: 'user', text: 'Where does the boat anchor?' }],
      promptTokens: 6,
      requestClass: 'chat',
    },
    space.text,
  )
  assert.deepEqual(facts.text, block.describe('Where does the boat anchor?'))
  assert.ok(!JSON.stringify(facts).includes('boat'))
  const x = space.vector(facts)
  assert.deepEqual(x.subarray(space.servingDimension), facts.text)
  assert.deepEqual(
    space.names.slice(space.servingDimension),
    [1, 2, 3, 4].map((j) => `text:${j}`),
  )
  assert.ok(space.blocks.slice(space.servingDimension).every((name) => name === 'text'))
  const { text: _, ...without } = facts
  assert.deepEqual(space.vector(without).subarray(space.servingDimension), new Float64Array(4))
  assert.throws(
    () => space.vector({ ...facts, text: new Float64Array(5) }),
    (error) => error instanceof EngineError && error.code === 'engine_bad_observation',
  )
})

test('an embedding is projected by its direction; distances survive, a wrong one is refused', () => {
  const space = createTextBlock({
    kind: 'embedding',
    components: 16,
    model: 'acme/e',
    dimensions: 256,
    seed: 1,
  })
  assert.ok(space.kind === 'embedding')
  const uniform = seeded(11)
  const vector = () => Float64Array.from({ length: 256 }, () => gaussian(uniform))
  const v = vector()
  const z = space.describe(v)
  assert.deepEqual(
    space.describe(v.map((value) => value * 3)).map((value) => Math.round(value * 1e9)),
    z.map((value) => Math.round(value * 1e9)),
  )
  assert.ok(z.every((value) => Math.abs(value) <= 1))
  assert.deepEqual(space.describe(new Float64Array(256)), new Float64Array(16))
  // Mean square of a coordinate of a random direction is 1/9; over 200 vectors of 16 coordinates ± 5 standard errors.
  let squares = 0
  for (let i = 0; i < 200; i++)
    squares += space.describe(vector()).reduce((sum, value) => sum + value ** 2, 0) / 16
  assertClose(squares / 200, 1 / 9, 5 * Math.sqrt(2 / 3200) * 1, 'mean square')
  for (const wrong of [new Float64Array(255), Float64Array.from(v, (x, i) => (i === 3 ? Number.NaN : x))]) {
    assert.throws(
      () => space.describe(wrong),
      (error) => error instanceof EngineError && error.code === 'engine_bad_observation',
    )
  }
})
