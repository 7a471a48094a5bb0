import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import {
  callingTool,
  chunk,
  dyingAfter,
  event,
  openSse,
  saying,
  startOpenAiUpstream,
  USAGE,
} from '../helpers/openai-upstream.ts'
import { eventually, startTestServer } from '../helpers/server.ts'

interface Chunk {
  readonly id: string
  readonly object: string
  readonly created: number
  readonly model: string
  readonly choices: readonly { index: number; delta: Record<string, unknown>; finish_reason: string | null }[]
  readonly usage?: Record<string, unknown> | null
  readonly highwayman?: Record<string, unknown>
  readonly error?: Record<string, unknown>
}

/** The payloads in order; `[DONE]` as it is. */
async function payloadsOf(response: Response): Promise<(Chunk | '[DONE]')[]> {
  const text = await response.text()
  assert.equal(response.status, 200, text)
  assert.ok(text.endsWith('\n\n'))
  return text
    .slice(0, -2)
    .split('\n\n')
    .map((block) => {
      assert.match(block, /^data: /)
      assert.ok(!block.includes('\n'), 'one line an event')
      const payload = block.slice('data: '.length)
      return payload === '[DONE]' ? payload : JSON.parse(payload)
    })
}

const chunksOf = (payloads: readonly (Chunk | '[DONE]')[]) =>
  payloads.filter((payload): payload is Chunk => payload !== '[DONE]')

describe('a streamed answer', () => {
  it('has one id, one model and one time, a role once, and ends with [DONE]', async () => {
    await using upstream = await startOpenAiUpstream((response) => {
      openSse(response)
      // An upstream that repeats its role and changes its id.
      response.write(event(chunk({ role: 'assistant', content: 'One ' }, null, { id: 'a' })))
      response.write(event(chunk({ role: 'assistant', content: 'two' }, null, { id: 'b' })))
      response.write(event(chunk({}, 'stop', { id: 'c', usage: USAGE })))
      response.end(event('[DONE]'))
    })
    await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
    const response = await server.chat({ stream: true })
    assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
    const payloads = await payloadsOf(response)
    assert.equal(payloads.at(-1), '[DONE]')
    const chunks = chunksOf(payloads)
    const { decision } = server.store.decisions[0]!
    for (const { id, object, created, model } of chunks) {
      assert.equal(id, `chatcmpl-${decision.id}`)
      assert.equal(object, 'chat.completion.chunk')
      assert.equal(created, Math.floor(decision.atMs / 1_000))
      assert.equal(model, 'acme/small')
    }
    assert.deepEqual(
      chunks.map(({ usage }) => usage?.['cost']),
      [undefined, undefined, 0.039],
      'usage and cost ride on the chunk with the finish reason',
    )
    assert.deepEqual(
      chunks.map(({ choices }) => choices[0]?.delta['role']),
      ['assistant', undefined, undefined],
    )
    assert.equal(chunks.map(({ choices }) => choices[0]?.delta['content'] ?? '').join(''), 'One two')
    assert.deepEqual(
      chunks.map(({ choices }) => choices[0]?.finish_reason),
      [null, null, 'stop'],
    )
    assert.equal(chunks[0]?.highwayman?.['decision_id'], decision.id)
    assert.equal(response.headers.get('x-highwayman-decision-id'), decision.id)
    assert.equal(chunks[1]?.highwayman, undefined)
  })

  it('asks the upstream for usage whether the caller did or not, and has a chunk for it only then', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi you'))
    await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
    const chunks = chunksOf(
      await payloadsOf(await server.chat({ stream: true, stream_options: { include_usage: true } })),
    )
    const last = chunks.at(-1)!
    assert.deepEqual(last.choices, [])
    assert.equal(last.usage?.['total_tokens'], 12)
    assert.equal(last.usage?.['cost'], 0.039)
    assert.ok(chunks.slice(0, -1).every(({ usage }) => usage === null))
    const unasked = chunksOf(await payloadsOf(await server.chat({ stream: true })))
    assert.ok(unasked.every(({ choices }) => choices.length === 1))
    assert.equal(unasked.at(-1)?.usage?.['cost'], 0.039)
    for (const { body } of upstream.requests) {
      assert.deepEqual((body as Record<string, unknown>)['stream_options'], { include_usage: true })
    }
  })

  it('carries tool calls', async () => {
    await using upstream = await startOpenAiUpstream(callingTool('weather', '{"city":"Oslo"}'))
    await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
    const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }]
    const chunks = chunksOf(await payloadsOf(await server.chat({ stream: true, tools })))
    const calls = chunks.flatMap(
      ({ choices }) =>
        (choices[0]?.delta['tool_calls'] as {
          id?: string
          function: { name?: string; arguments: string }
        }[]) ?? [],
    )
    assert.deepEqual(calls[0], {
      index: 0,
      id: 'call_1',
      type: 'function',
      function: { name: 'weather', arguments: '' },
    })
    assert.equal(calls.map((call) => call.function.arguments).join(''), '{"city":"Oslo"}')
    assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, 'tool_calls')
    assert.equal(server.store.attempts[0]?.usageEstimated, true, 'this upstream told no usage')
    assert.ok((server.store.attempts[0]?.completionTokens ?? 0) > 5)
  })

  it('is recorded with its time to first token when it has ended', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi you'))
    await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
    await payloadsOf(await server.chat({ stream: true }))
    const [attempt] = server.store.attempts
    assert.ok(attempt?.ttftMs !== undefined && attempt.ttftMs > 0 && attempt.ttftMs <= attempt.totalMs)
    assert.deepEqual(
      [attempt.status, attempt.completionTokens, attempt.costUsd, attempt.finishReason],
      ['answered', 3, 0.039, 'stop'],
    )
    assert.equal(server.store.decisions[0]?.stream, true)
    assert.deepEqual(
      server.store.observations.map(({ head }) => head),
      ['ttft', 'tpot', 'output_tokens', 'success'],
    )
  })

  it('leaves chunk by chunk as it comes', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    await using upstream = await startOpenAiUpstream(async (response) => {
      openSse(response)
      response.write(event(chunk({ role: 'assistant', content: 'first' })))
      await gate
      response.write(event(chunk({ content: ' last' }, 'stop')))
      response.end(event('[DONE]'))
    })
    await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
    const response = await server.chat({ stream: true })
    const reader = response.body!.getReader()
    const first = new TextDecoder().decode((await reader.read()).value)
    assert.match(first, /"content":"first"/)
    open()
    let rest = ''
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      rest += new TextDecoder().decode(step.value)
    }
    assert.match(rest, /last/)
    assert.match(rest, /\[DONE\]\n\n$/)
  })

  it('holds its first words back until they say something, so that another arm can still answer', async () => {
    await using silent = await startOpenAiUpstream((response) => {
      openSse(response)
      response.write(event(chunk({ role: 'assistant', content: '' })))
      setImmediate(() => response.destroy())
    })
    await using good = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({
      arms: [
        { id: 'acme/silent', url: silent.url },
        { id: 'acme/good', url: good.url },
      ],
    })
    const response = await server.chat({ stream: true })
    assert.equal(response.headers.get('x-highwayman-arm'), 'acme/good')
    const chunks = chunksOf(await payloadsOf(response))
    assert.equal(chunks.filter(({ choices }) => choices[0]?.delta['role'] !== undefined).length, 1)
  })
})

describe('a stream that breaks off in the caller’s hands', () => {
  it('ends with an error in-band and without [DONE]', async () => {
    await using upstream = await startOpenAiUpstream(dyingAfter('One ', 'two '))
    await using spare = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({
      arms: [
        { id: 'acme/small', url: upstream.url },
        { id: 'acme/spare', url: spare.url },
      ],
    })
    const payloads = await payloadsOf(
      await server.chat({ stream: true, stream_options: { include_usage: true } }),
    )
    const last = payloads.at(-1) as Chunk
    assert.equal(last.error?.['code'], 'upstream_truncated')
    assert.equal(last.error['type'], 'upstream_error')
    assert.equal(last.error['decision_id'], server.store.decisions[0]?.decision.id)
    assert.equal(payloads.includes('[DONE]'), false)
    assert.ok(
      chunksOf(payloads).every(({ choices }) => !choices?.some((choice) => choice.finish_reason !== null)),
    )
    assert.equal(spare.requests.length, 0, 'what was said cannot be unsaid')
    await eventually(() => server.store.attempts.length === 1, 'the record')
    const [attempt] = server.store.attempts
    assert.equal(attempt?.status, 'cut')
    assert.equal(attempt.completionTokens, 3, 'what was said is counted')
    assert.equal(attempt.usageEstimated, true)
    assert.ok(attempt.costUsd !== undefined && attempt.costUsd > 0)
    assert.deepEqual(
      server.store.observations.map(({ head, y }) => [head, y]),
      [['success', 0]],
      'judged at its end, not its start',
    )
  })

  it('is told of an error the upstream sends in the middle', async () => {
    await using upstream = await startOpenAiUpstream((response) => {
      openSse(response)
      response.write(event(chunk({ role: 'assistant', content: 'One ' })))
      response.end(event({ error: { message: 'The server had an error', type: 'server_error', code: null } }))
    })
    await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
    const payloads = await payloadsOf(await server.chat({ stream: true }))
    assert.equal((payloads.at(-1) as Chunk).error?.['code'], 'upstream_error')
  })

  it('counts towards the arm’s breaker', async () => {
    await using upstream = await startOpenAiUpstream(dyingAfter('One '))
    await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
    for (let turn = 0; turn < 5; turn++) await payloadsOf(await server.chat({ stream: true }))
    assert.equal((await server.chat({ stream: true })).status, 503)
  })
})

describe('a caller that goes away', () => {
  it('in the middle of a stream: the upstream’s socket is closed and the attempt recorded as cancelled', async () => {
    await using upstream = await startOpenAiUpstream((response) => {
      openSse(response)
      response.write(event(chunk({ role: 'assistant', content: 'One ' })))
    })
    await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
    const closed = upstream.nextClose()
    const controller = new AbortController()
    const response = await fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ stream: true, messages: [{ role: 'user', content: 'x' }] }),
      signal: controller.signal,
    })
    await response.body!.getReader().read()
    controller.abort()
    await closed
    await eventually(() => server.store.attempts.length === 1, 'the record')
    assert.equal(server.store.attempts[0]?.status, 'cancelled')
    assert.deepEqual(server.store.observations, [], 'the arm did nothing wrong')
  })

  it('before the answer: the same, and no other arm is asked', async () => {
    await using upstream = await startOpenAiUpstream(() => {})
    await using spare = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({
      arms: [
        { id: 'acme/small', url: upstream.url },
        { id: 'acme/spare', url: spare.url },
      ],
    })
    const closed = upstream.nextClose()
    const controller = new AbortController()
    const pending = fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'x' }] }),
      signal: controller.signal,
    })
    await eventually(() => upstream.requests.length === 1, 'the upstream call')
    controller.abort()
    await assert.rejects(pending)
    await closed
    await eventually(() => server.store.attempts.length === 1, 'the record')
    assert.equal(server.store.attempts[0]?.status, 'cancelled')
    assert.equal(spare.requests.length, 0)
    assert.doesNotMatch(server.logged(), /"level":(40|50|60)/, 'nothing to warn of')
  })

  it('or reads slowly: the upstream is slowed down rather than buffered', async () => {
    const piece = 'x'.repeat(64 * 1024)
    const total = 400
    let written = 0
    await using upstream = await startOpenAiUpstream(async (response) => {
      openSse(response)
      response.write(event(chunk({ role: 'assistant', content: '' })))
      for (; written < total; written++) {
        if (response.write(event(chunk({ content: piece })))) continue
        await new Promise((resolve) => response.once('drain', resolve))
      }
      response.write(event(chunk({}, 'stop')))
      response.end(event('[DONE]'))
    })
    await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
    const body = JSON.stringify({ stream: true, messages: [{ role: 'user', content: 'x' }] })
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.pause()
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    let before = -1
    let unchanged = 0
    await eventually(() => {
      unchanged = written === before ? unchanged + 1 : 0
      before = written
      return unchanged === 50
    }, 'the upstream to be slowed down')
    assert.ok(written < total, `${written} of ${total} pieces left although nobody read them`)
    let bytes = 0
    socket.on('data', (data) => {
      bytes += data.length
    })
    socket.resume()
    await new Promise((resolve) => socket.once('end', resolve))
    socket.destroy()
    assert.equal(written, total)
    assert.ok(bytes > total * piece.length)
  })
})
