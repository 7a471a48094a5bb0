/** Rows written and read again are the same rows, in every format and for any row. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import fc from 'fast-check'
import {
  convertLog,
  type Dataset,
  openDataset,
  type PromptRow,
  readBanditFile,
  readLogFile,
  writeDataset,
} from '../../datasets/index.ts'
import { datasetError, type Folder, listOf, rowsOf, temporaryFolder } from '../helpers/dataset-files.ts'
import { needsShared, sharedPath } from '../helpers/shared.ts'

let folder: Folder
before(async () => {
  folder = await temporaryFolder()
})
after(() => folder.close())

const text = fc.string({ minLength: 1, maxLength: 30, unit: 'grapheme' })
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const outcome = fc.record(
  {
    quality: fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value + 0),
    costUsd: optional(fc.double({ min: 0, max: 1e3, noNaN: true }).map((value) => value + 0)),
    inputTokens: optional(fc.nat()),
    outputTokens: optional(fc.nat()),
  },
  { noNullPrototype: true },
)
/** JSON puts keys that are whole numbers first: arms are not called so. */
const arm = text.filter((name) => !/^\d+$/.test(name) && name !== '__proto__')
const row = fc
  .record(
    {
      promptId: text,
      split: fc.constantFrom('train', 'test', 'val'),
      task: text,
      category: optional(text),
      prompt: text,
      contaminated: optional(fc.boolean()),
      outcomes: fc.uniqueArray(fc.tuple(arm, outcome), {
        minLength: 1,
        maxLength: 4,
        selector: ([name]) => name,
      }),
    },
    { noNullPrototype: true },
  )
  .map(
    ({ category, contaminated, outcomes, ...rest }): PromptRow => ({
      ...rest,
      category: category ?? rest.task,
      ...(contaminated !== undefined && { contaminated }),
      outcomes: new Map(outcomes),
    }),
  )
const rows = fc.uniqueArray(row, { minLength: 1, maxLength: 20, selector: ({ promptId }) => promptId })

async function* streamOf<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}
const NO_MODELS = { models: new Map(), folder: '' }

suite('outcomes', () => {
  for (const name of ['rows.jsonl', 'rows.jsonl.gz', 'rows.parquet', 'folder']) {
    test(`${name}: what is written is read`, async () => {
      const place = await folder.of({})
      let files = 0
      await fc.assert(
        fc.asyncProperty(rows, async (some) => {
          const out = join(place, `${files++}-${name}`)
          const written = await writeDataset(streamOf(some), NO_MODELS, out)
          assert.equal(written.rows, some.length)
          assert.deepEqual(await rowsOf(out), some)
        }),
        { seed: 7, numRuns: 60 },
      )
    })
  }

  test('a folder keeps prices, latencies and where they come from', async () => {
    const models: Dataset['models'] = new Map([
      [
        'a',
        {
          inputUsdPerMtok: 1,
          outputUsdPerMtok: 2,
          usdPerRequest: 0.01,
          latency: { ttftMsP50: 1, ttftMsP95: 2, tpotMsP50: 3, tpotMsP95: 4 },
          latencySource: 'joined from x, not observed',
          contextWindowTokens: 8000,
          wire: 'anthropic',
        },
      ],
    ])
    const out = join(await folder.of({}), 'set')
    await writeDataset(streamOf(fc.sample(row, { seed: 1, numRuns: 1 })), { models, folder: '' }, out)
    assert.deepEqual((await openDataset(out)).models, models)
  })

  test('another name is refused, and nothing is left of rows that cannot be had', async () => {
    const place = await folder.of({})
    const wrong = await datasetError(writeDataset(streamOf([]), NO_MODELS, join(place, 'rows.csv')))
    assert.equal(wrong.code, 'dataset_bad_option')
    async function* failing(): AsyncGenerator<PromptRow> {
      yield* fc.sample(row, { seed: 1, numRuns: 1 })
      throw new Error('gone')
    }
    for (const name of ['rows.jsonl', 'rows.parquet']) {
      await assert.rejects(writeDataset(failing(), NO_MODELS, join(place, name)), /gone/)
      await assert.rejects(readFile(join(place, name)), { code: 'ENOENT' })
    }
  })

  for (const name of [
    'mmlu-pro',
    'paretobandit',
    'routellm',
    'routerbench-subset',
    'zeroeval',
    'alpaca-eval',
  ]) {
    test(`${name}: to Parquet and back`, needsShared('data', name), async () => {
      const dataset = await openDataset(sharedPath('data', name))
      const out = join(await folder.of({}), 'rows.parquet')
      await writeDataset(dataset.rows(), dataset, out)
      assert.deepEqual(await rowsOf(out), await rowsOf(sharedPath('data', name)))
    })
  }
})

suite('logs', () => {
  test(
    'the Open Bandit sample becomes a log of ours: rewards, propensities and times stay',
    needsShared('data/obd'),
    async () => {
      const place = await folder.of({})
      const found = {
        path: sharedPath('data/obd/bts_men.csv.gz'),
        kind: 'log',
        format: 'open-bandit',
      } as const
      const expected = await listOf(readBanditFile(found.path))
      const refused = await datasetError(convertLog(found, join(place, 'log.jsonl')))
      assert.match(refused.message, /--spread-propensity/)
      for (const name of ['log.jsonl.gz', 'log.parquet']) {
        const out = join(place, name)
        assert.equal(await convertLog(found, out, { spread: true }), 10_000)
        let at = 0
        for await (const decision of readLogFile(out)) {
          const row = expected[at++]
          assert.equal(decision.propensity, row?.propensity)
          assert.equal(decision.rewards[0]?.value, row?.reward)
          assert.equal(decision.atMs, row?.atMs)
          assert.equal(decision.arm, row?.actions[row.taken]?.id)
        }
        assert.equal(at, 10_000)
      }
      const dsjson = join(place, 'log.dsjson.gz')
      assert.equal(await convertLog(found, dsjson), 10_000)
      let at = 0
      for await (const row of readBanditFile(dsjson)) assert.deepEqual(row, expected[at++])
      assert.equal(at, 10_000)
      assert.equal(await convertLog(found, join(place, 'log.vw')), 10_000)
      let clicks = 0
      for await (const row of readBanditFile(join(place, 'log.vw'))) clicks += row.reward ?? 0
      assert.equal(clicks, 69)
    },
  )

  test('rows not to learn from stay out of a log of ours', async () => {
    const line = { a: [1, 2], p: [0.5, 0.5], _label_cost: 1, c: { _multi: [{}, {}] } }
    const text = [line, { ...line, _skipLearn: true }].map((one) => JSON.stringify(one)).join('\n')
    const place = await folder.of({ 'log.dsjson': text })
    const found = { path: join(place, 'log.dsjson'), kind: 'log', format: 'dsjson' } as const
    assert.equal(await convertLog(found, join(place, 'log.jsonl')), 1)
    const wrong = await datasetError(convertLog(found, join(place, 'log.csv')))
    assert.equal(wrong.code, 'dataset_bad_option')
  })
})
