import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, suite, test } from 'node:test'
import OpenAI from 'openai'
import { readVerdict } from '../../../datasets/index.ts'
import { needsShared, sharedPath } from '../../helpers/shared.ts'
import { assertShapeIsRecorded, type Fixture, framesOf, KEYS, send, startFixture } from './client.ts'

const KEY = KEYS['openai-compatible']
const TOOLS = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'The weather of a city',
      parameters: {
        type: 'object',
        properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 1, maximum: 7 } },
        required: ['city', 'days'],
      },
    },
  },
  { type: 'function', function: { name: 'get_time', parameters: { type: 'object', properties: {} } } },
] as const

let fixture: Fixture
before(async () => {
  fixture = await startFixture()
})
after(() => fixture.close())

function post(body: object, headers: Readonly<Record<string, string>> = KEY) {
  const arm = fixture.arm('turnpike-mini')
  return send('POST', `${arm.baseUrl}/chat/completions`, { model: arm.upstreamModel, ...body }, headers)
}
const ask = (content: unknown) => ({ messages: [{ role: 'user', content }] })

interface Chunk {
  readonly choices: readonly {
    readonly delta: Record<string, unknown>
    readonly finish_reason: string | null
  }[]
  readonly usage?: Record<string, unknown> | null
}
function chunksOf(text: string): readonly Chunk[] {
  const frames = framesOf(text)
  assert.equal(frames.at(-1)?.data, '[DONE]')
  assert.ok(frames.every((frame) => frame.event === undefined))
  return frames.slice(0, -1).map((frame) => JSON.parse(frame.data))
}

suite('a plain answer', () => {
  test('replays the outcome of the prompt: text with its verdict, tokens as usage', async () => {
    const row = fixture.rows[0]!
    const outcome = row.outcomes.get('sim-openai/turnpike-mini')!
    const answer = await post(ask(row.prompt))
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['content-type'], 'application/json')
    const body = JSON.parse(answer.text)
    assert.match(body.id, /^chatcmpl-[a-z0-9]+$/)
    assert.equal(body.object, 'chat.completion')
    assert.equal(body.model, 'turnpike-mini')
    assert.equal(body.choices[0].finish_reason, 'stop')
    assert.match(body.choices[0].message.content, /^A simulated answer: no model wrote it\./)
    assert.deepEqual(readVerdict(body.choices[0].message.content), {
      promptId: row.promptId,
      armId: 'sim-openai/turnpike-mini',
      quality: outcome.quality,
      isNearest: false,
    })
    assert.equal(body.usage.prompt_tokens, outcome.inputTokens)
    assert.equal(body.usage.completion_tokens, outcome.outputTokens)
    assert.equal(body.usage.total_tokens, outcome.inputTokens! + outcome.outputTokens!)
  })

  test('finds the prompt whatever the white space, the parts and the turns before it', async () => {
    const row = fixture.rows[1]!
    const outcome = row.outcomes.get('sim-openai/turnpike-mini')!
    const earlier = { role: 'system', content: 'x'.repeat(400) }
    const parts = [{ type: 'text', text: `  ${row.prompt.replaceAll(' ', '\n ')}` }]
    const messages = [
      earlier,
      { role: 'user', content: 'hello' },
      { role: 'assistant', content: 'hi' },
      { role: 'user', content: parts },
    ]
    const body = JSON.parse((await post({ messages })).text)
    assert.equal(readVerdict(body.choices[0].message.content)?.promptId, row.promptId)
    assert.equal(body.usage.prompt_tokens, outcome.inputTokens! + Math.ceil((400 + 5 + 2) / 4))
  })

  test('to a prompt that is not in the set says so, and is the same every time', async () => {
    const texts = await Promise.all(
      [
        'Write a Python function that sums a list of prices.',
        'Write a Python function that sums a list of prices.',
        '∅ ∅',
      ].map(async (prompt) => {
        const body = JSON.parse((await post(ask(prompt))).text)
        return body.choices[0].message.content as string
      }),
    )
    assert.equal(texts[0], texts[1])
    for (const text of texts) {
      assert.match(text, /not in the dataset crossroads/)
      assert.equal(readVerdict(text)?.isNearest, true)
    }
    assert.match(readVerdict(texts[0]!)!.promptId, /^cr-code-/)
  })

  test('is cut at max_tokens, and then carries no verdict', async () => {
    const body = JSON.parse((await post({ ...ask(fixture.rows[0]!.prompt), max_completion_tokens: 5 })).text)
    assert.equal(body.choices[0].finish_reason, 'length')
    assert.equal(body.usage.completion_tokens, 5)
    assert.equal(body.choices[0].message.content.length, 20)
    assert.equal(readVerdict(body.choices[0].message.content), undefined)
  })
})

suite('a stream', () => {
  test('is role, content, finish, [DONE], all under one id, and holds the text of the plain answer', async () => {
    const question = ask(fixture.rows[2]!.prompt)
    const [plain, streamed] = await Promise.all([post(question), post({ ...question, stream: true })])
    assert.equal(streamed.headers['content-type'], 'text/event-stream; charset=utf-8')
    const chunks = chunksOf(streamed.text)
    assert.deepEqual(chunks[0]?.choices[0]?.delta, { role: 'assistant', content: '', refusal: null })
    const middle = chunks.slice(1, -1)
    assert.ok(middle.length > 1 && middle.length <= 24, `${middle.length} content chunks`)
    assert.ok(middle.every((chunk) => Object.keys(chunk.choices[0]!.delta).join() === 'content'))
    const text = middle.map((chunk) => chunk.choices[0]!.delta['content']).join('')
    assert.equal(text, JSON.parse(plain.text).choices[0].message.content)
    assert.deepEqual(chunks.at(-1)?.choices[0], {
      index: 0,
      delta: {},
      logprobs: null,
      finish_reason: 'stop',
    })
    assert.equal(
      new Set(
        framesOf(streamed.text)
          .slice(0, -1)
          .map((frame) => JSON.parse(frame.data).id),
      ).size,
      1,
    )
    assert.ok(chunks.every((chunk) => !('usage' in chunk)))
  })

  test('with include_usage has usage null on every chunk and one last chunk without choices', async () => {
    const answer = await post({
      ...ask(fixture.rows[2]!.prompt),
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = chunksOf(answer.text)
    assert.ok(chunks.slice(0, -1).every((chunk) => chunk.usage === null))
    assert.deepEqual(chunks.at(-1)?.choices, [])
    assert.equal(
      chunks.at(-1)?.usage?.['completion_tokens'],
      fixture.rows[2]!.outcomes.get('sim-openai/turnpike-mini')!.outputTokens,
    )
  })

  test('of a tool call: id and name first, then fragments of the arguments', async () => {
    const answer = await post({ ...ask('How is the weather?'), tools: TOOLS, stream: true })
    const chunks = chunksOf(answer.text)
    const calls = chunks.flatMap(
      (chunk) => (chunk.choices[0]?.delta['tool_calls'] ?? []) as Record<string, Record<string, string>>[],
    )
    assert.equal(calls[0]!['function']!['name'], 'get_weather')
    assert.equal(calls[0]!['function']!['arguments'], '')
    assert.match(String(calls[0]!['id']), /^call_[a-z0-9]+$/)
    assert.ok(
      calls
        .slice(1)
        .every((call) => !('id' in call) && Object.keys(call['function']!).join() === 'arguments'),
    )
    const args = JSON.parse(calls.map((call) => call['function']!['arguments']).join(''))
    assert.equal(typeof args.city, 'string')
    assert.ok(Number.isInteger(args.days) && args.days >= 1 && args.days <= 7)
    assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, 'tool_calls')
  })
})

suite('tools', () => {
  test('the named tool is called, and the finish is then `stop`, as at OpenAI', async () => {
    const body = JSON.parse(
      (
        await post({
          ...ask('Hi'),
          tools: TOOLS,
          tool_choice: { type: 'function', function: { name: 'get_time' } },
        })
      ).text,
    )
    assert.equal(body.choices[0].message.tool_calls[0].function.name, 'get_time')
    assert.equal(body.choices[0].message.tool_calls[0].function.arguments, '{}')
    assert.equal(body.choices[0].message.content, null)
    assert.equal(body.choices[0].finish_reason, 'stop')
  })

  test('after a tool result, and with tool_choice none, there is text', async () => {
    const call = { id: 'call_1', type: 'function', function: { name: 'get_time', arguments: '{}' } }
    const turns = [
      { role: 'user', content: 'What time is it?' },
      { role: 'assistant', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: '12:00' },
    ]
    for (const body of [
      { messages: turns, tools: TOOLS },
      { ...ask('Hi'), tools: TOOLS, tool_choice: 'none' },
    ]) {
      const { choices } = JSON.parse((await post(body)).text)
      assert.equal(choices[0].finish_reason, 'stop')
      assert.ok(readVerdict(choices[0].message.content))
    }
  })

  test('a named tool that was not offered is a 400', async () => {
    const answer = await post({
      ...ask('Hi'),
      tools: TOOLS,
      tool_choice: { type: 'function', function: { name: 'fly' } },
    })
    assert.equal(answer.status, 400)
    assert.match(JSON.parse(answer.text).error.message, /tool_choice names 'fly'/)
  })
})

suite('errors have the shape of the service', () => {
  const cases = [
    ['no key', () => post(ask('Hi'), {}), 401, 'invalid_request_error', null],
    [
      'an unknown model',
      () => post({ ...ask('Hi'), model: 'turnpike-huge' }),
      404,
      'invalid_request_error',
      'model_not_found',
    ],
    ['no messages', () => post({ messages: [] }), 400, 'invalid_request_error', null],
    ['two choices', () => post({ ...ask('Hi'), n: 2 }), 400, 'invalid_request_error', null],
    [
      'not JSON',
      () => send('POST', `${fixture.arm('turnpike-mini').baseUrl}/chat/completions`, '{', KEY),
      400,
      'invalid_request_error',
      null,
    ],
    [
      'an unknown path',
      () => send('POST', `${fixture.simulator.url}/openai/v1/completions`, {}, KEY),
      404,
      'invalid_request_error',
      null,
    ],
  ] as const
  for (const [name, run, status, type, code] of cases) {
    test(name, async () => {
      const answer = await run()
      assert.equal(answer.status, status)
      const { message, ...error } = JSON.parse(answer.text).error
      assert.deepEqual(error, { type, param: null, code })
      assert.ok(message.length > 0)
    })
  }

  test('a model of another dialect is unknown here', async () => {
    assert.equal((await post({ ...ask('Hi'), model: 'bramble-large' })).status, 404)
  })
})

test('the models endpoint lists the arms of this dialect', async () => {
  const answer = await send('GET', `${fixture.simulator.url}/openai/v1/models`, undefined, KEY)
  assert.deepEqual(
    JSON.parse(answer.text).data.map((model: { id: string }) => model.id),
    ['turnpike-large', 'turnpike-mini'],
  )
  assert.equal((await send('GET', `${fixture.simulator.url}/openai/v1/models`)).status, 401)
})

test('the official client reads text, stream, tool call and error', async () => {
  const client = new OpenAI({ apiKey: 'test', baseURL: fixture.arm('turnpike-large').baseUrl, maxRetries: 0 })
  const messages = [{ role: 'user' as const, content: fixture.rows[5]!.prompt }]
  const plain = await client.chat.completions.create({ model: 'turnpike-large', messages })
  const text = plain.choices[0]?.message.content ?? ''
  assert.equal(readVerdict(text)?.promptId, fixture.rows[5]!.promptId)
  const streamed = await client.chat.completions
    .stream({ model: 'turnpike-large', messages, stream_options: { include_usage: true } })
    .finalChatCompletion()
  assert.equal(streamed.choices[0]?.message.content, text)
  assert.deepEqual(streamed.usage, plain.usage)
  const called = await client.chat.completions
    .stream({ model: 'turnpike-large', messages, tools: structuredClone(TOOLS) as never })
    .finalChatCompletion()
  assert.equal(called.choices[0]?.message.tool_calls?.[0]?.function.name, 'get_weather')
  await assert.rejects(client.chat.completions.create({ model: 'nope', messages }), {
    status: 404,
    code: 'model_not_found',
  })
})

test('no field that the service does not send', needsShared('fixtures', 'openai-chat'), async () => {
  const recordedFile = (name: string, file: string) =>
    readFileSync(sharedPath('fixtures', 'openai-chat', name, file), 'utf8')
  const recordedBody = (name: string) => JSON.parse(recordedFile(name, 'response.json'))
  const recordedChunks = (name: string) => chunksOf(recordedFile(name, 'response.sse'))
  const bodies = ['text', 'tool-call', 'finish-length'].map(recordedBody)
  const chunks = ['text-stream', 'text-stream-include-usage', 'tool-call-stream'].flatMap(recordedChunks)
  for (const extra of [{}, { tools: TOOLS }, { max_tokens: 3 }]) {
    const question = { ...ask('How is the weather?'), ...extra }
    assertShapeIsRecorded(JSON.parse((await post(question)).text), bodies)
    const stream = await post({ ...question, stream: true, stream_options: { include_usage: true } })
    for (const chunk of chunksOf(stream.text)) assertShapeIsRecorded(chunk, chunks)
  }
  assertShapeIsRecorded(JSON.parse((await post(ask('Hi'), {})).text), [recordedBody('error-401')])
  assertShapeIsRecorded(JSON.parse((await post({ ...ask('Hi'), model: 'x' })).text), [
    recordedBody('error-404-model'),
  ])
})
