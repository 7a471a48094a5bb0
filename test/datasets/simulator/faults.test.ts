import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as openRequest } from 'node:http'
import { after, afterEach, before, suite, test } from 'node:test'
import {
  type Fault,
  openDataset,
  parseFault,
  SimulatorError,
  startSimulator,
} from '../../../datasets/index.ts'
import { strikes } from '../../../datasets/simulator/faults.ts'
import { type Fixture, framesOf, KEYS, type RawAnswer, send, startFixture } from './client.ts'

let fixture: Fixture
before(async () => {
  fixture = await startFixture()
})
after(() => fixture.close())
afterEach(() => {
  for (const arm of fixture.simulator.arms) fixture.simulator.setFault(arm.id, undefined)
})

const ARMS = {
  openai: 'sim-openai/turnpike-mini',
  anthropic: 'sim-anthropic/bramble-small',
  google: 'sim-google/lantern-lite',
} as const

function call(provider: keyof typeof ARMS, isStream = false): Promise<RawAnswer> {
  const prompt = fixture.rows[0]!.prompt
  const arm = fixture.simulator.arms.find((candidate) => candidate.id === ARMS[provider])!
  const messages = [{ role: 'user', content: prompt }]
  const body = { model: arm.upstreamModel, stream: isStream, messages }
  switch (provider) {
    case 'openai':
      return send('POST', `${arm.baseUrl}/chat/completions`, body, KEYS['openai-compatible'])
    case 'anthropic':
      return send('POST', `${arm.baseUrl}/v1/messages`, { ...body, max_tokens: 4096 }, KEYS.anthropic)
    case 'google': {
      const method = isStream ? 'streamGenerateContent?alt=sse' : 'generateContent'
      const contents = [{ role: 'user', parts: [{ text: prompt }] }]
      return send('POST', `${arm.baseUrl}/models/${arm.upstreamModel}:${method}`, { contents }, KEYS.google)
    }
  }
}

suite('status', () => {
  const expected = {
    openai: (status: number) => ({
      type: status === 429 ? 'requests' : status === 400 ? 'invalid_request_error' : 'server_error',
      code: status === 429 ? 'rate_limit_exceeded' : null,
    }),
    anthropic: (status: number) => ({
      type: {
        400: 'invalid_request_error',
        429: 'rate_limit_error',
        500: 'api_error',
        503: 'overloaded_error',
        529: 'overloaded_error',
      }[status],
    }),
    google: (status: number) => ({
      code: status,
      status: {
        400: 'INVALID_ARGUMENT',
        429: 'RESOURCE_EXHAUSTED',
        500: 'INTERNAL',
        503: 'UNAVAILABLE',
        529: 'UNAVAILABLE',
      }[status],
    }),
  }
  for (const provider of ['openai', 'anthropic', 'google'] as const) {
    for (const status of [400, 429, 500, 503, 529] as const) {
      test(`${status} in the shape of ${provider}`, async () => {
        fixture.simulator.setFault(ARMS[provider], { kind: 'status', status })
        const answer = await call(provider, true)
        assert.equal(answer.status, status)
        assert.equal(answer.headers['retry-after'], undefined)
        const { error } = JSON.parse(answer.text)
        for (const [key, value] of Object.entries(expected[provider](status)))
          assert.equal(error[key], value, key)
      })
    }
  }

  test('the retry hint is where each provider puts it', async () => {
    for (const provider of ['openai', 'anthropic', 'google'] as const) {
      fixture.simulator.setFault(ARMS[provider], { kind: 'status', status: 429, retryAfterMs: 1500 })
    }
    const openai = await call('openai')
    assert.equal(openai.headers['retry-after'], '2')
    assert.equal(openai.headers['retry-after-ms'], '1500')
    assert.equal((await call('anthropic')).headers['retry-after'], '2')
    const { error } = JSON.parse((await call('google')).text)
    assert.deepEqual(error.details, [
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '1.5s' },
    ])
  })
})

suite('broken connections', () => {
  test('down: the socket closes before a status line', async () => {
    fixture.simulator.setFault(ARMS.openai, { kind: 'down' })
    await assert.rejects(call('openai'), { code: 'ECONNRESET' })
    fixture.simulator.setFault(ARMS.openai, undefined)
    assert.equal((await call('openai')).status, 200)
  })

  test('cut: so many chunks arrive whole, and the end never comes', async () => {
    for (const provider of ['openai', 'anthropic', 'google'] as const) {
      const whole = await call(provider, true)
      assert.ok(whole.isComplete)
      for (const afterChunks of [0, 1, 3]) {
        fixture.simulator.setFault(ARMS[provider], { kind: 'cut', afterChunks })
        const answer = await call(provider, true)
        assert.equal(answer.status, 200)
        assert.equal(answer.isComplete, false)
        const lineEnd = provider === 'google' ? '\r\n' : '\n'
        const frames = answer.text === '' ? [] : framesOf(answer.text, lineEnd)
        const content = frames.filter(({ data }) => /"(content|text)":"[^"]/.test(data))
        assert.equal(content.length, afterChunks, `${provider} after ${afterChunks}`)
        assert.doesNotMatch(answer.text, /\[DONE\]|message_stop|finishReason/)
      }
      fixture.simulator.setFault(ARMS[provider], undefined)
    }
  })

  test('cut beyond the last chunk: all the content, but not the end', async () => {
    fixture.simulator.setFault(ARMS.openai, { kind: 'cut', afterChunks: 1_000 })
    const answer = await call('openai', true)
    assert.equal(answer.isComplete, false)
    assert.match(answer.text, /\[simulated: /)
    assert.doesNotMatch(answer.text, /"finish_reason":"stop"/)
  })

  test('cut: a plain answer stops halfway', async () => {
    fixture.simulator.setFault(ARMS.anthropic, { kind: 'cut', afterChunks: 1 })
    const answer = await call('anthropic')
    assert.equal(answer.status, 200)
    assert.equal(answer.isComplete, false)
    assert.equal(answer.text.length, Number(answer.headers['content-length']) >> 1)
  })

  test('hang: no answer; closing the simulator frees the client', async () => {
    const simulator = await startSimulator({ dataset: await openDataset('crossroads'), latencyScale: 0 })
    const arm = simulator.arms[0]!
    simulator.setFault(arm.id, { kind: 'hang' })
    const request = openRequest(`${arm.baseUrl}/chat/completions`, {
      method: 'POST',
      headers: KEYS['openai-compatible'],
    })
    const ended = once(request, 'error')
    request.on('response', () => assert.fail('a hanging arm answered'))
    request.end(JSON.stringify({ model: arm.upstreamModel, messages: [{ role: 'user', content: 'Hi' }] }))
    // The count rises when the request has reached the arm: nothing is left to wait for but the answer.
    while (simulator.requestCount(arm.id) === 0) await new Promise((resolve) => setImmediate(resolve))
    await simulator.close()
    const [error] = await ended
    assert.equal((error as { code?: string }).code, 'ECONNRESET')
  })
})

suite('steering', () => {
  test('a fault strikes its own arm only, and counts as a request', async () => {
    const { simulator } = fixture
    const before = simulator.requestCount(ARMS.openai)
    simulator.setFault(ARMS.openai, { kind: 'status', status: 500 })
    assert.equal((await call('openai')).status, 500)
    assert.equal((await call('google')).status, 200)
    assert.equal(simulator.requestCount(ARMS.openai), before + 1)
  })

  test('a refused request does not reach an arm', async () => {
    const before = fixture.simulator.requestCount(ARMS.openai)
    const arm = fixture.arm('turnpike-mini')
    assert.equal(
      (await send('POST', `${arm.baseUrl}/chat/completions`, { model: arm.upstreamModel })).status,
      401,
    )
    assert.equal(fixture.simulator.requestCount(ARMS.openai), before)
  })

  test('with a probability, the struck share is near it and the same for the same seed', () => {
    const fault: Fault = { kind: 'down', probability: 0.3 }
    const n = 4_000
    const struck = (seed: number) => Array.from({ length: n }, (_, i) => strikes(fault, seed, 'an arm', i))
    const share = struck(1).filter(Boolean).length / n
    assert.ok(Math.abs(share - 0.3) < 5 * Math.sqrt((0.3 * 0.7) / n), `share ${share}`)
    assert.deepEqual(struck(1), struck(1))
    assert.notDeepEqual(struck(1), struck(2))
  })

  test('over HTTP: set, see, heal', async () => {
    const { url } = fixture.simulator
    const fault = { kind: 'status', status: 503, probability: 1 }
    const put = await send('PUT', `${url}/_simulator/faults/${encodeURIComponent(ARMS.google)}`, fault)
    assert.equal(put.status, 200)
    assert.deepEqual(JSON.parse(put.text), { arm: ARMS.google, fault })
    assert.equal((await call('google')).status, 503)
    const state = JSON.parse((await send('GET', `${url}/_simulator/state`)).text)
    assert.equal(state.dataset, 'crossroads')
    assert.equal(state.prompts, fixture.rows.length)
    const seen = state.arms.find((arm: { id: string }) => arm.id === ARMS.google)
    assert.deepEqual(seen.fault, fault)
    assert.equal(seen.requests, fixture.simulator.requestCount(ARMS.google))
    // The id may also stand as it is, with its slash.
    assert.equal((await send('DELETE', `${url}/_simulator/faults/${ARMS.google}`)).status, 204)
    assert.equal((await call('google')).status, 200)
  })

  test('mistakes are told with a code', async () => {
    const { url } = fixture.simulator
    const cases = [
      ['PUT', `faults/${ARMS.google}`, { kind: 'gone' }, 400, 'simulator_bad_fault'],
      ['PUT', 'faults/nobody', { kind: 'down' }, 404, 'simulator_unknown_arm'],
      ['PUT', `faults/${ARMS.google}`, '{', 400, 'bad-request'],
      ['PUT', 'faults/%', { kind: 'down' }, 400, 'bad-request'],
      ['DELETE', 'faults/nobody', undefined, 404, 'simulator_unknown_arm'],
      ['GET', 'nothing', undefined, 404, 'not_found'],
    ] as const
    for (const [method, path, body, status, code] of cases) {
      const answer = await send(method, `${url}/_simulator/${path}`, body)
      assert.equal(answer.status, status, path)
      assert.equal(JSON.parse(answer.text).error.code, code)
    }
    assert.throws(() => fixture.simulator.setFault('nobody', undefined), { code: 'simulator_unknown_arm' })
    assert.throws(() => fixture.simulator.requestCount('nobody'), SimulatorError)
  })

  test('a bad fault names the field and what was found', () => {
    const cases: readonly (readonly [unknown, RegExp])[] = [
      [{ kind: 'status', status: 418 }, /status: expected one of 400, 429, 500, 503, 529, got 418/],
      [{ kind: 'cut' }, /afterChunks: expected a whole number ≥ 0, got nothing/],
      [{ kind: 'slow', factor: 0 }, /factor: expected a factor > 0, got 0/],
      [{ kind: 'down', probability: 0 }, /probability: expected a probability in \(0, 1\], got 0/],
      [{ kind: 'gone' }, /kind: expected kind to be down, status, hang, cut or slow, got "gone"/],
    ]
    for (const [input, message] of cases) assert.throws(() => parseFault(input), message)
  })
})
