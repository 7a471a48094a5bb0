/** What is hardly a request: bodies nested without end, encodings, bytes that are not HTTP, callers that leave halfway. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { eventually, startTestServer, type TestServer } from '../helpers/server.ts'

describe('requests that cannot be read', () => {
  let upstream: Awaited<ReturnType<typeof startOpenAiUpstream>>
  let server: TestServer
  before(async () => {
    upstream = await startOpenAiUpstream(saying('Hi'))
    server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
  })
  after(async () => {
    await server[Symbol.asyncDispose]()
    await upstream[Symbol.asyncDispose]()
  })

  async function refused(response: Response, status: number, code: string): Promise<string> {
    const text = await response.text()
    assert.equal(response.status, status, text)
    const { error } = JSON.parse(text) as { error: { code: string; message: string } }
    assert.equal(error.code, code, text)
    return error.message
  }

  const nested = (levels: number): string => '{"a":'.repeat(levels) + 1 + '}'.repeat(levels)
  const bodyWith = (field: string): string => `{"messages": [{"role": "user", "content": "x"}], ${field}}`

  it('tools and unknown fields that are nested without end are the caller’s fault', async () => {
    const schema = `"tools": [{"type": "function", "function": {"name": "f", "parameters": ${nested(20_000)}}}]`
    for (const field of [
      schema,
      `"unknown": ${nested(20_000)}`,
      `"unknown": ${'['.repeat(1_000)}1${']'.repeat(1_000)}`,
    ]) {
      const response = await server.post('/v1/chat/completions', bodyWith(field))
      assert.match(await refused(response, 400, 'invalid_request'), /more than 1000 objects and lists/)
    }
    const deepEnough = await server.post('/v1/chat/completions', bodyWith(`"unknown": ${nested(990)}`))
    assert.equal(deepEnough.status, 200)
  })

  it('a key that would change prototypes is named', async () => {
    for (const field of ['"__proto__": {"stream": true}', '"constructor": {"prototype": {"stream": true}}']) {
      const message = await refused(
        await server.post('/v1/chat/completions', bodyWith(field)),
        400,
        'invalid_json',
      )
      assert.match(message, /"__proto__", or "prototype"/)
    }
  })

  it('a compressed body: says to send it as it is', async () => {
    const response = await fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: gzipSync(bodyWith('"n": 1')),
    })
    assert.match(await refused(response, 415, 'unsupported_media_type'), /content-encoding gzip/)
  })

  it('an id of a thousand characters is one that does not exist', async () => {
    await refused(await server.get(`/v1/decisions/${'a'.repeat(1_000)}`), 404, 'route_not_found')
  })

  const caller = (): Socket => connect(Number(new URL(server.url).port), '127.0.0.1')

  async function answerTo(bytes: string): Promise<{ head: string; error: Record<string, unknown> }> {
    const socket = caller()
    socket.write(bytes)
    let text = ''
    socket.on('data', (data) => {
      text += data
    })
    await once(socket, 'close')
    const [head = '', body = ''] = text.split('\r\n\r\n')
    return { head, error: (JSON.parse(body) as { error: Record<string, unknown> }).error }
  }

  it('bytes that are not HTTP, and too many headers, are answered in the shape of all errors', async () => {
    const garbage = await answerTo('\x16\x03\x01 hello\r\n\r\n')
    assert.match(garbage.head, /^HTTP\/1\.1 400 Bad Request\r\n/)
    assert.equal(garbage.error['code'], 'malformed_request')
    assert.equal(garbage.error['type'], 'invalid_request_error')
    const long = await answerTo(`GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: ${'a'.repeat(20_000)}\r\n\r\n`)
    assert.match(long.head, /^HTTP\/1\.1 431 /)
    assert.equal(long.error['code'], 'headers_too_large')
  })

  it('a caller that leaves in the middle of its body is no fault of the gateway', async () => {
    const socket = caller()
    socket.write(
      'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-request-id: halfway\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{',
    )
    // Until it is being read.
    await new Promise((resolve) => setTimeout(resolve, 50))
    socket.destroy()
    await eventually(() => server.logged().includes('"reqId":"halfway"'), 'the request to end')
    const lines = server
      .logged()
      .split('\n')
      .filter((line) => line.includes('halfway'))
    assert.deepEqual(
      lines.filter((line) => /"level":(40|50)/.test(line)),
      [],
    )
    assert.match(lines.join('\n'), /"ended":"caller-gone"/)
  })
})
