/** The figures published beside the routing datasets, and what the engine has to reach on them. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { openDataset, type PromptRow } from '../../datasets/index.ts'
import {
  averageQuality,
  type BaselineName,
  exchangeRateGrid,
  replay,
  runBaselines,
  type SelectionOptions,
  selectOutcomes,
  singlePoints,
} from '../../eval/index.ts'
import { pointOf } from '../../eval/row-outcomes.ts'
import { needsShared, sharedPath } from '../helpers/shared.ts'

/** [quality, USD per 1,000 requests, AIQ], each as printed in the dataset's README. */
type Figures = readonly [quality: number, costPerThousand: number, aiq?: number]

interface Reference {
  readonly folder: string
  readonly title: string
  readonly select: SelectionOptions
  readonly rows: number
  readonly figures: Readonly<Partial<Record<BaselineName, Figures>>>
}

const FOUR_ARMS = [
  'google/gemini-2.5-pro',
  'google/gemini-2.5-flash',
  'mistralai/mistral-large-2512',
  'meta-llama/llama-3.1-8b-instruct',
]

const REFERENCES: readonly Reference[] = [
  {
    folder: 'mmlu-pro',
    title: 'mmlu-pro, test',
    select: { split: 'test' },
    rows: 2_847,
    figures: {
      random: [0.4601, 0.2517],
      bestSingle: [0.692, 0.6973],
      bestSingleTrain: [0.692, 0.6973],
      zeroRouter: [0.692, 0.6973, 0.6616],
      categoryMean: [0.7102, 0.5827, 0.687],
      oracle: [0.9118, 0.0973, 0.9099],
    },
  },
  {
    folder: 'mmlu-pro',
    title: 'mmlu-pro, all rows',
    select: { split: 'all' },
    rows: 9_451,
    figures: { random: [0.4661, 0.2486], bestSingle: [0.7019, 0.6795], oracle: [0.9196, 0.0923] },
  },
  {
    folder: 'paretobandit',
    title: 'paretobandit, three arms, test',
    select: { split: 'test' },
    rows: 1_485,
    figures: {
      random: [0.8831, 5.2356],
      bestSingle: [0.9314, 15.1555],
      zeroRouter: [0.9314, 15.1555, 0.9249],
      categoryMean: [0.9382, 10.5772, 0.9323],
      oracle: [0.9634, 5.0899, 0.9603],
    },
  },
  {
    folder: 'paretobandit',
    title: 'paretobandit, four arms, test',
    select: { split: 'test', arms: FOUR_ARMS },
    rows: 1_462,
    figures: {
      random: [0.8943, 4.1229],
      zeroRouter: [0.9322, 15.0734, 0.926],
      categoryMean: [0.9382, 9.7336, 0.9337],
      oracle: [0.9725, 3.2796, 0.9709],
    },
  },
  {
    folder: 'zeroeval',
    title: 'zeroeval, test',
    select: { split: 'test' },
    rows: 651,
    figures: {
      random: [0.7027, 2.0559],
      bestSingle: [0.8418, 3.4088],
      zeroRouter: [0.8418, 3.4088, 0.8354],
      categoryMean: [0.8433, 3.3336, 0.8386],
      oracle: [0.9585, 0.2934, 0.9582],
    },
  },
]

/** What the last printed digit leaves open. */
const ROUNDING = 0.5e-4 + 1e-9
/** The README does not say how far its category means are shrunk. */
const SHRINKAGE = 1e-3

suite('reference figures', () => {
  for (const { folder, title, select, rows, figures } of REFERENCES) {
    test(title, needsShared('data', folder), async () => {
      const selection = selectOutcomes(await rowsOf(folder), select)
      const table = selection.evaluation
      assert.equal(table.rowCount, rows)
      const singles = singlePoints(table)
      const perUsdGrid = exchangeRateGrid(table, 96)
      for (const { name, rows, curve } of runBaselines(
        { selection, perUsd: 0, perUsdGrid },
        Number.MAX_VALUE,
        Object.keys(figures) as BaselineName[],
      )) {
        const expected = figures[name]
        if (expected === undefined) continue
        const [quality, costPerThousand, aiq] = expected
        const loose = name === 'categoryMean'
        const point = pointOf(rows)
        near(point.quality, quality, loose ? SHRINKAGE : ROUNDING, `${name} quality`)
        near(1e3 * point.costUsd, costPerThousand, loose ? 0.01 * costPerThousand : ROUNDING, `${name} cost`)
        if (aiq === undefined) continue
        const points = name === 'zeroRouter' ? singles : curve!.map((outcomes) => pointOf(outcomes))
        near(averageQuality(points, singles), aiq, loose ? SHRINKAGE : ROUNDING, `${name} AIQ`)
      }
    })
  }

  test('class hindsight on all rows', needsShared('data'), async () => {
    const expected = [
      ['mmlu-pro', 'category', 0.7178],
      ['paretobandit', 'task', 0.9392],
      ['zeroeval', 'category', 0.8483],
    ] as const
    for (const [folder, classBy, quality] of expected) {
      const selection = selectOutcomes(await rowsOf(folder), { split: 'all', classBy })
      const context = { selection, perUsd: 0, perUsdGrid: [0] }
      const baselines = runBaselines(context, Number.MAX_VALUE, ['classHindsight'])
      const { rows } = baselines.find(({ name }) => name === 'classHindsight')!
      near(pointOf(rows).quality, quality, ROUNDING, folder)
    }
  })

  test('the interval of the gain of category means in AIQ', needsShared('data', 'mmlu-pro'), async () => {
    const dataset = await openDataset(sharedPath('data', 'mmlu-pro'))
    const { baselines } = await replay({ dataset, policy: `fixed:gemini-1.5-pro-002`, resamples: 400 })
    // Printed to three digits from another 400 resamples, whose quantiles are off by some 0.002.
    near(baselines.zeroRouter!.aiq!.lo, 0.648, 0.004, 'zero router, lo')
    near(baselines.zeroRouter!.aiq!.hi, 0.677, 0.004, 'zero router, hi')
    near(baselines.categoryMean!.aiq!.lo, 0.671, 0.004, 'category mean, lo')
    near(baselines.categoryMean!.aiq!.hi, 0.704, 0.004, 'category mean, hi')
    const { matchCost, perfGain } = baselines.categoryMean!
    near(matchCost!.mean, 0.49, 0.01, 'cost to match the best single arm')
    near(matchCost!.lo, 0.39, 0.04, 'cost to match, lo')
    near(matchCost!.hi, 0.6, 0.04, 'cost to match, hi')
    near(perfGain!.mean, 0.018, 0.001, 'gain on the best single arm')
    near(perfGain!.lo, 0.01, 0.003, 'gain, lo')
    near(perfGain!.hi, 0.027, 0.003, 'gain, hi')
    // Other features than the README's: TF-IDF of whole words, and of them 128 directions, gave 0.676 and 0.684.
    near(baselines.knn!.aiq!.mean, 0.676, 0.006, 'nearest neighbours')
    near(baselines.ridge!.aiq!.mean, 0.684, 0.006, 'ridge')
  })
})

suite('the engine on the reference data', () => {
  test('mmlu-pro online', needsShared('data', 'mmlu-pro'), async () => {
    const dataset = await openDataset(sharedPath('data', 'mmlu-pro'))
    const { policy } = await replay({
      dataset,
      policy: 'thompson',
      online: true,
      seeds: 5,
      resamples: 2,
      baselines: [],
    })
    assert.ok(policy.reward.mean >= 0.685, `reward ${policy.reward.mean}`)
  })

  test('paretobandit online', needsShared('data', 'paretobandit'), async () => {
    const dataset = await openDataset(sharedPath('data', 'paretobandit'))
    const { policy, arms, n } = await replay({
      dataset,
      policy: 'thompson',
      online: true,
      seeds: 5,
      resamples: 2,
      baselines: [],
    })
    assert.deepEqual([arms.length, n], [3, 4_035])
    assert.ok(policy.reward.mean >= 0.933, `reward ${policy.reward.mean}`)
  })

  // What `tune` finds on each of them, to the settings that matter: no floor, hardly any exploration, no text (docs/replay.md).
  for (const [folder, least] of [
    ['mmlu-pro', 0.687],
    ['paretobandit', 0.932],
    ['routerbench-subset', 0.85],
  ] as const) {
    test(`${folder} frozen, AIQ on the test split`, needsShared('data', folder), async () => {
      const dataset = await openDataset(sharedPath('data', folder))
      const { policy } = await replay({
        dataset,
        policy: 'thompson:0.01',
        floor: 0,
        seeds: 1,
        resamples: 2,
        baselines: [],
      })
      assert.ok(policy.aiq!.mean >= least, `AIQ ${policy.aiq!.mean}`)
    })
  }

  test('mmlu-pro frozen beats the zero router', needsShared('data', 'mmlu-pro'), async () => {
    const dataset = await openDataset(sharedPath('data', 'mmlu-pro'))
    const result = await replay({
      dataset,
      policy: 'thompson',
      explore: false,
      resamples: 200,
      curvePoints: 12,
      baselines: ['random'],
    })
    assert.equal(result.verdict.significant, true)
    assert.ok(result.aiqGain!.lo > 0)
    assert.ok(result.policy.reward.lo > result.baselines.random!.reward.hi)
  })
})

const opened = new Map<string, Promise<PromptRow[]>>()

function rowsOf(folder: string): Promise<PromptRow[]> {
  const known = opened.get(folder)
  if (known !== undefined) return known
  const reading = readAll(folder)
  opened.set(folder, reading)
  return reading
}

async function readAll(folder: string): Promise<PromptRow[]> {
  const dataset = await openDataset(sharedPath('data', folder))
  const rows: PromptRow[] = []
  for await (const row of dataset.rows()) rows.push(row)
  return rows
}

function near(actual: number, expected: number, tolerance: number, what: string): void {
  assert.ok(
    Math.abs(actual - expected) <= tolerance,
    `${what}: ${actual}, expected ${expected} ± ${tolerance}`,
  )
}
