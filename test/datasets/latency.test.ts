/** Measured latencies and arrivals, and what is said when a latency was not observed. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import {
  joinLatency,
  openDataset,
  readArrivals,
  readLatencyFile,
  summarizeLatencies,
} from '../../datasets/index.ts'
import { datasetError, type Folder, listOf, temporaryFolder } from '../helpers/dataset-files.ts'
import { needsShared, sharedPath } from '../helpers/shared.ts'

let folder: Folder
before(async () => {
  folder = await temporaryFolder()
})
after(() => folder.close())

const request = (provider: string, seq: number, more: Readonly<Record<string, unknown>> = {}) => ({
  provider,
  model: 'm',
  seq,
  ttft_s: 0.1 * (seq + 1),
  e2e_latency_s: 0.1 * (seq + 1) + 1,
  output_tokens: 101,
  error_code: null,
  ...more,
})
const jsonl = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
const MEASURED = jsonl([
  ...Array.from({ length: 21 }, (_, seq) => request('fast', seq)),
  request('fast', 99, { error_code: 429, ttft_s: null, e2e_latency_s: null, output_tokens: 0 }),
  ...Array.from({ length: 21 }, (_, seq) => request('slow', seq, { e2e_latency_s: 0.1 * (seq + 1) + 4 })),
  ...Array.from({ length: 19 }, (_, seq) => request('rare', seq)),
])
const SET = {
  'prompts.jsonl': jsonl([
    {
      prompt_id: 'p',
      split: 'train',
      task: 't',
      prompt: 'Hi',
      outcomes: { a: { quality: 1 }, b: { quality: 0 }, c: { quality: 0 } },
    },
  ]),
  'models.json': JSON.stringify(
    Object.fromEntries(
      ['a', 'b', 'c'].map((arm) => [arm, { input_usd_per_mtok: 1, output_usd_per_mtok: 2 }]),
    ),
  ),
}
const ARMS = ['a', 'b', 'c']

async function measured() {
  const path = join(await folder.of({ 'm.jsonl': MEASURED }), 'm.jsonl')
  return await summarizeLatencies(readLatencyFile(path))
}

suite('measured latencies', () => {
  test('medians and 95th percentiles of what did not fail; too few tell none', async () => {
    const [fast, slow, rare] = await measured()
    assert.deepEqual([fast?.deployment, fast?.requests, fast?.failed], ['fast/m', 22, 1])
    assert.ok(Math.abs((fast?.latency?.ttftMsP50 ?? 0) - 1100) < 1e-9)
    assert.ok(Math.abs((fast?.latency?.ttftMsP95 ?? 0) - 2000) < 1e-9)
    // A second, and four, for the hundred tokens after the first.
    assert.ok(Math.abs((fast?.latency?.tpotMsP50 ?? 0) - 10) < 1e-9)
    assert.ok(Math.abs((slow?.latency?.tpotMsP50 ?? 0) - 40) < 1e-9)
    assert.deepEqual([rare?.requests, rare?.latency], [19, undefined])
  })

  test('joined in turns or as named, and said so', async () => {
    const dataset = await openDataset(await folder.of(SET))
    const turns = joinLatency(dataset, ARMS, await measured(), 'm.jsonl')
    assert.deepEqual(
      [...turns.models.values()].map(({ latencySource }) => latencySource),
      [
        'joined from m.jsonl (fast/m), not observed',
        'joined from m.jsonl (slow/m), not observed',
        'joined from m.jsonl (fast/m), not observed',
      ],
    )
    const named = joinLatency(dataset, ARMS, await measured(), 'm.jsonl', new Map([['a', 'slow/m']]))
    assert.match(named.models.get('a')?.latencySource ?? '', /slow\/m/)
    // Without being asked nothing is joined.
    assert.ok([...dataset.models.values()].every(({ latency }) => latency === undefined))
  })

  test('refused: an unknown arm or deployment, an arm without a price, a latency that was observed', async () => {
    const dataset = await openDataset(await folder.of(SET))
    const all = await measured()
    const join_ =
      (assignment: ReadonlyMap<string, string>, set = dataset) =>
      () =>
        joinLatency(set, ARMS, all, 'm.jsonl', assignment)
    assert.throws(join_(new Map([['z', 'fast/m']])), { code: 'dataset_bad_option', message: /z: no arm of/ })
    assert.throws(join_(new Map([['a', 'rare/m']])), {
      code: 'dataset_bad_option',
      message: /rare\/m: no deployment/,
    })
    const bare = await openDataset(await folder.of({ 'prompts.jsonl': SET['prompts.jsonl'] }))
    assert.throws(join_(new Map(), bare), {
      code: 'dataset_bad_models',
      message: /a: a latency is kept in models\.json/,
    })
    const crossroads = await openDataset('crossroads')
    assert.throws(() => joinLatency(crossroads, [...crossroads.models.keys()], all, 'm.jsonl'), {
      code: 'dataset_bad_option',
      message: /has a latency of its own/,
    })
    assert.throws(() => joinLatency(dataset, ARMS, [], 'm.jsonl'), { code: 'dataset_bad_option' })
  })

  test('a bad line names its field', async () => {
    const place = await folder.of({ 'm.jsonl': jsonl([request('x', 1), request('x', 2, { ttft_s: -1 })]) })
    const error = await datasetError(listOf(readLatencyFile(join(place, 'm.jsonl'))))
    assert.match(error.message, /m\.jsonl:2 ttft_s: expected seconds ≥ 0, got -1/)
  })

  test(
    'llmperf: requests, failures and times as its README states',
    needsShared('data/latency-llmperf'),
    async () => {
      const all = await summarizeLatencies(
        readLatencyFile(sharedPath('data/latency-llmperf/requests.jsonl.gz')),
      )
      assert.equal(
        all.reduce((sum, { requests }) => sum + requests, 0),
        2845,
      )
      const groq = all.find(({ deployment }) => deployment === 'groq/llama-2-70b-chat')
      assert.deepEqual([groq?.requests, groq?.failed], [150, 0])
      const { ttftMsP50 = 0, ttftMsP95 = 0 } = groq?.latency ?? {}
      assert.deepEqual([(ttftMsP50 / 1000).toFixed(2), (ttftMsP95 / 1000).toFixed(2)], ['0.22', '0.30'])
      assert.equal(all.find(({ deployment }) => deployment === 'lepton/llama-2-13b-chat')?.failed, 130)
    },
  )
})

suite('arrivals', () => {
  for (const [file, requests] of [
    ['arrivals-azure2023/code.csv.gz', 8819],
    ['arrivals-azure2023/conv.csv.gz', 19_366],
    ['arrivals-mooncake/conversation_trace.jsonl.gz', 12_031],
  ] as const) {
    test(`${file}: ${requests} requests within an hour, in order`, needsShared('data', file), async () => {
      let [count, last] = [0, 0]
      for await (const { atMs, inputTokens, outputTokens, prefixBlocks } of readArrivals(
        sharedPath('data', file),
      )) {
        count += 1
        assert.ok(atMs >= last && inputTokens >= 0 && outputTokens >= 0)
        last = atMs
        if (file.includes('mooncake')) assert.equal(prefixBlocks?.length, Math.ceil(inputTokens / 512))
      }
      assert.equal(count, requests)
      assert.ok(last > 3_000_000 && last <= 3_600_000, `${last}`)
    })
  }

  test('bad lines name their fields', async () => {
    const place = await folder.of({
      'a.csv': 'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-01-01 00:00:00,1.5,2\n',
      'b.csv': 'time,tokens\n1,2\n',
      'm.jsonl': '{"timestamp":0,"input_length":1}\n',
    })
    for (const [file, message] of [
      ['a.csv', /a\.csv:2 ContextTokens: expected a whole number of tokens ≥ 0, got 1\.5/],
      ['b.csv', /b\.csv:1: expected the columns TIMESTAMP/],
      ['m.jsonl', /m\.jsonl:1 output_length: expected a whole number of tokens ≥ 0, got nothing/],
    ] as const) {
      assert.match((await datasetError(listOf(readArrivals(join(place, file))))).message, message)
    }
  })
})
