import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type Behaviour,
  failing,
  failingInStream,
  hanging,
  saying,
  startOpenAiUpstream,
} from '../helpers/openai-upstream.ts'
import { eventually, startTestServer, type TestArm, type TestServer } from '../helpers/server.ts'

const PRIOR = { quality: 0.5, ttftMs: 100, tpotMs: 10, outputTokens: 100 }

/** Nothing listens on a port that was just given back. */
async function closedUrl(): Promise<string> {
  const upstream = await startOpenAiUpstream(hanging)
  await upstream[Symbol.asyncDispose]()
  return upstream.url
}

function assertFailedOver(server: TestServer, errorCode: string): void {
  const { decisions, attempts } = server.store
  assert.deepEqual(
    attempts.map(({ arm, index, status }) => [arm, index, status]),
    [
      ['acme/bad', 0, 'failed'],
      ['acme/good', 1, 'answered'],
    ],
  )
  const [first, second] = decisions
  assert.ok(first && second)
  assert.deepEqual(
    attempts.map(({ decisionId }) => decisionId),
    [first.decision.id, second.decision.id],
  )
  assert.equal(attempts[0]?.errorCode, errorCode)
  assert.equal(first.parentId, undefined)
  assert.equal(second.parentId, first.decision.id)
  assert.equal(first.requestId, second.requestId)
  for (const { decision } of decisions) {
    const sum = decision.probabilities.reduce((total, p) => total + p, 0)
    assert.ok(Math.abs(sum - 1) < 1e-12)
    assert.equal(decision.probabilities.length, decision.eligible.length)
  }
  assert.deepEqual(first.decision.eligible, ['acme/bad', 'acme/good'])
  assert.deepEqual(second.decision.eligible, ['acme/good'])
  assert.deepEqual(second.decision.exclusions, [
    { arm: 'acme/bad', reason: 'already_tried', detail: errorCode },
  ])
}

async function answerOf(response: Response): Promise<string> {
  const text = await response.text()
  assert.equal(response.status, 200, text)
  if (!text.startsWith('data:')) return JSON.parse(text).choices[0].message.content
  return text
    .split('\n\n')
    .filter((block) => block.startsWith('data: {'))
    .map((block) => JSON.parse(block.slice(6)).choices[0]?.delta.content ?? '')
    .join('')
}

describe('an arm fails before the caller has seen anything', () => {
  const faults: readonly (readonly [
    name: string,
    code: string,
    behaviour: Behaviour | 'refused',
    streamOnly?: true,
  ])[] = [
    ['refuses the connection', 'upstream_unreachable', 'refused'],
    ['closes it without a word', 'upstream_unreachable', (response) => void response.destroy()],
    ['answers 500', 'upstream_error', failing(500)],
    ['answers 429', 'rate_limit_exceeded', failing(429)],
    ['answers 401', 'upstream_auth', failing(401)],
    ['never answers', 'upstream_timeout', hanging],
    ['begins its stream with an error', 'upstream_overloaded', failingInStream, true],
  ]
  for (const [name, code, behaviour, streamOnly] of faults) {
    for (const stream of streamOnly ? [true] : [false, true]) {
      it(`${name}${stream ? ', streaming' : ''}: another answers`, async () => {
        await using bad = await startOpenAiUpstream(behaviour === 'refused' ? hanging : behaviour)
        await using good = await startOpenAiUpstream(saying('Hi there'))
        // Only who never answers is to run into them, however slow this machine is.
        const deadlines = behaviour === hanging ? { firstByteMs: 150, totalMs: 300 } : undefined
        const url = behaviour === 'refused' ? await closedUrl() : bad.url
        await using server = await startTestServer({
          arms: [
            { id: 'acme/bad', url, ...(deadlines && { deadlines }) },
            { id: 'acme/good', url: good.url },
          ],
        })
        const response = await server.chat({ stream })
        assert.equal(await answerOf(response), 'Hi there')
        assert.equal(response.headers.get('x-highwayman-arm'), 'acme/good')
        assert.equal(response.headers.get('x-highwayman-attempts'), '2')
        assertFailedOver(server, code)
        assert.equal(response.headers.get('x-highwayman-decision-id'), server.store.decisions[1]?.decision.id)
      })
    }
  }

  it('and so does a model that explores: the second distribution is over what is left', async () => {
    await using bad = await startOpenAiUpstream(failing(500))
    await using good = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({
      arms: [
        { id: 'acme/a', url: bad.url, prior: { ...PRIOR, quality: 0.9 } },
        { id: 'acme/b', url: good.url },
        { id: 'acme/c', url: good.url },
      ],
      policy: { name: 'thompson' },
      auto: { floor: 0.1 },
    })
    const failedOver = () => server.store.decisions.find(({ parentId }) => parentId !== undefined)
    // Ids, and so draws, are new in each run. The failing arm has well over a tenth of them: 300 without it do not happen.
    for (let turn = 0; turn < 300 && failedOver() === undefined; turn++) {
      assert.equal((await server.chat()).status, 200)
    }
    const second = failedOver()
    assert.ok(second, 'the failing arm was drawn at least once')
    assert.deepEqual(second.decision.eligible, ['acme/b', 'acme/c'])
    assert.ok(Math.abs(second.decision.probabilities.reduce((sum, p) => sum + p, 0) - 1) < 1e-12)
    assert.ok(second.decision.probabilities.every((p) => p >= 0.05 - 1e-12))
  })
})

describe('the failure of every arm', () => {
  async function failWith(...behaviours: readonly Behaviour[]) {
    const upstreams = await Promise.all(behaviours.map((behaviour) => startOpenAiUpstream(behaviour)))
    try {
      await using server = await startTestServer({
        arms: upstreams.map(({ url }, i) => ({ id: `acme/${i}`, url })),
      })
      const response = await server.chat()
      const { error } = (await response.json()) as { error: Record<string, unknown> }
      return { status: response.status, headers: response.headers, error, store: server.store }
    } finally {
      await Promise.all(upstreams.map((upstream) => upstream[Symbol.asyncDispose]()))
    }
  }

  it('for one reason is told as that, with each attempt', async () => {
    const { status, headers, error, store } = await failWith(failing(500), failing(500))
    assert.equal(status, 502)
    assert.equal(error['code'], 'upstream_error')
    assert.equal(headers.get('x-should-retry'), 'false')
    assert.equal(headers.get('x-highwayman-attempts'), '2')
    const last = store.decisions.at(-1)?.decision
    assert.equal(error['decision_id'], last?.id)
    assert.equal(headers.get('x-highwayman-decision-id'), last?.id)
    assert.equal(headers.get('x-highwayman-arm'), 'acme/1')
    assert.match(headers.get('x-highwayman-overhead-ms') ?? '', /^\d/)
    const attempts = error['attempts'] as { arm: string; status: number; code: string; message: string }[]
    assert.deepEqual(
      attempts.map(({ arm, status, code }) => [arm, status, code]),
      [
        ['acme/0', 500, 'upstream_error'],
        ['acme/1', 500, 'upstream_error'],
      ],
    )
  })

  it('for different reasons is all_arms_failed', async () => {
    const { status, error } = await failWith(failing(500), failing(503), failing(429))
    assert.equal(status, 502)
    assert.equal(error['code'], 'all_arms_failed')
    assert.equal(error['type'], 'upstream_error')
  })

  it('by rate limits is a 429 that says when the first is free again', async () => {
    const { status, headers, error } = await failWith(
      failing(429, {}, { 'retry-after': '40' }),
      failing(429, {}, { 'retry-after': '7' }),
    )
    assert.equal(status, 429)
    assert.equal(error['code'], 'rate_limit_exceeded')
    assert.equal(headers.get('retry-after'), '7')
    assert.equal(headers.get('retry-after-ms'), '7000')
  })

  it('by silence is a 504', async () => {
    await using upstream = await startOpenAiUpstream(hanging)
    await using server = await startTestServer({
      arms: [{ id: 'acme/slow', url: upstream.url, deadlines: { totalMs: 100 } }],
    })
    const response = await server.chat()
    assert.equal(response.status, 504)
    assert.equal(((await response.json()) as { error: { code: string } }).error.code, 'upstream_timeout')
  })

  it('never shows an upstream’s key', async () => {
    const key = 'sk-very-secret-upstream-key'
    await using upstream = await startOpenAiUpstream(
      failing(401, { message: `Incorrect API key provided: ${key}` }),
    )
    await using server = await startTestServer({ arms: [{ id: 'acme/x', url: upstream.url, apiKey: key }] })
    const response = await server.chat()
    const text = await response.text()
    assert.equal(response.status, 502, 'the caller’s own key was fine')
    assert.ok(!text.includes(key), text)
    assert.ok(!JSON.stringify(server.store.attempts).includes(key))
    assert.ok(!server.logged().includes(key))
  })
})

describe('a request that is itself at fault', () => {
  it('is answered as it is and not tried elsewhere', async () => {
    await using strict = await startOpenAiUpstream(
      failing(400, {
        message: 'bad schema',
        code: 'invalid_schema',
        param: 'tools',
        type: 'invalid_request_error',
      }),
    )
    await using other = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({
      arms: [
        { id: 'acme/strict', url: strict.url },
        { id: 'acme/other', url: other.url },
      ],
    })
    const response = await server.chat()
    const { error } = (await response.json()) as { error: Record<string, unknown> }
    assert.equal(response.status, 400)
    assert.deepEqual([error['code'], error['param']], ['invalid_schema', 'tools'])
    assert.equal(other.requests.length, 0)
    assert.equal(server.store.observations.length, 0, 'the arm did nothing wrong')
  })

  it('but too long for one arm goes to a larger one only', async () => {
    const tooLong = failing(400, {
      message: 'This model’s maximum context length is 100 tokens',
      code: 'context_length_exceeded',
    })
    await using small = await startOpenAiUpstream(tooLong)
    await using large = await startOpenAiUpstream(saying('Hi'))
    const arms: TestArm[] = [
      { id: 'acme/small', url: small.url, contextWindowTokens: 1_000 },
      { id: 'acme/tiny', url: large.url, contextWindowTokens: 500 },
      { id: 'acme/large', url: large.url, contextWindowTokens: 9_000 },
    ]
    await using server = await startTestServer({ arms })
    const response = await server.chat()
    assert.equal(response.headers.get('x-highwayman-arm'), 'acme/large')
    assert.deepEqual(
      server.store.decisions[1]?.decision.exclusions.map(({ arm, reason }) => [arm, reason]),
      [
        ['acme/small', 'already_tried'],
        ['acme/tiny', 'context_window'],
      ],
    )
    large.behave(tooLong)
    const refused = await server.chat()
    assert.equal(refused.status, 400)
    const { error } = (await refused.json()) as { error: { code: string } }
    assert.equal(error.code, 'context_length_exceeded')
  })
})

describe('limits on trying', () => {
  it('maxAttempts ends it', async () => {
    await using upstream = await startOpenAiUpstream(failing(500))
    await using server = await startTestServer({
      arms: ['a', 'b', 'c'].map((name) => ({ id: `acme/${name}`, url: upstream.url })),
      server: { maxAttempts: 2 },
    })
    assert.equal((await server.chat()).status, 502)
    assert.equal(upstream.requests.length, 2)
  })

  it('an arm that fails five times in a row is left alone, then probed by one request', async () => {
    await using bad = await startOpenAiUpstream(failing(500))
    await using good = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({
      arms: [
        { id: 'acme/bad', url: bad.url },
        { id: 'acme/good', url: good.url },
      ],
    })
    for (let turn = 0; turn < 8; turn++) assert.equal((await server.chat()).status, 200)
    assert.equal(bad.requests.length, 5)
    const { decision } = server.store.decisions.at(-1)!
    assert.deepEqual(decision.eligible, ['acme/good'])
    assert.equal(decision.exclusions[0]?.reason, 'unhealthy')
    assert.match(await (await server.get('/metrics')).text(), /highwayman_breaker_state\{arm="acme\/bad"\} 2/)

    server.clock.advance(15_000)
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    bad.behave(async (response, request) => {
      await gate
      await saying('Back again')(response, request)
    })
    const probe = server.chat()
    await eventually(() => bad.requests.length === 6, 'the probe')
    for (let turn = 0; turn < 3; turn++) assert.equal((await server.chat()).status, 200)
    assert.equal(bad.requests.length, 6, 'one probe while its outcome is open')
    open()
    assert.equal((await probe).headers.get('x-highwayman-arm'), 'acme/bad')
    await server.chat()
    assert.equal(bad.requests.length, 7, 'closed again')
  })

  it('no arm being well is a 503 that says when to come back', async () => {
    await using bad = await startOpenAiUpstream(failing(401))
    await using server = await startTestServer({ arms: [{ id: 'acme/bad', url: bad.url }] })
    assert.equal((await server.chat()).status, 502)
    const response = await server.chat()
    assert.equal(response.status, 503)
    assert.equal(response.headers.get('retry-after'), '15')
    assert.equal(response.headers.get('x-should-retry'), null)
    assert.equal(bad.requests.length, 1)
  })
})
