import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { openDataset } from '../../../datasets/index.ts'
import {
  csv,
  datasetError,
  type Folder,
  rowsOf,
  temporaryFolder,
  writeParquetTable,
} from '../../helpers/dataset-files.ts'

/** The published columns, of two models. */
const HEADER = [
  'sample_id',
  'prompt',
  'eval_name',
  'gpt-4-1106-preview',
  'zero-one-ai/Yi-34B-Chat',
  'gpt-4-1106-preview|model_response',
  'zero-one-ai/Yi-34B-Chat|model_response',
  'gpt-4-1106-preview|total_cost',
  'zero-one-ai/Yi-34B-Chat|total_cost',
  'oracle_model_to_route_to',
]
const ROWS = [
  [
    'mbpp.dev.1',
    `['Write a function,\\nplease.']`,
    'mbpp',
    1.0,
    0.25,
    `['def f(): "no"']`,
    '["ok"]',
    0.01,
    0.0002,
    'x',
  ],
  ['arc.7', `["It's one", 'and two']`, 'arc-challenge', 0.0, '', "['B']", '', 0.02, '', 'x'],
]
const table = (rows: readonly (readonly unknown[])[] = ROWS, header: readonly string[] = HEADER) =>
  csv([header, ...rows])

let folder: Folder
before(async () => {
  folder = await temporaryFolder()
})
after(() => folder.close())

suite('RouterBench', () => {
  test('a row becomes a prompt with each model’s score and cost; a blank score is no outcome', async () => {
    const path = join(await folder.of({ 'rb_test.csv': table() }), 'rb_test.csv')
    const [first, second] = await rowsOf(path)
    assert.deepEqual(first, {
      promptId: 'mbpp.dev.1',
      split: 'test',
      task: 'mbpp',
      category: 'mbpp',
      prompt: 'Write a function,\nplease.',
      outcomes: new Map([
        [
          'gpt-4-1106-preview',
          { quality: 1, costUsd: 0.01, inputTokens: undefined, outputTokens: undefined },
        ],
        [
          'zero-one-ai/Yi-34B-Chat',
          { quality: 0.25, costUsd: 0.0002, inputTokens: undefined, outputTokens: undefined },
        ],
      ]),
    })
    assert.equal(second?.prompt, "It's one\n\nand two")
    assert.deepEqual([...(second?.outcomes.keys() ?? [])], ['gpt-4-1106-preview'])
  })

  test('CSV, gzipped CSV and Parquet give the same rows', async () => {
    const place = await folder.of({ 'rb.csv': table(), 'zipped/rb.csv.gz': gzipSync(table()) })
    await mkdir(join(place, 'parquet'))
    const objects = ROWS.map((row) =>
      Object.fromEntries(HEADER.map((name, i) => [name, row[i] === '' ? null : row[i]])),
    )
    await writeParquetTable(join(place, 'parquet/rb.parquet'), objects, 1)
    const expected = await rowsOf(join(place, 'rb.csv'))
    assert.equal(expected.length, 2)
    assert.deepEqual(await rowsOf(join(place, 'zipped/rb.csv.gz')), expected)
    assert.deepEqual(await rowsOf(join(place, 'parquet/rb.parquet')), expected)
  })

  test('a folder of train and test files is one set, with the splits of the names', async () => {
    const [one, two] = ROWS as [unknown[], unknown[]]
    const place = await folder.of({
      'mbpp_train.csv': table([one]),
      'arc_test.csv': table([two]),
      'notes.csv': 'a,b\n1,2\n',
    })
    const dataset = await openDataset(place)
    assert.equal(dataset.origin?.format, 'routerbench')
    assert.deepEqual(
      (await rowsOf(place)).map(({ promptId, split }) => [promptId, split]),
      [
        ['arc.7', 'test'],
        ['mbpp.dev.1', 'train'],
      ],
    )
  })

  test('without a split of its own, the same prompt lies on the same side, about seven in ten in train', async () => {
    const [one] = ROWS as [unknown[]]
    const rows = Array.from({ length: 1000 }, (_, i) => [`id-${i}`, `question  ${i % 500}`, ...one.slice(2)])
    const read = await rowsOf(join(await folder.of({ 'rb.csv': table(rows) }), 'rb.csv'))
    for (const [i, row] of read.entries()) assert.equal(row.split, read[(i + 500) % 1000]?.split)
    const train = read.slice(0, 500).filter(({ split }) => split === 'train').length
    // Binomial(500, 0.7): 350 ± 10.2; five standard deviations.
    assert.ok(Math.abs(train - 350) < 51, `${train} of 500 in train`)
  })

  test('the published pickle is not opened: the message has the line that converts it', async () => {
    const place = await folder.of({ 'routerbench_0shot.pkl': 'cos\nsystem\n' })
    const error = await datasetError(rowsOf(join(place, 'routerbench_0shot.pkl')))
    assert.equal(error.code, 'dataset_unreadable')
    assert.match(
      error.message,
      /read_pickle\('routerbench_0shot\.pkl'\)\.to_parquet\('routerbench_0shot\.parquet'\)/,
    )
  })

  const bad: readonly (readonly [string, string, RegExp])[] = [
    [
      'a score out of range',
      table([ROWS[0] as unknown[], (ROWS[1] as unknown[]).with(3, 1.5)]),
      /rb\.csv:3 gpt-4-1106-preview: expected a score in \[0, 1\], got 1\.5/,
    ],
    [
      'a score that is no number',
      table([(ROWS[0] as unknown[]).with(4, 'good')]),
      /rb\.csv:2 zero-one-ai\/Yi-34B-Chat: expected a number, got "good"/,
    ],
    [
      'a negative cost',
      table([(ROWS[0] as unknown[]).with(7, -1)]),
      /rb\.csv:2 gpt-4-1106-preview\|total_cost: expected USD ≥ 0, got -1/,
    ],
    [
      'no score at all',
      table([(ROWS[1] as unknown[]).with(3, '')]),
      /rb\.csv:2: expected a score for at least one model/,
    ],
    ['no id', table([(ROWS[1] as unknown[]).with(0, '')]), /rb\.csv:2 sample_id: expected an id, got ""/],
    [
      'an id twice',
      table([ROWS[0] as unknown[], ROWS[0] as unknown[]]),
      /rb\.csv:3 prompt_id: expected an id of its own, got "mbpp.dev.1" of line 2/,
    ],
    ['a short record', `${table()}lonely,field\n`, /rb\.csv:4: expected 10 fields as in the header, got 2/],
    ['a quote that is not closed', `${table()}"lonely\n`, /rb\.csv: Quote Not Closed/],
    [
      'not UTF-8',
      Buffer.concat([Buffer.from(table()), Buffer.from([0xff, 0xfe, 10])]) as unknown as string,
      /rb\.csv:4: not valid UTF-8/,
    ],
    ['header only', table([]), /rb\.csv: no rows/],
  ]
  for (const [what, text, message] of bad) {
    test(`${what} is refused by file, line and column`, async () => {
      const place = await folder.of({ 'rb.csv': text })
      const error = await datasetError(rowsOf(join(place, 'rb.csv')))
      assert.equal(error.code, what === 'header only' ? 'dataset_empty' : 'dataset_bad_line')
      assert.match(error.message, message)
    })
  }
})
