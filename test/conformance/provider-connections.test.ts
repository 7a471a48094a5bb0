/** What is the same whatever the dialect: connections that fail, answers that are whole, bodies of any size and speed. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import type { Provider } from '../../adapters/index.ts'
import { collectStream } from '../helpers/collect.ts'
import { CALL, failureOf, NO_REQUEST, providerAt, STREAMS, sse, withServer } from '../helpers/streams.ts'
import { json, startUpstream } from '../helpers/upstream.ts'

describe('connections', () => {
  it('that are refused are unreachable', async () => {
    const provider = providerAt('http://127.0.0.1:9', 'openai-compatible')
    const error = await failureOf(provider.chat(CALL))
    assert.deepEqual([error.code, error.httpStatus, error.retry], ['upstream_unreachable', 502, 'other'])
    assert.match(error.message, /ECONNREFUSED/)
    await provider.close()
  })

  it('that are reset before a byte are unreachable', () =>
    withServer(
      (r) => void r.destroy(),
      'openai-compatible',
      {},
      async (provider) => {
        assert.equal((await failureOf(provider.chat(CALL))).code, 'upstream_unreachable')
      },
    ))

  it('that are never made end by the connect deadline', async () => {
    // A server that accepts and then says nothing to the TLS handshake.
    const held: Socket[] = []
    const server = createServer((socket) => held.push(socket))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const provider = providerAt(`https://127.0.0.1:${port}`, 'openai-compatible', { connectMs: 50 })
    const error = await failureOf(provider.chat(CALL))
    assert.equal(error.code, 'upstream_unreachable')
    assert.match(error.message, /no connection within 50 ms/)
    for (const socket of held) socket.destroy()
    server.close()
    await provider.close()
  })

  it('speak TLS only to a certificate that can be trusted', async () => {
    await using upstream = await startUpstream(json({}))
    const provider = providerAt(upstream.url.replace('http:', 'https:'), 'openai-compatible')
    assert.equal((await failureOf(provider.chat(CALL))).code, 'upstream_unreachable')
    await provider.close()
  })

  it('wait for a free socket no longer than the call may take, and can be aborted there', async () => {
    await using upstream = await startUpstream(() => {})
    const provider = providerAt(upstream.url, 'openai-compatible', { totalMs: 5_000 }, 1)
    const first = new AbortController()
    const second = new AbortController()
    const running = failureOf(provider.chat({ ...CALL, signal: first.signal }))
    const waiting = failureOf(provider.chat({ ...CALL, signal: second.signal }))
    second.abort()
    assert.equal((await waiting).code, 'cancelled')
    first.abort()
    await running
    await provider.close()
    assert.ok(upstream.requests.length <= 1, 'the waiting call was never sent')
  })

  it('take no base URL that is not one of HTTP', () => {
    assert.throws(() => providerAt('ftp://example.com', 'openai-compatible'), TypeError)
    assert.throws(() => providerAt('example.com', 'openai-compatible'), TypeError)
  })
})

describe('an answer that is complete', () => {
  const { word, end } = STREAMS['openai-compatible']
  const text = async (provider: Provider) => (await collectStream(provider.chatStream(CALL))).choices[0]

  it('stays complete when the socket dies before the trailers', () =>
    withServer(
      (r) => {
        sse(r, word)
        r.write(end, () => r.destroy())
      },
      'openai-compatible',
      {},
      async (provider) => assert.equal((await text(provider))?.finish, 'stop'),
    ))

  it('does not wait for trailers as long as for words', { timeout: 10_000 }, () =>
    withServer(
      (r) => sse(r, word, end),
      'openai-compatible',
      { idleMs: 60_000 },
      async (provider) => assert.equal((await text(provider))?.finish, 'stop'),
    ),
  )

  it('gives up the socket of an upstream that goes on and on after its last word', () => {
    const babble = async (response: ServerResponse) => {
      sse(response, word, end, 'data: [DONE]\n\n')
      while (!response.destroyed) {
        sse(response, `: ${'x'.repeat(10_000)}\n\n`)
        await new Promise((resolve) => setImmediate(resolve))
      }
      bytesAfter = response.socket?.bytesWritten ?? 0
    }
    let bytesAfter = Number.POSITIVE_INFINITY
    return withServer(babble, 'openai-compatible', {}, async (provider, upstream) => {
      const closed = upstream.nextClose()
      await text(provider)
      await closed
      assert.ok(bytesAfter > 0)
    })
  })
})

describe('bodies', () => {
  it('that are compressed against our wish are refused, not misread', () =>
    withServer(json({}, 200, { 'content-encoding': 'gzip' }), 'openai-compatible', {}, async (provider) => {
      const error = await failureOf(provider.chat(CALL))
      assert.equal(error.code, 'upstream_bad_output')
      assert.match(error.message, /gzip/)
    }))

  it('of failures that are compressed leave the status to go by', () =>
    withServer(
      json({}, 429, { 'content-encoding': 'gzip', 'retry-after': '7' }),
      'openai-compatible',
      {},
      async (provider) => {
        const error = await failureOf(provider.chat(CALL))
        assert.deepEqual([error.code, error.retryAfterMs], ['rate_limit_exceeded', 7_000])
      },
    ))

  it('of failures that do not come are not waited for as answers are', { timeout: 10_000 }, () =>
    withServer(
      (r) => r.writeHead(503).flushHeaders(),
      'openai-compatible',
      { totalMs: 60_000 },
      async (provider) => assert.equal((await failureOf(provider.chat(CALL))).code, 'upstream_overloaded'),
    ),
  )

  it('that come faster than they are read wait in the upstream, and the silence is not its fault', async () => {
    const delta = `data: {"choices":[{"index":0,"delta":{"content":"${'x'.repeat(1_000)}"},"finish_reason":null}]}\n\n`
    const { end, trailer } = STREAMS['openai-compatible']
    let accepted = 0
    const flood = async (response: ServerResponse) => {
      response.writeHead(200)
      for (; accepted < 20_000; accepted++) {
        if (!response.write(delta)) await Promise.race([once(response, 'drain'), once(response, 'close')])
        if (response.destroyed) return
      }
      response.end(end + trailer)
    }
    // Long enough for a machine that stands still for seconds: nothing is silent but the reader.
    await withServer(flood, 'openai-compatible', { idleMs: 4_000 }, async (provider) => {
      let length = 0
      let slept = false
      for await (const part of provider.chatStream(CALL)) {
        if (part.type !== 'chunks') continue
        for (const { choices } of part.chunks) length += choices[0]?.delta.content?.length ?? 0
        if (slept) continue
        slept = true
        await new Promise((resolve) => setTimeout(resolve, 4_400))
        assert.ok(accepted < 20_000, 'the upstream was made to wait')
      }
      assert.equal(length, 20_000_000)
    })
  })

  it('are answered once more after the server closed an idle connection', async () => {
    await using upstream = await startUpstream((response) => {
      response.setHeader('connection', 'close')
      json({ choices: [{ index: 0, message: { content: 'ok' }, finish_reason: 'stop' }] })(
        response,
        NO_REQUEST,
      )
    })
    const provider = providerAt(upstream.url, 'openai-compatible', {}, 1)
    for (let turn = 0; turn < 3; turn++) assert.equal((await provider.chat(CALL)).response.choices.length, 1)
    await provider.close()
  })

  it('are asked for again on a new socket where the old one was being closed for its idleness', async () => {
    const body = JSON.stringify({ choices: [{ message: { content: 'ok' }, finish_reason: 'stop' }] })
    const answer = `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`
    let asked = 0
    let sockets = 0
    // Every socket answers once; the request that comes after that meets its end.
    const server = createServer((socket) => {
      sockets++
      let answered = false
      socket.on('error', () => {})
      socket.on('data', (data) => {
        if (!data.includes('POST ')) return
        asked++
        if (answered) socket.end()
        else socket.write(answer)
        answered = true
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const provider = providerAt(`http://127.0.0.1:${port}`, 'openai-compatible', {}, 1)
    for (let turn = 0; turn < 2; turn++) assert.equal((await provider.chat(CALL)).response.choices.length, 1)
    assert.deepEqual([asked, sockets], [3, 2])
    // The fourth meets the end of the second socket, its repetition is the fifth.
    assert.equal((await provider.chat(CALL)).response.choices.length, 1)
    assert.deepEqual([asked, sockets], [5, 3])
    await provider.close()
    server.close()
  })

  it('name the request id that the upstream gave', () =>
    withServer(
      json({ choices: [{ message: { content: 'ok' }, finish_reason: 'stop' }] }, 200, {
        'x-request-id': 'req_7',
      }),
      'openai-compatible',
      {},
      async (provider) => assert.equal((await provider.chat(CALL)).upstreamRequestId, 'req_7'),
    ))
})
