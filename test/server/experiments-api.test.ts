/** Experiments by the admin API: what is refused and why, who takes part, what is recorded, what becomes of a winner. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { StoreError } from '../../adapters/index.ts'
import type { ArmId } from '../../engine/index.ts'
import { bucketOf } from '../../server/experiments/bucket-hash.ts'
import { cell, draws } from '../helpers/experiment.ts'
import { MemoryStore } from '../helpers/memory-store.ts'
import { saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { policyFile } from '../helpers/policies.ts'
import { registryOf, startTestServer, type TestServer } from '../helpers/server.ts'
import type { ScriptedUpstream } from '../helpers/upstream.ts'

const ONE = 'a/one'
const TWO = 'a/two' as ArmId
const PATH = '/admin/v1/experiments'
type Json = Record<string, unknown>
const NONE = draws(2_000, 0, 4)

const declared = (changes: Json = {}): Json => ({
  key: 'arms',
  unit: 'session',
  variants: [
    { key: 'control', policy: { name: 'fixed', arm: ONE } },
    { key: 'other', policy: { name: 'fixed', arm: TWO } },
  ],
  metrics: [{ measure: 'quality', role: 'primary' }],
  ...changes,
})

describe('experiments by the API', () => {
  let upstream: ScriptedUpstream
  before(async () => {
    upstream = await startOpenAiUpstream(saying('Hello.'))
  })
  after(() => upstream[Symbol.asyncDispose]())

  const start = (store = new MemoryStore()): Promise<TestServer> =>
    startTestServer({ arms: [ONE, TWO].map((id) => ({ id, url: upstream.url })) }, { store })
  const ask = async (server: TestServer, path: string, body?: unknown) => {
    const response = await (body === undefined ? server.get(PATH + path) : server.post(PATH + path, body))
    return { status: response.status, json: (await response.json()) as Json }
  }
  const refused = async (server: TestServer, path: string, body: unknown) => {
    const { status, json } = await ask(server, path, body)
    const { code, message } = json['error'] as { code: string; message: string }
    return { status, code, message }
  }

  it('refuses what contradicts itself or the configuration, and names the field', async () => {
    await using server = await start()
    const variants = declared()['variants'] as Json[]
    const wrong: readonly (readonly [Json, RegExp])[] = [
      [{ metrics: [{ measure: 'quality' }] }, /^metrics: one is primary; here 0 are/],
      [{ models: ['atuo'] }, /did you mean "auto"/],
      [
        { variants: [variants[0], { key: 'x', policy: { name: 'fixed', arm: 'a/three' } }] },
        /^variants\[1\]\.policy: names a\/three/,
      ],
      [
        { variants: variants.map((variant) => ({ ...variant, weight: 0.4 })) },
        /weights have to add up to 1, not to 0.8/,
      ],
      [
        { variants: [variants[0], { ...variants[1], key: 'control' }] },
        /every variant needs a key of its own/,
      ],
      // What the engine refuses would fail every request of the variant's.
      [
        { variants: [variants[0], { key: 'x', policy: { name: 'epsilon-greedy' } }] },
        /^variants\[1\]\.policy: epsilon must be in \[0, 1\], got undefined/,
      ],
      [
        { variants: [variants[0], { key: 'x', policy: { name: 'squarecb', gammaExponent: 2 } }] },
        /^variants\[1\]\.policy: gammaExponent must be in \[0, 1\], got 2/,
      ],
      [
        { variants: [variants[0], { key: 'x', policy: { name: 'thompson' }, floor: 1 }] },
        /^variants\[1\]\.floor: has to be below 1/,
      ],
      [{ allocation: 'top_two', unit: 'user' }, /^allocation: moves weights/],
      [{ covariate: 'before' }, /^covariate: a session has no time before/],
      [
        {
          ramp: [
            { after_hours: 0, coverage: 0.5 },
            { after_hours: 1, coverage: 0.1 },
          ],
        },
        /may only grow/,
      ],
      [{ namespace: { name: 'n', from: 0.5, to: 0.5 } }, /^namespace\.from/],
      [{ metrics: [{ measure: 'quality', role: 'primary', statistic: 'p95' }] }, /quantiles are of/],
      [{ metrics: [{ measure: 'reward', role: 'primary' }] }, /names the reward/],
      [
        { metrics: [{ measure: 'utility', role: 'primary' }] },
        /utility needs what a point of quality may cost/,
      ],
    ]
    for (const [change, message] of wrong) {
      const answer = await refused(server, '', declared(change))
      assert.deepEqual([answer.status, answer.code], [422, 'invalid_experiment'], answer.message)
      assert.match(answer.message, message)
    }
    assert.equal((await refused(server, '', declared({ key: 'Arms' }))).code, 'invalid_request')
    assert.equal((await refused(server, '/arms/start', {})).code, 'experiment_not_found')
  })

  it('lets nobody in any more whose model has lost an arm of a variant, says so, and goes on when it is back', async () => {
    await using server = await start()
    const registry = (arms: readonly string[]) =>
      registryOf({ arms: arms.map((id) => ({ id, url: upstream.url })) })
    await ask(server, '', declared())
    await ask(server, '/arms/start', {})
    const experimentOf = async (session: string) => {
      const response = await server.chat({}, { 'x-highwayman-session': session })
      assert.equal(response.status, 200)
      return response.headers.get('x-highwayman-experiment')
    }
    const problems = async () => (await ask(server, '/arms/report')).json['problems'] as string[]
    const seen = async () =>
      new Set(await Promise.all(Array.from({ length: 12 }, (_, i) => experimentOf(`s${i}`))))
    assert.deepEqual(await seen(), new Set(['arms/control', 'arms/other']))
    server.store.available = false
    server.running.reload(registry([ONE]))
    assert.deepEqual(
      await seen(),
      new Set([null]),
      'a control beside a stand-in for the other would say nothing',
    )
    server.store.available = true
    assert.match((await problems()).join(), /takes none of auto’s requests: variant other names a\/two/)
    server.running.reload(registry([ONE, TWO]))
    assert.deepEqual(await seen(), new Set(['arms/control', 'arms/other']))
    assert.deepEqual(await problems(), [])
  })

  it('ends when it is stopped, although the policy of another one cannot be read', async () => {
    const store = new MemoryStore()
    await using server = await start(store)
    await ask(server, '', declared())
    await ask(server, '/arms/start', {})
    const [control] = declared()['variants'] as Json[]
    const unread = { key: 'unread', variants: [control, { key: 'file', policy: { file: '0'.repeat(64) } }] }
    await ask(server, '', declared(unread))
    store.readPolicy = async () => {
      throw new StoreError('store_unavailable', 'this one is not read')
    }
    await ask(server, '/unread/start', {})
    const experimentOf = async () => {
      const response = await server.chat({}, { 'x-highwayman-session': 's1' })
      return response.headers.get('x-highwayman-experiment')
    }
    assert.match(String(await experimentOf()), /^arms\//)
    await ask(server, '/arms/stop', {})
    assert.equal(await experimentOf(), null)
    assert.match(
      JSON.stringify((await ask(server, '/unread/report')).json['problems']),
      /this one is not read/,
    )
  })

  it('that was stopped ends, although the store’s answer got lost', async () => {
    const store = new MemoryStore()
    await using server = await start(store)
    await ask(server, '', declared())
    await ask(server, '/arms/start', {})
    const append = store.appendExperimentStep.bind(store)
    store.appendExperimentStep = async (row) => {
      await append(row)
      throw new StoreError('store_unavailable', 'the answer did not come')
    }
    assert.equal((await refused(server, '/arms/stop', {})).code, 'store_unavailable')
    assert.equal((await refused(server, '/arms/stop', {})).code, 'experiment_state', 'it is on record')
    const response = await server.chat({}, { 'x-highwayman-session': 's1' })
    assert.equal(response.headers.get('x-highwayman-experiment'), null)
  })

  it('gives each session its variant by the hash, records exposures with their probability, and tells in a header', async () => {
    const store = new MemoryStore()
    await using server = await start(store)
    assert.equal((await ask(server, '', declared())).status, 201)
    const chat = async (session?: string) => {
      const response = await server.chat({}, session === undefined ? {} : { 'x-highwayman-session': session })
      assert.equal(response.status, 200)
      const { headers } = response
      return [headers.get('x-highwayman-experiment'), headers.get('x-highwayman-arm')]
    }
    assert.deepEqual(await chat('s1'), [null, ONE], 'a draft takes nobody')
    assert.equal((await refused(server, '', declared())).code, 'experiment_exists')
    assert.equal((await refused(server, '/arms/pause', {})).code, 'experiment_state')
    assert.equal((await ask(server, '/arms/start', { actor: 'ann' })).json['status'], 'running')
    for (let index = 0; index < 12; index++) {
      const session = `s${index}`
      const isFirstHalf = bucketOf('arms', JSON.stringify(['default', session])) < 0.5
      const expected = isFirstHalf ? ['arms/control', ONE] : ['arms/other', TWO]
      assert.deepEqual(await chat(session), expected, session)
      assert.deepEqual(await chat(session), expected, `${session} again`)
    }
    assert.deepEqual(await chat(), [null, ONE], 'without a session it takes no part')
    assert.equal(store.assignments.length, 24)
    const [first] = store.assignments
    assert.deepEqual([first?.probability, first?.isFirst, first?.run, first?.period], [0.5, true, 0, 0])
    assert.equal(new Set(store.assignments.map(({ unit }) => unit)).size, 12)
    const decision = store.decisions.find(({ decision: { id } }) => id === first?.decisionId)?.decision
    assert.match(decision?.assignment?.as ?? '', /^experiment:arms\/(control|other)$/)

    const metrics = await (await server.get('/metrics')).text()
    assert.match(metrics, /highwayman_experiment_share\{experiment="arms",variant="other"\} 0\.5/)
    await ask(server, '/arms/pause', {})
    assert.deepEqual(await chat('s1'), [null, ONE])
    await ask(server, '/arms/resume', {})
    await ask(server, '/arms/stop', { variant: 'other', reason: 'enough' })
    const shown = (await ask(server, '/arms')).json as {
      variants: { variant: string; stopped: string | null }[]
    }
    assert.deepEqual(
      shown.variants.map(({ stopped }) => stopped),
      [null, 'enough'],
    )
    await ask(server, '/arms/stop', { reason: 'done' })
    const again = (await ask(server, '/arms/rerun', {})).json
    assert.deepEqual([again['status'], again['run']], ['draft', 1])
    const gone = await fetch(`${server.url}${PATH}/arms`, { method: 'DELETE' })
    assert.equal(((await gone.json()) as Json)['status'], 'archived')
    const { data } = (await ask(server, '/arms/history')).json as {
      data: { action: string; actor: string }[]
    }
    assert.deepEqual(
      data.map(({ action }) => action),
      ['created', 'started', 'paused', 'resumed', 'variant_stopped', 'stopped', 'rerun', 'archived'],
    )
    assert.equal(data[1]?.actor, 'ann')
  })

  it('of two replicas that take the same step one is told that it was not first', async () => {
    const store = new MemoryStore()
    await using one = await start(store)
    await using two = await start(store)
    await ask(one, '', declared())
    const answers = await Promise.all([one, two].map((server) => ask(server, '/arms/start', {})))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409])
    assert.equal(store.experimentSteps.length, 2)
  })

  it('does not run where a variant cannot be served, and says so', async () => {
    await using server = await start()
    const variants = [
      { key: 'control', policy: 'current' },
      { key: 'file', policy: { file: 'f'.repeat(64) } },
    ]
    await ask(server, '', declared({ variants, unit: 'request' }))
    await ask(server, '/arms/start', {})
    assert.equal((await server.chat()).headers.get('x-highwayman-experiment'), null)
    const { problems } = (await ask(server, '/arms/report')).json as { problems: string[] }
    assert.deepEqual(problems, ['experiment arms takes none of auto’s requests: it is not in the store'])
  })

  it('prices utility by percentage points of quality, as requests and models do', async () => {
    await using server = await start()
    const metric = { usd_per_quality_point: 0.001, seconds_per_quality_point: 5, quality_per_failure: 1 }
    const { json } = await ask(
      server,
      '',
      declared({ metrics: [{ measure: 'utility', role: 'primary', ...metric }] }),
    )
    const { metrics } = json['definition'] as { metrics: { rates?: unknown }[] }
    assert.deepEqual(metrics[0]?.rates, { per_usd: 10, per_second: 0.002, per_failure: 1 })
  })

  it('hands a winner to the gate as an evaluation, and a loser is refused by it', async () => {
    const store = new MemoryStore()
    await using server = await start(store)
    const file = policyFile({ policy: { name: 'fixed', arm: TWO } })
    const upload = await server.post('/admin/v1/policies', { policy: file })
    const { hash } = (await upload.json()) as { hash: string }
    const metrics = [
      { measure: 'utility', role: 'primary', usd_per_quality_point: 0.01 },
      { measure: 'cost_usd' },
      { measure: 'total_ms' },
      { measure: 'error_rate', role: 'guardrail' },
    ]
    const variants = [
      { key: 'control', policy: 'current' },
      { key: 'file', policy: { file: hash } },
    ]
    await ask(server, '', declared({ variants, metrics, unit: 'request', models: ['auto'] }))
    await ask(server, '/arms/start', {})
    assert.equal((await refused(server, '/arms/promote', {})).code, 'experiment_state')
    // Utility, cost, time, failures, and the failures that are always counted: alike but for the first.
    const alike = [draws(2_000, 0.5, 2), draws(2_000, 0.5, 3), NONE, NONE]
    const cells = (utility: number) => [
      cell('control', [draws(2_000, 0.5, 1), ...alike]),
      cell('file', [draws(2_000, utility, 5), ...alike]),
    ]
    store.cells = cells(0.5)
    await ask(server, '/arms/stop', { reason: 'seen' })
    assert.match((await refused(server, '/arms/promote', {})).message, /has no winner/)
    const gate = await refused(server, '/arms/promote', { variant: 'file', share: 1 })
    assert.equal(gate.code, 'promotion_refused')
    store.cells = cells(0.65)
    // Better by what is judged, and every call of it fails: alike within each variant, and not between them.
    const failing = NONE.map(() => 1)
    store.cells = [
      store.cells[0]!,
      cell('file', [draws(2_000, 0.65, 5), ...alike.slice(0, 2), failing, failing]),
    ]
    assert.match(
      (await refused(server, '/arms/promote', { variant: 'file', share: 0.5 })).message,
      /the evaluation says nothing of success/,
    )
    store.cells = cells(0.65)
    // The first try ends after the promotion and before it is noted in the experiment; the second completes it.
    const append = store.appendExperimentStep.bind(store)
    store.appendExperimentStep = async () => {
      throw new StoreError('store_unavailable', 'gone')
    }
    const order = { share: 0.5, actor: 'ann' }
    assert.equal((await refused(server, '/arms/promote', order)).code, 'store_unavailable')
    store.appendExperimentStep = append
    const promoted = (await ask(server, '/arms/promote', order)).json
    assert.deepEqual(
      [promoted['outcome'], promoted['action'], promoted['hash']],
      ['done', 'canary', hash],
      JSON.stringify(promoted),
    )
    const evaluation = store.evaluations.at(-1)
    assert.equal(evaluation?.against, 'logged')
    assert.equal(evaluation?.actor, 'ann')
    const { data } = (await ask(server, '/arms/history')).json as { data: { action: string }[] }
    assert.equal(data.at(-1)?.action, 'promoted')
    assert.equal((await refused(server, '/arms/promote', order)).code, 'promotion_pointless')
  })

  it('plans by the log', async () => {
    const store = new MemoryStore()
    await using server = await start(store)
    assert.match((await refused(server, '/power', { mde: 0.1 })).message, /too few units \(sessions\)/)
    for (const [value, why] of [
      [0, /quality is 0 in each of 300 sessions/],
      [0.7, /quality is 0\.7 in each of 300 sessions/],
    ] as const) {
      store.cells = [cell('all', [new Array<number>(300).fill(value)])]
      assert.match((await refused(server, '/power', { mde: 0.1 })).message, why)
    }
    store.cells = [cell('all', [draws(5_000, 0.5, 9)])]
    const tooSmall = await refused(server, '/power', { mde: 1e-12 })
    assert.deepEqual([tooSmall.status, tooSmall.code], [422, 'invalid_experiment'])
    assert.match(tooSmall.message, /^mde: no number of units/)
    const { json } = await ask(server, '/power', { mde: 0.1, days: 10 })
    const { seen, fixed, always_valid: alwaysValid } = json as Record<string, Record<string, number>>
    assert.equal(seen?.['days'], 10)
    assert.equal(seen?.['units_per_day'], 500)
    // 2 · (z₀.₉₇₅ + z₀.₈)² · p(1 − p)/(0.1 · p)² with p = 1/2.
    assert.ok(Math.abs((fixed?.['units_per_variant'] ?? 0) / 1_570 - 1) < 0.05, JSON.stringify(fixed))
    assert.ok((alwaysValid?.['units'] ?? 0) > 1.5 * (fixed?.['units'] ?? 0))
    store.firstMs = server.clock.nowMs() - 6 * 3_600_000
    const young = (await ask(server, '/power', { mde: 0.1, days: 10 })).json as Record<
      string,
      Record<string, number>
    >
    assert.ok(Math.abs((young['seen']?.['days'] ?? 0) - 0.25) < 0.001, 'the log is six hours old')
    assert.ok(Math.abs((young['seen']?.['units_per_day'] ?? 0) / 20_000 - 1) < 0.001)
    assert.ok(Math.abs((young['fixed']?.['days'] ?? 0) / ((fixed?.['days'] ?? 0) / 40) - 1) < 0.001)
  })
})
