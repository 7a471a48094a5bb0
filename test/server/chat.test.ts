import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { callingTool, completion, saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { startTestServer } from '../helpers/server.ts'
import { json } from '../helpers/upstream.ts'

interface Completion {
  readonly id: string
  readonly created: number
  readonly model: string
  readonly choices: readonly { readonly message: { readonly content: string } }[]
  readonly usage: Record<string, unknown> & { cost: number; cost_details: Record<string, unknown> }
  readonly highwayman: {
    readonly decision_id: string
    readonly arm: string
    readonly class: string
    readonly propensity: number
    readonly warnings: readonly { field: string; message: string }[]
  }
}
const read = async (response: Response): Promise<Completion> => {
  const text = await response.text()
  assert.equal(response.status, 200, text)
  return JSON.parse(text)
}

describe('a chat completion', () => {
  it('carries our id, the arm as model, its cost and every header', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi you'))
    await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
    const response = await server.chat({}, { 'x-request-id': 'my-id-1' })
    const body = await read(response)
    const [row] = server.store.decisions
    assert.ok(row)
    const { decision } = row
    assert.equal(body.id, `chatcmpl-${decision.id}`)
    assert.equal(body.created, Math.floor(decision.atMs / 1_000))
    assert.equal(body.model, 'acme/small')
    assert.equal(body.choices[0]?.message.content, 'Hi you')
    // 9 prompt tokens at 1,000 and 3 completion tokens at 10,000 USD per million.
    assert.equal(body.usage.cost, 0.039)
    assert.deepEqual(body.usage.cost_details, {
      source: 'price',
      usage_estimated: false,
      input_usd_per_mtok: 1_000,
      output_usd_per_mtok: 10_000,
    })
    assert.deepEqual(body.highwayman, {
      decision_id: decision.id,
      arm: 'acme/small',
      class: 'chat',
      policy: 'priority',
      propensity: 1,
      warnings: [],
    })
    const headers = Object.fromEntries(response.headers)
    assert.match(headers['x-highwayman-overhead-ms'] ?? '', /^\d+\.\d{3}$/)
    for (const [name, value] of Object.entries({
      'x-request-id': 'my-id-1',
      'x-highwayman-decision-id': decision.id,
      'x-highwayman-arm': 'acme/small',
      'x-highwayman-class': 'chat',
      'x-highwayman-propensity': '1',
      'x-highwayman-policy': 'priority',
      'x-highwayman-attempts': '1',
      'x-highwayman-cost-usd': '0.039',
    })) {
      assert.equal(headers[name], value, name)
    }
  })

  it('does not count as its own the time in which the body comes', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi you'))
    await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
    const body = JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }] })
    const slow = request(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': body.length },
    })
    const startedAt = performance.now()
    slow.write(body.slice(0, 10))
    await sleep(400)
    slow.end(body.slice(10))
    const [response] = await once(slow, 'response')
    const tookMs = performance.now() - startedAt
    response.resume()
    assert.equal(response.statusCode, 200)
    // Whatever this machine is busy with before and after, it was not busy while the body was waited for.
    const overheadMs = Number(response.headers['x-highwayman-overhead-ms'])
    assert.ok(overheadMs < tookMs - 200, `${overheadMs} of ${tookMs} ms`)
  })

  it('records the decision, the call and what was learned from it', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi you'))
    await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
    const metadata = { ticket: '7' }
    await read(await server.chat({ highwayman: { session: 's-1', metadata, class: 'code' } }))
    const { decisions, attempts, observations } = server.store
    const [row] = decisions
    assert.deepEqual(
      [
        row?.tenant,
        row?.session,
        row?.requestedModel,
        row?.surface,
        row?.stream,
        row?.parentId,
        row?.metadata,
      ],
      ['default', 's-1', 'auto', 'chat', false, undefined, metadata],
    )
    assert.equal(row?.decision.requestClass, 'code')
    assert.ok(row.promptTokens > 2)
    const [attempt] = attempts
    assert.equal(attempts.length, 1)
    assert.ok(attempt)
    const { atMs, totalMs, ...rest } = attempt
    assert.ok(totalMs > 0 && atMs > 0)
    assert.deepEqual(rest, {
      decisionId: row.decision.id,
      arm: 'acme/small',
      index: 0,
      status: 'answered',
      upstreamStatus: 200,
      errorCode: '',
      errorMessage: '',
      finishReason: 'stop',
      ttftMs: undefined,
      promptTokens: 9,
      cachedTokens: undefined,
      completionTokens: 3,
      reasoningTokens: undefined,
      costUsd: 0.039,
      usageEstimated: false,
    })
    assert.deepEqual(
      observations.map(({ head }) => head),
      ['tpot', 'output_tokens', 'success'],
    )
    const learned = server.running.router.sums().map(({ arm, head, n }) => [arm, head, n])
    assert.deepEqual(learned, [
      ['acme/small', 'tpot', 1],
      ['acme/small', 'output_tokens', 1],
      ['acme/small', 'success', 1],
    ])
  })

  it('passes unknown fields on and keeps ours and its own to itself', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({
      arms: [{ id: 'acme/small', url: upstream.url, apiKey: 'sk-upstream-secret' }],
    })
    const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }]
    await read(
      await server.chat({
        model: 'acme/small',
        temperature: 0.5,
        tools,
        verbosity: 'low',
        highwayman: { class: 'chat' },
      }),
    )
    const [request] = upstream.requests
    assert.deepEqual(request?.body, {
      model: 'small',
      messages: [{ role: 'user', content: 'Hello there' }],
      temperature: 0.5,
      tools,
      verbosity: 'low',
    })
    assert.equal(request?.headers.authorization, 'Bearer sk-upstream-secret')
  })

  const untold = { none: undefined, zeros: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } }
  for (const [what, told] of Object.entries(untold)) {
    it(`counts tokens itself when the upstream tells ${what}, and says so`, async () => {
      await using upstream = await startOpenAiUpstream(json(completion('one two three', { usage: told })))
      await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
      const { usage } = await read(await server.chat())
      const promptTokens = server.store.decisions[0]!.promptTokens
      assert.equal(usage['completion_tokens'], 3)
      assert.equal(usage['prompt_tokens'], promptTokens)
      assert.equal(usage['total_tokens'], promptTokens + 3)
      assert.equal(usage.cost_details['usage_estimated'], true)
      assert.equal(usage.cost, (promptTokens * 1_000 + 3 * 10_000) / 1e6)
      const [attempt] = server.store.attempts
      assert.equal(attempt?.usageEstimated, true)
      const heads = server.store.observations.map(({ head }) => head)
      assert.deepEqual(heads, ['success'], 'an estimate is nothing to learn a length from')
    })
  }

  it('believes a provider that tells its price', async () => {
    const usage = {
      prompt_tokens: 1,
      completion_tokens: 1,
      total_tokens: 2,
      cost: 0.5,
      cost_details: { upstream_inference_cost: 0.4 },
    }
    await using upstream = await startOpenAiUpstream(json(completion('x', { usage })))
    await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
    const body = await read(await server.chat())
    assert.equal(body.usage.cost, 0.5)
    assert.equal(body.usage.cost_details['source'], 'provider')
    assert.equal(body.usage.cost_details['upstream_inference_cost'], 0.4)
  })

  it('tells of what an adapter could not honour', async () => {
    await using upstream = await startOpenAiUpstream(callingTool('f', '{}'))
    await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
    const { highwayman } = await read(
      await server.chat({ highwayman: { class: 'cdoe', deny: ['acme/smal'] } }),
    )
    assert.deepEqual(highwayman.warnings, [
      {
        field: 'highwayman.deny',
        message: 'no arm has the id or tag "acme/smal"; did you mean "acme/small"?',
      },
      {
        field: 'highwayman.class',
        message: 'unknown class "cdoe"; did you mean "code"?; the class was inferred',
      },
    ])
    assert.equal(highwayman.class, 'chat')
  })
})

describe('the model that is asked for', () => {
  async function servedBy(body: Record<string, unknown>, headers?: Record<string, string>): Promise<string> {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    const url = upstream.url
    await using server = await startTestServer({
      arms: [
        { id: 'acme/first', url, tags: ['cheap'], region: 'eu' },
        {
          id: 'acme/second',
          url,
          tags: ['dear'],
          region: 'us',
          prior: { quality: 0.9, ttftMs: 100, tpotMs: 10, outputTokens: 100 },
        },
        { id: 'acme/third', url, price: { inputUsdPerMtok: 1e6, outputUsdPerMtok: 1e6 } },
      ],
      aliases: { 'gpt-4o': 'acme/second', best: 'auto' },
    })
    const { model } = await read(await server.chat({ model: undefined, ...body }, headers))
    return model
  }

  const cases: readonly (readonly [what: string, body: Record<string, unknown>, expected: string])[] = [
    ['none: auto', {}, 'acme/first'],
    ['an arm: that arm', { model: 'acme/third' }, 'acme/third'],
    ['an alias of an arm', { model: 'gpt-4o' }, 'acme/second'],
    ['an alias of a virtual model', { model: 'best' }, 'acme/first'],
    ['a fallback list: its first', { models: ['acme/third', 'acme/first'] }, 'acme/third'],
    [
      'a model and a fallback list: the model',
      { model: 'acme/second', models: ['acme/third'] },
      'acme/second',
    ],
    ['allow by id', { highwayman: { allow: ['acme/third'] } }, 'acme/third'],
    ['allow by tag', { highwayman: { allow: ['dear'] } }, 'acme/second'],
    ['deny by tag', { highwayman: { deny: ['cheap'] } }, 'acme/second'],
    ['a region', { highwayman: { constraints: { regions: ['us'] } } }, 'acme/second'],
  ]
  for (const [what, body, expected] of cases) {
    it(what, async () => assert.equal(await servedBy(body), expected))
  }

  it('headers wish as the body does, and the body wins', async () => {
    assert.equal(await servedBy({}, { 'x-highwayman-allow': 'acme/second, acme/third' }), 'acme/second')
    assert.equal(
      await servedBy({ highwayman: { allow: ['acme/third'] } }, { 'x-highwayman-allow': 'acme/second' }),
      'acme/third',
    )
  })

  it('limits hold, in the configuration’s spelling too', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({
      arms: [{ id: 'acme/dear', url: upstream.url, price: { inputUsdPerMtok: 1e6, outputUsdPerMtok: 1e6 } }],
    })
    for (const constraints of [{ maxCostUsd: 1 }, { max_cost_usd: 1 }]) {
      const response = await server.chat({ highwayman: { constraints } })
      const { error } = (await response.json()) as {
        error: { code: string; exclusions: { reason: string }[] }
      }
      assert.equal(error.code, 'no_eligible_arm')
      assert.equal(error.exclusions[0]?.reason, 'max_cost')
    }
  })
})

describe('preferences', () => {
  it('of the request replace the tenant’s, and not exploring takes the best mean', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    const prior = { quality: 0.5, ttftMs: 100, tpotMs: 10, outputTokens: 100 }
    await using server = await startTestServer({
      arms: [
        { id: 'acme/cheap', url: upstream.url, prior },
        {
          id: 'acme/good',
          url: upstream.url,
          prior: { ...prior, quality: 0.9 },
          price: { inputUsdPerMtok: 3_000, outputUsdPerMtok: 30_000 },
        },
      ],
      policy: { name: 'thompson' },
    })
    // Decisions only: an answer would teach the router what its arms really cost.
    const drawn = async (preferences: object) => {
      const messages = [{ role: 'user', content: 'Hello' }]
      const response = await server.post('/v1/route', {
        messages,
        highwayman: { preferences, explore: false },
      })
      return ((await response.json()) as { arm: string }).arm
    }
    assert.equal(await drawn({ quality: 1 }), 'acme/good')
    assert.equal(await drawn({ quality: 1, cost: 10 }), 'acme/cheap')
    assert.equal(await drawn({ usd_per_quality_point: 100 }), 'acme/good')
    assert.equal(await drawn({ usdPerQualityPoint: 0.000_1 }), 'acme/cheap')
    const { decision } = server.store.decisions[0]!
    assert.equal(decision.explore, false)
    assert.deepEqual([...decision.probabilities].sort(), [0, 1])
  })

  it('not exploring leaves the choice of a policy that names its arm', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    const prior = { quality: 0.1, ttftMs: 100, tpotMs: 10, outputTokens: 100 }
    await using server = await startTestServer({
      arms: [
        { id: 'acme/named', url: upstream.url, prior },
        { id: 'acme/better', url: upstream.url },
      ],
      auto: { floor: 0.5 },
    })
    const { model } = await read(await server.chat({ highwayman: { explore: false } }))
    assert.equal(model, 'acme/named')
    assert.equal(server.store.decisions[0]?.decision.propensity, 1)
  })
})
