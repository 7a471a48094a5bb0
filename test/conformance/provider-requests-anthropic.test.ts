/** What leaves for Anthropic, asserted on the body that a real server received. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ChatRequest } from '../../adapters/index.ts'
import { ask, refusal, SCHEMA, send, TOOL_TURN, TOOLS, user } from '../helpers/sent.ts'

describe('Anthropic', () => {
  it('carries a tools conversation: results first, all in one message, ids that its rules allow', async () => {
    const sent = await send('anthropic', TOOL_TURN, { model: 'claude-sonnet-4-5' })
    assert.equal(sent.url, '/base/v1/messages')
    assert.deepEqual(
      [sent.headers['x-api-key'], sent.headers['anthropic-version'], sent.headers.authorization],
      ['sk-1', '2023-06-01', undefined],
    )
    const [, assistant] = sent.body['messages'] as readonly { content: readonly Record<string, unknown>[] }[]
    const rewritten = assistant!.content[2]!['id'] as string
    assert.match(rewritten, /^toolu_[0-9a-f]{24}$/)
    assert.deepEqual(sent.body, {
      model: 'claude-sonnet-4-5',
      max_tokens: 64_000,
      stream: true,
      system: 'Be brief.\n\nUse metric units.',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Here:' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'Let me look.' },
            { type: 'tool_use', id: 'call_a', name: 'weather', input: { city: 'Oslo' } },
            { type: 'tool_use', id: rewritten, name: 'weather', input: { city: 'Bergen' } },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'call_a', content: '(no output)' },
            { type: 'tool_result', tool_use_id: rewritten, content: '{"celsius":7}' },
            { type: 'text', text: 'Hurry up.' },
          ],
        },
      ],
      tools: [{ name: 'weather', description: 'Weather of a city', input_schema: SCHEMA }],
      tool_choice: { type: 'auto' },
    })
  })

  it('answers a call without a result with an error, and an orphaned result as user text', async () => {
    const call = { id: 'c1', type: 'function', function: { name: 'weather', arguments: '' } } as const
    const sent = await send(
      'anthropic',
      ask({
        messages: [
          user('Hi'),
          { role: 'assistant', tool_calls: [call] },
          { role: 'tool', tool_call_id: 'gone', content: 'late' },
        ],
      }),
      { model: 'claude-sonnet-4-5' },
    )
    const [, assistant, last] = sent.body['messages'] as readonly {
      content: readonly Record<string, unknown>[]
    }[]
    assert.deepEqual(assistant!.content, [{ type: 'tool_use', id: 'c1', name: 'weather', input: {} }])
    assert.equal(last!.content[0]!['is_error'], true)
    assert.equal(last!.content.at(-1)!['text'], 'late')
    assert.deepEqual(sent.warned, ['messages'])
    assert.deepEqual(
      sent.body['tools'],
      [{ name: 'weather', input_schema: { type: 'object' } }],
      'declared again',
    )
    assert.deepEqual(sent.body['tool_choice'], { type: 'none' })
  })

  const choices: readonly (readonly [Partial<ChatRequest>, unknown])[] = [
    [{ tool_choice: 'required' }, { type: 'any' }],
    [{ tool_choice: 'none' }, { type: 'none' }],
    [
      { tool_choice: { type: 'function', function: { name: 'weather' } }, parallel_tool_calls: false },
      { type: 'tool', name: 'weather', disable_parallel_tool_use: true },
    ],
    [{ parallel_tool_calls: false }, { type: 'auto', disable_parallel_tool_use: true }],
    [{}, undefined],
  ]
  for (const [fields, expected] of choices) {
    it(`maps ${JSON.stringify(fields)}`, async () => {
      const sent = await send('anthropic', ask({ tools: TOOLS, ...fields }), { model: 'claude-sonnet-4-5' })
      assert.deepEqual(sent.body['tool_choice'], expected)
    })
  }

  it('clamps and drops sampling options with a warning, by what the model takes', async () => {
    const fields = ask({ temperature: 1.6, top_p: 0.9, max_tokens: 10 })
    const old = await send('anthropic', fields, { model: 'claude-3-haiku-20240307' })
    assert.deepEqual([old.body['temperature'], old.body['top_p'], old.warned], [1, 0.9, ['temperature']])
    const newer = await send('anthropic', fields, { model: 'claude-sonnet-4-5-20250929' })
    assert.deepEqual(
      [newer.body['temperature'], newer.body['top_p'], newer.warned],
      [1, undefined, ['top_p', 'temperature']],
    )
    const newest = await send('anthropic', fields, { model: 'claude-opus-4-8' })
    assert.deepEqual([newest.body['temperature'], newest.body['top_p']], [undefined, undefined])
    assert.deepEqual(newest.warned.toSorted(), ['temperature', 'top_p'])
  })

  it('sends the token limit it must have, and streams what may take long', async () => {
    const small = await send('anthropic', ask({ max_tokens: 100 }), { model: 'claude-sonnet-4-5' })
    assert.deepEqual([small.body['max_tokens'], small.body['stream']], [100, undefined])
    const none = await send('anthropic', ask({}), { model: 'claude-3-haiku-20240307' })
    assert.deepEqual([none.body['max_tokens'], none.body['stream']], [4_096, undefined])
    const large = await send('anthropic', ask({}), { model: 'claude-opus-4-8' })
    assert.deepEqual([large.body['max_tokens'], large.body['stream']], [64_000, true])
  })

  it('asks for thinking as the model knows it', async () => {
    const fields = ask({ reasoning_effort: 'medium', max_tokens: 20_000, temperature: 0.2 })
    const budget = await send('anthropic', fields, { model: 'claude-3-7-sonnet-20250219' })
    assert.deepEqual(budget.body['thinking'], { type: 'enabled', budget_tokens: 8_192 })
    assert.deepEqual([budget.body['temperature'], budget.warned], [undefined, ['temperature']])
    const adaptive = await send('anthropic', fields, { model: 'claude-opus-4-6' })
    assert.deepEqual(adaptive.body['thinking'], { type: 'adaptive' })
    assert.deepEqual(adaptive.body['output_config'], { effort: 'medium' })
    const tight = await send('anthropic', ask({ reasoning_effort: 'low', max_tokens: 1_000 }), {
      model: 'claude-sonnet-4-5',
    })
    assert.deepEqual([tight.body['thinking'], tight.warned], [undefined, ['reasoning_effort']])
    const forced = await send(
      'anthropic',
      { ...fields, tools: TOOLS, tool_choice: 'required' },
      { model: 'claude-sonnet-4-5' },
    )
    assert.equal(forced.body['thinking'], undefined)
  })

  it('returns thinking to the model that signed it, and switches it off where it is missing', async () => {
    const call = { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{}' } } as const
    const details = (origin: string) => [
      {
        type: 'reasoning.text',
        text: 'Hm.',
        signature: 'sig',
        format: 'anthropic-claude-v1',
        index: 0,
        origin,
      },
    ]
    const turn = (origin: string) =>
      ask({
        tools: TOOLS,
        reasoning_effort: 'low',
        max_tokens: 9_000,
        messages: [
          user('Hi'),
          { role: 'assistant', tool_calls: [call], reasoning_details: details(origin) },
          { role: 'tool', tool_call_id: 'c1', content: 'x' },
        ],
      })
    const model = 'claude-sonnet-4-5'
    const own = await send('anthropic', turn(`arm/${model}`), { model })
    const [, assistant] = own.body['messages'] as readonly { content: readonly Record<string, unknown>[] }[]
    assert.deepEqual(assistant!.content[0], { type: 'thinking', thinking: 'Hm.', signature: 'sig' })
    assert.deepEqual(own.body['thinking'], { type: 'enabled', budget_tokens: 2_048 })
    const foreign = await send('anthropic', turn('other/model'), { model })
    const [, other] = foreign.body['messages'] as readonly { content: readonly Record<string, unknown>[] }[]
    assert.equal(other!.content[0]!['type'], 'tool_use')
    assert.equal(foreign.body['thinking'], undefined)
    assert.deepEqual(foreign.warned, ['reasoning_effort'])
  })

  it('asks for JSON by schema where the model knows how, else by a tool, else in words', async () => {
    const response_format = { type: 'json_schema', json_schema: { name: 'city', schema: SCHEMA } }
    const native = await send('anthropic', ask({ response_format }), { model: 'claude-haiku-4-5' })
    assert.deepEqual(native.body['output_config'], { format: { type: 'json_schema', schema: SCHEMA } })
    const forced = await send('anthropic', ask({ response_format }), { model: 'claude-3-5-haiku-20241022' })
    assert.deepEqual(forced.body['tool_choice'], { type: 'tool', name: 'json_answer' })
    const worded = await send('anthropic', ask({ response_format: { type: 'json_object' } }), {
      model: 'claude-haiku-4-5',
    })
    assert.match(String(worded.body['system']), /JSON/)
    assert.deepEqual(worded.warned, ['response_format'])
  })

  it('repairs the order of messages', async () => {
    const messages: ChatRequest['messages'] = [
      { role: 'assistant', content: 'Welcome' },
      user('A'),
      user('B'),
      { role: 'system', content: 'New rule' },
      { role: 'assistant', content: 'It is ' },
    ]
    const old = await send('anthropic', ask({ messages }), { model: 'claude-3-haiku-20240307' })
    assert.deepEqual(
      (old.body['messages'] as readonly { role: string; content: readonly { text: string }[] }[]).map(
        (message) => [message.role, ...message.content.map(({ text }) => text)],
      ),
      [
        ['user', 'Continue.'],
        ['assistant', 'Welcome'],
        ['user', 'A', 'B', '<system>\nNew rule\n</system>'],
        ['assistant', 'It is'],
      ],
    )
    const newest = await send('anthropic', ask({ messages }), { model: 'claude-opus-4-8' })
    assert.deepEqual(
      (newest.body['messages'] as readonly { role: string }[]).map(({ role }) => role),
      ['assistant', 'user', 'system', 'assistant', 'user'],
    )
  })

  it('keeps cache marks, stop sequences that are words, and the user', async () => {
    const marked = { type: 'text', text: 'Long', cache_control: { type: 'ephemeral' } } as const
    const sent = await send('anthropic', {
      messages: [{ role: 'system', content: [marked] }, user([marked])],
      stop: ['END', ' '],
      user: 'u1',
      max_tokens: 5,
    })
    assert.deepEqual(sent.body['system'], [marked])
    assert.deepEqual(sent.body['messages'], [{ role: 'user', content: [marked] }])
    assert.deepEqual(
      [sent.body['stop_sequences'], sent.body['metadata'], sent.warned],
      [['END'], { user_id: 'u1' }, ['stop']],
    )
  })

  it('takes pictures by address and files by content', async () => {
    const sent = await send('anthropic', {
      messages: [
        user([
          { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
          { type: 'file', file: { file_data: 'data:application/pdf;base64,JVBE' } },
        ]),
      ],
    })
    assert.deepEqual((sent.body['messages'] as readonly { content: unknown }[])[0]!.content, [
      { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
      { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBE' } },
    ])
  })

  const impossible: readonly (readonly [string, Partial<ChatRequest>])[] = [
    ['n', { n: 2 }],
    ['logprobs', { logprobs: true }],
    ['modalities', { modalities: ['text', 'audio'] }],
    ['messages', { messages: [user([{ type: 'input_audio', input_audio: { data: '', format: 'wav' } }])] }],
    ['messages', { messages: [user([{ type: 'file', file: { file_id: 'file-1' } }])] }],
    ['tools', { tools: [{ type: 'custom' }] }],
  ]
  for (const [field, fields] of impossible) {
    it(`refuses ${JSON.stringify(fields)} so that another arm can answer it`, async () => {
      const error = await refusal('anthropic', ask(fields))
      assert.deepEqual(
        [error.code, error.param, error.httpStatus, error.retry],
        ['invalid_request', field, 400, 'other'],
      )
    })
  }

  for (const dialect of ['anthropic', 'google'] as const) {
    it(`${dialect}: arguments nested without end stay text, as those do that are no JSON`, async () => {
      const nested = '{"a":'.repeat(20_000) + 1 + '}'.repeat(20_000)
      const call = {
        id: 'call_a',
        type: 'function' as const,
        function: { name: 'weather', arguments: nested },
      }
      const messages = [user('Hi'), { role: 'assistant' as const, content: null, tool_calls: [call] }]
      const { body } = await send(dialect, ask({ messages }))
      assert.ok(JSON.stringify(body).includes(JSON.stringify({ arguments: nested })))
    })
  }

  it('warns of a field it has no words for', async () => {
    const sent = await send('anthropic', ask({ seed: 1, logit_bias: {}, logprobs: false }), {
      model: 'claude-sonnet-4-5',
    })
    assert.deepEqual(sent.warned, ['seed', 'logit_bias'])
  })
})
