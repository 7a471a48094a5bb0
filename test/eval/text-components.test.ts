/** A world whose classes say nothing and whose texts say everything: what replay makes of a text block. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EvaluationError, featureSpaceFor, replay, selectOutcomes } from '../../eval/index.ts'
import { seeded } from '../helpers/engine.ts'
import { datasetOf, outcome, row } from './worlds.ts'

const SUBJECTS = [
  ['river', 'boat', 'harbour', 'tide', 'anchor', 'sail', 'crew', 'storm'],
  ['oven', 'flour', 'butter', 'yeast', 'crust', 'knead', 'salt', 'bake'],
]

/** One class; `sailor` is right on texts of the first subject, `baker` on those of the second. */
function worldOf(count: number, split: (index: number) => string) {
  const uniform = seeded(5)
  return Array.from({ length: count }, (_, i) => {
    const words = SUBJECTS[i % 2]!
    const prompt = Array.from({ length: 10 }, () => words[Math.floor(uniform() * words.length)]).join(' ')
    return row(
      `p${i}`,
      { 'a/sailor': outcome(1 - (i % 2), 1e-3), 'a/baker': outcome(i % 2, 1e-3) },
      { prompt, split: split(i) },
    )
  })
}

const dataset = datasetOf(worldOf(600, (i) => (i % 3 === 0 ? 'test' : 'train')))
const options = { dataset, policy: 'thompson', seeds: 1, resamples: 20, curvePoints: 3, floor: 0 } as const

test('a text block tells apart what the class does not', async () => {
  const blind = await replay(options)
  const reading = await replay({ ...options, textComponents: 2 })
  assert.ok(blind.policy.quality.mean < 0.6, `without text ${blind.policy.quality.mean}`)
  assert.ok(reading.policy.quality.mean > 0.95, `with text ${reading.policy.quality.mean}`)
  assert.match(reading.training, /; 2 text components fitted on 400 prompts$/)
  assert.doesNotMatch(blind.training, /text/)
})

test('also online, where the stream itself is all there is to fit on', async () => {
  // A tenth of all requests is spread evenly: the most that can be had is 0.95.
  const lastThird = async (textComponents: number) => {
    const result = await replay({ ...options, textComponents, online: true, floor: 0.1, seeds: 3 })
    return result.policy.lastThird!.mean
  }
  const [blind, reading] = [await lastThird(0), await lastThird(2)]
  assert.ok(blind < 0.6, `without text ${blind}`)
  assert.ok(reading > 0.9, `with text ${reading}`)
})

test('the projection is fitted on the rows to learn from, not on those to be judged', () => {
  const spaceOf = (rows: ReturnType<typeof worldOf>) =>
    featureSpaceFor(selectOutcomes(rows, { split: 'test' }), 2)
  const rows = worldOf(300, (i) => (i % 3 === 0 ? 'test' : 'train'))
  const otherTest = rows.map((each) =>
    each.split === 'test' ? { ...each, prompt: 'quite other words' } : each,
  )
  const otherTrain = rows.map((each, i) => (i === 1 ? { ...each, prompt: 'quite other words' } : each))
  assert.equal(spaceOf(otherTest).id, spaceOf(rows).id)
  assert.notEqual(spaceOf(otherTrain).id, spaceOf(rows).id)
})

test('a number of components that cannot be is refused', async () => {
  for (const textComponents of [-1, 1.5, 41]) {
    await assert.rejects(
      replay({ ...options, textComponents }),
      (error) => error instanceof EvaluationError && error.code === 'eval_bad_option',
    )
  }
})

test('more components than a short set has texts are refused as an option', async () => {
  const short = datasetOf(worldOf(4, () => 'test'))
  await assert.rejects(
    replay({ ...options, dataset: short, textComponents: 8 }),
    (error) =>
      error instanceof EvaluationError &&
      error.code === 'eval_bad_option' &&
      /8 text components need more than 8 texts, got 4/.test(error.message),
  )
})
