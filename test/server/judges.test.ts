/** Judges at work: whose answers they judge, on whose account, and what becomes of what they say. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ArmId } from '../../engine/index.ts'
import type { Judge, Registry, VirtualModel } from '../../server/index.ts'
import { PLAIN_QUALITY } from '../../server/rewards/metric.ts'
import { JUDGE } from '../helpers/judge.ts'
import { MemoryStore } from '../helpers/memory-store.ts'
import { failing, saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { eventually, registryOf, startTestServer, type TestServer, tenant } from '../helpers/server.ts'

const verdict = (points: unknown) => saying(JSON.stringify({ reasoning: 'fine', verdict: points }))

interface Place {
  readonly server: TestServer
  readonly upstream: Awaited<ReturnType<typeof startOpenAiUpstream>>
  readonly judging: Awaited<ReturnType<typeof startOpenAiUpstream>>
  readonly registry: Registry
}

async function withJudge(
  judge: Partial<Judge>,
  work: (place: Place) => Promise<void>,
  change: (registry: Registry) => Registry = (registry) => registry,
  models: readonly VirtualModel[] = [],
): Promise<void> {
  await using upstream = await startOpenAiUpstream(saying('An hour.'))
  await using judging = await startOpenAiUpstream(verdict(9))
  const registry = registryOf({
    arms: [
      { id: 'acme/small', url: upstream.url },
      { id: 'judges/judge', url: judging.url },
    ],
    auto: { arms: ['acme/small' as ArmId], policy: { name: 'fixed', arm: 'acme/small' as ArmId } },
    models,
  })
  const whole = change({ ...registry, judges: [{ ...JUDGE, model: 'judges/judge', ...judge }] })
  await using server = await startTestServer(whole)
  await work({ server, upstream, judging, registry: whole })
}

async function ask(
  server: TestServer,
  body: object = {},
  headers: Record<string, string> = {},
): Promise<string> {
  const response = await server.chat({ ...body }, headers)
  await response.text()
  assert.equal(response.status, 200)
  return response.headers.get('x-highwayman-decision-id')!
}

interface Told {
  readonly name: string
  readonly spent_usd_today: number
  readonly results: Readonly<Record<string, number>>
  readonly agreement: {
    readonly n: number
    readonly mean_difference: { readonly mean: number } | null
    readonly kappa: number | null
  }
}
async function told(server: TestServer, headers: Record<string, string> = {}): Promise<Told> {
  const response = await server.get('/v1/judges', headers)
  assert.equal(response.status, 200)
  return ((await response.json()) as { data: readonly Told[] }).data[0]!
}
const results = (server: TestServer, expected: Record<string, number>) =>
  eventuallyTold(server, ({ results: counts }) => JSON.stringify(counts) === JSON.stringify(expected))

async function eventuallyTold(server: TestServer, holds: (judge: Told) => boolean): Promise<Told> {
  for (let i = 0; ; i++) {
    const judge = await told(server)
    if (holds(judge)) return judge
    assert.ok(i < 5_000, JSON.stringify(judge))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('a judge', () => {
  for (const stream of [false, true]) {
    it(`judges an answer ${stream ? 'that was streamed' : 'that came whole'}, by the way of any request and on its own account`, () =>
      withJudge({}, async ({ server, judging }) => {
        const id = await ask(server, { stream })
        await eventually(() => server.store.rewards.length === 1, 'the judgement')
        const [reward] = server.store.rewards
        assert.deepEqual(
          [reward?.decisionId, reward?.metric, reward?.valueNumber, reward?.source, reward?.quality],
          [id, 'quality', 0.9, 'judge:j', 0.9],
        )
        const own = server.store.decisions.find(({ surface }) => surface === 'judge')
        assert.deepEqual([own?.tenant, own?.decision.arm], ['judge:j', 'judges/judge'])
        const attempt = server.store.attempts.find(({ decisionId }) => decisionId === own?.decision.id)
        assert.equal(attempt?.status, 'answered')
        const { spent_usd_today } = await told(server)
        assert.equal(spent_usd_today, attempt?.costUsd)
        const asked = judging.requests[0]?.body as {
          messages: { content: string }[]
          response_format: object
        }
        assert.match(asked.messages[1]!.content, /An hour\./)
        assert.ok(asked.response_format)
        // What the judge said is not judged in its turn.
        await new Promise((resolve) => setTimeout(resolve, 30))
        assert.equal(judging.requests.length, 1)
        assert.match(
          await (await server.get('/metrics')).text(),
          /highwayman_judgements_total\{judge="j",result="judged"\} 1/,
        )
      }))
  }

  it('does not judge the answers of its own model, under whichever name', () =>
    withJudge({ model: 'acme/small' }, async ({ server, upstream }) => {
      await ask(server)
      await results(server, { own_answer: 1 })
      assert.equal(upstream.requests.length, 1)
    }))

  it('of several arms lets another one judge', () =>
    withJudge(
      { model: 'panel' },
      async ({ server, judging }) => {
        await ask(server)
        await results(server, { judged: 1 })
        assert.equal(judging.requests.length, 1)
      },
      undefined,
      [
        {
          name: 'panel',
          arms: ['acme/small', 'judges/judge'] as ArmId[],
          policy: { name: 'priority', order: ['acme/small', 'judges/judge'] as ArmId[] },
          preferences: { kind: 'weights', quality: 1, cost: 0, latency: 0 },
          constraints: {},
          floor: 0,
          switchMargin: 0,
          explore: true,
        },
      ],
    ))

  it('told to, judges its own and says so', () =>
    withJudge({ model: 'acme/small', ownAnswers: 'mark' }, async ({ server, upstream }) => {
      await ask(server)
      upstream.behave(verdict(10))
      await ask(server)
      await eventually(() => server.store.rewards.length >= 1, 'a judgement')
      assert.equal(server.store.rewards[0]?.source, 'judge:j:own')
    }))

  it('keeps to the models it is for, by whichever name they are asked', () =>
    withJudge(
      { models: new Set(['support']) },
      async ({ server }) => {
        await ask(server)
        await ask(server, { model: 'support' })
        await results(server, { judged: 1 })
      },
      (registry) => ({ ...registry, aliases: new Map([['support', 'auto']]) }),
    ))

  it('spends no more than it may, and a changed limit holds at once', () =>
    // 1,024 answer tokens at 10,000 USD per million are reserved for each.
    withJudge({ maxUsdPerDay: 12 }, async ({ server, registry }) => {
      await ask(server)
      await results(server, { judged: 1 })
      const before = server.store.decisions.length
      server.running.reload({ ...registry, judges: [{ ...registry.judges![0]!, maxUsdPerDay: 10 }] })
      await ask(server)
      await results(server, { judged: 1, no_budget: 1 })
      assert.equal(server.store.decisions.length, before + 1, 'nobody was asked')
    }))

  it('that takes no schema is asked without one', () =>
    withJudge(
      {},
      async ({ server, judging }) => {
        await ask(server)
        await results(server, { judged: 1 })
        const [asked] = judging.requests
        assert.ok(asked && !('response_format' in (asked.body as object)))
      },
      (registry) => {
        const id = 'judges/judge' as ArmId
        const judge = registry.arms.get(id)!
        const plain = { ...judge, arm: { ...judge.arm, capabilities: ['streaming'] as const } }
        return { ...registry, arms: new Map([...registry.arms, [id, plain]]) }
      },
    ))

  it('leaves no copy of what it read among the prompts that are kept', () =>
    withJudge(
      {},
      async ({ server }) => {
        const id = await ask(server)
        await results(server, { judged: 1 })
        assert.deepEqual(
          server.store.prompts.map(({ decisionId, tenant: whose }) => [decisionId, whose]),
          [[id, 'default']],
        )
      },
      (registry) => ({ ...registry, prompts: { maxChars: 1_000, redact: [], patterns: [] } }),
    ))

  for (const [title, behave, result] of [
    ['that says no judgement', saying('Fine, I think.'), 'unreadable'],
    ['that fails', failing(500), 'upstream_error'],
  ] as const) {
    it(`${title} is counted and leaves no reward`, () =>
      withJudge({}, async ({ server, judging }) => {
        judging.behave(behave)
        await ask(server)
        await results(server, { [result]: 1 })
        assert.deepEqual(server.store.rewards, [])
      }))
  }

  it('is told what it has spent before it is asked for the first time after a restart', async () => {
    await using upstream = await startOpenAiUpstream(saying('An hour.'))
    await using judging = await startOpenAiUpstream(verdict(9))
    const registry = {
      ...registryOf({
        arms: [
          { id: 'acme/small', url: upstream.url },
          { id: 'judges/judge', url: judging.url },
        ],
      }),
      judges: [{ ...JUDGE, model: 'judges/judge' }],
    }
    const store = new MemoryStore()
    let spentUsd = 0
    {
      await using server = await startTestServer(registry, { store })
      await ask(server)
      spentUsd = (await eventuallyTold(server, ({ results }) => results['judged'] === 1)).spent_usd_today
    }
    assert.ok(spentUsd > 0)
    await using server = await startTestServer(registry, { store })
    assert.equal((await told(server)).spent_usd_today, spentUsd)
  })

  it('does not count beside a user who has spoken by way of another replica', async () => {
    await using upstream = await startOpenAiUpstream(saying('An hour.'))
    let answer = (): void => {}
    await using judging = await startOpenAiUpstream(async (response, request) => {
      await new Promise<void>((resolve) => {
        answer = resolve
      })
      await verdict(9)(response, request)
    })
    const registry = {
      ...registryOf({
        arms: [
          { id: 'acme/small', url: upstream.url },
          { id: 'judges/judge', url: judging.url },
        ],
      }),
      judges: [{ ...JUDGE, model: 'judges/judge' }],
    }
    const store = new MemoryStore()
    store.kind = 'remote'
    await using server = await startTestServer(registry, { store })
    await using other = await startTestServer(registry, { store })
    const id = await ask(server)
    await eventually(() => judging.requests.length === 1, 'the question')
    const said = await other.post('/v1/feedback', { decision_id: id, metric: 'quality', value: 0 })
    assert.equal(said.status, 202)
    answer()
    await eventually(() => store.rewards.length === 2, 'the judgement')
    assert.deepEqual(
      store.rewards.map(({ source, quality }) => [source, quality]),
      [
        ['', 0],
        ['judge:j', undefined],
      ],
    )
    assert.equal(store.observations.filter(({ head }) => head === 'quality').length, 1)
  })

  it('is asked nothing, and the log not filled, while nobody can tell what was spent', () =>
    withJudge({}, async ({ server, judging }) => {
      server.store.available = false
      for (let i = 0; i < 5; i++) await ask(server)
      // All five have to fail before it is back: /v1/judges cannot tell until then.
      const isCounted = async () =>
        /highwayman_judgements_total\{judge="j",result="store_error"\} 5\n/.test(
          await (await server.get('/metrics')).text(),
        )
      await eventually(isCounted, 'the failures')
      server.store.available = true
      await results(server, { store_error: 5 })
      assert.equal(server.logged().split('a judge failed').length, 2)
      assert.equal(judging.requests.length, 0)
    }))

  it('of which something else is asked by now is not asked what was put down before', () =>
    withJudge({ maxConcurrent: 1 }, async ({ server, judging, registry }) => {
      let answer = (): void => {}
      judging.behave(async (response, request) => {
        await new Promise<void>((resolve) => {
          answer = resolve
        })
        await verdict(9)(response, request)
      })
      await ask(server)
      await ask(server)
      await eventually(() => judging.requests.length === 1, 'the first')
      const metric = { ...PLAIN_QUALITY, name: 'style' }
      const metrics = new Map([[metric.name, metric]])
      server.running.reload({ ...registry, metrics, judges: [{ ...registry.judges![0]!, metric }] })
      answer()
      await results(server, { judged: 1, abandoned: 1 })
      assert.deepEqual(
        server.store.rewards.map((reward) => reward.metric),
        ['quality'],
      )
    }))

  it('whose word the store does not take is counted', () =>
    withJudge({}, async ({ server }) => {
      server.store.beforeReward = async () => {
        server.store.available = false
      }
      await ask(server)
      await eventually(() => server.logged().includes('a judgement was not kept'), 'the failure')
      server.store.available = true
      await results(server, { store_error: 1 })
    }))

  it('keeps to what the tenant and the request rule out: their prompts go nowhere else', () =>
    withJudge(
      {},
      async ({ server, judging }) => {
        await ask(server, {}, { 'x-api-key': 'key-1' })
        await ask(server, { highwayman: { deny: ['judges/judge'] } }, { 'x-api-key': 'key-2' })
        await eventually(() => server.store.attempts.length === 2, 'the answers')
        for (let i = 0; ; i++) {
          const { results: counts } = await told(server, { 'x-api-key': 'key-1' })
          if (counts['no_arm'] === 2) break
          assert.ok(i < 5_000, JSON.stringify(counts))
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
        assert.equal(judging.requests.length, 0)
      },
      (registry) => ({
        ...registry,
        tenants: new Map(
          [tenant('one', 'key-1', { deny: ['judges/judge'] }), tenant('two', 'key-2')].map((each) => [
            each.name,
            each,
          ]),
        ),
      }),
    ))

  it('bounds what waits, and a closing server does not wait for it', () =>
    withJudge({ maxConcurrent: 1 }, async ({ server, judging }) => {
      judging.behave(() => {})
      for (let i = 0; i < 70; i++) await ask(server)
      const { results: counts } = await eventuallyTold(
        server,
        ({ results }) => (results['queue_full'] ?? 0) >= 5,
      )
      assert.equal(counts['queue_full'], 5, 'one runs, 64 wait')
      await server.running.close()
      assert.ok(server.store.attempts.some(({ status }) => status === 'cancelled'))
    }))

  it('that is asked something else by now has room for it', () =>
    withJudge({ maxConcurrent: 1 }, async ({ server, judging, registry }) => {
      judging.behave(() => {})
      for (let i = 0; i < 66; i++) await ask(server)
      await eventuallyTold(server, ({ results: counts }) => counts['queue_full'] === 1)
      server.running.reload({ ...registry, judges: [{ ...registry.judges![0]!, rubric: 'It is kind.' }] })
      await ask(server)
      await results(server, { queue_full: 1, abandoned: 64 })
    }))

  it('is measured by what people say of the same answers', () =>
    withJudge({}, async ({ server, judging }) => {
      for (const [points, human] of [
        [9, 1],
        [8, true],
        [2, 0],
        [3, 1],
      ] as const) {
        judging.behave(verdict(points))
        const id = await ask(server)
        const before = server.store.rewards.length
        await eventually(() => server.store.rewards.length > before || before > 0, 'the judgement')
        await eventually(
          () => server.store.rewards.some((reward) => reward.decisionId === id),
          'the judgement of this one',
        )
        await server.post('/v1/feedback', { decision_id: id, metric: 'quality', value: human })
      }
      const { agreement } = await told(server)
      assert.equal(agreement.n, 4)
      assert.ok(Math.abs(agreement.mean_difference!.mean - (0.9 + 0.8 + 0.2 + 0.3 - 3) / 4) < 1e-9)
      // p_o = 3/4; good: judge 1/2, human 3/4: p_e = 1/2.
      assert.ok(Math.abs(agreement.kappa! - 0.5) < 1e-9)
    }))
})
