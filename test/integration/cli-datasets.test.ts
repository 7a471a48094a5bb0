/** `highwayman datasets …` as scripts run it: JSON, exit codes, files; and `replay` on a table of one's own. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openStore } from '../../adapters/index.ts'
import { openDataset, readBanditFile, readLogFile } from '../../datasets/index.ts'
import { csv, type Folder, listOf, rowsOf, temporaryFolder } from '../helpers/dataset-files.ts'
import { needsShared, sharedPath } from '../helpers/shared.ts'
import { attemptRow, decisionRow, observation, rewardRow, START_MS } from '../helpers/store-rows.ts'

const cli = resolve(import.meta.dirname, '..', '..', 'cli.ts')

const MAPPING = `
files: [outcomes.csv]
licence: MIT
prompt_id: id
prompt: question
category: topic
arm_columns: { quality: '{arm} score', cost_usd: '{arm} usd' }
`
const QUESTIONS = Array.from({ length: 200 }, (_, i) => [
  `q${i}`,
  `What is ${i} plus ${i}?`,
  i % 2 === 0 ? 'math' : 'chat',
  i % 3 === 0 ? 0 : 1,
  0.01,
  i % 2,
  0.001,
])
const OUTCOMES = csv([
  ['id', 'question', 'topic', 'large score', 'large usd', 'small score', 'small usd'],
  ...QUESTIONS,
])

describe('datasets on the command line', () => {
  let folder: Folder
  let place = ''

  before(async () => {
    folder = await temporaryFolder()
    place = await folder.of({
      'sets/mine/mapping.yaml': MAPPING,
      'sets/mine/outcomes.csv': OUTCOMES,
      'bad/mapping.yaml': MAPPING,
      'bad/outcomes.csv': OUTCOMES.replace(
        'q3,What is 3 plus 3?,chat,0',
        'q3,What is 3 plus 3?,chat,9',
      ).replace('q7,', 'q6,'),
      'log.dsjson': Array.from(
        { length: 10 },
        (_, i) =>
          `${JSON.stringify({ EventId: `e${i}`, Timestamp: `2024-01-0${1 + (i % 9)}T00:00:00Z`, _label_cost: -i, _label_probability: 0.5, a: [2, 1], c: { user: 'u', _multi: [{ _tag: 'a' }, { _tag: 'b' }] } })}\n`,
      ).join(''),
    })
  })
  after(() => folder.close())

  async function highwayman(args: readonly string[], more: Readonly<Record<string, string>> = {}) {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.endsWith('_API_KEY')))
    return await new Promise<{ code: number; stdout: string; stderr: string }>((done) => {
      execFile(
        process.execPath,
        [cli, ...args],
        { cwd: place, env: { ...env, ...more } },
        (error, stdout, stderr) => {
          done({
            code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1,
            stdout,
            stderr,
          })
        },
      )
    })
  }
  async function json(args: readonly string[], more: Readonly<Record<string, string>> = {}) {
    const { code, stdout, stderr } = await highwayman([...args, '--json'], more)
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout)
  }

  test('list: bundled sets and those on the search path', async () => {
    const { datasets } = await json(['datasets', 'list'], { HIGHWAYMAN_DATASETS: join(place, 'sets') })
    const mine = datasets.find((set: { name: string }) => set.name === 'mine')
    assert.deepEqual(
      [datasets[0].name, mine.rows, mine.arms, mine.licence, mine.kind],
      ['crossroads', 200, 2, 'MIT', 'outcomes'],
    )
    const { stdout } = await highwayman(['datasets', 'list', '--in', join(place, 'sets')])
    assert.match(stdout, /^mine +outcomes +mapped +200 × 2 +MIT +\//m)
  })

  test('describe: means by arm, and that nothing is known of latency', async () => {
    const set = await json(['datasets', 'describe', 'sets/mine'])
    assert.deepEqual(
      set.arms.map(({ arm, quality, costUsd }: { arm: string; quality: number; costUsd: number }) => [
        arm,
        quality,
        costUsd.toFixed(3),
      ]),
      [
        ['large', 133 / 200, '0.010'],
        ['small', 0.5, '0.001'],
      ],
    )
    assert.deepEqual([set.latency, set.licence, set.format], ['none', 'MIT', 'mapped'])
    const { stdout } = await highwayman(['datasets', 'describe', 'sets/mine'])
    assert.match(stdout, /rows: 200 × 2 arms/)
    assert.match(stdout, /^large +200 +0 +0\.6650 +10\.0000 +0$/m)
  })

  test('validate: exit code 0 where it is sound, 2 where it is not, with everything that is wrong', async () => {
    const sound = await json(['datasets', 'validate', 'sets/mine'])
    assert.deepEqual([sound.ok, sound.sets[0].rows], [true, 200])
    const { code, stdout } = await highwayman(['datasets', 'validate', 'bad', '--json'])
    assert.equal(code, 2)
    const { ok, sets } = JSON.parse(stdout)
    assert.equal(ok, false)
    assert.deepEqual(
      sets[0].problems.map((problem: string) => problem.replace(/^.*outcomes/, '')),
      [
        '.csv:5 large score: expected a quality in [0, 1], got 9',
        '.csv:9 prompt_id: expected an id of its own, got "q6" of line 8',
      ],
    )
    const text = await highwayman(['datasets', 'validate', 'bad'])
    assert.match(text.stdout, /198 rows, 2 problems/)
    const gone = await highwayman(['datasets', 'validate', 'nowhere', '--json'])
    assert.equal(gone.code, 2)
    assert.equal(JSON.parse(gone.stdout).error.code, 'dataset_not_found')
  })

  test('convert: a table to rows of ours, of one split, in each form', async () => {
    const expected = await rowsOf(join(place, 'sets/mine'))
    for (const out of ['out/rows.jsonl.gz', 'out/rows.parquet', 'out/set']) {
      const result = await json(['datasets', 'convert', '--in', 'sets/mine', '--out', out])
      assert.deepEqual([result.rows, result.latency], [200, 'none'])
      assert.deepEqual(await rowsOf(join(place, out)), expected)
    }
    await json(['datasets', 'convert', '--in', 'sets/mine', '--out', 'out/test.jsonl', '--split', 'test'])
    assert.deepEqual(
      await rowsOf(join(place, 'out/test.jsonl')),
      expected.filter(({ split }) => split === 'test'),
    )
    const wrong = await highwayman(['datasets', 'convert', '--in', 'sets/mine', '--out', 'x.csv'])
    assert.deepEqual([wrong.code, /\.jsonl, \.jsonl\.gz or \.parquet/.test(wrong.stderr)], [2, true])
  })

  test('convert: a foreign log to a log of ours, only with the assumption named', async () => {
    const refused = await highwayman([
      'datasets',
      'convert',
      '--in',
      'log.dsjson',
      '--out',
      'log.parquet',
      '--json',
    ])
    assert.deepEqual([refused.code, JSON.parse(refused.stdout).error.code], [2, 'dataset_bad_option'])
    const done = await json([
      'datasets',
      'convert',
      '--in',
      'log.dsjson',
      '--out',
      'log.parquet',
      '--spread-propensity',
    ])
    assert.equal(done.rows, 10)
    assert.match(done.propensity, /assumed to be equal/)
    const rows = await listOf(readLogFile(join(place, 'log.parquet')))
    assert.deepEqual(
      rows.map(({ arm, propensity }) => [arm, propensity]),
      Array(10).fill(['b', 0.5]),
    )
    await json(['datasets', 'convert', '--in', 'log.dsjson', '--out', 'log.vw.gz'])
    assert.equal((await listOf(readBanditFile(join(place, 'log.vw.gz')))).at(-1)?.reward, 9)
  })

  test('convert: the log of the store', async () => {
    const store = await openStore({ kind: 'embedded', dataDir: join(place, 'data'), replica: 'r' })
    const row = decisionRow({}, { atMs: START_MS })
    store.appendDecision(row)
    store.appendAttempt(attemptRow({ decisionId: row.decision.id }))
    const judged = [observation({ decisionId: row.decision.id })]
    await store.writeReward(rewardRow({ decisionId: row.decision.id, valueNumber: 0.5 }), judged)
    await store.close()
    const args = [
      'datasets',
      'convert',
      '--in',
      'store',
      '--data-dir',
      'data',
      '--from',
      new Date(START_MS - 60_000).toISOString(),
    ]
    const done = await json([...args, '--out', 'store.vw'])
    assert.equal(done.rows, 1)
    const [decision] = await listOf(readBanditFile(join(place, 'store.vw')))
    assert.deepEqual([decision?.reward, decision?.actions.length], [0.5, row.decision.eligible.length])
  })

  test('split: new shares, the same prompt on one side; logs by time', async () => {
    const done = await json([
      'datasets',
      'split',
      '--in',
      'sets/mine',
      '--out',
      'split',
      '--shares',
      'train=50,val=20,test=30',
      '--by',
      'category',
    ])
    assert.deepEqual(done.splits, { train: 100, val: 40, test: 60 })
    assert.equal((await openDataset(join(place, 'split'))).origin?.format, 'rows')
    const logs = await json([
      'datasets',
      'split',
      '--in',
      'log.dsjson',
      '--out',
      'by-time',
      '--format',
      'dsjson',
    ])
    assert.equal(logs.splits.train + logs.splits.test, 10)
    const [train, rest] = await Promise.all(
      ['train', 'test'].map((name) => listOf(readBanditFile(join(place, `by-time/${name}.dsjson`)))),
    )
    const last = Math.max(...(train ?? []).map(({ atMs }) => atMs ?? Number.NaN))
    assert.ok((rest ?? []).every(({ atMs }) => (atMs ?? 0) > last))
    const wrong = await highwayman([
      'datasets',
      'split',
      '--in',
      'sets/mine',
      '--out',
      'x',
      '--shares',
      'train=50',
    ])
    assert.deepEqual([wrong.code, /sum to 100/.test(wrong.stderr)], [2, true])
  })

  test('fetch: what there is, a set with its checksums, and a mismatch as exit code 1', async () => {
    const { sets } = await json(['datasets', 'fetch'])
    assert.ok('routellm' in sets)
    const server = createServer((_, response) => response.end(OUTCOMES)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/outcomes.csv`
      const manifest = (sha256: string) =>
        JSON.stringify({
          mine: { what: 'w', source: 's', licence: 'MIT', files: [{ url, path: 'outcomes.csv', sha256 }] },
        })
      const right = createHash('sha256').update(OUTCOMES).digest('hex')
      const files = await folder.of({ 'good.json': manifest(right), 'bad.json': manifest('0'.repeat(64)) })
      const done = await json([
        'datasets',
        'fetch',
        'mine',
        '--manifest',
        join(files, 'good.json'),
        '--to',
        'fetched',
      ])
      assert.deepEqual([done.files[0].sha256, done.files[0].checked], [right, 'manifest'])
      assert.equal(await readFile(join(place, 'fetched/outcomes.csv'), 'utf8'), OUTCOMES)
      const bad = await highwayman([
        'datasets',
        'fetch',
        'mine',
        '--manifest',
        join(files, 'bad.json'),
        '--to',
        'refused',
        '--json',
      ])
      assert.deepEqual([bad.code, JSON.parse(bad.stdout).error.code], [1, 'dataset_checksum'])
      assert.deepEqual(await readdir(join(place, 'refused')), [])
      const unknown = await highwayman(['datasets', 'fetch', 'nothing'])
      assert.deepEqual([unknown.code, /the manifest, which has routellm/.test(unknown.stderr)], [2, true])
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  test('replay takes a table with its mapping like any set', async () => {
    for (const dataset of ['sets/mine', 'sets/mine/mapping.yaml', 'out/rows.parquet']) {
      const result = await json([
        'replay',
        '--dataset',
        dataset,
        '--split',
        'test',
        '--policy',
        'cheapest',
        '--seeds',
        '1',
      ])
      assert.ok(result.n > 30 && result.n < 90, `${dataset}: ${result.n}`)
      assert.deepEqual([...result.arms].sort(), ['large', 'small'])
    }
  })

  test('join a latency: only when asked, and said', needsShared('data/latency-llmperf'), async () => {
    const prices = Object.fromEntries(
      ['large', 'small'].map((arm) => [arm, { input_usd_per_mtok: 1, output_usd_per_mtok: 1 }]),
    )
    const set = await folder.of({
      'mapping.yaml': MAPPING,
      'outcomes.csv': OUTCOMES,
      'models.json': JSON.stringify(prices),
    })
    const measured = sharedPath('data/latency-llmperf/requests.jsonl.gz')
    const args = ['datasets', 'convert', '--in', set, '--out', 'joined']
    const done = await json([
      ...args,
      '--join-latency',
      measured,
      '--latency-of',
      'small=groq/llama-2-70b-chat',
    ])
    assert.match(done.latency, /^joined from .*requests\.jsonl\.gz, not observed$/)
    const file = await highwayman([
      'datasets',
      'convert',
      '--in',
      set,
      '--out',
      'j.jsonl',
      '--join-latency',
      measured,
    ])
    assert.deepEqual([file.code, /give a folder/.test(file.stderr)], [2, true])
    const described = await json(['datasets', 'describe', 'joined'])
    assert.match(described.latency, /^joined from requests\.jsonl\.gz \(.*\), not observed$/)
    const small = (await openDataset(join(place, 'joined'))).models.get('small')
    assert.equal(small?.latencySource, 'joined from requests.jsonl.gz (groq/llama-2-70b-chat), not observed')
    assert.equal(Math.round(small?.latency?.ttftMsP50 ?? 0), 222)
  })
})
