import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import type { ArmId } from '../../engine/index.ts'
import { chunk, event, openSse, saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { eventually, registryOf, startTestServer } from '../helpers/server.ts'

const answered = async (response: Response): Promise<string> => {
  const { error } = (await response.json()) as { error?: { code: string } }
  return `${response.status} ${error?.code ?? ''}`.trim()
}

describe('health', () => {
  it('is live always, and ready with arms and a store', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({ arms: [{ id: 'acme/a', url: upstream.url }] })
    assert.deepEqual(await (await server.get('/healthz')).json(), { status: 'live' })
    assert.equal((await server.get('/readyz')).status, 200)
    server.store.available = false
    const response = await server.get('/readyz')
    assert.equal(response.status, 503)
    const { status, checks } = (await response.json()) as { status: string; checks: Record<string, string> }
    assert.equal(status, 'not-ready')
    assert.deepEqual(checks, { store: 'failing', arms: 'ok', accepting: 'ok' })
    assert.equal((await server.get('/healthz')).status, 200)
  })

  it('is ready while what is to be stored waits on disk, and says that it does', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({ arms: [{ id: 'acme/a', url: upstream.url }] })
    server.store.available = false
    for (const [state, status, check] of [
      ['spooling', 200, 'degraded'],
      ['replaying', 200, 'degraded'],
      ['memory', 503, 'failing'],
      ['full', 503, 'failing'],
    ] as const) {
      server.store.state = state
      const response = await server.get('/readyz')
      assert.equal(response.status, status, state)
      const body = (await response.json()) as { checks: { store: string }; store: Record<string, unknown> }
      assert.equal(body.checks.store, check)
      assert.deepEqual(body.store, {
        state,
        queuedRows: 0,
        droppedRows: 0,
        oldestMs: 0,
        spoolBytes: 0,
        spoolMaxBytes: 0,
        engineRestarts: 0,
        problem: 'switched off',
      })
      const metrics = await (await server.get('/metrics')).text()
      assert.match(metrics, new RegExp(`^highwayman_store_state\\{state="${state}"\\} 1$`, 'm'))
      assert.match(metrics, /^highwayman_store_state\{state="normal"\} 0$/m)
    }
  })
})

describe('metrics', () => {
  it('count what happened, without names a caller can make up', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({ arms: [{ id: 'acme/a', url: upstream.url }] })
    const response = await server.chat({ highwayman: { class: 'made-up' } })
    await (await server.chat({ stream: true })).text()
    const id = response.headers.get('x-highwayman-decision-id')
    await server.post('/v1/feedback', { decision_id: id, metric: 'quality', value: 1 })
    await server.post('/v1/feedback', { decision_id: id, metric: 'made-up', value: 1 })
    const scrape = await server.get('/metrics')
    assert.match(scrape.headers.get('content-type') ?? '', /^text\/plain; version=/)
    const text = await scrape.text()
    for (const line of [
      'highwayman_decisions_total{arm="acme/a",class="chat",policy="priority"} 2',
      'highwayman_attempts_total{arm="acme/a",status="answered"} 2',
      'highwayman_feedback_total{metric="quality",source="user",result="recorded"} 1',
      'highwayman_feedback_total{metric="other",source="user",result="recorded"} 1',
      'highwayman_ttft_seconds_count{arm="acme/a"} 1',
      'highwayman_answer_seconds_count{arm="acme/a"} 2',
      'highwayman_tokens_total{arm="acme/a",kind="completion"} 6',
      'highwayman_cost_usd_total{arm="acme/a"} 0.078',
      'highwayman_overhead_seconds_count 2',
      'highwayman_breaker_state{arm="acme/a"} 0',
      'highwayman_requests_in_flight 1',
      'highwayman_store_rows{state="dropped"} 0',
    ]) {
      assert.ok(text.includes(`\n${line}\n`), `${line}\nis not in\n${text}`)
    }
    assert.match(text, /nodejs_eventloop_lag_seconds/)
    assert.doesNotMatch(text, /made-up/)
  })
})

describe('the description', () => {
  it('has every route and the limits of their fields', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({ arms: [{ id: 'acme/a', url: upstream.url }] })
    const { openapi, paths } = (await (await server.get('/openapi.json')).json()) as {
      openapi: string
      paths: Record<
        string,
        { post?: { requestBody: { content: Record<string, { schema: { required: string[] } }> } } }
      >
    }
    assert.match(openapi, /^3\.1/)
    assert.deepEqual(
      Object.keys(paths).sort(),
      [
        '/admin/v1/erase',
        '/admin/v1/experiments',
        '/admin/v1/experiments/power',
        '/admin/v1/experiments/{key}',
        '/admin/v1/experiments/{key}/archive',
        '/admin/v1/experiments/{key}/history',
        '/admin/v1/experiments/{key}/pause',
        '/admin/v1/experiments/{key}/promote',
        '/admin/v1/experiments/{key}/report',
        '/admin/v1/experiments/{key}/rerun',
        '/admin/v1/experiments/{key}/resume',
        '/admin/v1/experiments/{key}/start',
        '/admin/v1/experiments/{key}/stop',
        '/admin/v1/policies',
        '/admin/v1/policies/draft',
        '/admin/v1/policies/{hash}',
        '/admin/v1/policies/{hash}/evaluations',
        '/admin/v1/promote',
        '/admin/v1/rollback',
        '/admin/v1/rollouts',
        '/admin/v1/stats',
        '/healthz',
        '/metrics',
        '/readyz',
        '/v1/chat/completions',
        '/v1/decisions/{id}',
        '/v1/feedback',
        '/v1/judges',
        '/v1/models',
        '/v1/models/{*}',
        '/v1/outcomes',
        '/v1/route',
      ].sort(),
    )
    const schema = paths['/v1/feedback']?.post?.requestBody.content['application/json']?.schema
    assert.deepEqual(schema?.required, ['metric', 'value'])
  })
})

describe('too much at once', () => {
  it('is turned away with a time to come back', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    await using upstream = await startOpenAiUpstream(async (response, request) => {
      await gate
      await saying('Hi')(response, request)
    })
    await using server = await startTestServer({
      arms: [{ id: 'acme/a', url: upstream.url }],
      server: { maxInFlight: 2 },
    })
    const running = [server.chat(), server.chat()]
    await eventually(() => upstream.requests.length === 2, 'two calls')
    const refused = await server.chat()
    assert.ok(Number(refused.headers.get('retry-after')) > 0)
    assert.equal(await answered(refused), '503 overloaded')
    assert.equal((await server.get('/readyz')).status, 200, 'probes are let through')
    open()
    for (const response of await Promise.all(running)) assert.equal(response.status, 200)
    assert.equal((await server.chat()).status, 200)
  })
})

describe('closing', () => {
  it('lets running answers finish, lets nobody in, and flushes', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    await using upstream = await startOpenAiUpstream(async (response) => {
      openSse(response)
      response.write(event(chunk({ role: 'assistant', content: 'One ' })))
      await gate
      response.write(event(chunk({ content: 'two' }, 'stop')))
      response.end(event('[DONE]'))
    })
    await using server = await startTestServer({ arms: [{ id: 'acme/a', url: upstream.url }] })
    // A connection of before, kept open.
    const kept = connect(Number(new URL(server.url).port), '127.0.0.1')
    await once(kept, 'connect')
    const response = await server.chat({ stream: true })
    kept.write(
      'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 90\r\n',
    )
    await new Promise((resolve) => setImmediate(resolve))
    const closed = server.running.close()
    kept.write('\r\n')
    const [refusal] = (await once(kept, 'data')) as [Buffer]
    assert.match(refusal.toString(), /^HTTP\/1\.1 503/)
    assert.match(refusal.toString(), /"code":"draining"/)
    kept.destroy()
    await assert.rejects(server.get('/healthz'), 'no new connections')
    open()
    assert.match(await response.text(), /two.*\[DONE\]\n\n$/s)
    await closed
    assert.equal(server.store.attempts[0]?.status, 'answered')
    assert.equal(server.store.flushes, 1)
    await server.running.close()
    assert.equal(server.store.flushes, 1, 'closing twice is closing once')
  })

  it('ends what takes longer than the drain', async () => {
    await using upstream = await startOpenAiUpstream((response, request) => {
      if ((request.body as { stream?: boolean }).stream !== true) return
      openSse(response)
      response.write(event(chunk({ role: 'assistant', content: 'One ' })))
    })
    await using server = await startTestServer({
      arms: [{ id: 'acme/a', url: upstream.url }],
      server: { drainMs: 50 },
    })
    const stream = await server.chat({ stream: true })
    const whole = server.chat()
    await eventually(() => upstream.requests.length === 2, 'both calls')
    const closed = server.running.close()
    assert.equal(await answered(await whole), '503 draining')
    const text = await stream.text()
    assert.match(text, /data: \{"error":\{.*"code":"draining"/)
    assert.doesNotMatch(text, /\[DONE\]/)
    await closed
    assert.deepEqual(
      server.store.attempts.map(({ status }) => status),
      ['cancelled', 'cancelled'],
    )
    assert.deepEqual(server.store.observations, [])
  })
})

describe('a reload', () => {
  it('puts arms, models, tenants and providers in force without a break', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    await using first = await startOpenAiUpstream(async (response, request) => {
      await gate
      await saying('From the first')(response, request)
    })
    await using second = await startOpenAiUpstream(saying('From the second'))
    await using server = await startTestServer({ arms: [{ id: 'acme/old', url: first.url }] })
    const running = server.chat()
    await eventually(() => first.requests.length === 1, 'the call')
    server.running.reload(registryOf({ arms: [{ id: 'acme/new', url: second.url }] }))
    const response = await server.chat()
    assert.equal(response.headers.get('x-highwayman-arm'), 'acme/new')
    assert.equal((await server.chat({ model: 'acme/old' })).status, 404)
    open()
    assert.match(await (await running).text(), /From the first/)
    assert.ok([...server.running.router.arms.keys()].includes('acme/new' as ArmId))
  })

  it('keeps what an arm has learned, and the sockets of a provider that stayed', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    const registry = registryOf({ arms: [{ id: 'acme/a', url: upstream.url }] })
    await using server = await startTestServer(registry)
    await server.chat()
    const before = server.running.router.sums().map(({ arm, head, n }) => [arm, head, n])
    server.running.reload({ ...registry })
    assert.deepEqual(
      server.running.router.sums().map(({ arm, head, n }) => [arm, head, n]),
      before,
    )
    assert.equal((await server.chat()).status, 200)
  })
})

describe('the start', () => {
  it('fails when the port is taken, and leaves nothing behind that keeps the process alive', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({ arms: [{ id: 'acme/a', url: upstream.url }] })
    const port = Number(new URL(server.url).port)
    await assert.rejects(startTestServer({ arms: [], server: { port } }), { code: 'listen_port_taken' })
    assert.equal((await server.chat()).status, 200)
  })

  it('goes on from what the store has learned', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    const registry = registryOf({ arms: [{ id: 'acme/a', url: upstream.url }] })
    await using teacher = await startTestServer(registry)
    for (let turn = 0; turn < 3; turn++) await teacher.chat()
    await using server = await startTestServer(registry, {
      store: Object.assign(teacher.store, { sums: teacher.running.router.sums() }),
    })
    const output = server.running.router.sums().find(({ head }) => head === 'output_tokens')
    // What was learned a moment ago has begun to fade: by less than 1e-5 a second.
    assert.ok(output && Math.abs(output.n - 3) < 1e-3, `n is ${output?.n}`)
  })
})

describe('the log', () => {
  it('blanks keys and prompts even where somebody logs them', async () => {
    await using server = await startTestServer({ arms: [] })
    const secret = 'a-secret'
    server.running.app.log.info({
      req: { headers: { authorization: secret, 'x-api-key': secret } },
      headers: { authorization: secret },
      provider: { name: 'acme', apiKey: secret },
      call: { messages: [secret] },
      body: { messages: [secret] },
    })
    await eventually(() => server.logged().includes('"acme"'), 'the line')
    assert.ok(!server.logged().includes(secret), server.logged())
  })

  it('at info says only what went wrong', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer(
      { arms: [{ id: 'acme/a', url: upstream.url }] },
      { logLevel: 'info' },
    )
    await server.chat()
    assert.doesNotMatch(server.logged(), /request completed/)
    await server.chat({ model: 'nope' })
    await eventually(() => /"level":30.*"status":404.*request completed/.test(server.logged()), 'the line')
  })

  it('has no line for each probe of a server that is not ready', async () => {
    await using server = await startTestServer({ arms: [] }, { logLevel: 'info' })
    server.store.available = false
    assert.equal((await server.get('/readyz')).status, 503)
    await server.get('/nowhere')
    await eventually(() => /"status":404.*request completed/.test(server.logged()), 'the line of another')
    assert.doesNotMatch(server.logged(), /readyz/)
  })

  it('has a fault of ours under the request’s id, and the caller has the id', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({ arms: [{ id: 'acme/a', url: upstream.url }] })
    server.store.findDecision = () => Promise.reject(new TypeError('a fault of ours, with internals'))
    const response = await server.get('/v1/decisions/01890000-0000-7000-8000-000000000001', {
      'x-request-id': 'trace-me',
    })
    const text = await response.text()
    assert.equal(response.status, 500)
    assert.match(text, /"code":"internal_error"/)
    assert.match(text, /trace-me/)
    assert.doesNotMatch(text, /internals|\.ts/)
    assert.match(server.logged(), /"reqId":"trace-me".*a fault of ours/)
  })
})
