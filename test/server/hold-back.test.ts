/** What the server does with parts of a stream, whatever adapter they come from. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { Registry as MetricsRegistry } from 'prom-client'
import { type Provider, type StreamPart, UpstreamError, type Usage } from '../../adapters/index.ts'
import { createFeatureSpace, createRouter } from '../../engine/index.ts'
import { Experiments } from '../../server/experiments/experiments.ts'
import { buildApp, createIds } from '../../server/index.ts'
import { PolicyLoader } from '../../server/policies/policy-loader.ts'
import { PolicySlots } from '../../server/policies/policy-slots.ts'
import { Replicas } from '../../server/replicas.ts'
import { MemoryStore } from '../helpers/memory-store.ts'
import { registryOf } from '../helpers/server.ts'

const NO_USAGE: Usage = {
  promptTokens: undefined,
  completionTokens: undefined,
  cachedTokens: undefined,
  cacheWriteTokens: undefined,
  reasoningTokens: undefined,
  costUsd: undefined,
}
const START: StreamPart = {
  type: 'start',
  warnings: [{ field: 'seed', message: 'dropped' }],
  upstreamRequestId: undefined,
}
const END: StreamPart = { type: 'end', usage: NO_USAGE, finish: { unified: 'stop', raw: 'stop' } }

function part(delta: Record<string, unknown>, finish: string | null = null): StreamPart {
  return { type: 'chunks', chunks: [{ choices: [{ index: 0, delta, finish_reason: finish }] }] }
}

function overloaded(): UpstreamError {
  return new UpstreamError({
    message: 'overloaded',
    code: 'upstream_overloaded',
    type: 'overloaded_error',
    httpStatus: 503,
    retry: 'other',
  })
}

function provider(name: string, stream: () => AsyncGenerator<StreamPart>): Provider {
  return {
    name,
    dialect: 'openai-compatible',
    chat: () => Promise.reject(new Error('not asked for')),
    chatStream: stream,
    close: async () => {},
  }
}

/** The answer to a streamed request when the first arm's stream is `first` and the second's says Hi. */
async function answer(first: () => AsyncGenerator<StreamPart>) {
  const registry = registryOf({
    arms: ['a/first', 'b/second'].map((id) => ({ id, url: 'http://127.0.0.1:9' })),
  })
  const providers = new Map([
    ['a/first', provider('a', first)],
    [
      'b/second',
      provider('b', async function* () {
        yield START
        yield part({ role: 'assistant', content: 'Hi' })
        yield part({}, 'stop')
        yield END
      }),
    ],
  ])
  const clock = { nowMs: () => Date.now() }
  const store = new MemoryStore()
  const arms = [...registry.arms.values()].map(({ arm }) => arm)
  const router = createRouter({ arms, featureSpace: createFeatureSpace({ classes: registry.classes }) })
  const slots = new PolicySlots(router)
  const ids = createIds(clock, randomBytes)
  const replicas = new Replicas({ router, store, clock, mergeEveryMs: () => 3_600_000 })
  const { app } = await buildApp({
    registry: () => registry,
    router,
    slots,
    experiments: new Experiments({
      base: router,
      store,
      clock,
      ids,
      slots,
      loader: new PolicyLoader({ store, replicas, slots, base: router, registry: () => registry }),
      registry: () => registry,
      followEveryMs: () => 3_600_000,
      checkEveryMs: 3_600_000,
    }),
    rollouts: { status: { models: [], problems: [], unread: undefined }, followQuietly: async () => {} },
    providers: (name) => providers.get(name),
    store,
    tokens: { countText: (text) => text.length, countMessages: () => 7 },
    clock,
    ids,
    replica: 'test',
    replicas,
    logger: false,
    metricsRegistry: new MetricsRegistry(),
  })
  try {
    const messages = [{ role: 'user', content: 'x' }]
    const response = await app.inject({
      method: 'POST',
      url: '/v1/chat/completions',
      payload: { messages, stream: true },
    })
    return { arm: response.headers['x-highwayman-arm'], text: response.payload, store }
  } finally {
    await app.close()
  }
}

describe('the server holds a stream back', () => {
  const wordless: readonly (readonly [what: string, delta: Record<string, unknown>, finish?: string])[] = [
    ['a role', { role: 'assistant' }],
    ['a role and an empty text', { role: 'assistant', content: '' }],
    ['nulls', { role: 'assistant', content: null, refusal: null }],
    ['that it is over', { role: 'assistant', content: '' }, 'stop'],
  ]
  for (const [what, delta, finish] of wordless) {
    it(`while it has said no more than ${what}`, async () => {
      const { arm, text } = await answer(async function* () {
        yield START
        yield part(delta, finish)
        throw overloaded()
      })
      assert.equal(arm, 'b/second')
      assert.match(text, /"content":"Hi"/)
      assert.match(text, /\[DONE\]/)
    })
  }

  const telling: readonly (readonly [what: string, delta: Record<string, unknown>])[] = [
    ['a word', { content: 'W' }],
    ['a thought', { reasoning_content: 'Hm' }],
    ['a refusal', { refusal: 'No' }],
    [
      'a tool call',
      { tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '' } }] },
    ],
  ]
  for (const [what, delta] of telling) {
    it(`and lets go with ${what}`, async () => {
      const { arm, text, store } = await answer(async function* () {
        yield START
        yield part({ role: 'assistant' })
        yield part(delta)
        throw overloaded()
      })
      assert.equal(arm, 'a/first')
      assert.match(text, /"error":\{"message":"overloaded".*"code":"upstream_overloaded"/)
      assert.doesNotMatch(text, /\[DONE\]/)
      assert.equal(store.attempts[0]?.status, 'cut')
    })
  }

  it('lets go with an end, and tells the adapter’s warnings', async () => {
    const { arm, text } = await answer(async function* () {
      yield START
      yield part({ role: 'assistant', content: '' })
      yield part({}, 'length')
      yield END
    })
    assert.equal(arm, 'a/first')
    assert.match(text, /"warnings":\[\{"field":"seed","message":"dropped"\}\]/)
    assert.match(text, /\[DONE\]/)
  })

  for (const [what, parts] of [
    ['before a word', [START]],
    ['after a word', [START, part({ content: 'W' })]],
  ] as const) {
    it(`takes a stream that just stops ${what} for broken`, async () => {
      const { arm, text, store } = await answer(async function* () {
        yield* parts
      })
      assert.equal(arm, what === 'before a word' ? 'b/second' : 'a/first')
      if (what === 'after a word') assert.match(text, /"code":"upstream_truncated"/)
      assert.equal(store.attempts[0]?.errorCode, 'upstream_truncated')
    })
  }

  it('takes an adapter’s own fault for a failed call', async () => {
    const { arm, store } = await answer(async function* () {
      yield START
      throw new TypeError('a fault of the adapter')
    })
    assert.equal(arm, 'b/second')
    assert.equal(store.attempts[0]?.errorCode, 'upstream_error')
    assert.doesNotMatch(store.attempts[0].errorMessage, /fault of the adapter/)
  })
})
