/**
 * An experiment's winner on its way to traffic, by HTTP, on the embedded ClickHouse: what was assigned, measured and promoted is what
 * the store says, after a restart as well.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { driveTraffic, openDataset, type PromptRow, repeatRows } from '../../datasets/index.ts'
import { createFeatureSpace, policyFileHash, readPolicyFile } from '../../engine/index.ts'
import { type ChildServer, startChildServer } from '../helpers/child-server.ts'

const CONTROL = 'sim-openai/turnpike-mini'
const BETTER = 'sim-openai/turnpike-large'
/** On math the arms' true means are 0.63 and 0.83: in 1,200 requests eight standard errors apart. */
const REQUESTS = 1_200
type Json = Record<string, unknown>

describe('an experiment’s winner, on the embedded store', { timeout: 200_000 }, () => {
  let dataDir: string
  let server: ChildServer
  let math: readonly PromptRow[]
  const start = () =>
    startChildServer(['--dataset', 'crossroads', '--latency-scale', '0', '--data-dir', dataDir])

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'highwayman-winner-'))
    const rows: PromptRow[] = []
    for await (const row of (await openDataset('crossroads')).rows())
      if (row.category === 'math') rows.push(row)
    math = rows
    server = await start()
  })
  after(async () => {
    await server?.kill('SIGTERM')
    await rm(dataDir, { recursive: true, force: true })
  })

  async function call(
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly json: Json }> {
    const response = await fetch(`${server.url}/admin/v1/${path}`, {
      ...(body !== undefined && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    })
    return { status: response.status, json: (await response.json()) as Json }
  }
  const codeOf = ({ json }: { readonly json: Json }) => (json['error'] as { code?: string } | undefined)?.code

  /** Of so many requests, by the policy that served them. */
  async function served(count: number): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>()
    for (let i = 0; i < count; i++) {
      const response = await fetch(`${server.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: `What is ${i} + 1?` }] }),
      })
      await response.text()
      const policy = response.headers.get('x-highwayman-policy') ?? ''
      counts.set(policy, (counts.get(policy) ?? 0) + 1)
    }
    return counts
  }

  test('is found in what was stored, passes the gate, serves its share and then all, over a restart', async () => {
    const draft = await call('policies/draft', { policy: { name: 'fixed', arm: BETTER }, floor: 0 })
    const file = readPolicyFile(draft.json)
    assert.equal(file.featureSpace.id, createFeatureSpace().id)
    const hash = policyFileHash(file)
    assert.equal((await call('policies', { policy: draft.json })).json['hash'], hash)

    const created = await call('experiments', {
      key: 'math',
      unit: 'request',
      variants: [
        { key: 'control', policy: { name: 'fixed', arm: CONTROL } },
        { key: 'file', policy: { file: hash } },
      ],
      models: ['auto'],
      planned_units: REQUESTS,
      metrics: [
        { measure: 'utility', role: 'primary', usd_per_quality_point: 0.01 },
        { measure: 'error_rate', role: 'guardrail' },
      ],
    })
    assert.equal(created.status, 201, JSON.stringify(created.json))
    await call('experiments/math/start', {})
    const results = await driveTraffic({
      url: server.url,
      prompts: repeatRows(math, REQUESTS),
      // By their names: drawn anew in each run, the split would raise its alarm in one of 1,000.
      requestId: (n) => `request-${n}`,
      feedback: true,
      concurrency: 32,
    })
    assert.equal(results.find(({ error }) => error !== undefined)?.error, undefined)
    assert.equal(codeOf(await call('experiments/math/promote', {})), 'experiment_state')
    const report = async () => (await call('experiments/math/report')).json
    // Rows are written by batches, a second apart at most.
    const unitsOf = (json: Json) =>
      (json['variants'] as { units: number }[]).reduce((sum, { units }) => sum + units, 0)
    const deadline = Date.now() + 60_000
    while (unitsOf(await report()) < REQUESTS && Date.now() < deadline) await sleep(200)
    assert.equal(unitsOf(await report()), REQUESTS)
    await call('experiments/math/stop', { reason: 'seen enough' })

    assert.equal(codeOf(await call('experiments/math/promote', { variant: 'control' })), 'invalid_experiment')
    const canary = await call('experiments/math/promote', { share: 0.5, actor: 'ann' })
    assert.deepEqual(
      [canary.status, canary.json['outcome'], canary.json['action'], canary.json['hash']],
      [200, 'done', 'canary', hash],
      JSON.stringify(canary.json),
    )
    const label = `fixed@${hash.slice(0, 12)}`
    // Of 200 at one half: more than 6 standard deviations off once in 5 · 10⁸.
    const half = (await served(200)).get(label) ?? 0
    assert.ok(half > 57 && half < 143, `${half} of 200`)

    const { json: shown } = await call(`policies/${hash}`)
    const [recorded] = shown['evaluations_on_record'] as [
      { actor: string; against: string; evaluation: Json },
    ]
    assert.deepEqual([recorded.actor, recorded.against], ['ann', 'logged'])
    assert.equal((recorded.evaluation['logged'] as { n: number }).n, REQUESTS)
    const { data } = (await call('experiments/math/history')).json as { data: { action: string }[] }
    assert.deepEqual(
      data.map(({ action }) => action),
      ['created', 'started', 'stopped', 'promoted'],
    )

    const full = await call('promote', { hash, share: 1 })
    assert.equal(full.json['outcome'], 'done', JSON.stringify(full.json))
    await server.kill('SIGTERM')
    server = await start()
    assert.deepEqual([...(await served(20)).keys()], [label])
    await call('rollback', { reason: 'enough' })
    assert.equal((await served(20)).has(label), false)
  })
})
