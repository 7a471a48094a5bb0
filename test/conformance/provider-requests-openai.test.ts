/** What leaves for OpenAI-shaped upstreams, asserted on the body that a real server received. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ChatRequest } from '../../adapters/index.ts'
import { ask, send, TOOL_TURN, user } from '../helpers/sent.ts'

describe('OpenAI-shaped upstreams', () => {
  it('send what the caller sent: no nulls, no defaults, unknown fields kept', async () => {
    const sent = await send('openai-compatible', ask({ temperature: null, top_p: 0.5, min_p: 0.1, seed: 7 }))
    assert.deepEqual(sent.body, { model: 'm', messages: [user('Hi')], top_p: 0.5, min_p: 0.1, seed: 7 })
    assert.equal(sent.url, '/base/chat/completions')
    assert.equal(sent.headers.authorization, 'Bearer sk-1')
    assert.equal(sent.headers['accept-encoding'], 'identity')
  })

  it('carry a tools conversation unchanged but for the role that only OpenAI knows', async () => {
    const sent = await send('openai-compatible', TOOL_TURN)
    const messages = TOOL_TURN.messages.map((m) => (m.role === 'developer' ? { ...m, role: 'system' } : m))
    assert.deepEqual(sent.body, { model: 'm', ...TOOL_TURN, messages })
  })

  it('ask for usage with a stream, and for no stream option without one', async () => {
    const options = { stream_options: { include_usage: false, include_obfuscation: false } }
    const streamed = await send('openai-compatible', ask(options), { streaming: true })
    assert.deepEqual(streamed.body['stream_options'], { include_obfuscation: false, include_usage: true })
    assert.equal(streamed.body['stream'], true)
    const whole = await send('openai-compatible', ask(options))
    assert.ok(!('stream' in whole.body) && !('stream_options' in whole.body))
    const silent = await send('openai-compatible', ask(options), {
      streaming: true,
      config: { quirks: { streamUsageOption: false } },
    })
    assert.ok(!('stream_options' in silent.body))
  })

  it('call the token limit what the upstream calls it', async () => {
    const limits = ask({ max_completion_tokens: 9, max_tokens: 5 })
    const plain = await send('openai-compatible', limits)
    assert.deepEqual([plain.body['max_tokens'], plain.body['max_completion_tokens']], [9, undefined])
    const config = { quirks: { maxTokensField: 'max_completion_tokens' } } as const
    const renamed = await send('openai-compatible', ask({ max_tokens: 5 }), { config })
    assert.deepEqual([renamed.body['max_tokens'], renamed.body['max_completion_tokens']], [undefined, 5])
  })

  it('leave out what the upstream refuses, and say so', async () => {
    const config = { quirks: { dropFields: ['logit_bias', 'logprobs'] } }
    const sent = await send('openai-compatible', ask({ logit_bias: { 1: 2 }, logprobs: null }), { config })
    assert.ok(!('logit_bias' in sent.body))
    assert.deepEqual(sent.warned, ['logit_bias'])
  })

  it('give tool ids nine letters and digits where that is the rule, the same for a call and its result', async () => {
    const config = { quirks: { toolIdFormat: 'alphanumeric-9' } } as const
    const sent = await send('openai-compatible', TOOL_TURN, { config })
    const messages = sent.body['messages'] as ChatRequest['messages']
    const ids = messages.flatMap((message) => message.tool_calls?.map(({ id }) => id) ?? [])
    const answered = messages.flatMap((message) => message.tool_call_id ?? [])
    assert.equal(new Set(ids).size, 2)
    for (const id of ids) assert.match(id, /^[A-Za-z0-9]{9}$/)
    assert.deepEqual(answered.toSorted(), ids.toSorted())
  })

  it('bring reasoning back within a turn and not beyond it', async () => {
    const call = { id: 'c', type: 'function', function: { name: 'weather', arguments: '{}' } } as const
    const sent = await send(
      'openai-compatible',
      ask({
        messages: [
          user('One'),
          { role: 'assistant', content: 'First', reasoning_content: 'old' },
          user('Two'),
          { role: 'assistant', content: null, tool_calls: [call], reasoning_content: 'new' },
          { role: 'tool', tool_call_id: 'c', content: 'x' },
        ],
      }),
    )
    const messages = sent.body['messages'] as readonly Record<string, unknown>[]
    assert.deepEqual(
      messages.map((message) => message['reasoning_content']),
      [undefined, undefined, undefined, 'new', undefined],
    )
  })

  it('send configured headers', async () => {
    const sent = await send('openai-compatible', ask({}), { config: { headers: { 'x-title': 'tests' } } })
    assert.equal(sent.headers['x-title'], 'tests')
  })
})
