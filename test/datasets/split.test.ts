import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  type Dataset,
  normalisePrompt,
  openDataset,
  type PromptRow,
  parseShares,
  type SplitOptions,
  splitRows,
  timeSplits,
} from '../../datasets/index.ts'
import { listOf } from '../helpers/dataset-files.ts'
import { needsShared, sharedPath } from '../helpers/shared.ts'

function datasetOf(rows: readonly PromptRow[], name = 'mine'): Dataset {
  async function* all() {
    yield* rows
  }
  return { name, folder: '', models: new Map(), rows: all }
}
function rowOf(promptId: string, prompt: string, category = 'c'): PromptRow {
  const outcomes = new Map([['a', { quality: 1, costUsd: 0, inputTokens: 1, outputTokens: 1 }]])
  return { promptId, split: 'none', task: 't', category, prompt, outcomes }
}
async function splitOf(rows: readonly PromptRow[], options?: SplitOptions): Promise<readonly PromptRow[]> {
  return await listOf(splitRows(datasetOf(rows), options))
}

suite('split', () => {
  for (const name of ['mmlu-pro', 'zeroeval', 'alpaca-eval', 'routellm']) {
    test(`${name}: the published split, to the row`, needsShared('data', name), async () => {
      const dataset = await openDataset(sharedPath('data', name))
      assert.deepEqual(await listOf(splitRows(dataset)), await listOf(dataset.rows()))
    })
  }

  for (const by of ['id', 'category'] as const) {
    test(`by ${by}: no prompt is in two splits, whatever the rows, and nothing else changes`, async () => {
      const row = fc.tuple(fc.nat(40), fc.nat(30), fc.constantFrom('x', 'y'), fc.constantFrom(' ', '\n\t '))
      await fc.assert(
        fc.asyncProperty(fc.uniqueArray(row, { selector: ([id]) => id, minLength: 1 }), async (some) => {
          const rows = some.map(([id, prompt, category, space]) =>
            rowOf(`p${id}`, `What${space}is ${prompt}?`, category),
          )
          const after = await splitOf(rows, { by })
          assert.deepEqual(
            after.map((one) => ({ ...one, split: 'none' })),
            rows,
          )
          const splits = new Map<string, Set<string>>()
          for (const { prompt, split } of after) {
            const of = splits.get(normalisePrompt(prompt)) ?? new Set()
            splits.set(normalisePrompt(prompt), of.add(split))
          }
          for (const of of splits.values()) assert.equal(of.size, 1)
          // The order of the rows does not matter.
          const backwards = await splitOf(rows.toReversed(), { by: 'id' })
          if (by === 'id') assert.deepEqual(backwards.toReversed(), after)
        }),
        { seed: 3, numRuns: 100 },
      )
    })
  }

  test('stratified: every class has its shares, to the row', async () => {
    const rows = Array.from({ length: 700 }, (_, i) =>
      rowOf(`p${i}`, `prompt ${i}`, i % 7 === 0 ? 'rare' : 'common'),
    )
    const after = await splitOf(rows, { by: 'category', shares: parseShares('train=60,val=10,test=30') })
    const count = (category: string, split: string) =>
      after.filter((row) => row.category === category && row.split === split).length
    assert.deepEqual(
      ['train', 'val', 'test'].map((split) => [count('rare', split), count('common', split)]),
      [
        [60, 360],
        [10, 60],
        [30, 180],
      ],
    )
  })

  test('shares are the shares of the hash’s range; another name is another split', async () => {
    const rows = Array.from({ length: 2000 }, (_, i) => rowOf(`p${i}`, `prompt ${i}`))
    const after = await splitOf(rows, { shares: parseShares('train=50,test=50') })
    const train = after.filter(({ split }) => split === 'train').length
    // Binomial(2000, 1/2): standard deviation 22.4; five of them.
    assert.ok(Math.abs(train - 1000) < 112, `${train} of 2000`)
    const other = await splitOf(rows, { name: 'other', shares: parseShares('train=50,test=50') })
    const same = other.filter((row, i) => row.split === after[i]?.split).length
    assert.ok(Math.abs(same - 1000) < 112, `${same} of 2000 alike`)
  })

  for (const text of [
    'train=70',
    'train=70,test=40',
    'train=70,train=30',
    'a=50.5,b=49.5',
    '',
    'train=100,test=0',
  ]) {
    test(`shares that are none: ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseShares(text), { code: 'dataset_bad_option', message: /sum to 100/ })
    })
  }

  test('by time: shares in order, and equal times together', () => {
    const at = timeSplits([4, 1, 2, 3, 5, 6, 7, 8, 9, 10], parseShares('train=70,test=30'))
    assert.deepEqual([1, 7, 8, 10, 99].map(at), ['train', 'train', 'test', 'test', 'test'])
    const tied = timeSplits([1, 1, 1, 1], parseShares('train=50,test=50'))
    assert.deepEqual([0, 1].map(tied), ['train', 'test'])
  })
})
