/** An embedding endpoint of the user's: asked before the decision, never in its way. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { describe, it } from 'node:test'
import { createFeatureSpace } from '../../engine/index.ts'
import { failing, hanging, saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { policyFile } from '../helpers/policies.ts'
import { startTestServer, type TestServer } from '../helpers/server.ts'
import { json, type ScriptedUpstream, startUpstream } from '../helpers/upstream.ts'

const DIMENSIONS = 24
const COMPONENTS = 4
const KEY = 'sk-embedding-secret'
const vectorOf = (seed: number) => Array.from({ length: DIMENSIONS }, (_, i) => Math.sin(seed * (i + 1)))
const answering = (embedding: unknown) => json({ object: 'list', data: [{ index: 0, embedding }] })

async function startWith(
  endpoint: ScriptedUpstream,
  chat: ScriptedUpstream,
  timeoutMs = 10_000,
): Promise<TestServer> {
  return startTestServer({
    arms: [
      { id: 'acme/a', url: chat.url },
      { id: 'acme/b', url: chat.url },
    ],
    policy: { name: 'thompson' },
    embedding: {
      provider: {
        name: 'house',
        dialect: 'openai-compatible',
        baseUrl: `${endpoint.url}/v1`,
        apiKey: KEY,
        headers: { 'x-team': 'routing' },
      },
      model: 'embed-small',
      dimensions: DIMENSIONS,
      components: COMPONENTS,
      timeoutMs,
    },
  })
}

/** The text block of each decision so far. */
function blocks({ store, running }: TestServer): Float64Array[] {
  const { servingDimension } = running.router.featureSpace
  return store.decisions.map(({ decision }) => decision.x.slice(servingDimension))
}

async function countOf(server: TestServer, result: string): Promise<number> {
  const text = await (await server.get('/metrics')).text()
  const line = text.split('\n').find((each) => each.includes(`embeddings_total{result="${result}"}`))
  return Number(line?.split(' ')[1] ?? 0)
}

const ask = (content: string) => ({ messages: [{ role: 'user', content }] })
const NOTHING = new Float64Array(COMPONENTS)

describe('an embedding endpoint', () => {
  it('is sent the prompt with its model and key, and its answer becomes the text block', async () => {
    await using chat = await startOpenAiUpstream(saying('Hi'))
    await using endpoint = await startUpstream(answering(vectorOf(1)))
    await using server = await startWith(endpoint, chat)
    assert.equal((await server.chat(ask('Where do herons sleep?'))).status, 200)
    assert.deepEqual(
      endpoint.requests.map(({ method, url, body }) => ({ method, url, body })),
      [
        {
          method: 'POST',
          url: '/v1/embeddings',
          body: { model: 'embed-small', input: 'Where do herons sleep?' },
        },
      ],
    )
    assert.equal(endpoint.requests[0]?.headers.authorization, `Bearer ${KEY}`)
    assert.equal(endpoint.requests[0]?.headers['x-team'], 'routing')
    const space = server.running.router.featureSpace
    assert.ok(space.text?.kind === 'embedding')
    assert.deepEqual(blocks(server), [space.text.describe(vectorOf(1))])
    assert.notDeepEqual(blocks(server), [NOTHING])
    assert.equal(await countOf(server, 'answered'), 1)
    assert.ok(!server.logged().includes(KEY))
    assert.ok(!server.logged().includes('herons'))
  })

  it('is asked once for a text that comes again, also by /v1/route', async () => {
    await using chat = await startOpenAiUpstream(saying('Hi'))
    await using endpoint = await startUpstream(answering(vectorOf(2)))
    await using server = await startWith(endpoint, chat)
    for (let i = 0; i < 2; i++) await (await server.chat(ask('The same question'))).text()
    await (await server.post('/v1/route', ask('The same question'))).text()
    assert.equal(endpoint.requests.length, 1)
    const [first, second, third] = blocks(server)
    assert.deepEqual(second, first)
    assert.deepEqual(third, first)
    assert.equal(await countOf(server, 'remembered'), 2)
  })

  it('is sent no more than the last 4,000 characters that the user said', async () => {
    await using chat = await startOpenAiUpstream(saying('Hi'))
    await using endpoint = await startUpstream(answering(vectorOf(3)))
    await using server = await startWith(endpoint, chat)
    await (await server.chat(ask(`${'wave '.repeat(20_000)}shore`))).text()
    const [sent] = endpoint.requests.map(({ body }) => (body as { input: string }).input)
    assert.equal(sent?.length, 4_000)
    assert.ok(sent?.endsWith('shore'))
  })

  it('is not asked about a request without a user’s text', async () => {
    await using chat = await startOpenAiUpstream(saying('Hi'))
    await using endpoint = await startUpstream(answering(vectorOf(4)))
    await using server = await startWith(endpoint, chat)
    const response = await server.chat({ messages: [{ role: 'system', content: 'Say hello.' }] })
    assert.equal(response.status, 200)
    assert.equal(endpoint.requests.length, 0)
    assert.deepEqual(blocks(server), [NOTHING])
  })

  const failures = {
    refuses: failing(500),
    'sends another number of dimensions': answering([1, 2, 3]),
    'sends what is no vector': answering('AAAA'),
    'sends what is no JSON': (response: ServerResponse) => {
      response.end('<html>')
    },
    'never answers': hanging,
  }
  for (const [what, behaviour] of Object.entries(failures)) {
    it(`that ${what} leaves the text block empty, and the request is answered`, async () => {
      await using chat = await startOpenAiUpstream(saying('Hi'))
      await using endpoint = await startUpstream(behaviour)
      await using server = await startWith(endpoint, chat, behaviour === hanging ? 30 : 10_000)
      assert.equal((await server.chat(ask('Hello?'))).status, 200)
      assert.equal(endpoint.requests.length, 1)
      assert.deepEqual(blocks(server), [NOTHING])
      assert.equal(await countOf(server, 'failed'), 1)
    })
  }

  it('that is not there at all leaves the text block empty', async () => {
    await using chat = await startOpenAiUpstream(saying('Hi'))
    const endpoint = await startUpstream(answering(vectorOf(5)))
    await endpoint[Symbol.asyncDispose]()
    await using server = await startWith(endpoint, chat)
    assert.equal((await server.chat(ask('Hello?'))).status, 200)
    assert.deepEqual(blocks(server), [NOTHING])
  })

  it('that keeps failing is left alone for a while, then tried again', async () => {
    await using chat = await startOpenAiUpstream(saying('Hi'))
    let broken = true
    await using endpoint = await startUpstream((response, request) =>
      broken ? failing(500)(response, request) : answering(vectorOf(6))(response, request),
    )
    await using server = await startWith(endpoint, chat)
    for (let i = 0; i < 7; i++) await (await server.chat(ask(`Question ${i}`))).text()
    assert.equal(endpoint.requests.length, 5)
    assert.equal(await countOf(server, 'skipped'), 2)
    broken = false
    server.clock.advance(15_001)
    await (await server.chat(ask('Question 7'))).text()
    assert.equal(endpoint.requests.length, 6)
    assert.notDeepEqual(blocks(server).at(-1), NOTHING)
  })

  it('makes another feature space: what was learned without it does not count in it', async () => {
    await using chat = await startOpenAiUpstream(saying('Hi'))
    await using endpoint = await startUpstream(answering(vectorOf(7)))
    await using server = await startWith(endpoint, chat)
    const { classes, id } = server.running.router.featureSpace
    assert.notEqual(id, createFeatureSpace({ classes }).id)
  })

  it('is asked once for all policies, and tells each of them the same', async () => {
    await using chat = await startOpenAiUpstream(saying('Hi'))
    await using endpoint = await startUpstream(answering(vectorOf(5)))
    await using server = await startWith(endpoint, chat)
    const file = policyFile({
      policy: { name: 'thompson' },
      classes: ['chat'],
      text: {
        kind: 'embedding',
        model: 'embed-small',
        dimensions: DIMENSIONS,
        components: COMPONENTS,
        seed: 1,
      },
    })
    const uploaded = await server.post('/admin/v1/policies', { policy: file })
    const { hash } = (await uploaded.json()) as { hash: string }
    const promotion = { hash, share: 1, force: true, reason: 'a test' }
    assert.equal((await server.post('/admin/v1/promote', promotion)).status, 200)
    assert.equal((await server.chat(ask('Where do herons sleep?'))).status, 200)
    assert.equal(endpoint.requests.length, 1)
    const [row] = server.store.decisions
    assert.equal(row?.decision.featureSpace, file.featureSpace.id)
    const [other] = row.also ?? []
    assert.equal(other?.featureSpace, server.running.router.featureSpace.id)
    const block = row.decision.x.slice(-COMPONENTS)
    assert.notDeepEqual(block, NOTHING)
    assert.deepEqual(other?.x.slice(-COMPONENTS), block)
  })
})
