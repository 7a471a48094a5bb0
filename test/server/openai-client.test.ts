/** The official client against the running gateway: what it reads is what callers get. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import OpenAI from 'openai'
import { callingTool, dyingAfter, failing, saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { startTestServer, type TestServer, tenant } from '../helpers/server.ts'

const messages = [{ role: 'user', content: 'What is the weather in Oslo?' }] as const
const tools = [
  {
    type: 'function',
    function: {
      name: 'weather',
      description: 'The weather of a city',
      parameters: { type: 'object', properties: { city: { type: 'string' } } },
    },
  },
] as const

describe('the openai client', () => {
  let upstream: Awaited<ReturnType<typeof startOpenAiUpstream>>
  let server: TestServer
  let client: OpenAI
  before(async () => {
    upstream = await startOpenAiUpstream(saying('Cold and clear.'))
    server = await startTestServer({
      arms: [{ id: 'acme/small', url: upstream.url }],
      tenants: [tenant('team', 'hw-key')],
    })
    client = new OpenAI({ apiKey: 'hw-key', baseURL: `${server.url}/v1` })
  })
  after(async () => {
    await server[Symbol.asyncDispose]()
    await upstream[Symbol.asyncDispose]()
  })

  it('gets an answer and its headers', async () => {
    upstream.behave(saying('Cold and clear.'))
    const { data, response, request_id } = await client.chat.completions
      .create({ model: 'auto', messages: [...messages] })
      .withResponse()
    assert.equal(data.choices[0]?.message.content, 'Cold and clear.')
    assert.equal(data.model, 'acme/small')
    assert.equal(data.usage?.total_tokens, 12)
    assert.equal((data.usage as unknown as { cost: number }).cost, 0.039)
    assert.equal(response.headers.get('x-highwayman-arm'), 'acme/small')
    assert.equal(request_id, response.headers.get('x-request-id'))
  })

  it('gets a stream', async () => {
    upstream.behave(saying('Cold and clear.'))
    const stream = client.chat.completions.stream({
      model: 'auto',
      messages: [...messages],
      stream_options: { include_usage: true },
    })
    let text = ''
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    assert.equal(text, 'Cold and clear.')
    const final = await stream.finalChatCompletion()
    assert.equal(final.choices[0]?.finish_reason, 'stop')
    assert.equal(final.usage?.total_tokens, 12)
  })

  it('gets tool calls, whole and streamed, and may answer them', async () => {
    upstream.behave(callingTool('weather', '{"city":"Oslo"}'))
    const request = { model: 'auto', messages: [...messages], tools: [...tools] }
    const whole = await client.chat.completions.create(request)
    const streamed = await client.chat.completions.stream(request).finalChatCompletion()
    for (const answer of [whole, streamed]) {
      const [call] = answer.choices[0]?.message.tool_calls ?? []
      assert.ok(call?.type === 'function')
      assert.equal(call.function.name, 'weather')
      assert.equal(call.function.arguments, '{"city":"Oslo"}')
      assert.equal(answer.choices[0]?.finish_reason, 'tool_calls')
    }
    upstream.behave(saying('It is cold.'))
    const message = whole.choices[0]!.message
    const next = await client.chat.completions.create({
      ...request,
      messages: [...messages, message, { role: 'tool', tool_call_id: 'call_1', content: '-5' }],
    })
    assert.equal(next.choices[0]?.message.content, 'It is cold.')
    const sent = upstream.requests.at(-1)?.body as { messages: { role: string; tool_call_id?: string }[] }
    assert.deepEqual(
      sent.messages.map(({ role }) => role),
      ['user', 'assistant', 'tool'],
    )
  })

  it('throws when a stream breaks off', async () => {
    upstream.behave(dyingAfter('Cold '))
    const stream = await client.chat.completions.create({
      model: 'auto',
      messages: [...messages],
      stream: true,
    })
    let text = ''
    await assert.rejects(
      async () => {
        for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
      },
      (error: unknown) => error instanceof OpenAI.APIError && error.code === 'upstream_truncated',
    )
    assert.equal(text, 'Cold ')
  })

  it('does not retry what was tried on every arm', async () => {
    upstream.behave(failing(500))
    const before = upstream.requests.length
    await assert.rejects(
      client.chat.completions.create({ model: 'auto', messages: [...messages] }),
      (error: unknown) =>
        error instanceof OpenAI.InternalServerError &&
        error.status === 502 &&
        error.code === 'upstream_error',
    )
    assert.equal(upstream.requests.length - before, 1)
  })

  it('lists and finds models', async () => {
    const ids: string[] = []
    for await (const model of client.models.list()) ids.push(model.id)
    assert.deepEqual(ids, ['auto', 'acme/small'])
    assert.equal((await client.models.retrieve('acme/small')).owned_by, 'acme')
  })

  it('knows our errors by their classes', async () => {
    await assert.rejects(
      new OpenAI({ apiKey: 'wrong', baseURL: `${server.url}/v1` }).models.list(),
      OpenAI.AuthenticationError,
    )
    await assert.rejects(
      client.chat.completions.create({ model: 'nope', messages: [...messages] }),
      OpenAI.NotFoundError,
    )
    await assert.rejects(
      client.chat.completions.create({ model: 'auto', messages: [] }),
      (error: unknown) => error instanceof OpenAI.BadRequestError && error.param === 'messages',
    )
  })
})
