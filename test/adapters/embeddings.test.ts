import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Embedder, UpstreamError } from '../../adapters/index.ts'
import { createEmbedder } from '../../adapters/serving.ts'
import { failing, hanging } from '../helpers/openai-upstream.ts'
import { json, type ScriptedUpstream, startUpstream } from '../helpers/upstream.ts'

const KEY = 'sk-embedding-secret'

function embedderOf({ url }: ScriptedUpstream, timeoutMs = 10_000): Embedder & AsyncDisposable {
  const embedder = createEmbedder({
    provider: { name: 'house', dialect: 'openai-compatible', baseUrl: `${url}/v1`, apiKey: KEY },
    model: 'embed-small',
    dimensions: 3,
    timeoutMs,
  })
  return { ...embedder, [Symbol.asyncDispose]: () => embedder.close() }
}

const answering = (embedding: unknown) => json({ data: [{ index: 0, embedding }] })

function failsWith(code: string) {
  return (error: unknown) => {
    assert.ok(error instanceof UpstreamError, String(error))
    assert.equal(error.code, code)
    assert.ok(!error.message.includes(KEY))
    return true
  }
}

describe('an embedder', () => {
  it('gives the vector of a text', async () => {
    await using upstream = await startUpstream(answering([1, -2.5, 0]))
    await using embedder = embedderOf(upstream)
    assert.deepEqual(await embedder.embed('a heron'), Float64Array.of(1, -2.5, 0))
    assert.deepEqual(upstream.requests[0]?.body, { model: 'embed-small', input: 'a heron' })
  })

  const wrong: Readonly<Record<string, Parameters<typeof startUpstream>[0]>> = {
    'too short': answering([1, 2]),
    'too long': answering([1, 2, 3, 4]),
    'not of numbers': answering([1, 'x', 3]),
    'not finite': (response) => void response.end('{"data":[{"embedding":[1,1e999,3]}]}'),
    base64: answering('AAAA'),
    absent: json({ data: [] }),
    'not JSON': (response) => void response.end('<html>'),
    null: json(null),
  }
  for (const [what, behaviour] of Object.entries(wrong)) {
    it(`refuses a vector that is ${what}`, async () => {
      await using upstream = await startUpstream(behaviour)
      await using embedder = embedderOf(upstream)
      await assert.rejects(embedder.embed('x'), failsWith('upstream_bad_output'))
    })
  }

  it('says why an endpoint refused', async () => {
    await using upstream = await startUpstream(
      failing(401, { message: `Incorrect API key provided: ${KEY}` }),
    )
    await using embedder = embedderOf(upstream)
    await assert.rejects(embedder.embed('x'), (error) => {
      assert.ok(error instanceof UpstreamError)
      assert.equal(error.retry, 'key')
      assert.ok(!JSON.stringify({ ...error, message: error.message }).includes(KEY))
      return true
    })
  })

  it('gives up after its time', async () => {
    await using upstream = await startUpstream(hanging)
    await using embedder = embedderOf(upstream, 20)
    await assert.rejects(embedder.embed('x'), failsWith('upstream_timeout'))
  })
})
