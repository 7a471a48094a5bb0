import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { EvaluationError, selectOutcomes } from '../../eval/index.ts'
import { outcome, row } from './worlds.ts'

const good = outcome(1, 0.5)
const bad = outcome(0, 0.1)

suite('selecting rows and arms', () => {
  test('cells follow rows and arms; classes are indexed', () => {
    const { evaluation } = selectOutcomes(
      [
        row('a', { x: good, y: bad }, { category: 'words' }),
        row('b', { y: good, x: bad }, { category: 'sums' }),
      ],
      { split: 'all' },
    )
    assert.deepEqual(evaluation.arms, ['x', 'y'])
    assert.deepEqual([...evaluation.quality], [1, 0, 0, 1])
    assert.deepEqual([...evaluation.costUsd], [0.5, 0.1, 0.1, 0.5])
    assert.deepEqual(evaluation.classes, ['sums', 'words'])
    assert.deepEqual([...evaluation.classOf], [1, 0])
    assert.deepEqual(evaluation.promptIds, ['a', 'b'])
    assert.ok(Number.isNaN(evaluation.outputTokens[0]))
  })

  test('classes can be the tasks', () => {
    const { evaluation } = selectOutcomes([row('a', { x: good }, { task: 'exam' })], {
      split: 'all',
      classBy: 'task',
    })
    assert.deepEqual(evaluation.classes, ['exam'])
  })

  test('classes can be those that the engine infers', () => {
    const prompts = ['Translate to French: good morning', 'Tell me a story about a lighthouse']
    const rows = prompts.map((prompt, i) => row(`${i}`, { x: good }, { prompt }))
    const { evaluation } = selectOutcomes(rows, { split: 'all', classBy: 'inferred' })
    assert.deepEqual(evaluation.classes, ['creative', 'translation'])
    assert.deepEqual([...evaluation.classOf], [1, 0])
  })

  test('test learns from every other split, another split from train, train and all from none', () => {
    const rows = ['train', 'val', 'test'].map((split) => row(split, { x: good }, { split }))
    const trainingOf = (split: string) => selectOutcomes(rows, { split }).trainingSplits
    assert.deepEqual(trainingOf('test'), ['train', 'val'])
    assert.deepEqual(trainingOf('val'), ['train'])
    assert.deepEqual(trainingOf('train'), [])
    assert.deepEqual(trainingOf('all'), [])
    assert.deepEqual(selectOutcomes(rows, { split: 'test' }).training?.promptIds, ['train', 'val'])
    assert.deepEqual(selectOutcomes(rows, { split: 'val' }).training?.promptIds, ['train'])
    assert.equal(selectOutcomes(rows, { split: 'all' }).training, undefined)
  })

  test('keeps the arms of all rows, training rows included, and counts the others', () => {
    const rows = [
      row('a', { x: good, y: bad, z: good }, { split: 'test' }),
      row('b', { x: good, y: bad }, { split: 'test' }),
      row('c', { x: good, z: good }, { split: 'train' }),
    ]
    const { evaluation, dropped } = selectOutcomes(rows, { split: 'test' })
    assert.deepEqual(evaluation.arms, ['x'])
    assert.equal(evaluation.rowCount, 2)
    assert.deepEqual(dropped.arms, [
      { arm: 'y', rows: 2 },
      { arm: 'z', rows: 2 },
    ])
  })

  test('arms that are asked for cost the rows that lack one of them', () => {
    const rows = [
      row('a', { x: good, y: bad }),
      row('b', { x: good }),
      row('c', { x: good, y: outcome(1, undefined) }),
    ]
    const { evaluation, dropped } = selectOutcomes(rows, { split: 'all', arms: ['y', 'x'] })
    assert.deepEqual(evaluation.promptIds, ['a'])
    assert.deepEqual([...evaluation.quality], [0, 1])
    assert.equal(dropped.incompleteRows, 2)
  })

  test('leaves out contaminated rows and rows without any cost, and counts them', () => {
    const rows = [
      row('a', { x: good }),
      row('b', { x: good }, { contaminated: true }),
      row('c', { x: outcome(1, undefined) }),
    ]
    const { evaluation, dropped } = selectOutcomes(rows, { split: 'all' })
    assert.deepEqual(evaluation.promptIds, ['a'])
    assert.equal(dropped.contaminatedRows, 1)
    assert.equal(dropped.uncostedRows, 1)
  })

  const failures: readonly [string, () => unknown, EvaluationError['code'], RegExp][] = [
    [
      'a split that is not there: the message lists those that are',
      () => selectOutcomes([row('a', { x: good }, { split: 'val' })], { split: 'test' }),
      'eval_unknown_split',
      /'test'.*'val' \(1 rows\).*'all'/,
    ],
    [
      'an arm that no row has',
      () => selectOutcomes([row('a', { x: good })], { split: 'all', arms: ['q'] }),
      'eval_unknown_arm',
      /'q'.*'x'/,
    ],
    [
      'no arm on all rows',
      () => selectOutcomes([row('a', { x: good }), row('b', { y: good })], { split: 'all' }),
      'eval_no_common_arm',
      /2 rows.*'x' \(1 rows\), 'y' \(1 rows\)/,
    ],
    [
      'rows of which nobody knows the cost',
      () => selectOutcomes([row('a', { x: outcome(1, undefined) })], { split: 'all' }),
      'eval_no_rows',
      /none of 1 rows tells what an outcome cost.*models\.json/,
    ],
    [
      'no row with all the arms asked for',
      () =>
        selectOutcomes([row('a', { x: good }), row('b', { y: good })], { split: 'all', arms: ['x', 'y'] }),
      'eval_no_rows',
      /x, y/,
    ],
  ]
  for (const [title, attempt, code, message] of failures) {
    test(`refuses ${title}`, () => {
      assert.throws(
        attempt,
        (error: unknown) =>
          error instanceof EvaluationError && error.code === code && message.test(error.message),
      )
    })
  }
})
