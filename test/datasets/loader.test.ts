import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { DatasetError, listBundledDatasets, openDataset, type PromptRow } from '../../datasets/index.ts'

const GOOD = {
  prompt_id: 'p1',
  split: 'train',
  task: 'arithmetic',
  prompt: 'What is 2 + 2?',
  outcomes: { 'gpt-4': { quality: 1, cost_usd: 0.001, input_tokens: 7, output_tokens: 2 } },
}

let root = ''
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'highwayman-datasets-'))
})
after(() => rm(root, { recursive: true }))

async function folderOf(files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const folder = await mkdtemp(join(root, 'set-'))
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
  return folder
}

async function readAll(folder: string): Promise<readonly PromptRow[]> {
  const rows: PromptRow[] = []
  for await (const row of (await openDataset(folder)).rows()) rows.push(row)
  return rows
}

async function rejection(promise: Promise<unknown>): Promise<DatasetError> {
  const error = await promise.then(
    () => assert.fail('expected a DatasetError'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof DatasetError, `expected a DatasetError, got ${error}`)
  return error
}

const jsonl = (...rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')

suite('reading', () => {
  test('a row becomes a typed record, plain and gzipped alike', async () => {
    const text = jsonl({ ...GOOD, src: 'unknown fields are fine' })
    for (const files of [{ 'prompts.jsonl': text }, { 'prompts.jsonl.gz': gzipSync(text) }]) {
      const [row, ...rest] = await readAll(await folderOf(files))
      assert.equal(rest.length, 0)
      assert.deepEqual(row, {
        promptId: 'p1',
        split: 'train',
        task: 'arithmetic',
        category: 'arithmetic',
        prompt: 'What is 2 + 2?',
        outcomes: new Map([['gpt-4', { quality: 1, costUsd: 0.001, inputTokens: 7, outputTokens: 2 }]]),
      })
    }
  })

  test('the class is the category where there is one; what a source does not count stays undefined', async () => {
    const [row] = await readAll(
      await folderOf({
        'prompts.jsonl': jsonl({
          ...GOOD,
          category: 'math',
          contaminated: true,
          outcomes: { a: { quality: 0.5 } },
        }),
      }),
    )
    assert.equal(row?.category, 'math')
    assert.equal(row?.contaminated, true)
    assert.deepEqual(row?.outcomes.get('a'), {
      quality: 0.5,
      costUsd: undefined,
      inputTokens: undefined,
      outputTokens: undefined,
    })
  })

  test('blank lines, CRLF and a missing last line feed do not matter', async () => {
    const lines = [GOOD, { ...GOOD, prompt_id: 'p2' }].map((row) => JSON.stringify(row))
    const rows = await readAll(await folderOf({ 'prompts.jsonl': `${lines[0]}\r\n\n  \n${lines[1]}` }))
    assert.deepEqual(
      rows.map((row) => row.promptId),
      ['p1', 'p2'],
    )
  })

  test('any text survives: the pieces in which a file is read do not show', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }), {
          minLength: 1,
          maxLength: 8,
        }),
        async (prompts) => {
          // Padding moves the lines across the 256 KiB in which the file is read.
          const rows = prompts.map((prompt, i) => ({
            ...GOOD,
            prompt_id: `p${i}`,
            prompt,
            padding: 'ü'.repeat(i % 2 === 0 ? 0 : 131_060),
          }))
          const read = await readAll(await folderOf({ 'prompts.jsonl': jsonl(...rows) }))
          assert.deepEqual(
            read.map((row) => row.prompt),
            prompts,
          )
        },
      ),
      { seed: 1, numRuns: 25 },
    )
  })

  test('models.json gives prices and, where it has them, latency, window and wire format', async () => {
    const models = {
      plain: { input_usd_per_mtok: 1, output_usd_per_mtok: 4, price_source: 'a list' },
      full: {
        input_usd_per_mtok: 0,
        output_usd_per_mtok: 0,
        latency: { ttft_ms_p50: 100, ttft_ms_p95: 200, tpot_ms_p50: 5, tpot_ms_p95: 6 },
        context_window: 8192,
        wire: 'anthropic',
      },
    }
    const folder = await folderOf({ 'prompts.jsonl': jsonl(GOOD), 'models.json': JSON.stringify(models) })
    const dataset = await openDataset(folder)
    assert.equal(dataset.folder, folder)
    assert.deepEqual(Object.fromEntries(dataset.models), {
      plain: {
        inputUsdPerMtok: 1,
        outputUsdPerMtok: 4,
        latency: undefined,
        contextWindowTokens: undefined,
        wire: undefined,
      },
      full: {
        inputUsdPerMtok: 0,
        outputUsdPerMtok: 0,
        latency: { ttftMsP50: 100, ttftMsP95: 200, tpotMsP50: 5, tpotMsP95: 6 },
        contextWindowTokens: 8192,
        wire: 'anthropic',
      },
    })
  })

  test('the bundled sets are found by name', async () => {
    assert.deepEqual(await listBundledDatasets(), ['crossroads'])
    const dataset = await openDataset('crossroads')
    assert.equal(dataset.name, 'crossroads')
    assert.equal(dataset.models.size, 6)
  })
})

suite('costs that a set does not tell', () => {
  const outcomes = {
    recorded: { quality: 1, cost_usd: 0.5, input_tokens: 1000, output_tokens: 100 },
    counted: { quality: 1, input_tokens: 1000, output_tokens: 100 },
    half: { quality: 1, output_tokens: 100 },
    flat: { quality: 1 },
    unknown: { quality: 1, input_tokens: 1000, output_tokens: 100 },
  }
  const price = { input_usd_per_mtok: 2, output_usd_per_mtok: 10 }
  const models = {
    recorded: price,
    counted: price,
    half: price,
    flat: { ...price, usd_per_request: 0.25 },
  }

  test('tokens × prices, else a request’s average; what is recorded stays, and nothing is taken for zero', async () => {
    const text = jsonl({ ...GOOD, outcomes })
    const [row] = await readAll(
      await folderOf({ 'prompts.jsonl': text, 'models.json': JSON.stringify(models) }),
    )
    assert.deepEqual(
      [...(row?.outcomes ?? [])].map(([arm, { costUsd }]) => [arm, costUsd]),
      [
        ['recorded', 0.5],
        ['counted', 0.003],
        ['half', undefined],
        ['flat', 0.25],
        ['unknown', undefined],
      ],
    )
    const [bare] = await readAll(await folderOf({ 'prompts.jsonl': text }))
    assert.equal(bare?.outcomes.get('counted')?.costUsd, undefined)
  })

  test('a negative one is refused', async () => {
    const files = {
      'prompts.jsonl': jsonl(GOOD),
      'models.json': JSON.stringify({ a: { ...price, usd_per_request: -1 } }),
    }
    const error = await rejection(folderOf(files).then(openDataset))
    assert.equal(error.code, 'dataset_bad_models')
    assert.match(error.message, /a\.usd_per_request: expected USD ≥ 0, got -1/)
  })
})

test('an arm or a model called __proto__ is refused, not forgotten', async () => {
  const outcomes = JSON.parse('{"a": {"quality": 1}, "__proto__": {"quality": 1}}')
  const rows = await folderOf({ 'prompts.jsonl': jsonl({ ...GOOD, outcomes }) })
  assert.match((await rejection(readAll(rows))).message, /:1 outcomes\.__proto__: expected another name/)
  const models = '{"__proto__": {"input_usd_per_mtok": 1, "output_usd_per_mtok": 1}}'
  const set = folderOf({ 'prompts.jsonl': jsonl(GOOD), 'models.json': models })
  assert.match(
    (await rejection(set.then(openDataset))).message,
    /models\.json __proto__: expected another name/,
  )
})

suite('refusing', () => {
  const bad = (change: object) => ({ ...GOOD, prompt_id: 'p2', ...change })
  const outcome = (change: object) => bad({ outcomes: { 'gpt-4': { quality: 1, cost_usd: 0, ...change } } })
  const cases: readonly (readonly [name: string, row: unknown, message: RegExp])[] = [
    [
      'quality above 1',
      outcome({ quality: 1.3 }),
      /prompts\.jsonl:2 outcomes\.gpt-4\.quality: expected a number in \[0, 1\], got 1\.3$/,
    ],
    [
      'quality as text',
      outcome({ quality: '1' }),
      /:2 outcomes\.gpt-4\.quality: expected a number in \[0, 1\], got "1"$/,
    ],
    [
      'quality missing',
      bad({ outcomes: { a: { cost_usd: 1 } } }),
      /:2 outcomes\.a\.quality: expected a number in \[0, 1\], got nothing$/,
    ],
    ['negative cost', outcome({ cost_usd: -1 }), /:2 outcomes\.gpt-4\.cost_usd: expected USD ≥ 0, got -1$/],
    [
      'half a token',
      outcome({ output_tokens: 1.5 }),
      /:2 outcomes\.gpt-4\.output_tokens: expected a whole number of tokens ≥ 0, got 1\.5$/,
    ],
    ['no outcomes', bad({ outcomes: {} }), /:2 outcomes: expected at least one arm, got \{\}$/],
    [
      'outcomes as a list',
      bad({ outcomes: [1] }),
      /:2 outcomes: expected an object with one outcome per arm, got \[1\]$/,
    ],
    ['empty prompt', bad({ prompt: '' }), /:2 prompt: expected a non-empty string, got ""$/],
    ['no split', bad({ split: undefined }), /:2 split: expected a non-empty string, got nothing$/],
    ['a list for a row', [1, 2], /:2 top level: expected an object, got \[1,2\]$/],
    ['an id twice', bad({ prompt_id: 'p1' }), /:2 prompt_id: expected an id of its own, got "p1" of line 1$/],
  ]
  for (const [name, row, message] of cases) {
    test(name, async () => {
      const error = await rejection(readAll(await folderOf({ 'prompts.jsonl': jsonl(GOOD, row) })))
      assert.equal(error.code, 'dataset_bad_line')
      assert.match(error.message, message)
    })
  }

  test('a long value is not repeated in full', async () => {
    const error = await rejection(
      readAll(await folderOf({ 'prompts.jsonl': jsonl(bad({ task: ['x'.repeat(9_999)] })) })),
    )
    assert.match(error.message, /got \["x{58}…$/)
  })

  test('a line that is not JSON', async () => {
    const error = await rejection(
      readAll(await folderOf({ 'prompts.jsonl': `${jsonl(GOOD)}{"prompt_id": ` })),
    )
    assert.equal(error.code, 'dataset_bad_line')
    assert.match(error.message, /prompts\.jsonl:2: not JSON/)
  })

  test('a line that is not UTF-8', async () => {
    const bytes = Buffer.concat([Buffer.from(jsonl(GOOD)), Buffer.from([0x7b, 0xff, 0x7d, 0x0a])])
    const error = await rejection(readAll(await folderOf({ 'prompts.jsonl': bytes })))
    assert.equal(error.code, 'dataset_bad_line')
    assert.match(error.message, /prompts\.jsonl:2: not valid UTF-8$/)
  })

  test('a line without end, before it is read into memory as a whole', async () => {
    const error = await rejection(
      readAll(await folderOf({ 'prompts.jsonl.gz': gzipSync(Buffer.alloc(17 * 1024 * 1024, 'x')) })),
    )
    assert.equal(error.code, 'dataset_bad_line')
    assert.match(error.message, /prompts\.jsonl\.gz:1: longer than 16777216 bytes$/)
  })

  test('a gzip file that was cut off, after the rows that are whole', async () => {
    const rows = Array.from({ length: 3_000 }, (_, i) => ({
      ...GOOD,
      prompt_id: `p${i}`,
      prompt: String(Math.sin(i)),
    }))
    const whole = gzipSync(jsonl(...rows))
    const folder = await folderOf({ 'prompts.jsonl.gz': whole.subarray(0, whole.length >> 1) })
    const error = await rejection(readAll(folder))
    assert.equal(error.code, 'dataset_unreadable')
    assert.match(
      error.message,
      /prompts\.jsonl\.gz: unexpected end of file .*damaged or cut off; fetch it again$/,
    )
  })

  test('a .gz that is no gzip', async () => {
    const error = await rejection(readAll(await folderOf({ 'prompts.jsonl.gz': jsonl(GOOD) })))
    assert.equal(error.code, 'dataset_unreadable')
    assert.match(error.message, /incorrect header check/)
  })

  test('a set without rows', async () => {
    const error = await rejection(readAll(await folderOf({ 'prompts.jsonl': '\n\n' })))
    assert.equal(error.code, 'dataset_empty')
    assert.match(error.message, /prompts\.jsonl: no rows/)
  })

  test('a name that is neither bundled nor a folder: the message lists what is bundled', async () => {
    const error = await rejection(openDataset('cross-roads'))
    assert.equal(error.code, 'dataset_not_found')
    assert.match(error.message, /dataset 'cross-roads': no file or folder .*bundled name: crossroads$/)
  })

  test('a folder without prompts', async () => {
    const error = await rejection(openDataset(await folderOf({ 'models.json': '{}' })))
    assert.equal(error.code, 'dataset_not_found')
    assert.match(
      error.message,
      /holds no prompts\.jsonl\.gz, prompts\.jsonl or prompts\.parquet, no mapping\.yaml,/,
    )
  })

  const models: readonly (readonly [name: string, content: string, message: RegExp])[] = [
    ['not JSON', '{', /models\.json: not JSON/],
    [
      'a price missing',
      '{"a": {"input_usd_per_mtok": 1}}',
      /models\.json a\.output_usd_per_mtok: expected USD per million tokens ≥ 0, got nothing$/,
    ],
    [
      'an unknown wire format',
      '{"a": {"input_usd_per_mtok": 1, "output_usd_per_mtok": 1, "wire": "soap"}}',
      /models\.json a\.wire: expected one of openai-compatible, anthropic, google, got "soap"$/,
    ],
    [
      'a p95 under the p50',
      '{"a": {"input_usd_per_mtok": 1, "output_usd_per_mtok": 1, "latency": {"ttft_ms_p50": 9, "ttft_ms_p95": 8, "tpot_ms_p50": 1, "tpot_ms_p95": 1}}}',
      /models\.json a\.latency\.ttft_ms_p95: expected at least ttft_ms_p50, got 8$/,
    ],
  ]
  for (const [name, content, message] of models) {
    test(`models.json: ${name}`, async () => {
      const error = await rejection(
        openDataset(await folderOf({ 'prompts.jsonl': jsonl(GOOD), 'models.json': content })),
      )
      assert.equal(error.code, 'dataset_bad_models')
      assert.match(error.message, message)
    })
  }
})
