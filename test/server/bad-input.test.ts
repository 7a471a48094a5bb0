import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { startTestServer, type TestServer } from '../helpers/server.ts'

interface ErrorBody {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly code: string
    readonly param: string | null
    readonly exclusions?: readonly { arm: string; reason: string; detail: string }[]
  }
}

describe('bad input is answered in OpenAI’s error shape', () => {
  let upstream: Awaited<ReturnType<typeof startOpenAiUpstream>>
  let server: TestServer
  before(async () => {
    upstream = await startOpenAiUpstream(saying('Hi'))
    server = await startTestServer({
      arms: [
        { id: 'acme/small', url: upstream.url, contextWindowTokens: 50, tags: ['cheap'] },
        { id: 'acme/text-only', url: upstream.url, contextWindowTokens: 200, capabilities: ['streaming'] },
      ],
      models: [
        {
          name: 'nobody',
          arms: [],
          policy: { name: 'thompson' },
          preferences: { kind: 'exchange-rates' },
          constraints: {},
          floor: 0,
          switchMargin: 0,
          explore: true,
        },
      ],
      server: { bodyLimitBytes: 2_000 },
    })
  })
  after(async () => {
    await server[Symbol.asyncDispose]()
    await upstream[Symbol.asyncDispose]()
  })

  async function refused(response: Response, status: number, code: string): Promise<ErrorBody['error']> {
    const text = await response.text()
    assert.equal(response.status, status, text)
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
    assert.ok(response.headers.get('x-request-id'))
    const { error } = JSON.parse(text) as ErrorBody
    assert.deepEqual(Object.keys(error).slice(0, 4), ['message', 'type', 'code', 'param'])
    assert.equal(error.code, code)
    assert.equal(upstream.requests.length, 0, 'nothing may have been sent upstream')
    return error
  }

  it('malformed JSON: says where it breaks', async () => {
    const error = await refused(
      await server.post('/v1/chat/completions', '{"model": hello}'),
      400,
      'invalid_json',
    )
    assert.match(error.message, /position|line|token/i)
  })

  it('an empty body', async () => {
    const error = await refused(await server.post('/v1/chat/completions', ''), 400, 'invalid_json')
    assert.match(error.message, /empty/)
  })

  it('a body that would change prototypes', async () => {
    await refused(
      await server.post('/v1/chat/completions', '{"messages": [], "__proto__": {"stream": true}}'),
      400,
      'invalid_json',
    )
  })

  const user = { role: 'user', content: 'x' }
  const wrong: readonly (readonly [what: string, body: unknown, param: string | null, message: RegExp])[] = [
    ['not an object', [1], null, /^body: .*expected object/],
    ['no messages', {}, 'messages', /^messages: .*expected array/],
    ['empty messages', { messages: [] }, 'messages', /^messages: /],
    [
      'a number for content',
      { messages: [{ role: 'user', content: 7 }] },
      'messages[0].content',
      /expected string or array or null/,
    ],
    ['an unknown role', { messages: [user, { role: 'robot', content: 'x' }] }, 'messages[1].role', /"user"/],
    [
      'a text part without text',
      { messages: [{ role: 'user', content: [{ type: 'text' }] }] },
      'messages[0].content[0].text',
      /expected string/,
    ],
    [
      'an image without a url',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: {} }] }] },
      'messages[0].content[0].image_url.url',
      /expected string/,
    ],
    [
      'a tool call without arguments',
      {
        messages: [
          { role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: { name: 'f' } }] },
        ],
      },
      'messages[0].tool_calls[0].function.arguments',
      /expected string/,
    ],
    ['a string for temperature', { messages: [user], temperature: 'warm' }, 'temperature', /expected number/],
    ['zero tokens', { messages: [user], max_tokens: 0 }, 'max_tokens', />=1/],
    ['stream as a string', { messages: [user], stream: 'yes' }, 'stream', /expected boolean/],
    [
      'a tool without a name',
      { messages: [user], tools: [{ type: 'function', function: {} }] },
      'tools[0].function.name',
      /expected string/,
    ],
    [
      'an extension nobody knows',
      { messages: [user], highwayman: { prefer: 1 } },
      'highwayman.prefer',
      /unknown field/,
    ],
    [
      'weights without quality',
      { messages: [user], highwayman: { preferences: { cost: 1 } } },
      'highwayman.preferences',
      /weights \(quality/,
    ],
    [
      'weights and rates at once',
      { messages: [user], highwayman: { preferences: { quality: 1, usd_per_quality_point: 1 } } },
      'highwayman.preferences',
      /or weights/,
    ],
    [
      'a negative limit',
      { messages: [user], highwayman: { constraints: { max_cost_usd: -1 } } },
      'highwayman.constraints.max_cost_usd',
      />0/,
    ],
    [
      'an unknown capability',
      { messages: [user], highwayman: { constraints: { capabilities: ['magic'] } } },
      'highwayman.constraints.capabilities[0]',
      /"vision"/,
    ],
  ]
  for (const [what, body, param, message] of wrong) {
    it(`${what}: names ${param ?? 'the body'}`, async () => {
      const error = await refused(await server.post('/v1/chat/completions', body), 400, 'invalid_request')
      assert.equal(error.param, param)
      assert.match(error.message, message)
      assert.equal(error.type, 'invalid_request_error')
    })
  }

  it('a header with a value that is not one', async () => {
    const error = await refused(
      await server.chat({}, { 'x-highwayman-explore': 'maybe' }),
      400,
      'invalid_request',
    )
    assert.equal(error.param, 'x-highwayman-explore')
  })

  it('an unknown model: lists those there are, the closest first', async () => {
    const response = await server.chat({ model: 'acme/smal' })
    assert.equal(response.headers.get('x-should-retry'), 'false')
    const error = await refused(response, 404, 'model_not_found')
    assert.equal(error.param, 'model')
    assert.match(
      error.message,
      /^There is no model "acme\/smal"\. Known are acme\/small, auto, nobody, acme\/text-only\.$/,
    )
  })

  it('an unknown name in a fallback list', async () => {
    await refused(
      await server.chat({ model: undefined, models: ['acme/small', 'nope'] }),
      404,
      'model_not_found',
    )
  })

  it('a virtual model without arms', async () => {
    const response = await server.chat({ model: 'nobody' })
    assert.ok(Number(response.headers.get('retry-after')) > 0)
    const error = await refused(response, 503, 'no_eligible_arm')
    assert.match(error.message, /"nobody" has no arms/)
  })

  it('an arm that lacks what the request needs: says what', async () => {
    const image = { type: 'image_url', image_url: { url: 'https://example.test/x.png' } }
    const response = await server.chat({
      model: 'acme/text-only',
      messages: [{ role: 'user', content: [image] }],
    })
    assert.equal(response.headers.get('x-should-retry'), 'false')
    const error = await refused(response, 503, 'no_eligible_arm')
    assert.deepEqual(error.exclusions, [
      { arm: 'acme/text-only', reason: 'missing_capability', detail: 'vision' },
    ])
  })

  it('a prompt that fits nowhere', async () => {
    const response = await server.chat({ messages: [{ role: 'user', content: 'word '.repeat(300) }] })
    const error = await refused(response, 400, 'context_length_exceeded')
    assert.match(error.message, /acme\/small: context_window \(\d+ > 50 tokens\)/)
  })

  it('a body that is too large', async () => {
    const response = await server.chat({ messages: [{ role: 'user', content: 'x'.repeat(3_000) }] })
    const error = await refused(response, 413, 'request_too_large')
    assert.match(error.message, /2000 bytes/)
  })

  it('another content type', async () => {
    const response = await server.post('/v1/chat/completions', 'model=auto', { 'content-type': 'text/plain' })
    const error = await refused(response, 415, 'unsupported_media_type')
    assert.match(error.message, /text\/plain/)
  })

  it('an unknown path', async () => {
    const error = await refused(await server.post('/v1/chat/completion', {}), 404, 'route_not_found')
    assert.match(error.message, /POST \/v1\/chat\/completion;/)
  })

  it('a bad URL', async () => {
    await refused(await server.get('/v1/%zz'), 400, 'invalid_request')
  })

  it('no arms at all', async () => {
    await using empty = await startTestServer({ arms: [] })
    const error = await refused(await empty.chat(), 503, 'no_eligible_arm')
    assert.match(error.message, /has no arms/)
    assert.equal((await empty.get('/readyz')).status, 503)
  })
})
