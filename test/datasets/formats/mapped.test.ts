import assert from 'node:assert/strict'
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

const WIDE = `
files: outcomes.csv
licence: CC-BY-4.0
prompt_id: id
prompt: question
split: fold
task: { value: support }
category: topic
contaminated: leaked
quality_range: [0, 10]
cost_factor: 0.001
arms:
  acme/large: { quality: large, cost_usd: large_mills, input_tokens: tokens_in }
  acme/small: { quality: small }
`
const WIDE_COLUMNS = [
  'id',
  'question',
  'fold',
  'topic',
  'leaked',
  'large',
  'large_mills',
  'tokens_in',
  'small',
]
const WIDE_ROWS = [
  ['q1', 'Why, "exactly",\nwas I charged?', 'train', 'billing', 'no', 9, 2, 210, 4],
  ['q2', 'none', 'test', '', 'yes', '', '', '', 10],
].map((row) => row.map((value) => ({ no: 'false', yes: 'true' })[String(value)] ?? value))

const LONG = `
name: runs
files: [runs.csv]
prompt_id: id
prompt: question
arm: model
outcome: { quality: score, cost_usd: cost, output_tokens: tokens }
`
const LONG_COLUMNS = ['id', 'question', 'model', 'score', 'cost', 'tokens']
const LONG_ROWS = [
  ['q1', 'Why?', 'a', 1, 0.1, 5],
  ['q2', 'Who?', 'a', 0.5, 0.2, 6],
  ['q1', 'Why?', 'b', 0, '', ''],
  ['q2', 'Who?', 'b', '', '', ''],
]

let folder: Folder
before(async () => {
  folder = await temporaryFolder()
})
after(() => folder.close())

const wide = (rows: readonly (readonly unknown[])[] = WIDE_ROWS) => csv([WIDE_COLUMNS, ...rows])
const long = (rows: readonly (readonly unknown[])[] = LONG_ROWS) => csv([LONG_COLUMNS, ...rows])

suite('a wide table', () => {
  test('columns become a prompt with its outcomes, in the units of the mapping', async () => {
    const place = await folder.of({ 'mapping.yaml': WIDE, 'outcomes.csv': wide() })
    const dataset = await openDataset(place)
    assert.deepEqual([dataset.origin?.format, dataset.origin?.licence], ['mapped', 'CC-BY-4.0'])
    const [first, second] = await rowsOf(place)
    assert.deepEqual(first, {
      promptId: 'q1',
      split: 'train',
      task: 'support',
      category: 'billing',
      prompt: 'Why, "exactly",\nwas I charged?',
      contaminated: false,
      outcomes: new Map([
        ['acme/large', { quality: 0.9, costUsd: 0.002, inputTokens: 210, outputTokens: undefined }],
        ['acme/small', { quality: 0.4, costUsd: undefined, inputTokens: undefined, outputTokens: undefined }],
      ]),
    })
    // A prompt that reads "none" is a prompt; a category that is blank is the task; a blank quality is no outcome.
    assert.deepEqual([second?.prompt, second?.category, second?.contaminated], ['none', 'support', true])
    assert.deepEqual([...(second?.outcomes.keys() ?? [])], ['acme/small'])
  })

  test('CSV, TSV, JSON lines and Parquet, plain and gzipped, give the same rows', async () => {
    const objects = WIDE_ROWS.map((row) =>
      Object.fromEntries(
        WIDE_COLUMNS.map((name, i) => {
          const value = row[i]
          if (value === '') return [name, null]
          return [name, name === 'leaked' ? value === 'true' : value]
        }),
      ),
    )
    const lines = objects.map((object) => `${JSON.stringify(object)}\n`).join('')
    const files = {
      'outcomes.csv': wide(),
      'outcomes.csv.gz': gzipSync(wide()),
      'outcomes.tsv': wide(WIDE_ROWS)
        .replaceAll(/,(?! "|\n)/g, '\t')
        .replace('Why\t', 'Why,'),
      'outcomes.jsonl': lines,
      'outcomes.jsonl.gz': gzipSync(lines),
      'outcomes.parquet': '',
    }
    const place = await folder.of({
      ...files,
      'outcomes.mapping.yaml': WIDE.replace('files: outcomes.csv\n', ''),
    })
    await writeParquetTable(join(place, 'outcomes.parquet'), objects)
    const expected = await rowsOf(join(place, 'outcomes.csv'))
    assert.equal(expected.length, 2)
    for (const file of Object.keys(files)) {
      assert.deepEqual(await rowsOf(join(place, file)), expected, file)
    }
  })

  test('arms can be found in the header by a pattern; a mapping may be JSON, and be opened itself', async () => {
    const mapping = {
      files: ['t.csv'],
      prompt: 'text',
      arm_columns: { quality: '{arm}', cost_usd: '{arm} $' },
    }
    const place = await folder.of({
      'mine.mapping.json': JSON.stringify(mapping),
      't.csv': csv([
        ['text', 'one', 'one $', 'x/two', 'x/two $', 'three'],
        ['Hi', 1, 0.5, 0, 0.25, 7],
      ]),
    })
    const [row] = await rowsOf(join(place, 'mine.mapping.json'))
    assert.deepEqual([row?.promptId, row?.task], ['t.csv:2', 'mine'])
    assert.deepEqual(
      [...(row?.outcomes ?? [])].map(([arm, { quality, costUsd }]) => [arm, quality, costUsd]),
      [
        ['one', 1, 0.5],
        ['x/two', 0, 0.25],
      ],
    )
  })

  test('fields of objects in JSON lines are reached by dots, unless a field is called so', async () => {
    const place = await folder.of({
      't.jsonl': '{"q":"Hi","a":{"score":1,"usd":2},"b.score":0.5}\n',
      't.mapping.yaml':
        'prompt: q\narms: { a: { quality: a.score, cost_usd: a.usd }, b: { quality: b.score } }\n',
    })
    const [row] = await rowsOf(join(place, 't.jsonl'))
    assert.deepEqual([row?.outcomes.get('a')?.costUsd, row?.outcomes.get('b')?.quality], [2, 0.5])
  })
})

suite('a long table', () => {
  test('lines of one prompt become one row, wherever they stand', async () => {
    const place = await folder.of({ 'mapping.yaml': LONG, 'runs.csv': long() })
    const rows = await rowsOf(place)
    assert.deepEqual(
      rows.map(({ promptId, outcomes }) => [promptId, [...outcomes.keys()]]),
      [
        ['q1', ['a', 'b']],
        // Without a quality the arm has no outcome.
        ['q2', ['a']],
      ],
    )
    assert.equal(rows[0]?.outcomes.get('a')?.outputTokens, 5)
  })

  test('adjacent lines stream; a prompt that comes back later is refused', async () => {
    const sorted = LONG_ROWS.toSorted((a, b) => String(a[0]).localeCompare(String(b[0])))
    const files = { 'mapping.yaml': `${LONG}adjacent: true\n` }
    const rows = await rowsOf(await folder.of({ ...files, 'runs.csv': long(sorted) }))
    assert.deepEqual(rows, await rowsOf(await folder.of({ 'mapping.yaml': LONG, 'runs.csv': long() })))
    const error = await datasetError(rowsOf(await folder.of({ ...files, 'runs.csv': long() })))
    assert.match(error.message, /runs\.csv:4 prompt_id: expected an id of its own, got "q1" of line 2/)
  })
})

suite('refusing', () => {
  const badMappings: readonly (readonly [string, string, RegExp])[] = [
    ['not YAML', 'prompt: [', /mapping\.yaml: not YAML or JSON: .*line 1/s],
    [
      'no prompt',
      WIDE.replace('prompt: question\n', ''),
      /mapping\.yaml prompt: expected the name of a column, got nothing/,
    ],
    ['an unknown field', `${WIDE}promt: x\n`, /mapping\.yaml top level: there is no field promt/],
    [
      'a column that is not there',
      WIDE.replace('quality: large', 'quality: lrage'),
      /mapping\.yaml arms\.acme\/large\.quality: .*outcomes\.csv has no column "lrage"; it has id, question/,
    ],
    [
      'a range that is none',
      WIDE.replace('[0, 10]', '[10, 0]'),
      /quality_range: expected the lowest quality before the highest/,
    ],
    [
      'two ways to name arms',
      `${WIDE}arm_columns: { quality: '{arm}' }\n`,
      /arms: expected exactly one of arms, arm_columns/,
    ],
    [
      'a pattern without an arm',
      'files: outcomes.csv\nprompt: question\narm_columns: { quality: q }\n',
      /arm_columns: expected each to hold \{arm\} once/,
    ],
    [
      'a pattern that fits nothing',
      "files: outcomes.csv\nprompt: question\narm_columns: { quality: 'score {arm}' }\n",
      /arm_columns: no arm of .* has all of these columns/,
    ],
    ['long without an arm', LONG.replace('arm: model\n', ''), /arm: expected the column that names the arm/],
    [
      'long without an id',
      LONG.replace('prompt_id: id\n', ''),
      /prompt_id: expected the column by which rows of one prompt/,
    ],
    [
      'no file',
      WIDE.replace('files: outcomes.csv\n', ''),
      /files: expected the table that the mapping is of/,
    ],
  ]
  for (const [what, mapping, message] of badMappings) {
    test(`a mapping: ${what}`, async () => {
      const place = await folder.of({ 'mapping.yaml': mapping, 'outcomes.csv': wide(), 'runs.csv': long() })
      const error = await datasetError(rowsOf(place))
      assert.equal(error.code, 'dataset_bad_mapping')
      assert.match(error.message, message)
    })
  }

  const badLines: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
    [
      'a quality outside its range',
      { 'mapping.yaml': WIDE, 'outcomes.csv': wide([WIDE_ROWS[0]!.with(5, 11)]) },
      /outcomes\.csv:2 large: expected a quality in \[0, 10\], got 11/,
    ],
    [
      'tokens that are not whole',
      { 'mapping.yaml': WIDE, 'outcomes.csv': wide([WIDE_ROWS[0]!.with(7, 1.5)]) },
      /outcomes\.csv:2 tokens_in: expected a whole number of tokens ≥ 0, got 1\.5/,
    ],
    [
      'a number in hexadecimal',
      { 'mapping.yaml': WIDE, 'outcomes.csv': wide([WIDE_ROWS[0]!.with(5, '0x1')]) },
      /outcomes\.csv:2 large: expected a number, got "0x1"/,
    ],
    [
      'no quality at all',
      { 'mapping.yaml': WIDE, 'outcomes.csv': wide([WIDE_ROWS[1]!.with(8, '')]) },
      /outcomes\.csv:2: expected the quality of at least one arm/,
    ],
    [
      'no prompt',
      { 'mapping.yaml': WIDE, 'outcomes.csv': wide([WIDE_ROWS[0]!.with(1, '')]) },
      /outcomes\.csv:2 question: expected a text, got ""/,
    ],
    [
      'two lines of one arm',
      { 'mapping.yaml': LONG, 'runs.csv': long([LONG_ROWS[0]!, LONG_ROWS[0]!]) },
      /runs\.csv:3 model: expected one line for each prompt and arm, got a second one of "a" on "q1"/,
    ],
    [
      'two prompts of one id',
      { 'mapping.yaml': LONG, 'runs.csv': long([LONG_ROWS[0]!, LONG_ROWS[2]!.with(1, 'How?')]) },
      /runs\.csv:3 question: expected the prompt of .*runs\.csv:2, which has the same id/,
    ],
    [
      'a list among JSON lines',
      { 't.mapping.yaml': 'files: t.jsonl\nprompt: q\narms: { a: { quality: s } }\n', 't.jsonl': '[1]\n' },
      /t\.jsonl:1: expected an object, got \[1\]/,
    ],
  ]
  for (const [what, files, message] of badLines) {
    test(`a line: ${what}`, async () => {
      const place = await folder.of(files)
      const error = await datasetError(
        rowsOf('mapping.yaml' in files ? place : join(place, 't.mapping.yaml')),
      )
      assert.equal(error.code, 'dataset_bad_line')
      assert.match(error.message, message)
    })
  }

  test('a table whose columns nobody knows: the message says how to name them', async () => {
    const place = await folder.of({ 't.csv': 'a,b\n1,2\n' })
    const error = await datasetError(rowsOf(join(place, 't.csv')))
    assert.equal(error.code, 'dataset_bad_mapping')
    assert.match(error.message, /say what they are in t\.mapping\.yaml beside it/)
  })

  test('two columns of one name', async () => {
    const place = await folder.of({
      't.csv': 'a,a\n1,2\n',
      't.mapping.yaml': 'prompt: a\narms: { x: { quality: a } }\n',
    })
    assert.match(
      (await datasetError(rowsOf(join(place, 't.csv')))).message,
      /t\.csv:1: two columns named "a"/,
    )
  })

  test('a file that is no Parquet', async () => {
    const place = await folder.of({
      't.parquet': 'hello there',
      't.mapping.yaml': 'prompt: a\narms: { x: { quality: a } }\n',
    })
    const error = await datasetError(rowsOf(join(place, 't.parquet')))
    assert.equal(error.code, 'dataset_unreadable')
    assert.match(error.message, /t\.parquet: .*is it a Parquet file/)
  })
})
