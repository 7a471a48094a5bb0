import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ArmId } from '../../engine/index.ts'
import { parseConfig } from '../../server/config/index.ts'
import { Conversations, conversationKeys, tokensLeftWarm } from '../../server/pipeline/conversations.ts'
import { completion, failing, saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { startTestServer, type TestArm, type TestServer, tenant } from '../helpers/server.ts'
import { json } from '../helpers/upstream.ts'

const prior = { quality: 0.6, ttftMs: 100, tpotMs: 1, outputTokens: 10 }
const messages = [{ role: 'user', content: 'Hello there' }]

interface Told {
  readonly arm: string
  readonly class: string
  readonly propensity: number
  readonly probabilities: Record<string, number>
  readonly exclusions: readonly { arm: string; reason: string; detail: string }[]
  readonly error?: { readonly code: string; readonly message: string; readonly param: string }
}

async function withArms(
  arms: readonly Omit<TestArm, 'url'>[],
  work: (route: (highwayman: object, headers?: Record<string, string>) => Promise<Told>) => Promise<void>,
  tenants: Parameters<typeof startTestServer>[0]['tenants'] = [],
): Promise<void> {
  await using upstream = await startOpenAiUpstream(saying('Hi'))
  await using server = await startTestServer({
    arms: arms.map((each) => ({ ...each, url: upstream.url }) as TestArm),
    policy: { name: 'thompson' },
    tenants: tenants as never,
  })
  await work(async (highwayman, headers) => {
    const response = await server.post('/v1/route', { messages, highwayman }, headers)
    return (await response.json()) as Told
  })
}

const GOOD = `providers: { openai: { apiKey: k } }
arms:
  openai/gpt-5: { tags: [large] }
  openai/gpt-5-mini: { tags: [small] }
`
const parse = (text: string) => parseConfig(text, { file: 'h.yaml', env: {} })

describe('models and tenants of a configuration', () => {
  it('take an order, limits on tails and a quality floor, and a margin for switching', () => {
    const registry = parse(`${GOOD}models:
  ordered:
    preferences: { thenBy: [cost, latency] }
    switchMargin: 0.02
    conservative: { baseline: openai/gpt-5, alpha: 0.05 }
  tight:
    preferences: { withinQualityPoints: 3, thenBy: [latency] }
    constraints:
      maxP95CostUsd: 0.1
      maxP95LatencyMs: 5000
      qualityFloor: { arm: openai/gpt-5, share: 0.97, confidence: 0.9 }
tenants:
  t:
    constraints: { qualityFloor: { arm: openai/gpt-5, share: 0.9 } }
`)
    const [ordered, tight] = [registry.models.get('ordered')!, registry.models.get('tight')!]
    assert.deepEqual(ordered.preferences, {
      kind: 'lexicographic',
      withinQualityPoints: 1,
      thenBy: ['cost', 'latency'],
    })
    assert.equal(ordered.switchMargin, 0.02)
    assert.equal(tight.switchMargin, 0)
    assert.deepEqual(ordered.conservative, { baseline: 'openai/gpt-5', alpha: 0.05 })
    assert.equal(tight.conservative, undefined)
    assert.deepEqual(tight.constraints, {
      maxP95CostUsd: 0.1,
      maxP95LatencyMs: 5000,
      qualityFloors: [{ arm: 'openai/gpt-5', share: 0.97, confidence: 0.9 }],
    })
    assert.deepEqual(registry.tenants.get('t')?.constraints, {
      qualityFloors: [{ arm: 'openai/gpt-5', share: 0.9 }],
    })
  })
})

describe('limits of a request', () => {
  const arms = [
    { id: 'acme/good', prior: { ...prior, quality: 0.9 } },
    { id: 'acme/poor', prior: { ...prior, quality: 0.5 } },
    { id: 'acme/slow', prior: { ...prior, quality: 0.9, ttftMs: 9_000 } },
  ]
  const reasons = ({ exclusions }: Told) => exclusions.map(({ arm, reason }) => [arm, reason])

  it('on tails and on quality exclude with their reasons', () =>
    withArms(arms, async (route) => {
      const floor = { arm: 'acme/good', share: 0.9 }
      assert.deepEqual(reasons(await route({ constraints: { quality_floor: floor } })), [
        ['acme/poor', 'quality_floor'],
      ])
      assert.deepEqual(reasons(await route({ constraints: { maxP95LatencyMs: 12_000 } })), [
        ['acme/slow', 'max_p95_latency'],
      ])
      const { error } = await route({ constraints: { max_p95_cost_usd: 1e-9 } })
      assert.equal(error?.code, 'no_eligible_arm')
      assert.match(error.message, /max_p95_cost \(p95 /)
    }))

  it('come on top of the tenant’s', () => {
    const ours = tenant('ours', 'k', {
      constraints: {
        maxP95LatencyMs: 12_000,
        qualityFloors: [{ arm: 'acme/slow' as ArmId, share: 0.5 }],
      },
    })
    return withArms(
      arms,
      async (route) => {
        const told = await route(
          {
            constraints: {
              max_p95_latency_ms: 60_000,
              quality_floor: { arm: 'acme/good', share: 0.9, confidence: 0.45 },
            },
          },
          { authorization: 'Bearer k' },
        )
        assert.deepEqual(reasons(told), [
          ['acme/poor', 'quality_floor'],
          ['acme/slow', 'max_p95_latency'],
        ])
      },
      [ours] as never,
    )
  })

  it('that cannot be held are refused', () =>
    withArms(arms, async (route) => {
      const cases: readonly (readonly [object, RegExp])[] = [
        [{ constraints: { quality_floor: { arm: 'acme/god', share: 0.9 } } }, /did you mean "acme\/good"/],
        [{ constraints: { quality_floor: { arm: 'acme/good', share: 1.5 } } }, /share/],
        [{ constraints: { quality_floor: { arm: 'acme/good', share: 1, confidence: 1 } } }, /confidence/],
        [{ constraints: { max_p95_latency_ms: 0 } }, /max_p95_latency_ms/],
        [{ preferences: { within_quality_points: 1 } }, /then_by/],
        [{ preferences: { then_by: ['cost', 'cost'] } }, /each once/],
        [{ preferences: { then_by: ['cost'], quality: 1 } }, /or an order/],
        [{ preferences: { then_by: ['size'] } }, /then_by/],
        [{ preferences: { usd_per_quality_point: 1e-200 } }, /usd_per_quality_point.*>=1e-9/],
        [{ preferences: { quality: 1e-300, cost: 1 } }, /preferences\.quality/],
        [{ preferences: { quality: 1, latency: 1e300 } }, /preferences\.latency/],
      ]
      for (const [highwayman, words] of cases) {
        const { error } = await route(highwayman)
        assert.equal(error?.code, 'invalid_request', JSON.stringify(highwayman))
        assert.match(error.message, words)
      }
    }))

  it('and an order: quality first, then what is cheapest', () =>
    withArms(
      [
        { id: 'acme/dear', prior: { ...prior, quality: 0.9 } },
        {
          id: 'acme/fair',
          prior: { ...prior, quality: 0.885 },
          price: { inputUsdPerMtok: 1, outputUsdPerMtok: 1 },
        },
      ],
      async (route) => {
        const choose = async (within: number) =>
          (await route({ explore: false, preferences: { within_quality_points: within, then_by: ['cost'] } }))
            .arm
        assert.equal(await choose(2), 'acme/fair')
        assert.equal(await choose(1), 'acme/dear')
      },
    ))
})

describe('a conversation', () => {
  const long = 'harbour '.repeat(15_000)
  const first = [{ role: 'user', content: long }]
  const second = [...first, { role: 'assistant', content: 'Hi' }, { role: 'user', content: 'And then?' }]
  const output = { outputUsdPerMtok: 1, cachedInputUsdPerMtok: 0.1 }
  const arms = (url: string): readonly TestArm[] => [
    { id: 'acme/a', url, prior, price: { inputUsdPerMtok: 4, ...output } },
    { id: 'acme/b', url, prior, price: { inputUsdPerMtok: 2, ...output } },
  ]
  const wishes = { explore: false, preferences: { usd_per_quality_point: 0.001 } }
  const cached = { prompt_tokens_details: { cached_tokens: 0 } }
  const usage = { prompt_tokens: 15_001, completion_tokens: 1, total_tokens: 15_002, ...cached }

  async function withConversation(
    work: (
      server: TestServer,
      ask: (messages: object[], highwayman?: object) => Promise<string>,
    ) => Promise<void>,
    options: { readonly switchMargin?: number; readonly usage?: object } = {},
  ): Promise<void> {
    await using upstream = await startOpenAiUpstream(
      json(completion('Hi', { usage: options.usage ?? usage })),
    )
    await using server = await startTestServer({
      arms: arms(upstream.url),
      policy: { name: 'thompson' },
      auto: { switchMargin: options.switchMargin ?? 0 },
    })
    await work(server, async (turn, highwayman = {}) => {
      const response = await server.chat({ messages: turn, highwayman: { ...wishes, ...highwayman } })
      await response.text()
      return response.headers.get('x-highwayman-arm')!
    })
  }

  it('stays where its prompt is cached when the price says so', () =>
    withConversation(async (server, ask) => {
      assert.equal(await ask(first), 'acme/b', 'the cheaper one')
      assert.equal(await ask(first, { deny: ['acme/b'] }), 'acme/a')
      assert.equal(await ask(second), 'acme/a', 'warm: 0.1 instead of 2')
      const { decision } = server.store.decisions.at(-1)!
      assert.equal(decision.conversation?.arm, 'acme/a')
      assert.ok(decision.conversation.cachedTokens > 14_000)
      const cost = decision.estimates.map((estimate) => estimate.costUsd.mean)
      assert.ok(cost[0]! < 0.3 * cost[1]!, `${cost}`)
      assert.equal(await ask([{ role: 'user', content: `${long}!` }]), 'acme/b', 'another conversation')
    }))

  it('that paused for long goes where it is cheapest', () =>
    withConversation(async (server, ask) => {
      await ask(first, { deny: ['acme/b'] })
      server.clock.advance(6 * 60_000)
      assert.equal(await ask(second), 'acme/b')
    }))

  it('is a session when the caller says so, of one tenant', () =>
    withConversation(async (_, ask) => {
      await ask(first, { deny: ['acme/b'], session: 's' })
      assert.equal(await ask([{ role: 'user', content: `${long}?` }], { session: 's' }), 'acme/a')
      assert.equal(await ask([{ role: 'user', content: `${long}?` }], { session: 't' }), 'acme/b')
    }))

  it('is not kept by a cache that the provider does not speak of', () =>
    withConversation(
      async (_, ask) => {
        await ask(first, { deny: ['acme/b'] })
        assert.equal(await ask(second), 'acme/b')
      },
      { usage: { prompt_tokens: 15_001, completion_tokens: 1, total_tokens: 15_002 } },
    ))

  it('has a margin to be won over by', () =>
    withConversation(
      async (server, ask) => {
        await ask(first, { deny: ['acme/b'] })
        server.clock.advance(3_600_000)
        assert.equal(await ask(second), 'acme/a')
        const { decision } = server.store.decisions.at(-1)!
        assert.deepEqual(decision.conversation, { arm: 'acme/a', cachedTokens: 0, switchMargin: 0.5 })
      },
      { switchMargin: 0.5 },
    ))
})

describe('a model that is held above a baseline', () => {
  const terms = { baseline: 'acme/base' as ArmId, alpha: 0.5 }
  const shown = (told: unknown) =>
    (told as { conservative: { slack: number; held_mass: number } }).conservative

  async function withModel(work: (server: TestServer) => Promise<void>): Promise<void> {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({
      arms: ['acme/base', 'acme/new'].map((id) => ({ id, url: upstream.url })),
      policy: { name: 'fixed', arm: 'acme/new' as ArmId },
      auto: { conservative: terms },
    })
    await work(server)
  }
  const route = async (server: TestServer) =>
    (await (await server.post('/v1/route', { messages })).json()) as Told & { decision_id: string }
  const judge = (server: TestServer, id: string, value: number | null) =>
    server.post('/v1/feedback', { decision_id: id, metric: 'quality', value })

  it('plays the baseline until its slack is earned, and loses it again by a revision', () =>
    withModel(async (server) => {
      const told: { decision_id: string }[] = []
      let free = await route(server)
      for (; free.arm === 'acme/base' && told.length < 20; free = await route(server)) {
        assert.deepEqual([free.propensity, shown(free).held_mass], [1, 1])
        // The first two are never judged: they earn no more than their lower bound, which is nothing.
        if (told.length >= 2) await judge(server, free.decision_id, 1)
        told.push(free)
      }
      assert.equal(free.arm, 'acme/new')
      assert.deepEqual([free.probabilities['acme/new'], shown(free).held_mass], [1, 0])
      assert.ok(told.length > 5 && told.length < 15, `after ${told.length}`)
      assert.ok(shown(free).slack > 1 && shown(free).slack <= (told.length - 2) / 2, `${shown(free).slack}`)
      for (const { decision_id } of told) await judge(server, decision_id, 0)
      assert.equal((await route(server)).arm, 'acme/base')
    }))

  it('counts what was judged as it was judged', () =>
    withModel(async (server) => {
      const first = await route(server)
      await judge(server, first.decision_id, 0.5)
      assert.equal(shown(await route(server)).slack, 0.25)
      await judge(server, first.decision_id, null)
      assert.ok(shown(await route(server)).slack < 0)
    }))

  it('does not count a call that failed', async () => {
    await using bad = await startOpenAiUpstream(failing(500))
    await using good = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({
      arms: [
        { id: 'acme/base', url: bad.url },
        { id: 'acme/new', url: good.url },
      ],
      auto: { conservative: terms },
    })
    const response = await server.chat()
    assert.equal(response.headers.get('x-highwayman-arm'), 'acme/new')
    await judge(server, response.headers.get('x-highwayman-decision-id')!, 1)
    const [first, second] = server.store.decisions.map(({ decision }) => decision)
    assert.equal(first?.arm, 'acme/base')
    assert.equal(second?.conservative?.slack, 0, 'as if the first had not been made')
  })
})

describe('the memory of conversations', () => {
  const user = (content: string) => ({ role: 'user', content }) as const
  const assistant = (content: string) => ({ role: 'assistant', content }) as const

  it('finds the turn before whatever became of its answer', () => {
    const turn = conversationKeys('t', '', [user('a')])
    assert.equal(turn.last, undefined)
    for (const answer of ['b', 'edited by the caller']) {
      assert.equal(conversationKeys('t', '', [user('a'), assistant(answer), user('c')]).last, turn.next)
    }
    const third = conversationKeys('t', '', [user('a'), assistant('b'), user('c'), assistant('d'), user('e')])
    assert.equal(third.last, conversationKeys('t', '', [user('a'), assistant('b'), user('c')]).next)
    assert.notEqual(conversationKeys('other', '', [user('a')]).next, turn.next)
    assert.notEqual(conversationKeys('t', '', [user('a'), user('')]).next, turn.next)
  })

  it('tells long messages by their ends and length', () => {
    const key = (text: string) => conversationKeys('t', '', [user(text)]).next
    const text = 'x'.repeat(1_000_000)
    assert.equal(key(text), key(text))
    assert.notEqual(key(text), key(`${text}x`))
    assert.notEqual(key(text), key(`${text.slice(1)}y`))
  })

  it('is bounded', () => {
    const memory = new Conversations(2)
    const keys = (i: number) => ({ last: `${i}`, next: `${i}` })
    for (let i = 0; i < 5; i++) memory.remember(keys(i), { arm: 'p/a' as ArmId, tokens: i, atMs: 10 })
    assert.equal(memory.recall(keys(0), 15), undefined)
    assert.deepEqual(memory.recall(keys(4), 15), { arm: 'p/a', tokens: 4, ageMs: 5 })
    assert.equal(memory.recall(keys(4), 5)?.ageMs, 0, 'a clock that went back')
  })

  it('forgets who gave a turn that nothing hangs on', () => {
    const memory = new Conversations()
    const first = conversationKeys('t', '', [user('a')])
    const second = conversationKeys('t', '', [user('a'), assistant('b'), user('c')])
    const third = conversationKeys('t', '', [user('a'), assistant('b'), user('c'), assistant('d'), user('e')])
    const turn = { arm: 'p/a' as ArmId, tokens: 5, atMs: 10 }
    for (const keys of [first, second]) memory.remember(keys, turn)
    memory.forget(second)
    assert.equal(memory.recall(third, 15), undefined)
    assert.equal(memory.recall(second, 15)?.tokens, 5, 'the turn before that one is as it was')
    const session = conversationKeys('t', 's', [user('a')])
    memory.remember(session, turn)
    memory.forget(session)
    assert.equal(memory.recall(session, 15), undefined)
  })

  it('counts as warm what was read or written, or all where only reading is told', () => {
    assert.equal(tokensLeftWarm({ cachedTokens: 10, cacheWriteTokens: 5 }, 100), 15)
    assert.equal(tokensLeftWarm({ cachedTokens: 0, cacheWriteTokens: 0 }, 100), 0)
    assert.equal(tokensLeftWarm({ cachedTokens: 0, cacheWriteTokens: undefined }, 100), 100)
    assert.equal(tokensLeftWarm({ cachedTokens: undefined, cacheWriteTokens: undefined }, 100), 0)
  })
})
