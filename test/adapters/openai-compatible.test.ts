import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { UpstreamError } from '../../adapters/providers/errors.ts'
import type { ReadingContext } from '../../adapters/providers/openai-compatible/context.ts'
import { resolveQuirks } from '../../adapters/providers/openai-compatible/quirks.ts'
import { encodeRequest } from '../../adapters/providers/openai-compatible/request.ts'
import { decodeAnswer } from '../../adapters/providers/openai-compatible/response.ts'
import { OpenAiStreamDecoder } from '../../adapters/providers/openai-compatible/stream.ts'
import { decodeUsage } from '../../adapters/providers/openai-compatible/usage.ts'
import type { ChatChunk, ChatRequest } from '../../adapters/providers/spec.ts'
import { choicesOf } from '../helpers/collect.ts'

const CONTEXT: ReadingContext = {
  upstream: 'arm',
  secret: undefined,
  repairStopAfterTools: true,
  choices: 1,
  mayBeEmpty: false,
}

/** Chunks of the payloads, and the end. */
function decode(payloads: readonly object[], context: Partial<ReadingContext> = {}) {
  const decoder = new OpenAiStreamDecoder({ ...CONTEXT, ...context })
  const push = (data: string) => decoder.push({ name: undefined, data })
  const chunks = [...payloads.flatMap((payload) => push(JSON.stringify(payload))), ...push('[DONE]')]
  const end = decoder.end()
  return { chunks: [...chunks, ...end.chunks] as readonly ChatChunk[], end }
}
const delta = (fields: object, finish: string | null = null, index = 0) => ({
  choices: [{ index, delta: fields, finish_reason: finish }],
})
const calls = (...tool_calls: readonly object[]) => delta({ tool_calls })

describe('chunks in OpenAI shape', () => {
  it('pass through untouched, several choices, log probabilities and unknown fields included', () => {
    const envelope = {
      id: 'c',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      system_fingerprint: 'f',
    }
    const logprobs = {
      content: [{ token: 'a', logprob: -0.1, bytes: [97], top_logprobs: [] }],
      refusal: null,
    }
    const payloads = [
      {
        ...envelope,
        choices: [0, 1].map((index) => ({
          index,
          delta: { role: 'assistant', content: '' },
          finish_reason: null,
        })),
      },
      {
        ...envelope,
        choices: [{ index: 1, delta: { content: 'a', annotations: [1] }, logprobs, finish_reason: null }],
      },
      {
        ...envelope,
        choices: [{ index: 0, delta: { content: 'b' }, logprobs: null, finish_reason: 'stop', extra: 1 }],
      },
      { ...envelope, choices: [{ index: 1, delta: {}, logprobs: null, finish_reason: 'length' }] },
    ]
    assert.deepEqual(decode(payloads, { choices: 2 }).chunks, payloads)
  })

  it('lose padding and usage, which is told at the end', () => {
    const { chunks, end } = decode([
      { ...delta({ role: 'assistant', content: 'a' }), usage: null, obfuscation: 'xyz', p: 'abc' },
      { ...delta({}, 'stop'), usage: { prompt_tokens: 1, completion_tokens: 1 } },
      { choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } },
    ])
    assert.deepEqual(chunks, [delta({ role: 'assistant', content: 'a' }), delta({}, 'stop')])
    assert.deepEqual([end.usage.promptTokens, end.usage.completionTokens], [3, 2], 'the last word wins')
  })

  it('carry one role, also when the upstream sends none or many', () => {
    const none = decode([delta({ content: 'a' }), delta({ content: 'b' }, 'stop')])
    const many = decode([
      delta({ role: 'assistant', content: 'a' }),
      delta({ role: 'assistant', content: 'b' }, 'stop'),
    ])
    assert.deepEqual(none.chunks, many.chunks)
    assert.equal(choicesOf(none.chunks)[0]?.text, 'ab')
  })

  it('have text or none where text belongs, and an index that is one', () => {
    const odd = { content: 42, refusal: {}, reasoning_content: [1] }
    const [first] = decode([delta(odd, null, -1), delta({ content: 'a' }, 'stop')]).chunks
    assert.deepEqual(first?.choices, [
      { index: 0, delta: { role: 'assistant', content: null, refusal: null }, finish_reason: null },
    ])
  })

  it('are not said twice by an upstream that ends with the whole message', () => {
    const choice = { index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }
    const { chunks } = decode([delta({ content: 'Hel' }), delta({ content: 'lo' }), { choices: [choice] }])
    const [read] = choicesOf(chunks)
    assert.deepEqual([read?.text, read?.finish], ['Hello', 'stop'])
    const late = decode([delta({ role: 'assistant', content: '' }), { choices: [choice] }])
    assert.equal(choicesOf(late.chunks)[0]?.text, 'Hello')
  })

  it('tell reasoning under one name', () => {
    for (const fields of [
      { reasoning: 'hm' },
      { reasoning_content: 'hm' },
      { reasoning: 'hm', reasoning_content: 'hm' },
    ]) {
      const { chunks } = decode([delta({ ...fields, content: null }), delta({ content: 'a' }, 'stop')])
      assert.equal(choicesOf(chunks)[0]?.reasoning, 'hm')
      assert.ok(!('reasoning' in chunks[0]!.choices[0]!.delta))
    }
  })
})

describe('tool calls', () => {
  const read = (...payloads: readonly object[]) =>
    choicesOf(decode([...payloads, delta({}, 'tool_calls')]).chunks)[0]?.calls
  const fn = (name: string, args?: unknown) => ({ function: { name, arguments: args } })

  it('of one index and different ids are different calls', () => {
    const got = read(
      calls({ index: 0, id: 'a', ...fn('f', '{"x":1}') }),
      calls({ index: 0, id: 'b', ...fn('f', '{"x":2}') }),
    )
    assert.deepEqual(got, [
      { id: 'a', name: 'f', arguments: '{"x":1}' },
      { id: 'b', name: 'f', arguments: '{"x":2}' },
    ])
  })

  it('without an index belong to the last call, or open one by their name', () => {
    const got = read(
      calls({ id: 'a', ...fn('f', '{"x"') }),
      calls({ function: { arguments: ':1}' } }),
      calls({ id: 'b', ...fn('g', '{}') }),
    )
    assert.deepEqual(got, [
      { id: 'a', name: 'f', arguments: '{"x":1}' },
      { id: 'b', name: 'g', arguments: '{}' },
    ])
  })

  it('with gaps in their indices count from 0', () => {
    const got = read(
      calls({ index: 3, id: 'a', ...fn('f', '') }, { index: 7, id: 'b', ...fn('g', '{}') }),
      calls({ index: 3, function: { arguments: '{"x":1}' } }),
    )
    assert.deepEqual(
      got?.map(({ arguments: args }) => args),
      ['{"x":1}', '{}'],
    )
  })

  it('with an object for arguments, null or none are told as text', () => {
    const got = read(
      calls({ index: 0, id: 'a', ...fn('f', { x: 1 }) }),
      calls({ index: 1, id: 'b', ...fn('g', null) }),
      calls({ index: 2, id: 'c', ...fn('h') }),
    )
    assert.deepEqual(
      got?.map(({ arguments: args }) => args),
      ['{"x":1}', '{}', '{}'],
    )
  })

  it('without an id get one each', () => {
    const got = read(calls({ index: 0, ...fn('f', '{}') }, { index: 1, id: '', ...fn('f', '{}') }))
    assert.equal(new Set(got?.map(({ id }) => id)).size, 2)
  })

  it('of one index that go on in turns are told apart by their ids', () => {
    const got = read(
      calls({ index: 0, id: 'a', ...fn('f', '') }, { index: 0, id: 'b', ...fn('g', '') }),
      calls({ index: 0, id: 'a', function: { arguments: '{"x"' } }),
      calls({ index: 0, id: 'b', function: { arguments: '{"y"' } }),
      calls({ index: 0, id: 'a', function: { arguments: ':1}' } }),
      calls({ index: 0, id: 'b', function: { arguments: ':2}' } }),
    )
    assert.deepEqual(
      got?.map(({ arguments: args }) => args),
      ['{"x":1}', '{"y":2}'],
    )
  })

  it('that share an id get one each', () => {
    const shared = [0, 1].map((index) => ({ index, id: 'f', ...fn('f', `{"x":${index}}`) }))
    const got = read(calls(...shared), calls({ index: 0, id: 'f', function: { arguments: ' ' } }))
    assert.deepEqual(
      got?.map(({ arguments: args }) => args),
      ['{"x":0} ', '{"x":1}'],
    )
    assert.equal(new Set(got?.map(({ id }) => id)).size, 2)
    const message = { tool_calls: shared }
    const whole = decodeAnswer(CONTEXT, { choices: [{ message, finish_reason: 'tool_calls' }] })
    const ids = whole.response.choices[0]?.message.tool_calls?.map(({ id }) => id)
    assert.equal(new Set(ids).size, 2)
  })

  it('keep arguments that were cut off as they are', () => {
    const { chunks } = decode([calls({ index: 0, id: 'a', ...fn('f', '{"x": "ab') }), delta({}, 'length')])
    assert.deepEqual(choicesOf(chunks), [
      {
        text: '',
        reasoning: '',
        refusal: '',
        calls: [{ id: 'a', name: 'f', arguments: '{"x": "ab' }],
        finish: 'length',
      },
    ])
  })

  it('make a normal stop tool_calls, over the whole stream, unless what the upstream says must stand', () => {
    const payloads = [calls({ index: 0, id: 'a', ...fn('f', '{}') }), delta({}, 'stop')]
    assert.equal(choicesOf(decode(payloads).chunks)[0]?.finish, 'tool_calls')
    assert.equal(choicesOf(decode(payloads, { repairStopAfterTools: false }).chunks)[0]?.finish, 'stop')
    const message = { tool_calls: [{ id: 'a', ...fn('f') }] }
    const whole = decodeAnswer(CONTEXT, { choices: [{ message, finish_reason: 'stop' }] })
    assert.deepEqual(whole.finish, { unified: 'tool_calls', raw: 'stop' })
    assert.equal(whole.response.choices[0]?.message.tool_calls?.[0]?.function.arguments, '{}')
  })
})

describe('failures told inside a 200', () => {
  for (const flat of [
    { object: 'error', message: 'engine dead', type: 'InternalServerError', code: 500 },
    { message: 'Too many requests', type: 'too_many_requests_error', code: 429 },
    [{ error: { message: 'busy', code: 503 } }],
  ]) {
    it(`are read without an error field of their own: ${JSON.stringify(flat).slice(0, 40)}`, () => {
      assert.throws(() => decode([delta({ content: 'Half' }), flat]), {
        type: /^(?!invalid)/,
        retry: /same|other/,
      })
      assert.throws(
        () => decodeAnswer(CONTEXT, flat),
        (error: UpstreamError) => error.upstreamStatus !== undefined,
      )
    })
  }

  for (const error of [null, false, '', {}]) {
    it(`are not told by ${JSON.stringify(error)}`, () => {
      const body = { error, choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }] }
      assert.equal(decodeAnswer(CONTEXT, body).finish.unified, 'stop')
      assert.equal(decode([{ error, ...delta({ content: 'Hi' }, 'stop') }]).end.finish.unified, 'stop')
    })
  }
})

describe('ends', () => {
  it('of several choices are waited for', () => {
    const decoder = new OpenAiStreamDecoder({ ...CONTEXT, choices: 2 })
    const push = (payload: object) => decoder.push({ name: undefined, data: JSON.stringify(payload) })
    push(delta({ content: 'a' }, 'stop', 0))
    assert.equal(decoder.progress, 'open')
    assert.throws(() => decoder.end(), { code: 'upstream_truncated' })
    push(delta({ content: 'b' }, 'stop', 1))
    assert.equal(decoder.progress, 'finished')
  })

  it('that nobody knows are kept, and told as other', () => {
    const { chunks, end } = decode([delta({ content: 'a' }, 'banana')])
    assert.deepEqual(end.finish, { unified: 'other', raw: 'banana' })
    assert.equal(choicesOf(chunks)[0]?.finish, 'banana')
  })

  for (const none of ['', 'null']) {
    it(`are not told by ${JSON.stringify(none)}, which some say on every chunk`, () => {
      const decoder = new OpenAiStreamDecoder(CONTEXT)
      const push = (payload: object) => decoder.push({ name: undefined, data: JSON.stringify(payload) })
      const chunks = [...push(delta({ content: 'Half' }, none)), ...push(delta({ content: ' a' }, none))]
      assert.equal(choicesOf(chunks)[0]?.finish, null)
      assert.equal(decoder.progress, 'open')
      assert.throws(() => decoder.end(), { code: 'upstream_truncated' })
      push(delta({}, 'stop'))
      assert.equal(decoder.end().finish.unified, 'stop')
      const message = { content: 'Hi' }
      const whole = decodeAnswer(CONTEXT, { choices: [{ message, finish_reason: none }] })
      assert.equal(whole.response.choices[0]?.finish_reason, 'stop')
    })
  }

  it('are known in capitals, failures too', () => {
    assert.equal(decode([delta({ content: 'a' }, 'MAX_TOKENS')]).end.finish.unified, 'length')
    assert.throws(() => decode([delta({ content: 'a' }, 'ERROR')]), { code: 'upstream_error' })
  })

  it('without a word are no answer, unless a stop sequence may have been the first', () => {
    const payloads = [delta({ role: 'assistant', content: '' }), delta({}, 'stop')]
    assert.throws(() => decode(payloads), { code: 'upstream_bad_output', retry: 'same' })
    assert.equal(decode(payloads, { mayBeEmpty: true }).end.finish.unified, 'stop')
    const body = { choices: [{ message: { content: '' }, finish_reason: 'stop' }] }
    assert.throws(() => decodeAnswer(CONTEXT, body), { code: 'upstream_bad_output' })
    assert.equal(decodeAnswer({ ...CONTEXT, mayBeEmpty: true }, body).finish.unified, 'stop')
  })
})

describe('usage', () => {
  it('never has more cached tokens than the prompt has', () => {
    const usage = decodeUsage({ prompt_tokens: 5, prompt_tokens_details: { cached_tokens: 9 } })
    assert.deepEqual([usage.promptTokens, usage.cachedTokens, usage.completionTokens], [5, 5, undefined])
  })

  it('tells the price that the provider tells, in its three spellings', () => {
    assert.equal(decodeUsage({ cost: 0.5 }).costUsd, 0.5)
    const own = { cost: 0.01, is_byok: true, cost_details: { upstream_inference_cost: 0.2 } }
    assert.equal(decodeUsage(own).costUsd, 0.21000000000000002)
    assert.equal(decodeUsage({ cost: { total_cost: 0.3 } }).costUsd, 0.3)
    assert.equal(decodeUsage({ cost_in_usd_ticks: 2e9 }).costUsd, 0.2)
    assert.equal(decodeUsage({ cost_in_usd_ticks: 0 }).costUsd, 0)
    assert.equal(decodeUsage({ prompt_tokens: 1 }).costUsd, undefined)
  })

  it('is corrected in the response where reasoning was left out', () => {
    const usage = {
      prompt_tokens: 12,
      completion_tokens: 1,
      total_tokens: 241,
      completion_tokens_details: { reasoning_tokens: 228 },
    }
    const { response } = decodeAnswer(CONTEXT, {
      choices: [{ message: { content: 'a' }, finish_reason: 'stop' }],
      usage,
    })
    assert.deepEqual(response['usage'], { ...usage, completion_tokens: 229, total_tokens: 241 })
  })
})

describe('quirks', () => {
  const at = (baseUrl: string, quirks = {}) =>
    resolveQuirks({ name: 'arm', dialect: 'openai-compatible', baseUrl, apiKey: undefined, quirks })

  it('are known by the host', () => {
    assert.equal(at('https://api.openai.com/v1').maxTokensField, 'max_completion_tokens')
    assert.equal(at('https://eu.api.openai.com/v1').developerRole, 'developer')
    assert.equal(at('https://r.openai.azure.com/openai/v1').repairStopAfterTools, false)
    assert.equal(at('https://api.mistral.ai/v1').toolIdFormat, 'alphanumeric-9')
    assert.equal(at('http://localhost:8000/v1').maxTokensField, 'max_tokens')
  })

  it('of the config come first', () => {
    assert.equal(
      at('https://api.openai.com/v1', { maxTokensField: 'max_tokens' }).maxTokensField,
      'max_tokens',
    )
    assert.equal(at('https://api.mistral.ai/v1', { toolIdFormat: 'any' }).toolIdFormat, 'any')
  })
})

describe('requests to hosts that have their own rules', () => {
  const encode = (baseUrl: string, model: string, request: Partial<ChatRequest>) => {
    const quirks = resolveQuirks({ name: 'arm', dialect: 'openai-compatible', baseUrl, apiKey: undefined })
    const call = { model, request: { messages: [], ...request }, signal: new AbortController().signal }
    const { body, warnings, streams } = encodeRequest(call, false, quirks)
    return { body: body as Record<string, unknown>, warned: warnings.map(({ field }) => field), streams }
  }
  const OPENAI = 'https://api.openai.com/v1'

  it('spare reasoning models of OpenAI what they refuse, and say so', () => {
    const sampling = { temperature: 0.2, top_p: 1, presence_penalty: 0.1 }
    const { body, warned } = encode(OPENAI, 'gpt-5-mini', { ...sampling, max_tokens: 9 })
    assert.deepEqual(body, { model: 'gpt-5-mini', messages: [], top_p: 1, max_completion_tokens: 9 })
    assert.deepEqual(warned, ['temperature', 'presence_penalty'])
    assert.deepEqual(encode(OPENAI, 'gpt-4o', sampling).warned, [])
    assert.deepEqual(encode(OPENAI, 'gpt-5-chat-latest', sampling).warned, [])
    assert.deepEqual(encode(OPENAI, 'gpt-5.2', sampling).warned, [], 'it does not reason unless asked')
    assert.equal(encode(OPENAI, 'gpt-5.2', { ...sampling, reasoning_effort: 'low' }).warned.length, 2)
    assert.equal(encode(OPENAI, 'o4-mini', sampling).warned.length, 2)
    assert.deepEqual(encode('http://localhost/v1', 'o4-mini', sampling).warned, [])
    assert.throws(() => encode(OPENAI, 'o3', { logprobs: true }), { param: 'logprobs', retry: 'other' })
  })

  it('speak as Mistral does', () => {
    const { body, warned } = encode('https://api.mistral.ai/v1', 'mistral-large-latest', {
      messages: [
        { role: 'user', content: 'Count' },
        { role: 'assistant', content: 'One, ' },
      ],
      seed: 3,
      tool_choice: 'required',
      logit_bias: {},
    })
    assert.deepEqual(body, {
      model: 'mistral-large-latest',
      messages: [
        { role: 'user', content: 'Count' },
        { role: 'assistant', content: 'One, ', prefix: true },
      ],
      random_seed: 3,
      tool_choice: 'any',
    })
    assert.deepEqual(warned, ['logit_bias'])
  })

  it('stream what Fireworks would refuse to answer whole', () => {
    const fireworks = 'https://api.fireworks.ai/inference/v1'
    assert.equal(encode(fireworks, 'm', { max_tokens: 4_096 }).streams, false)
    assert.equal(encode(fireworks, 'm', { max_tokens: 4_097 }).streams, true)
  })

  it('leave out any field by configuration, renamed ones too', () => {
    const quirks = resolveQuirks({
      name: 'arm',
      dialect: 'openai-compatible',
      baseUrl: 'http://localhost/v1',
      apiKey: undefined,
      quirks: { dropFields: ['seed', 'tool_choice', 'max_tokens'] },
    })
    const request = { messages: [], seed: 1, tool_choice: 'auto', max_tokens: 5 } as const
    const call = { model: 'm', request, signal: new AbortController().signal }
    const { body, warnings } = encodeRequest(call, false, quirks)
    assert.deepEqual(body, { model: 'm', messages: [] })
    assert.equal(warnings.length, 3)
  })
})
