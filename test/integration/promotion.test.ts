/** The way of a policy file to all traffic and back, by the command line, with processes that are stopped and started. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDataset, readLogFile } from '../../datasets/index.ts'
import { policyFileHash, readPolicyFile } from '../../engine/index.ts'
import type { EvaluationJson } from '../../eval/gate/index.ts'
import { type ChildServer, startChildServer } from '../helpers/child-server.ts'
import { evaluationJson } from '../helpers/evaluation.ts'
import { policyFile } from '../helpers/policies.ts'
import { startFleet } from '../helpers/replica-fleet.ts'

const cli = resolve(import.meta.dirname, '..', '..', 'cli.ts')
const NOT_PROMOTED = 4
const REQUESTS = 100

interface Run {
  readonly code: number
  readonly json: Record<string, unknown>
  readonly stdout: string
}

function highwayman(...args: string[]): Promise<Run> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.endsWith('_API_KEY')))
  return new Promise((done) => {
    execFile(process.execPath, [cli, ...args], { cwd: tmpdir(), env }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error === null ? 0 : 1
      assert.ok(code === 0 || stderr !== '', 'a failure is told')
      done({ code, stdout, json: args.includes('--json') ? JSON.parse(stdout) : {} })
    })
  })
}

async function policyOf(server: ChildServer, requestId: string): Promise<string> {
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': requestId },
    body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: `What is ${requestId}?` }] }),
  })
  await response.text()
  assert.equal(response.status, 200)
  return response.headers.get('x-highwayman-policy') ?? ''
}

async function served(server: ChildServer): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  for (let i = 0; i < REQUESTS; i++) {
    const policy = await policyOf(server, `request-${i}`)
    counts.set(policy, (counts.get(policy) ?? 0) + 1)
  }
  return counts
}

describe('a policy on its way, by the command line', () => {
  let folder: string
  let dataDir: string
  let server: ChildServer
  let file: string
  let hash: string
  let label: string
  const start = () =>
    startChildServer(['--dataset', 'crossroads', '--latency-scale', '0', '--data-dir', dataDir])
  const run = (...args: string[]) => highwayman(...args, '--data-dir', dataDir, '--json')
  const evaluation = async (name: string, change: Partial<EvaluationJson> = {}): Promise<string> => {
    const path = join(folder, name)
    await writeFile(path, JSON.stringify(evaluationJson({ targetHash: hash, ...change })))
    return path
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'highwayman-promotion-'))
    dataDir = join(folder, 'data')
    file = join(folder, 'policy.json')
    // With a text block: another feature space than the one that the server learns in.
    const fitted = await highwayman(
      ...[
        'fit',
        '--dataset',
        'crossroads',
        '--policy',
        'cheapest',
        '--text-components',
        '4',
        '--out',
        file,
        '--json',
      ],
    )
    assert.equal(fitted.code, 0)
    hash = policyFileHash(readPolicyFile(JSON.parse(await readFile(file, 'utf8'))))
    label = `cheapest@${hash.slice(0, 12)}`
    server = await start()
  })
  after(async () => {
    await server?.kill('SIGTERM')
    await rm(folder, { recursive: true, force: true })
  })

  test('is refused with its reasons and an exit code, without an evaluation and with one that shows no gain', async () => {
    const refusedFor = async (...args: string[]) => {
      const { code, json } = await run('promote', file, ...args)
      assert.equal(code, NOT_PROMOTED)
      const { error } = json as { error: { code: string; reasons: { code: string }[] } }
      assert.equal(error.code, 'promotion_refused')
      return error.reasons.map((reason) => reason.code)
    }
    assert.deepEqual(await refusedFor(), ['no_evaluation'])
    const { values } = evaluationJson()
    const utility = { ...values.utility!, difference: { value: 0.01, lo: -0.01, hi: 0.03 } }
    const path = await evaluation('no-gain.json', { values: { ...values, utility } })
    assert.equal((await run('policies', 'record', path)).code, 0)
    assert.deepEqual(await refusedFor('--full'), ['not_better'])
    assert.equal((await run('promote', join(folder, 'no-gain.json'))).code, 2, 'that is no policy file')
    assert.equal(await policyOf(server, 'request-0'), 'thompson')
  })

  test('made of a data set for the running server, is over the features of its log', async () => {
    const spaceOf = async (path: string) =>
      readPolicyFile(JSON.parse(await readFile(path, 'utf8'))).featureSpace
    const drafted = await run(
      'policies',
      'draft',
      '--policy',
      'softmax:0.1',
      '--out',
      join(folder, 'draft.json'),
    )
    assert.equal(drafted.code, 0, drafted.stdout)
    const draft = await spaceOf(join(folder, 'draft.json'))
    const log = join(folder, 'log.jsonl')
    assert.equal((await run('log', 'export', '--out', log)).code, 0)
    const spaces: string[] = []
    for await (const { featureSpace } of readLogFile(log)) spaces.push(featureSpace)
    assert.deepEqual([...new Set(spaces)], [draft.id])
    const fitted = await run(
      'fit',
      '--dataset',
      'crossroads',
      '--classes',
      'gateway',
      '--out',
      join(folder, 'ours.json'),
    )
    assert.equal(fitted.code, 0, fitted.stdout)
    assert.deepEqual(await spaceOf(join(folder, 'ours.json')), draft)
    const labels = fitted.json['labels'] as { rows: { byName: number } }
    assert.equal(labels.rows.byName, fitted.json['rows'])
    const nowhere = await run(
      'policies',
      'draft',
      '--policy',
      'softmax:0.1',
      '--url',
      'http://127.0.0.1:9',
      '--out',
      'x',
    )
    assert.equal((nowhere.json['error'] as { code: string }).code, 'server_unreachable')
  })

  test('gets a share, then all, keeps it over a restart, and goes back', async () => {
    const canary = await run('promote', file, '--evaluation', await evaluation('gain.json'), '--share', '0.5')
    assert.equal(canary.code, 0, canary.stdout)
    assert.deepEqual(
      [canary.json['action'], canary.json['hash'], canary.json['share']],
      ['canary', hash, 0.5],
    )
    const shared = await served(server)
    // 100 draws at 0.5: five standard deviations are 25.
    assert.ok(Math.abs((shared.get(label) ?? 0) - REQUESTS / 2) < 25, JSON.stringify([...shared]))
    assert.equal((shared.get(label) ?? 0) + (shared.get('thompson') ?? 0), REQUESTS)
    const full = await run('promote', hash.slice(0, 8), '--full', '--reason', 'a quiet week')
    assert.equal(full.code, 0, full.stdout)
    assert.deepEqual([...(await served(server))], [[label, REQUESTS]])

    const running = join(folder, 'running.jsonl')
    assert.equal((await run('log', 'export', '--out', running)).json['decisions'], 1 + 2 * REQUESTS)
    await server.kill('SIGTERM')
    // Nobody has the store open now: the command reads it itself.
    const alone = await run('policies', 'list')
    assert.equal(alone.code, 0)
    const [listed] = alone.json['data'] as Record<string, unknown>[]
    assert.deepEqual(
      [listed?.['hash'], listed?.['serving']],
      [hash, [{ model: 'auto', as: 'live', share: 1 }]],
    )
    const log = join(folder, 'log.jsonl')
    assert.equal((await run('log', 'export', '--out', log)).code, 0)
    assert.equal(await readFile(log, 'utf8'), await readFile(running, 'utf8'))
    const assignments = new Map<string, number>()
    for await (const { assignment } of readLogFile(log)) {
      const key = JSON.stringify(assignment ?? null)
      assignments.set(key, (assignments.get(key) ?? 0) + 1)
    }
    const canaries = shared.get(label) ?? 0
    assert.deepEqual(
      new Map(assignments),
      new Map([
        ['null', 1],
        [JSON.stringify({ policyHash: hash, as: 'canary', probability: 0.5 }), canaries],
        [JSON.stringify({ policyHash: '', as: 'live', probability: 0.5 }), REQUESTS - canaries],
        [JSON.stringify({ policyHash: hash, as: 'live', probability: 1 }), REQUESTS],
      ]),
    )

    server = await start()
    assert.equal(await policyOf(server, 'after-the-restart'), label)
    const back = await run('rollback', '--reason', 'to be seen')
    assert.deepEqual([back.code, back.json['hash']], [0, null])
    assert.equal(await policyOf(server, 'back'), 'thompson')
    assert.equal((await run('rollback')).code, 1, 'there is nothing before the configuration')
  })

  test('can be forced, and the history has every step', async () => {
    assert.equal((await run('promote', hash, '--full', '--force')).code, 2, 'without a reason')
    const stale = await evaluation('refused.json', {
      refused: true,
      reasons: [{ code: 'ess', message: 'few' }],
    })
    const forced = await run(
      'promote',
      hash,
      '--evaluation',
      stale,
      '--full',
      '--force',
      '--reason',
      'a vendor ends',
    )
    assert.deepEqual([forced.code, forced.json['forced']], [0, true])
    const { json } = await run('policies', 'history', '--model', 'auto')
    const steps = json['data'] as Record<string, unknown>[]
    assert.deepEqual(
      steps.map((step) => [
        step['action'],
        step['outcome'],
        step['forced'],
        (step['reasons'] as { code: string }[]).map(({ code }) => code),
      ]),
      [
        ['canary', 'refused', false, ['no_evaluation']],
        ['full', 'refused', false, ['not_better']],
        ['canary', 'done', false, []],
        ['full', 'done', false, []],
        ['rollback', 'done', false, []],
        // The configuration's policy is back since a moment ago, and the log is older.
        ['full', 'done', true, ['evaluation_refused', 'other_incumbent']],
      ],
    )
    const told = await highwayman('policies', 'history', '--data-dir', dataDir)
    assert.match(
      told.stdout,
      /auto: all traffic for \w{12}, forced \[evaluation_refused, other_incumbent\] {2}by .*: a vendor ends/,
    )
    assert.match(told.stdout, new RegExp(`auto is served by ${hash.slice(0, 12)}`))
    assert.equal((await run('policies', 'show', hash.slice(0, 8))).json['hash'], hash)
    assert.equal((await run('rollback')).code, 0)
  })
})

describe('two processes over one ClickHouse', () => {
  test('one promotes, the other follows by itself, forth and back', async () => {
    const dataset = await openDataset('crossroads')
    const fleet = await startFleet({
      dataset,
      replicas: 2,
      mergeEveryMs: 250,
      neverForget: false,
      followEveryMs: 200,
    })
    const folder = await mkdtemp(join(tmpdir(), 'highwayman-promotion-'))
    try {
      const [one, two] = fleet.servers as [ChildServer, ChildServer]
      const policy = policyFile({ policy: { name: 'cheapest' }, classes: ['chat', 'code'] })
      const hash = policyFileHash(policy)
      const label = `cheapest@${hash.slice(0, 12)}`
      const file = join(folder, 'policy.json')
      await writeFile(file, JSON.stringify(policy))
      const good = join(folder, 'evaluation.json')
      await writeFile(good, JSON.stringify(evaluationJson({ targetHash: hash })))
      const promoted = await highwayman(
        ...['promote', file, '--evaluation', good, '--full', '--url', one.url, '--json'],
      )
      assert.equal(promoted.code, 0, promoted.stdout)
      assert.equal(await policyOf(one, 'at-once'), label)
      const follows = async (wanted: string): Promise<void> => {
        for (let tries = 0; (await policyOf(two, `try-${tries}`)) !== wanted; tries++) {
          assert.ok(tries < 1_000, `the other process does not serve by ${wanted}`)
          await sleep(50)
        }
      }
      await follows(label)
      const back = await highwayman('rollback', '--url', two.url, '--json')
      assert.equal(back.code, 0, back.stdout)
      assert.equal(await policyOf(two, 'back'), 'thompson')
      for (let tries = 0; (await policyOf(one, `try-${tries}`)) !== 'thompson'; tries++) {
        assert.ok(tries < 1_000, 'the first process does not go back')
        await sleep(50)
      }
      const unreachable = await highwayman('rollback', '--url', 'http://127.0.0.1:9', '--json')
      assert.equal(unreachable.code, 1)
      assert.equal((unreachable.json['error'] as { code: string }).code, 'server_unreachable')
    } finally {
      await rm(folder, { recursive: true, force: true })
      await fleet.close()
    }
  })
})
