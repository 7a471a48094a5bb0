/** Rewards of every kind against the embedded store, simulated arms and a simulated judge, over a restart. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import OpenAI from 'openai'
import { openStore, type Store } from '../../adapters/index.ts'
import { openDataset, readVerdict, type Simulator, startSimulator } from '../../datasets/index.ts'
import { createIds, parseConfig, type RunningServer, startServer } from '../../server/index.ts'

const clock = { nowMs: () => Date.now() }

describe('rewards on the embedded store', () => {
  let dataDir: string
  let simulator: Simulator
  let store: Store
  let server: RunningServer
  let client: OpenAI

  function config(): string {
    const arms = simulator.arms
      .filter(({ dialect }) => dialect === 'openai-compatible')
      .map(
        ({ upstreamModel, price }) =>
          `  sim/${upstreamModel}:\n    capabilities: [streaming, tools, json-schema, json-object]\n` +
          `    price: { inputUsdPerMtok: ${price.inputUsdPerMtok}, outputUsdPerMtok: ${price.outputUsdPerMtok} }`,
      )
    const { baseUrl } = simulator.arms.find(({ dialect }) => dialect === 'openai-compatible')!
    const anthropic = simulator.arms.find(({ dialect }) => dialect === 'anthropic')!
    return `
providers:
  sim: { type: openai-compatible, baseUrl: '${baseUrl}', apiKey: any }
  other: { type: anthropic, baseUrl: '${anthropic.baseUrl}', apiKey: any }
arms:
${arms.join('\n')}
  other/${anthropic.upstreamModel}:
    capabilities: [streaming, json-schema]
    price: { inputUsdPerMtok: 1, outputUsdPerMtok: 5 }
    tags: [judge]
models:
  auto: { arms: [${arms.map((text) => text.trim().split(':')[0]).join(', ')}] }
metrics:
  thumbs: { type: boolean, qualityWeight: 1 }
  rating: { type: float, min: 1, max: 5, qualityWeight: 3 }
signals: { metric: quality, share: 1, truncated: true, empty: true }
judges:
  reader:
    model: other/${anthropic.upstreamModel}
    rubric: What the answer says of itself.
    share: 1
`
  }

  async function start(): Promise<void> {
    store = await openStore({ kind: 'embedded', dataDir, replica: 'r' })
    server = await startServer({
      registry: parseConfig(config(), { file: 'test.yaml', env: {} }),
      store,
      clock,
      ids: createIds(clock, randomBytes),
      replica: 'r',
      port: 0,
    })
    client = new OpenAI({ apiKey: 'any', baseURL: `${server.url}/v1`, maxRetries: 0 })
  }
  async function stop(): Promise<void> {
    await server.close()
    await store.close()
  }
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'highwayman-rewards-'))
    simulator = await startSimulator({ dataset: await openDataset('crossroads'), latency: false })
    await start()
  })
  after(async () => {
    await stop()
    await simulator.close()
    await rm(dataDir, { recursive: true, force: true })
  })

  interface Reward {
    readonly metric: string
    readonly value: number
    readonly source: string
    readonly state: string
  }
  interface Explained {
    readonly quality: number | null
    readonly served_arm: string
    readonly rewards: readonly Reward[]
  }
  const explain = async (id: string): Promise<Explained> =>
    (await (await fetch(`${server.url}/v1/decisions/${id}`)).json()) as Explained

  async function explainWith(id: string, count: number): Promise<Explained> {
    for (let i = 0; ; i++) {
      const told = await explain(id)
      if (told.rewards.length >= count) return told
      assert.ok(i < 400, JSON.stringify(told.rewards))
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }
  const post = async (path: string, body: object) => {
    const response = await fetch(server.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { code: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  it('come from signals, judge and people, each in its rank, and are as they were after a restart', async () => {
    const { data, response } = await client.chat.completions
      .create({
        model: 'auto',
        messages: [{ role: 'user', content: 'Summarize why tides exist in two sentences.' }],
        ...{ highwayman: { session: 'tides' } },
      })
      .withResponse()
    const id = response.headers.get('x-highwayman-decision-id')!
    const told = await explainWith(id, 2)
    const sources = told.rewards.map(({ source }) => source).sort()
    assert.deepEqual(sources, ['heuristic:passed', 'judge:reader'])
    const judged = told.rewards.find(({ source }) => source === 'judge:reader')!
    const { quality } = readVerdict(data.choices[0]?.message.content ?? '')!
    // Within five of the standard deviations that a simulated judge errs by, and half a point of ten.
    assert.ok(Math.abs(judged.value - quality) <= 0.55, `${judged.value} for ${quality}`)
    assert.equal(told.quality, judged.value)

    assert.equal((await post('/v1/feedback', { session: 'tides', metric: 'thumbs', value: true })).code, 202)
    assert.equal((await explain(id)).quality, 1)
    assert.equal((await post('/v1/feedback', { decision_id: id, metric: 'rating', value: 2 })).code, 202)
    const before = await explain(id)
    assert.equal(before.quality, (1 + 3 * 0.25) / 4)
    assert.deepEqual(
      before.rewards.map(({ source, state }) => [source, state]).sort(),
      [
        ['', 'counts'],
        ['', 'counts'],
        ['heuristic:passed', 'outranked'],
        ['judge:reader', 'outranked'],
      ].sort(),
    )
    const { data: judges } = (await (await fetch(`${server.url}/v1/judges`)).json()) as {
      data: readonly { results: Record<string, number>; spent_usd_today: number; agreement: { n: number } }[]
    }
    assert.equal(judges[0]?.results['judged'], 1)
    assert.ok(judges[0]!.spent_usd_today > 0)
    assert.equal(judges[0]!.agreement.n, 1)

    await stop()
    await start()
    assert.deepEqual(await explain(id), before)
    const revised = await post('/v1/feedback', { decision_id: id, metric: 'rating', value: 5 })
    assert.deepEqual([revised.body['status'], revised.body['learned']], ['revised', true])
    const sums = server.router.sums().find(({ arm, head }) => arm === before.served_arm && head === 'quality')
    // It is as old as its time bucket, at most six hours; quality has a half-life of 14 days.
    const oldest = 2 ** (-6 / (14 * 24))
    assert.ok(sums !== undefined && sums.n <= 1 && sums.n >= oldest - 1e-6, `n is ${sums?.n}`)
  })

  it('of a call made elsewhere is stored with its attempt, and known after a restart', async () => {
    const routed = await post('/v1/route', { messages: [{ role: 'user', content: 'Name a river.' }] })
    const id = String(routed.body['decision_id'])
    const outcome = {
      decision_id: id,
      success: true,
      total_ms: 900,
      ttft_ms: 200,
      prompt_tokens: 12,
      completion_tokens: 40,
      quality: 0.5,
    }
    const first = await post('/v1/outcomes', outcome)
    assert.deepEqual([first.code, first.body['status'], first.body['learned']], [202, 'recorded', true])
    await stop()
    await start()
    const again = await post('/v1/outcomes', outcome)
    assert.deepEqual(again.body['status'], 'duplicate')
    assert.deepEqual(again.body['quality'], { status: 'duplicate', learned: false })
    const told = await explain(id)
    assert.equal(told.quality, 0.5)
    assert.deepEqual(
      told.rewards.map(({ source, state }) => [source, state]),
      [['outcome', 'counts']],
    )
  })

  it('of a truncated stream is what the signal is worth', async () => {
    const stream = await client.chat.completions
      .create({
        model: 'auto',
        stream: true,
        max_tokens: 5,
        messages: [{ role: 'user', content: 'Write a long story about a lighthouse.' }],
      })
      .withResponse()
    for await (const _ of stream.data);
    const id = stream.response.headers.get('x-highwayman-decision-id')!
    const { rewards } = await explainWith(id, 2)
    const signal = rewards.find(({ source }) => source.startsWith('heuristic'))
    assert.deepEqual([signal?.source, signal?.value], ['heuristic:truncated', 0.4])
  })
})
