/** Describing, validating and listing sets. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import {
  describeDataset,
  describeLog,
  findAt,
  type ListedDataset,
  listDatasets,
  openDataset,
  readBanditFile,
  validateSet,
} from '../../datasets/index.ts'
import { datasetError, type Folder, listOf, temporaryFolder } from '../helpers/dataset-files.ts'
import { needsShared, sharedPath } from '../helpers/shared.ts'

const line = (promptId: string, more: Readonly<Record<string, unknown>> = {}) => ({
  prompt_id: promptId,
  split: 'train',
  task: 't',
  prompt: `prompt of ${promptId}`,
  outcomes: { a: { quality: 1, cost_usd: 0.002 }, b: { quality: 0.5 } },
  ...more,
})
const jsonl = (...rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')

let folder: Folder
before(async () => {
  folder = await temporaryFolder()
})
after(() => folder.close())

suite('describe', () => {
  test('arms, splits, classes, what is missing, and prompts in two splits', async () => {
    const place = await folder.of({
      'prompts.jsonl': jsonl(
        line('p1'),
        line('p2', {
          split: 'test',
          prompt: ' prompt  of\np1',
          category: 'k',
          outcomes: { a: { quality: 0 } },
        }),
        line('p3', { prompt: 'prompt of p1', contaminated: true }),
      ),
    })
    const summary = await describeDataset(await openDataset(place))
    assert.deepEqual(
      summary.arms.map(({ arm, rows, missing, quality, costUsd, withoutCost }) => [
        arm,
        rows,
        missing,
        quality,
        costUsd,
        withoutCost,
      ]),
      [
        ['a', 3, 0, 2 / 3, 0.002, 1],
        ['b', 2, 1, 0.5, undefined, 2],
      ],
    )
    assert.deepEqual(
      [summary.splits, summary.classes],
      [
        { train: 2, test: 1 },
        { t: 2, k: 1 },
      ],
    )
    assert.deepEqual([summary.contaminated, summary.promptChars], [1, { mean: (12 + 14 + 12) / 3, max: 14 }])
    assert.deepEqual(summary.duplicates, {
      rows: 2,
      acrossSplits: 1,
      examples: [{ promptId: 'p2', split: 'test', otherSplit: 'train' }],
    })
  })

  for (const name of ['mmlu-pro', 'zeroeval', 'alpaca-eval', 'routellm', 'paretobandit']) {
    test(`${name}: no prompt of ours is in two splits`, needsShared('data', name), async () => {
      const { duplicates } = await describeDataset(await openDataset(sharedPath('data', name)))
      assert.equal(duplicates.acrossSplits, 0, JSON.stringify(duplicates.examples))
    })
  }

  test('the Open Bandit log of men: as its README states', needsShared('data/obd'), async () => {
    const summary = await describeLog(readBanditFile(sharedPath('data/obd/bts_men.csv.gz')))
    assert.deepEqual(
      [summary.rows, summary.actions.length, summary.reward],
      [10_000, 34, { mean: 0.0069, missing: 0 }],
    )
    assert.deepEqual(Object.keys(summary.positions), ['1', '2', '3'])
    assert.equal(summary.features.context, 4)
    assert.equal(summary.wholeDistribution, 0)
  })
})

suite('validate', () => {
  const check = async (path: string, maxProblems = 50) => {
    const [found] = await findAt(path)
    assert.ok(found)
    return await validateSet(found, maxProblems)
  }

  test('every problem is told, and the sound rows are counted', async () => {
    const place = await folder.of({
      'prompts.jsonl': `${jsonl(line('p1'))}{"prompt_id"\n${jsonl(
        line('p1'),
        { ...line('p2'), outcomes: { a: { quality: 2, cost_usd: -1 } } },
        line('p3', { split: 'test' }),
      )}`,
    })
    const { rows, problems, more } = await check(place)
    assert.equal(rows, 2)
    assert.equal(more, false)
    const expected = [
      /prompts\.jsonl:2: not JSON/,
      /prompts\.jsonl:3 prompt_id: expected an id of its own, got "p1" of line 1/,
      // Both faults of one row.
      /prompts\.jsonl:4 outcomes\.a\.quality: expected a number in \[0, 1\], got 2/,
      /prompts\.jsonl:4 outcomes\.a\.cost_usd: expected USD ≥ 0, got -1/,
    ]
    assert.equal(problems.length, expected.length, problems.join('\n'))
    for (const [i, message] of expected.entries()) assert.match(problems[i] ?? '', message)
  })

  test('up to a bound', async () => {
    const place = await folder.of({ 'prompts.jsonl': '{}\n'.repeat(100) })
    const { problems, more } = await check(place, 7)
    assert.deepEqual([problems.length, more], [7, true])
  })

  test('a file that breaks off in the middle keeps what was found before', async () => {
    const place = await folder.of({
      'rb.csv': `sample_id,prompt,eval_name,m,m|total_cost\n1,q,t,x,0\n2,"q,t,1,0\n`,
    })
    const { problems } = await check(join(place, 'rb.csv'))
    assert.match(problems[0] ?? '', /rb\.csv:2 m: expected a number, got "x"/)
    assert.match(problems[1] ?? '', /Quote Not Closed/)
  })

  test('what is only odd is a warning', async () => {
    const place = await folder.of({
      'prompts.jsonl': jsonl(line('p1'), line('p2', { prompt: 'prompt of p1', split: 'val' })),
      'models.json': JSON.stringify({ nobody: { input_usd_per_mtok: 1, output_usd_per_mtok: 1 } }),
    })
    const { problems, warnings } = await check(place)
    assert.deepEqual(problems, [])
    const expected = [
      /p2: a row of train has the same prompt, and this is in val/,
      /models\.json: nobody has no outcome in any row/,
      /no row in the split test/,
      /b: 2 of 2 outcomes tell no cost/,
    ]
    assert.equal(warnings.length, expected.length, warnings.join('\n'))
    for (const [i, message] of expected.entries()) assert.match(warnings[i] ?? '', message)
  })

  test('logs, latencies and arrivals are checked as well', async () => {
    const place = await folder.of({
      'log.vw': '0:1:0.5 |a\n|b\n\n0:1:7 |a\n\nshared |x\n',
      'l.jsonl': '{"ttft_s":1,"e2e_latency_s":2}\n',
      'a.csv':
        'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-01-01 00:00:00,1,2\nnoon,1,2\n2023-01-01 00:00:01,-1,2\n',
    })
    const results = await Promise.all(
      (await findAt(place)).map(async (found) => [found.kind, await validateSet(found, 50)] as const),
    )
    assert.deepEqual(
      results.map(([kind, { rows, problems }]) => [kind, rows, problems.length]),
      [
        ['arrivals', 1, 2],
        ['latency', 0, 1],
        ['log', 1, 2],
      ],
    )
  })
})

suite('list', () => {
  test('bundled sets first, then what is in folders, with licences and what cannot be read', async () => {
    const root = await folder.of({
      'mine/prompts.jsonl': jsonl(line('p1'), line('p2')),
      'mine/README.md': '# Mine\n\nCode Apache-2.0, **data CC BY-NC 4.0**: for ourselves.\n',
      'broken/prompts.jsonl': '{\n',
      'logs/deep/a.vw': '0:1:0.5 |a\n|b\n',
      'logs/.hidden.vw': '0:1:0.5 |a\n|b\n',
      'logs/notes.txt': 'hello',
      'table/t.csv': 'q,x,y\nHi,1,0\n',
      'table/mapping.yaml': "files: t.csv\nlicence: MIT\nprompt: q\narm_columns: { quality: '{arm}' }\n",
      'mapped/t.csv': 'q,x,y\nHi,1,0\n',
      'mapped/t.mapping.yaml': "prompt: q\narm_columns: { quality: '{arm}' }\n",
      'mapped/u.csv': 'q,x,y\nHi,1,0\n',
      'mapped/u.mapping.json': '{',
      'nothing/notes.txt': 'hello',
      'wrong/mapping.yaml': 'prompt: [',
    })
    const found: ListedDataset[] = await listOf(listDatasets([root]))
    assert.deepEqual(
      found.map(({ name, kind, format, rows, arms, bundled, licence }) => [
        name,
        kind,
        format,
        rows,
        arms,
        bundled,
        licence,
      ]),
      [
        ['crossroads', 'outcomes', 'rows', 960, 6, true, 'Apache-2.0'],
        ['broken', 'outcomes', undefined, 0, 0, false, undefined],
        ['logs/deep/a.vw', 'log', 'cb-adf', 1, 2, false, undefined],
        ['mapped/t.csv', 'outcomes', 'mapped', 1, 2, false, undefined],
        ['mapped/u.csv', 'outcomes', undefined, 0, 0, false, undefined],
        ['mine', 'outcomes', 'rows', 2, 2, false, 'CC BY-NC 4.0'],
        ['table', 'outcomes', 'mapped', 1, 2, false, 'MIT'],
        ['wrong', 'outcomes', undefined, 0, 0, false, undefined],
      ],
    )
    assert.match(found[1]?.problem ?? '', /broken\/prompts\.jsonl:1: not JSON/)
    assert.match(found[4]?.problem ?? '', /u\.mapping\.json: not YAML or JSON/)
    assert.match(found.at(-1)?.problem ?? '', /wrong\/mapping\.yaml: not YAML or JSON/)
    const [wrong] = await findAt(join(root, 'wrong'))
    assert.ok(wrong)
    assert.match((await validateSet(wrong, 10)).problems[0] ?? '', /wrong\/mapping\.yaml: not YAML or JSON/)
    assert.equal(found[0]?.path, 'crossroads')
    // A folder that is a set itself.
    const itself = await listOf(listDatasets([join(root, 'mine')]))
    assert.deepEqual(
      itself.map(({ name }) => name),
      ['crossroads', 'mine'],
    )
    const error = await datasetError(listOf(listDatasets([join(root, 'gone')])))
    assert.equal(error.code, 'dataset_not_found')
  })

  const LICENCES = {
    'mmlu-pro': 'Apache-2.0',
    'routerbench-subset': 'none stated',
    'alpaca-eval': 'CC BY-NC 4.0',
    obd: 'CC BY 4.0',
    'arrivals-azure2023': 'CC BY 4.0',
  }
  for (const [name, licence] of Object.entries(LICENCES)) {
    test(`${name}: its README’s licence is ${licence}`, needsShared('data', name), async () => {
      const [, ...sets] = await listOf(listDatasets([sharedPath('data', name)]))
      assert.ok(sets.length > 0)
      for (const set of sets) assert.equal(set.licence, licence)
    })
  }
})
