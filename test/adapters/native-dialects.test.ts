import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { claudeTraits } from '../../adapters/providers/anthropic/models.ts'
import { decodeAnswer as decodeClaude } from '../../adapters/providers/anthropic/response.ts'
import { AnthropicStreamDecoder } from '../../adapters/providers/anthropic/stream.ts'
import type { StreamDecoder } from '../../adapters/providers/codec.ts'
import { decodeAnswer as decodeGemini } from '../../adapters/providers/google/response.ts'
import { GeminiStreamDecoder } from '../../adapters/providers/google/stream.ts'
import type { ChatChunk } from '../../adapters/providers/spec.ts'
import { choicesOf } from '../helpers/collect.ts'

function decode(decoder: StreamDecoder, events: readonly object[]) {
  const chunks = events.flatMap((event) => decoder.push({ name: undefined, data: JSON.stringify(event) }))
  const end = decoder.end()
  return { chunks: [...chunks, ...end.chunks] as readonly ChatChunk[], end }
}
/** All values of one delta field, in order. */
const deltas = (chunks: readonly ChatChunk[], field: string) =>
  chunks.flatMap(({ choices }) => choices.flatMap(({ delta }) => (field in delta ? [delta[field]] : [])))

describe('Anthropic', () => {
  const context = { upstream: 'arm', secret: undefined, origin: 'arm/m', answerTool: undefined }
  const start = { type: 'message_start', message: { id: 'msg_1', model: 'm', usage: { input_tokens: 5 } } }
  const open = (index: number, content_block: object) => ({
    type: 'content_block_start',
    index,
    content_block,
  })
  const add = (index: number, delta: object) => ({ type: 'content_block_delta', index, delta })
  const close = (index: number) => ({ type: 'content_block_stop', index })
  const finish = (stop_reason: string) => [
    { type: 'message_delta', delta: { stop_reason }, usage: { output_tokens: 3 } },
    { type: 'message_stop' },
  ]
  const read = (events: readonly object[], answerTool?: string) =>
    decode(new AnthropicStreamDecoder({ ...context, answerTool }), events)
  const thinking = {
    type: 'reasoning.text',
    text: 'Hmm.',
    signature: 'sig',
    format: 'anthropic-claude-v1',
    index: 0,
    origin: 'arm/m',
  }

  it('lets thinking leave with its signature and its maker, whole or streamed', () => {
    const { chunks } = read([
      start,
      open(0, { type: 'thinking', thinking: '' }),
      add(0, { type: 'thinking_delta', thinking: 'Hm' }),
      add(0, { type: 'thinking_delta', thinking: 'm.' }),
      add(0, { type: 'signature_delta', signature: 'sig' }),
      close(0),
      open(1, { type: 'text', text: 'ok' }),
      close(1),
      ...finish('end_turn'),
    ])
    assert.deepEqual(deltas(chunks, 'reasoning_details'), [[thinking]])
    const whole = decodeClaude(context, {
      content: [
        { type: 'thinking', thinking: 'Hmm.', signature: 'sig' },
        { type: 'text', text: 'ok' },
      ],
      stop_reason: 'end_turn',
    })
    assert.deepEqual(whole.response.choices[0]?.message['reasoning_details'], [thinking])
  })

  it('takes the input of the answer tool for the answer', () => {
    const tool = { type: 'tool_use', id: 't', name: 'json_answer', input: {} }
    const { chunks, end } = read(
      [
        start,
        open(0, tool),
        add(0, { type: 'input_json_delta', partial_json: '{"a":1}' }),
        close(0),
        ...finish('tool_use'),
      ],
      'json_answer',
    )
    assert.deepEqual(choicesOf(chunks), [
      { text: '{"a":1}', reasoning: '', refusal: '', calls: [], finish: 'stop' },
    ])
    assert.deepEqual(end.finish, { unified: 'stop', raw: 'tool_use' })
    const content = [{ ...tool, input: { a: 1 } }]
    const whole = decodeClaude(
      { ...context, answerTool: 'json_answer' },
      { content, stop_reason: 'tool_use' },
    )
    assert.equal(whole.response.choices[0]?.message.content, '{"a":1}')
    assert.equal(whole.response.choices[0]?.finish_reason, 'stop')
  })

  it('tells cited pages as annotations and cited places as they are', () => {
    const page = {
      type: 'web_search_result_location',
      url: 'https://example.com',
      title: 'E',
      cited_text: 'x',
    }
    const place = { type: 'char_location', document_index: 0, start_char_index: 0, end_char_index: 5 }
    const { chunks } = read([
      start,
      open(0, { type: 'text', text: '' }),
      add(0, { type: 'text_delta', text: 'One. ' }),
      close(0),
      open(1, { type: 'text', text: '' }),
      add(1, { type: 'citations_delta', citation: page }),
      add(1, { type: 'citations_delta', citation: place }),
      add(1, { type: 'text_delta', text: 'Two.' }),
      close(1),
      ...finish('end_turn'),
    ])
    const url_citation = { url: 'https://example.com', title: 'E', start_index: 5, end_index: 9 }
    assert.deepEqual(deltas(chunks, 'annotations'), [[{ type: 'url_citation', url_citation }]])
    assert.deepEqual(deltas(chunks, 'citations'), [[place]])
    const content = [
      { type: 'text', text: 'One. ' },
      { type: 'text', text: 'Two.', citations: [page, place] },
    ]
    const { message } = decodeClaude(context, { content, stop_reason: 'end_turn' }).response.choices[0]!
    assert.deepEqual(
      [message['annotations'], message['citations']],
      [[{ type: 'url_citation', url_citation }], [place]],
    )
  })

  it('does not take an empty turn for an answer', () => {
    assert.throws(() => read([start, ...finish('end_turn')]), { code: 'upstream_bad_output' })
    const empty = { content: [], stop_reason: 'end_turn' }
    assert.throws(() => decodeClaude(context, empty), { code: 'upstream_bad_output' })
    assert.throws(() => decodeClaude(context, { content: [], stop_reason: null }), {
      code: 'upstream_bad_output',
    })
    assert.throws(() => decodeClaude(context, { id: 'x' }), { code: 'upstream_bad_output' })
    assert.throws(() => decodeClaude(context, { type: 'error', error: { type: 'overloaded_error' } }), {
      code: 'upstream_overloaded',
    })
  })

  it('reads blocks of which a proxy left out the beginning, the end or the id', () => {
    const { chunks } = read([
      start,
      add(0, { type: 'thinking_delta', thinking: 'Hm' }),
      add(1, { type: 'text_delta', text: 'Hi' }),
      open(2, { type: 'tool_use', name: 'now', input: {} }),
      ...finish('tool_use'),
    ])
    const [choice] = choicesOf(chunks)
    assert.deepEqual([choice?.reasoning, choice?.text, choice?.finish], ['Hm', 'Hi', 'tool_calls'])
    assert.equal(choice?.calls[0]?.arguments, '{}')
    const content = [{ type: 'tool_use', name: 'now' }]
    const whole = decodeClaude(context, { content, stop_reason: 'tool_use' })
    assert.match(whole.response.choices[0]?.message.tool_calls?.[0]?.id ?? '', /^call_/)
  })

  it('knows what a model can do by its name', () => {
    const of = (model: string) => {
      const { thinking: how, sampling, prefill, maxOutputTokens } = claudeTraits(model)
      return [how, sampling, prefill, maxOutputTokens]
    }
    assert.deepEqual(of('claude-3-haiku-20240307'), ['none', true, true, 4_096])
    assert.deepEqual(of('claude-3-5-sonnet-20241022'), ['none', true, true, 8_192])
    assert.deepEqual(of('claude-3-7-sonnet-latest'), ['budget', true, true, 64_000])
    assert.deepEqual(of('claude-sonnet-4-20250514'), ['budget', true, true, 64_000])
    assert.deepEqual(of('claude-opus-4-1-20250805'), ['budget', true, true, 32_000])
    assert.deepEqual(of('anthropic/claude-haiku-4.5'), ['budget', true, true, 64_000])
    assert.deepEqual(of('claude-opus-4-6'), ['adaptive', true, false, 64_000])
    assert.deepEqual(of('claude-opus-4-10'), ['adaptive', false, false, 64_000])
    assert.deepEqual(of('claude-next'), ['adaptive', false, false, 64_000])
  })
})

describe('Gemini', () => {
  const context = {
    upstream: 'arm',
    secret: undefined,
    origin: 'arm/m',
    functions: new Set(['weather']),
    mayBeEmpty: false,
  }
  const event = (parts: readonly object[], rest: object = {}) => ({
    candidates: [{ content: { parts }, index: 0, ...rest }],
  })
  const call = (name: string) => ({
    functionCall: { name, args: { city: 'Oslo' } },
    thoughtSignature: 'c2ln',
  })

  it('lets a signature leave with its call and its maker', () => {
    const { chunks } = decode(new GeminiStreamDecoder(context), [
      event([call('weather')], { finishReason: 'STOP' }),
    ])
    const sent = (deltas(chunks, 'tool_calls') as readonly (readonly Record<string, unknown>[])[]).flat()
    assert.deepEqual(sent[0]?.['extra_content'], { google: { thought_signature: 'c2ln', origin: 'arm/m' } })
    const whole = decodeGemini(context, event([call('weather')], { finishReason: 'STOP' }))
    const [wholeCall] = whole.response.choices[0]!.message.tool_calls!
    assert.ok(wholeCall !== undefined && !('index' in wholeCall))
    assert.equal(whole.response.choices[0]!.finish_reason, 'tool_calls')
  })

  it('reads a whole answer that comes as an array of events to its last one', () => {
    const usage = (usageMetadata: object) => ({ usageMetadata, modelVersion: 'gemini-x', responseId: 'r' })
    const piece = (partialArgs: object[], rest: object = {}) => ({ functionCall: { partialArgs, ...rest } })
    const events = [
      { ...event([{ text: 'Hm. ', thought: true }, { text: 'Hel' }]), ...usage({ promptTokenCount: 7 }) },
      event([{ text: 'lo' }], { finishReason: 'FINISH_REASON_UNSPECIFIED' }),
      event([
        call('weather'),
        piece([{ jsonPath: '$.city', stringValue: 'Os' }], { name: 'weather', willContinue: true }),
      ]),
      event([piece([{ jsonPath: '$.city', stringValue: 'lo' }])]),
      {
        ...event([{ text: '!' }], { finishReason: 'STOP' }),
        ...usage({ candidatesTokenCount: 3, totalTokenCount: 10 }),
      },
    ]
    const { response, usage: counted, finish } = decodeGemini(context, events)
    const { message, finish_reason } = response.choices[0]!
    assert.deepEqual(
      [message.content, message['reasoning_content'], finish_reason, finish.raw, response.model, response.id],
      ['Hello!', 'Hm. ', 'tool_calls', 'STOP', 'gemini-x', 'r'],
    )
    assert.deepEqual(
      message.tool_calls?.map((made) => made.function),
      [
        { name: 'weather', arguments: '{"city":"Oslo"}' },
        { name: 'weather', arguments: '{"city":"Oslo"}' },
      ],
    )
    assert.deepEqual([counted.promptTokens, counted.completionTokens], [7, 3])
    // It says what the same events say one by one.
    const { chunks } = decode(new GeminiStreamDecoder(context), events)
    assert.equal(deltas(chunks, 'content').join(''), message.content)
    assert.equal(deltas(chunks, 'reasoning_content').join(''), message['reasoning_content'])
  })

  it('reads several candidates of such an array, and what they were weighed by', () => {
    const of = (index: number, text: string, rest: object = {}) => ({
      index,
      content: { parts: [{ text }] },
      logprobsResult: {
        chosenCandidates: [{ token: text, logProbability: -1 }],
        topCandidates: [{ candidates: [] }],
      },
      ...rest,
    })
    const { response } = decodeGemini(context, [
      { candidates: [of(0, 'a'), of(1, 'x')] },
      { candidates: [of(1, 'y', { finishReason: 'MAX_TOKENS' })] },
      { candidates: [of(0, 'b', { finishReason: 'STOP' })] },
    ])
    assert.deepEqual(
      response.choices.map(({ index, message, finish_reason }) => [index, message.content, finish_reason]),
      [
        [0, 'ab', 'stop'],
        [1, 'xy', 'length'],
      ],
    )
    const { content } = response.choices[0]!['logprobs'] as { content: { token: string }[] }
    assert.deepEqual(
      content.map(({ token }) => token),
      ['a', 'b'],
    )
  })

  it('takes no half of such an array for an answer', () => {
    const half = event([{ text: 'Half' }])
    const failure = { error: { code: 503, status: 'UNAVAILABLE', message: 'overloaded' } }
    assert.throws(() => decodeGemini(context, [half, half]), {
      code: 'upstream_bad_output',
      message: /no finish reason/,
    })
    assert.throws(() => decodeGemini(context, [half, failure]), { upstreamStatus: 503 })
    assert.throws(() => decodeGemini(context, []), { code: 'upstream_bad_output' })
    const blocked = { promptFeedback: { blockReason: 'SAFETY' } }
    assert.equal(
      decodeGemini(context, [blocked, { usageMetadata: { promptTokenCount: 4 } }]).finish.unified,
      'content_filter',
    )
  })

  it('takes an unspecified finish reason for none', () => {
    const half = event([{ text: 'Half' }], { finishReason: 'FINISH_REASON_UNSPECIFIED' })
    assert.throws(() => decode(new GeminiStreamDecoder(context), [half]), { code: 'upstream_truncated' })
  })

  it('keeps valid calls of a turn that is called malformed, and nothing else', () => {
    const end = { finishReason: 'UNEXPECTED_TOOL_CALL', finishMessage: 'no such function' }
    assert.equal(decodeGemini(context, event([call('weather')], end)).finish.unified, 'tool_calls')
    assert.throws(() => decodeGemini(context, event([call('wether')], end)), {
      code: 'upstream_bad_output',
      message: /no such function/,
    })
  })

  it('tells pictures, log probabilities and thoughts', () => {
    const parts = [
      { text: 'Hm.', thought: true },
      { text: 'Here:' },
      { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
    ]
    const logprobsResult = {
      chosenCandidates: [{ token: 'Here', logProbability: -0.5 }],
      topCandidates: [{ candidates: [{ token: 'There', logProbability: -1 }] }],
    }
    const { response } = decodeGemini(context, event(parts, { finishReason: 'STOP', logprobsResult }))
    const { message, ...choice } = response.choices[0]!
    assert.deepEqual(message, {
      role: 'assistant',
      content: 'Here:',
      reasoning_content: 'Hm.',
      images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }],
    })
    assert.deepEqual(choice['logprobs'], {
      content: [
        {
          token: 'Here',
          logprob: -0.5,
          bytes: null,
          top_logprobs: [{ token: 'There', logprob: -1, bytes: null }],
        },
      ],
      refusal: null,
    })
  })

  it('puts arguments together that arrive by path, and lets no path reach a prototype', () => {
    const piece = (fields: object, more = true) => ({
      functionCall: { ...fields, ...(more && { willContinue: true }) },
    })
    const at = (jsonPath: string, value: object) => piece({ partialArgs: [{ jsonPath, ...value }] })
    const { chunks } = decode(new GeminiStreamDecoder(context), [
      event([piece({ name: 'weather' })]),
      event([at('$.place.city', { stringValue: 'Os' }), at('$.place.city', { stringValue: 'lo' })]),
      event([at('$.days[0]', { numberValue: 1 }), at('$.days[1]', { numberValue: 2 })]),
      event([at("$['in C']", { boolValue: true }), at('$.none', { nullValue: 'NULL_VALUE' })]),
      event([at('$.__proto__.polluted', { boolValue: true })]),
      event([piece({}, false)], { finishReason: 'STOP' }),
    ])
    const args = JSON.parse(choicesOf(chunks)[0]!.calls[0]!.arguments)
    assert.deepEqual(
      { ...args, ['__proto__']: undefined },
      {
        place: { city: 'Oslo' },
        days: [1, 2],
        'in C': true,
        none: null,
        ['__proto__']: undefined,
      },
    )
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  })

  it('does not leave out a call whose pieces never ended', () => {
    const piece = { functionCall: { name: 'weather', partialArgs: [], willContinue: true } }
    const events = [event([{ text: 'Let me see.' }, piece]), event([], { finishReason: 'STOP' })]
    assert.throws(() => decode(new GeminiStreamDecoder(context), events), { code: 'upstream_bad_output' })
  })

  it('takes the last counts of a stream, and the last finish reason', () => {
    const usage = (count: number) => ({ usageMetadata: { promptTokenCount: 4, candidatesTokenCount: count } })
    const { chunks, end } = decode(new GeminiStreamDecoder(context), [
      { ...event([{ text: 'a' }], { finishReason: 'STOP' }), ...usage(1) },
      { ...event([{ text: 'b' }], { finishReason: 'MAX_TOKENS' }), ...usage(2) },
    ])
    assert.equal(end.usage.completionTokens, 2)
    assert.deepEqual(choicesOf(chunks), [
      { text: 'ab', reasoning: '', refusal: '', calls: [], finish: 'length' },
    ])
  })
})
