/** `highwayman evaluate` on files and on a store: numbers, refusals by exit code, parts of a log by threads and by machines. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStore } from '../../adapters/index.ts'
import {
  driveTraffic,
  openDataset,
  type PromptRow,
  repeatRows,
  type TrafficResult,
  writeLogFile,
} from '../../datasets/index.ts'
import { createPolicyFile, policyFileHash, writePolicyFile } from '../../engine/index.ts'
import { type Evaluation, readEvaluation } from '../../eval/index.ts'
import { startChildServer } from '../helpers/child-server.ts'
import { startTestClickHouse, type TestClickHouse } from '../helpers/clickhouse-http.ts'
import { assertClose } from '../helpers/engine.ts'
import { golden } from '../helpers/golden.ts'
import { loggedWorld, readable, type World } from '../helpers/logged-world.ts'
import { needsShared, sharedPath } from '../helpers/shared.ts'

const cli = resolve(import.meta.dirname, '..', '..', 'cli.ts')

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function highwayman(folder: string, ...args: string[]): Promise<Ran> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.endsWith('_API_KEY')))
  return new Promise((done) => {
    const options = { cwd: folder, env, maxBuffer: 64 * 1024 * 1024 }
    execFile(process.execPath, [cli, 'evaluate', ...args], options, (error, stdout, stderr) => {
      done({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, stdout, stderr })
    })
  })
}

async function json(folder: string, ...args: string[]): Promise<Evaluation> {
  const { stdout, stderr } = await highwayman(folder, ...args, '--json')
  assert.notEqual(stdout, '', stderr)
  return JSON.parse(stdout) as Evaluation
}

async function everyPrompt(): Promise<PromptRow[]> {
  const prompts: PromptRow[] = []
  for await (const row of (await openDataset('crossroads')).rows()) prompts.push(row)
  return prompts
}

describe('evaluate on the command line', () => {
  let folder: string
  let world: World

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'highwayman-cli-evaluate-'))
    world = await loggedWorld({ decisions: 2_000, tenants: 2 })
    await writeLogFile(readable(world.rows)(), join(folder, 'log.jsonl.gz'))
    await writeLogFile(readable(world.rows.slice(0, 700))(), join(folder, 'a.parquet'))
    await writeLogFile(readable(world.rows.slice(700))(), join(folder, 'b.dsjson'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  test('tells what a policy would have been worth, and whether it is better', async () => {
    const { code, stdout } = await highwayman(folder, '--log', 'log.jsonl.gz', '--policy', 'thompson:1')
    assert.equal(code, 0)
    assert.match(stdout, /thompson:1 against live on 2000 decisions/)
    assert.match(stdout, /effective sample size \d+ of 2000/)
    assert.match(stdout, /thompson:1 is better than live in utility, by \+0\.0\d+/)
    const { refused, estimates, values, diagnostics } = await json(
      folder,
      '--log',
      'log.jsonl.gz',
      '--policy',
      'thompson:1',
      '--estimator',
      'ips,mle',
    )
    assert.equal(refused, false)
    assert.deepEqual(Object.keys(estimates), ['dr', 'snips', 'cressie_read', 'ips', 'mle'])
    assert.ok(values.utility!.difference.lo > 0)
    assert.ok(diagnostics.ess > 200)
  })

  test('by threads over several files, and by machines over shards: the same', async () => {
    const flags = ['--policy', 'thompson:1', '--objective', 'quality']
    const whole = await json(folder, '--log', 'log.jsonl.gz', ...flags)
    const threads = await json(folder, '--log', 'a.parquet', 'b.dsjson', '--threads', '2', ...flags)
    assert.equal(threads.logged.n, 2_000)
    for (const [name, { value, lo, hi }] of Object.entries(whole.estimates)) {
      const estimate = threads.estimates[name]!
      for (const [one, other] of [
        [estimate.value, value],
        [estimate.lo, lo],
        [estimate.hi, hi],
      ] as const) {
        assertClose(one, other, 1e-9, name)
      }
    }
    const states = ['part-0.json', 'part-1.json', 'part-2.json']
    for (const [i, state] of states.entries()) {
      const part = ['--log', 'log.jsonl.gz', ...flags, '--shards', `${i}/3`, '--state', state]
      assert.equal((await highwayman(folder, ...part)).code, 0)
    }
    const merged = await json(folder, '--merge', ...states)
    assert.equal(merged.logged.n, 2_000)
    assertClose(merged.diagnostics.ess, whole.diagnostics.ess, 1e-9)
    // Without a model the parts are the whole; with one of fewer rows each, DR is near it.
    assertClose(merged.estimates['snips']!.value, whole.estimates['snips']!.value, 1e-9)
    const { dr } = whole.estimates
    assert.ok(Math.abs(merged.estimates['dr']!.value - dr!.value) < (dr!.hi - dr!.lo) / 4)
    const other = ['--log', 'log.jsonl.gz', '--policy', 'uniform', '--shards', '0/3', '--state', 'other.json']
    await highwayman(folder, ...other)
    const mixed = await highwayman(folder, '--merge', 'other.json', 'part-1.json')
    assert.equal(mixed.code, 2)
    assert.match(mixed.stderr, /different questions/)
    const twice = await highwayman(folder, '--merge', ...states, 'part-1.json')
    assert.equal(twice.code, 2)
    assert.match(twice.stderr, /--shards 1\/3 and --shards 1\/3 of log\.jsonl\.gz, have decisions in common/)
  })

  test('a decision that is in the log twice is refused, by its id and both places', async () => {
    const { rows } = world
    await writeLogFile(readable(rows.slice(0, 1_000))(), join(folder, 'early.jsonl'))
    await writeLogFile(readable(rows.slice(999))(), join(folder, 'late.dsjson'))
    await writeLogFile(readable([...rows.slice(0, 500), rows[7]!])(), join(folder, 'again.parquet'))
    await symlink('early.jsonl', join(folder, 'same.jsonl'))
    const both = ['early.jsonl', 'late.dsjson']
    const policy = ['--policy', 'uniform']
    const bordering = `decision ${rows[999]!.id} is in early.jsonl:1000 and again in late.dsjson:1`
    const cases: [string[], string][] = [
      [['--log', ...both, '--threads', '1', ...policy], bordering],
      [['--log', ...both, '--threads', '2', ...policy], bordering],
      [
        ['--log', 'again.parquet', ...policy],
        `${rows[7]!.id} is in again.parquet:8 and again in again.parquet:501`,
      ],
      [['--log', 'early.jsonl', 'same.jsonl', ...policy], 'given twice, early.jsonl and same.jsonl'],
    ]
    for (const [args, message] of cases) {
      const { code, stderr } = await highwayman(folder, ...args)
      assert.equal(code, 2, stderr)
      assert.ok(stderr.includes(message), stderr)
    }
    // Where the span leaves one of the two out, nothing is counted twice.
    const before = new Date(rows[999]!.atMs).toISOString()
    const { code, stderr } = await highwayman(folder, '--log', ...both, '--to', before, ...policy)
    assert.equal(code, 0, stderr)
  })

  test('of a span and a tenant', async () => {
    const from = new Date(world.rows[500]!.atMs).toISOString()
    const to = new Date(world.rows[1_500]!.atMs).toISOString()
    const args = ['--log', 'log.jsonl.gz', '--policy', 'live', '--from', from, '--to', to]
    assert.equal((await json(folder, ...args)).logged.n, 1_000)
    const ofTenant = world.rows.slice(500, 1_500).filter(({ tenant }) => tenant === 'tenant-1').length
    assert.equal((await json(folder, ...args, '--tenant', 'tenant-1')).logged.n, ofTenant)
  })

  test('no estimate: exit code 3, and what to do', async () => {
    const args = ['--log', 'log.jsonl.gz', '--policy', 'thompson:1', '--to', '2026-01-05T00:02:00Z']
    const { code, stdout } = await highwayman(folder, ...args)
    assert.equal(code, 3)
    assert.match(stdout, /no estimate:\n {2}ess: 120 decisions count like \d+/)
    const refused = await json(folder, ...args)
    assert.deepEqual([refused.refused, refused.reasons.map(({ code: reason }) => reason)], [true, ['ess']])
    assert.deepEqual([refused.estimates, refused.values], [{}, {}])
  })

  test('what cannot be asked: exit code 2', async () => {
    const cases: [string[], RegExp][] = [
      [['--log', 'log.jsonl.gz', '--policy', 'round-robin'], /whose turn it is/],
      [['--log', 'log.jsonl.gz', '--policy', 'fixed:nobody'], /nobody.*could have drawn/],
      [['--log', 'log.jsonl.gz', '--policy', 'thomson'], /unknown policy 'thomson'/],
      [['--log', 'missing.jsonl', '--policy', 'live'], /missing\.jsonl/],
      [['--policy', 'live'], /--log and --policy/],
      [['--log', 'log.jsonl.gz', '--policy', 'live', '--shards', '3/3'], /0\/4/],
      [['--log', 'log.jsonl.gz', '--policy', 'live', '--shards', '0/3'], /--state/],
      [['--log', 'log.jsonl.gz', '--policy', 'live', '--preferences', 'usd=1'], /usd_per_quality_point/],
      [['--merge', 'log.jsonl.gz'], /not JSON/],
      [['--log', 'large.jsonl', '--policy', 'live'], /large\.jsonl:42: cost_usd: expected .*, got 1e\+300;/],
    ]
    const large = world.rows.slice(0, 60).map((row, i) => (i === 41 ? { ...row, costUsd: 1e300 } : row))
    await writeLogFile(readable(large)(), join(folder, 'large.jsonl'))
    for (const [args, message] of cases) {
      const { code, stderr } = await highwayman(folder, ...args)
      assert.equal(code, 2, args.join(' '))
      assert.match(stderr, message)
    }
  })

  test('a policy file, on the log of a store', async () => {
    const file = createPolicyFile(world.router, {
      policy: { name: 'thompson' },
      hyperparameters: { floor: 0.05, effectiveSamples: 500, halfLifeMs: {} },
      provenance: { createdMs: 0, source: 'test', split: 'all', rows: 2_000 },
    })
    await writeFile(join(folder, 'policy.json'), writePolicyFile(file))
    const store = await openStore({ kind: 'embedded', dataDir: join(folder, 'data'), replica: 'writer' })
    await store.importLog(readable(world.rows)())
    await store.close()
    const flags = ['--policy', 'policy.json', '--objective', 'quality']
    const stored = await json(folder, '--log', 'store', '--data-dir', 'data', ...flags)
    const fromFile = await json(folder, '--log', 'log.jsonl.gz', ...flags)
    assert.deepEqual([stored.target, stored.targetHash], ['policy.json', policyFileHash(file)])
    assert.equal(stored.logged.n, 2_000)
    assertClose(stored.estimates['dr']!.value, fromFile.estimates['dr']!.value, 1e-9)
    assert.ok(stored.values.quality!.difference.lo > 0)

    // On record, and then the one to be compared with.
    const recorded = await json(folder, '--log', 'store', '--data-dir', 'data', ...flags, '--record')
    const nameless = ['--log', 'store', '--data-dir', 'data', '--policy', 'uniform', '--record']
    assert.equal((await highwayman(folder, ...nameless)).code, 2)
    const hash = policyFileHash(file)
    const again = await openStore({ kind: 'embedded', dataDir: join(folder, 'data'), replica: 'reader' })
    const [row, ...others] = await again.readEvaluations({ targetHash: hash })
    assert.equal(others.length, 0)
    assert.equal(row?.id, (recorded as Evaluation & { recorded: string }).recorded)
    assert.equal(row.against, 'logged')
    const read = readEvaluation(row.evaluation)
    assert.deepEqual(read.values.quality, stored.values.quality)
    const common = { atMs: Date.now(), actor: 'test' }
    assert.equal((await again.readPolicy(hash))?.hash, hash)
    await again.appendRollout({
      ...common,
      id: '01890000-0000-7000-8000-000000000001',
      model: 'auto',
      action: 'full',
      outcome: 'done',
      policyHash: hash,
      share: 1,
      forced: false,
      reason: '',
      refusals: [],
      evaluationId: '',
    })
    await again.close()
    const promoted = await json(folder, '--log', 'store', '--data-dir', 'data', '--policy', 'uniform')
    assert.equal(promoted.againstHash, hash)
    assert.equal((promoted.values.utility?.difference.hi ?? 0) < 0, true)
    const logged = await json(folder, '--log', 'store', '--data-dir', 'data', ...flags, '--against', 'logged')
    assert.equal(logged.againstHash, undefined)
  })

  test('a report that needs nothing else, with its JSON; of a refused one the reasons', async () => {
    const report = ['--log', 'log.jsonl.gz', '--report', 'out.html', '--policy']
    await highwayman(folder, ...report, 'thompson:1')
    const page = await readFile(join(folder, 'out.html'), 'utf8')
    assert.match(page, /thompson:1 is better than live in utility/)
    assert.match(page, /highwayman evaluate --log log\.jsonl\.gz/)
    assert.doesNotMatch(page, /<script|https?:\/\//)
    const data = JSON.parse(await readFile(join(folder, 'out.json'), 'utf8')) as Evaluation
    assert.equal(data.target, 'thompson:1')
    await highwayman(folder, ...report, 'uniform', '--to', '2026-01-05T00:01:00Z')
    assert.match(await readFile(join(folder, 'out.html'), 'utf8'), /No estimate.*<code>ess<\/code>/s)
  })
})

describe('over a ClickHouse server', () => {
  const PASSWORD = 'secret'
  let server: TestClickHouse
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'highwayman-cli-evaluate-remote-'))
    server = await startTestClickHouse(PASSWORD)
  })
  after(async () => {
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test('threads read a shard each, and come to what one would', async () => {
    const world = await loggedWorld({ decisions: 1_200 })
    const location = { kind: 'remote', url: server.url, password: PASSWORD, database: 'evaluated' } as const
    const store = await openStore({ ...location, replica: 'writer' })
    await store.importLog(readable(world.rows)())
    await store.close()
    const yaml = [
      'providers: { openai: { apiKey: none } }',
      'arms: { openai/gpt-5: {} }',
      `store: { url: "${server.url}", database: evaluated, password: ${PASSWORD} }`,
    ]
    await writeFile(join(folder, 'highwayman.yaml'), yaml.join('\n'))
    await writeLogFile(readable(world.rows)(), join(folder, 'log.jsonl'))
    const flags = ['--policy', 'thompson:1', '--objective', 'quality']
    const alone = await json(folder, '--log', 'log.jsonl', ...flags)
    const together = await json(folder, '--log', 'store', '--threads', '3', ...flags)
    assert.equal(together.logged.n, 1_200)
    assertClose(together.estimates['dr']!.value, alone.estimates['dr']!.value, 1e-9)
    assertClose(together.estimates['dr']!.lo, alone.estimates['dr']!.lo, 1e-9)
  })
})

describe('while a server runs', () => {
  test('the log of its embedded store is read by way of it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'highwayman-cli-evaluate-server-'))
    const dataDir = join(folder, 'data')
    const serve = ['--dataset', 'crossroads', '--latency-scale', '0', '--data-dir', dataDir]
    const server = await startChildServer(serve)
    try {
      const rows = await everyPrompt()
      const results: TrafficResult[] = []
      const flags = ['--log', 'store', '--data-dir', dataDir]
      /** Sends so many more, and judges the log when it has them. */
      const judged = async (requests: number): Promise<Evaluation> => {
        results.push(...(await driveTraffic({ url: server.url, prompts: repeatRows(rows, requests) })))
        assert.equal(results.filter(({ error }) => error !== undefined).length, 0)
        // What was answered and told is written soon, and on a busy machine later.
        for (const deadline = Date.now() + 60_000; ; await sleep(500)) {
          const live = await json(folder, ...flags, '--policy', 'live')
          const isWhole = live.logged.n === results.length && live.diagnostics.toldShare['quality'] === 1
          if (isWhole || Date.now() > deadline) return live
        }
      }
      let live = await judged(300)
      // Draws are the server's own: of honest logs of 300 an arm is 4 standard deviations off in 7 of 10,000, and hardly one
      // of these still is when there are ten times as many (z of the 300 then counts for a third: 2 in 1,000).
      if (live.reasons.map(({ code }) => code).join() === 'calibration') live = await judged(2_700)
      const { logged, refused, reasons, values } = live
      assert.deepEqual([logged.n, refused, reasons], [results.length, false, []])
      const named = await json(folder, '--log', 'store', '--url', server.url, '--policy', 'live')
      assert.deepEqual(named.values, (await json(folder, ...flags, '--policy', 'live')).values)
      const greedy = ['--policy', 'softmax:0.2', '--against', 'softmax:0.2', '--no-explore']
      assert.equal((await json(folder, ...flags, ...greedy)).against, 'softmax:0.2')
      const mean = results.reduce((sum, { quality }) => sum + (quality ?? 0), 0) / results.length
      assertClose(values.quality!.target.value, mean, 0.02)
    } finally {
      await server.kill('SIGTERM')
      await rm(folder, { recursive: true, force: true })
    }
  })
})

suite('Open Bandit', needsShared('data', 'obd'), () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'highwayman-cli-obd-'))
    const { input } = golden<{ input: { pi_e: number[][] } }>('obd-random-men-evaluate-bts.json', 'ope')
    const positions = [0, 1, 2].map((position) => [
      String(position + 1),
      Object.fromEntries(input.pi_e.map((row, item) => [String(item), row[position]])),
    ])
    const table = { format: 'highwayman-distribution', byClass: Object.fromEntries(positions) }
    await writeFile(join(folder, 'thompson.json'), JSON.stringify(table))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  test('men, the uniform log: the interval holds what the Thompson policy’s own log has, 0.0069', async () => {
    const log = sharedPath('data', 'obd', 'random_men.csv.gz')
    const { refused, estimates, diagnostics } = await json(folder, '--log', log, '--policy', 'thompson.json')
    assert.equal(refused, false)
    for (const name of ['dr', 'snips', 'cressie_read']) {
      const { lo, hi } = estimates[name]!
      assert.ok(lo <= 0.0069 && 0.0069 <= hi, `${name} [${lo}, ${hi}]`)
    }
    // As the reference has it: obp's IPS and SNIPS of the same rows, and their effective sample size.
    assertClose(estimates['ips']!.value, 0.00453356, 1e-8)
    assertClose(estimates['snips']!.value, 0.0046042321643, 1e-8)
    assertClose(diagnostics.ess, 2_467.402418, 1e-6)
  })

  test('women, the Thompson log: nothing can be told of the uniform policy', async () => {
    const log = sharedPath('data', 'obd', 'bts_women.csv.gz')
    const { code, stdout } = await highwayman(folder, '--log', log, '--policy', 'uniform')
    assert.equal(code, 3)
    assert.match(stdout, /ess: 10000 decisions count like 2\.08 of the target's own/)
  })
})
