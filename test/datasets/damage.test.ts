/**
 * Damaged files: whatever is changed in a file of any format, its reader gives rows or a `DatasetError` that names the file, and nothing
 * else; and told of problems instead of throwing, it goes on to the end.
 */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import {
  DatasetError,
  type LoggedBanditRow,
  openDataset,
  type ReadOptions,
  readArrivals,
  readBanditFile,
  readLatencyFile,
  readLogFile,
  toDecision,
  writeLogFile,
} from '../../datasets/index.ts'
import { randomStream } from '../../datasets/random.ts'
import { csv, type Folder, temporaryFolder, writeParquetTable } from '../helpers/dataset-files.ts'

const ROUNDS = 150
/** A Parquet file has more places where a number, changed, means something else. */
const PARQUET_ROUNDS = 400
const MAPPING =
  'prompt_id: id\nprompt: q\nsplit: s\narm_columns: { quality: "{arm} score", cost_usd: "{arm} usd" }\n'
const ROWS = Array.from({ length: 12 }, (_, i) => ({
  id: `p${i}`,
  q: `What is "${i}"?\nAnswer, please.`,
  s: 'test',
  'a score': 1,
  'a usd': 0.5,
  'b score': 0.25,
  'b usd': 0.01,
}))
const TABLE = csv([Object.keys(ROWS[0] ?? {}), ...ROWS.map((row) => Object.values(row))])
const jsonl = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
const LINES = jsonl(
  ROWS.map(({ id, q }) => ({
    prompt_id: id,
    split: 's',
    task: 't',
    prompt: q,
    outcomes: { a: { quality: 1, cost_usd: 0.5 } },
  })),
)
const ROUTERBENCH = csv([
  ['sample_id', 'prompt', 'eval_name', 'm', 'm|total_cost'],
  ...ROWS.map(({ id, q }) => [id, `['${id}', "it's"]${q}`, 'e', 0.5, 0.01]),
])
const OPEN_BANDIT = csv([
  [
    '',
    'timestamp',
    'item_id',
    'position',
    'click',
    'propensity_score',
    'user_feature_0',
    'user-item_affinity_0',
    'user-item_affinity_1',
  ],
  ...ROWS.map((_, i) => [i, '2019-11-24 00:00:03.442536+00:00', i % 2, 1, i % 2, 0.5, 'abc', 0, 1]),
])
const DSJSON = jsonl(
  ROWS.map(({ id }) => ({
    EventId: id,
    Timestamp: '2024-01-01T00:00:00Z',
    _label_cost: -1,
    a: [2, 1],
    p: [0.75, 0.25],
    o: [{ v: 1 }],
    c: { u: { age: 1 }, _multi: [{ x: 1 }, { y: 'z' }] },
  })),
)
const CB_ADF = ROWS.map(({ id }) => `shared '${id} |u age:1 name:x\n0:1:0.5 |x a b:2\n'two |x c\n\n`).join('')

type Read = (path: string, options: ReadOptions) => AsyncIterable<unknown>
const outcomes: Read = async function* (path, options) {
  yield* (await openDataset(path)).rows(options)
}
const bandit: Read = (path, options) => readBanditFile(path, undefined, options)

let folder: Folder
before(async () => {
  folder = await temporaryFolder()
})
after(() => folder.close())

async function* logOf(): AsyncGenerator<ReturnType<typeof toDecision>> {
  for (const { id } of ROWS) {
    const row: LoggedBanditRow = {
      id,
      atMs: 1e12,
      context: new Map([['f', 1]]),
      actions: ['a', 'b'].map((action) => ({ id: action, features: new Map() })),
      taken: 0,
      propensity: 0.5,
      probabilities: Float64Array.of(0.5, 0.5),
      reward: 1,
      position: undefined,
      weight: 1,
      skipLearn: false,
    }
    yield toDecision(row)
  }
}

const FORMATS: Readonly<
  Record<string, readonly [file: string, content: string | Uint8Array | undefined, read: Read]>
> = {
  'rows of our own': ['rows.jsonl', LINES, outcomes],
  'gzipped rows': ['rows.jsonl.gz', gzipSync(LINES), outcomes],
  'a mapped CSV': ['t.csv', TABLE, outcomes],
  'a mapped Parquet': ['t.parquet', undefined, outcomes],
  'a mapping': ['mapping.yaml', `files: t.csv\n${MAPPING}`, outcomes],
  RouterBench: ['rb.csv', ROUTERBENCH, outcomes],
  RouteLLM: [
    'mmlu_x.csv',
    csv([['prompt', 'a', 'b'], ...ROWS.map(({ q }) => [q, 'True', 'False'])]),
    outcomes,
  ],
  'Open Bandit': ['ob.csv', OPEN_BANDIT, bandit],
  dsjson: ['log.dsjson', DSJSON, bandit],
  'dsjson as a log of ours': ['log.dsjson', DSJSON, (path, options) => readLogFile(path, 'dsjson', options)],
  cb_adf: ['log.vw', CB_ADF, bandit],
  'our log, JSON lines': ['log.jsonl', undefined, bandit],
  'our log, Parquet': ['log.parquet', undefined, bandit],
  latencies: [
    'l.jsonl',
    jsonl(
      ROWS.map(() => ({
        provider: 'p',
        model: 'm',
        ttft_s: 1,
        e2e_latency_s: 2,
        output_tokens: 9,
        error_code: null,
      })),
    ),
    readLatencyFile,
  ],
  arrivals: [
    'a.csv',
    csv([
      ['TIMESTAMP', 'ContextTokens', 'GeneratedTokens'],
      ...ROWS.map((_, i) => ['2023-01-01 00:00:00', i, i]),
    ]),
    readArrivals,
  ],
}

/** Bytes flipped, cut out, doubled, swapped for what formats are sensitive to; or the rest cut off. */
function damage(bytes: Uint8Array, seed: number): Buffer {
  const random = randomStream('damage', seed)
  const copy = Buffer.from(bytes)
  const at = random.index(copy.length)
  const kind = random.index(6)
  if (kind === 0) return copy.subarray(0, at)
  if (kind === 1) copy[at] = random.index(256)
  if (kind === 2) copy[at] = random.pick([...Buffer.from('",\n\r|:{}[]\\0-.e\'')])
  if (kind === 3) return Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1 + random.index(8))])
  if (kind === 4) return Buffer.concat([copy.subarray(0, at + random.index(16)), copy.subarray(at)])
  if (kind === 5) for (let k = 0; k < 8; k++) copy[random.index(copy.length)] = random.index(256)
  return copy
}

for (const [name, [file, content, read]] of Object.entries(FORMATS)) {
  test(`${name}: rows or a DatasetError`, async () => {
    const place = await folder.of({
      't.csv': TABLE,
      't.mapping.yaml': MAPPING,
      'item_context.csv': 'item_id,item_feature_0\n0,1\n1,2\n',
    })
    const path = join(place, file)
    if (content !== undefined) await writeFile(path, content)
    else if (file === 't.parquet') await writeParquetTable(path, ROWS, 5)
    else await writeLogFile(logOf(), path)
    const whole = await readFile(path)
    let [sound, refused] = [0, 0]
    for await (const _ of read(path, {})) sound += 1
    assert.equal(sound, 12, 'the file as it was')
    const rounds = file.endsWith('.parquet') ? PARQUET_ROUNDS : ROUNDS
    for (let round = 0; round < rounds; round++) {
      await writeFile(path, damage(whole, round))
      const told: DatasetError[] = []
      for (const options of [{}, { onProblem: (problem: DatasetError) => told.push(problem) }]) {
        try {
          for await (const _ of read(path, options)) sound += 1
        } catch (error) {
          assert.ok(
            error instanceof DatasetError,
            `round ${round}: ${error instanceof Error ? error.stack : error}`,
          )
          assert.ok(error.message.includes(place), `round ${round}: ${error.message}`)
          refused += 1
        }
      }
      for (const { message } of told) assert.ok(message.includes(place), `round ${round}: ${message}`)
    }
    assert.ok(refused > 0 && sound > 12, `${refused} refused, ${sound} sound`)
  })
}
