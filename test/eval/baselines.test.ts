import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { PromptRow } from '../../datasets/index.ts'
import { chooseNeighbourCount, NeighbourIndex } from '../../eval/baselines/knn.ts'
import {
  type Baseline,
  type BaselineName,
  exchangeRateGrid,
  runBaselines,
  selectOutcomes,
  zeroRouterPoint,
} from '../../eval/index.ts'
import { pointOf } from '../../eval/row-outcomes.ts'
import { outcome, row, skilledRows } from './worlds.ts'

/** Two prompts of class `words`, one of `sums`; `dear` is right where it costs. */
const ROWS: readonly PromptRow[] = [
  row('a', { cheap: outcome(1, 1), dear: outcome(1, 3) }, { category: 'words' }),
  row('b', { cheap: outcome(1, 1), dear: outcome(0, 3) }, { category: 'words' }),
  row('c', { cheap: outcome(0, 1), dear: outcome(1, 3) }, { category: 'sums' }),
]

function baselinesOf(rows: readonly PromptRow[], split: string, perUsd = 0, costUsd = 2) {
  const selection = selectOutcomes(rows, { split })
  const perUsdGrid = exchangeRateGrid(selection.evaluation, 48)
  const all = new Map(runBaselines({ selection, perUsd, perUsdGrid }, costUsd).map((b) => [b.name, b]))
  return (name: BaselineName): Baseline => {
    const baseline = all.get(name)
    assert.ok(baseline, `no baseline ${name}`)
    return baseline
  }
}

const points = (baseline: Baseline) => pointOf(baseline.rows)
const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} ≠ ${expected}`)

suite('baselines', () => {
  test('random is the mean over arms of every row', () => {
    const { rows } = baselinesOf(ROWS, 'all')('random')
    assert.deepEqual([...rows.quality], [1, 0.5, 0.5])
    assert.deepEqual([...rows.costUsd], [2, 2, 2])
  })

  test('best single of equals is the cheaper', () => {
    const best = baselinesOf(ROWS, 'all')('bestSingle')
    assert.equal(best.detail, 'cheap')
    close(points(best).quality, 2 / 3)
  })

  test('oracle takes the best outcome, the cheapest among equals', () => {
    const { rows } = baselinesOf(ROWS, 'all')('oracle')
    assert.deepEqual([...rows.quality], [1, 1, 1])
    assert.deepEqual([...rows.costUsd], [1, 1, 3])
  })

  test('a price on cost changes the choice where quality no longer pays for it', () => {
    const { rows } = baselinesOf(ROWS, 'all', 0.6)('oracle')
    assert.deepEqual([...rows.costUsd], [1, 1, 1])
  })

  test('class hindsight takes the best arm of each class', () => {
    const { rows } = baselinesOf(ROWS, 'all')('classHindsight')
    assert.deepEqual([...rows.quality], [1, 1, 1])
    assert.deepEqual([...rows.costUsd], [1, 1, 3])
  })

  test('zero router mixes the single models to the cost it is given', () => {
    const rows = [
      row('a', { cheap: outcome(0, 1), dear: outcome(1, 3) }),
      row('b', { cheap: outcome(0.5, 1), dear: outcome(0.5, 3) }),
    ]
    const mixture = baselinesOf(rows, 'all', 0, 1.5)('zeroRouter')
    close(points(mixture).costUsd, 1.5)
    close(points(mixture).quality, 0.25 + 0.25 * 0.5)
    assert.equal(mixture.detail, '75.0 % cheap + 25.0 % dear')
    close(points(baselinesOf(rows, 'all', 0, 99)('zeroRouter')).costUsd, 3)
    close(points(baselinesOf(rows, 'all', 0, 0)('zeroRouter')).costUsd, 1)
    assert.deepEqual(
      zeroRouterPoint(
        [
          { costUsd: 1, quality: 0.25 },
          { costUsd: 3, quality: 0.75 },
        ],
        2,
      ),
      {
        costUsd: 2,
        quality: 0.5,
      },
    )
  })

  test('what predicts learns from the training rows, never from those that are judged', () => {
    const rows = skilledRows(900)
    const lied = rows.map((r) =>
      r.split === 'test'
        ? { ...r, outcomes: new Map([...r.outcomes].map(([arm, o]) => [arm, { ...o, quality: 0 }])) }
        : r,
    )
    const honest = baselinesOf(rows, 'test')('categoryMean')
    for (const name of ['categoryMean', 'knn', 'ridge'] as const) {
      assert.deepEqual(
        baselinesOf(lied, 'test')(name).predictions,
        baselinesOf(rows, 'test')(name).predictions,
      )
    }
    assert.match(honest.detail, /trained on 600 rows of train/)
    assert.equal(baselinesOf(rows, 'test')('bestSingleTrain').name, 'bestSingleTrain')
  })

  test('without training rows category means are cross-fitted, and say so', () => {
    const categoryMean = baselinesOf(skilledRows(600), 'all')('categoryMean')
    assert.match(categoryMean.detail, /cross-fitted in 5 folds/)
    // Each class has an arm that is right nine times in ten; 600 rows pin the mean to 4·√(0.09/600).
    assert.ok(Math.abs(points(categoryMean).quality - 0.9) < 4 * Math.sqrt(0.09 / 600))
  })

  test('cross-fitting learns nothing from an equal prompt', () => {
    // Every prompt occurs twice; only its twin could tell that `odd` is right on it.
    const rows = Array.from({ length: 200 }, (_, index) => {
      const isOdd = (index >> 1) % 2 === 1
      return row(
        `p${index}`,
        { even: outcome(isOdd ? 0 : 1, 1), odd: outcome(isOdd ? 1 : 0, 1) },
        { prompt: `twin  ${index >> 1}`, category: `class ${index >> 1}` },
      )
    })
    for (const name of ['categoryMean', 'knn', 'ridge'] as const) {
      const quality = points(baselinesOf(rows, 'all')(name)).quality
      assert.ok(quality < 0.8, `${name}: quality ${quality}`)
    }
  })

  test('nearest neighbours and ridge tell the classes apart by the prompt', () => {
    // Each class has an arm that is right nine times in ten, best single arm 0.6; 300 rows pin a mean to 4·√(0.09/300).
    const baselines = baselinesOf(skilledRows(900), 'test')
    for (const name of ['knn', 'ridge'] as const) {
      const { quality } = points(baselines(name))
      assert.ok(Math.abs(quality - 0.9) < 4 * Math.sqrt(0.09 / 300), `${name}: ${quality}`)
    }
  })

  test('K is the one that foretells training rows best', () => {
    // Ten prompts alike in words have the same outcome: their nine fellows tell it, and any farther row misleads.
    const rows = Array.from({ length: 400 }, (_, index) => {
      const group = Math.floor(index / 10)
      const right = group % 2
      // Digits are all one to the featurizer.
      const name = String.fromCharCode(97 + Math.floor(group / 8), 97 + (group % 8))
      const prompt = `alpha${name} beta${name} gamma${name} number ${String.fromCharCode(97 + (index % 10))}`
      return row(`p${index}`, { one: outcome(right, 1), other: outcome(1 - right, 1) }, { prompt })
    })
    const index = new NeighbourIndex(selectOutcomes(rows, { split: 'all' }).evaluation)
    assert.equal(chooseNeighbourCount(index), 5)
    assert.deepEqual(
      [...index.nearest(index.rows[25]!, 9, 25)].sort((one, other) => one - other),
      [20, 21, 22, 23, 24, 26, 27, 28, 29],
    )
  })

  test('no baseline beats the oracle on any row', () => {
    const baselines = baselinesOf(skilledRows(300), 'test')
    const oracle = baselines('oracle').rows.quality
    for (const name of ['random', 'bestSingle', 'zeroRouter', 'categoryMean', 'classHindsight'] as const) {
      baselines(name).rows.quality.forEach((quality, index) => {
        assert.ok(quality <= oracle[index]! + 1e-12, `${name}, row ${index}`)
      })
    }
  })
})
