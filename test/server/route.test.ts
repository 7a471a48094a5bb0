import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { failing, saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { startTestServer } from '../helpers/server.ts'

const messages = [{ role: 'user', content: 'Write a function that adds two numbers.' }]

interface Told {
  readonly decision_id: string
  readonly arm: string
  readonly propensity: number
  readonly class: string
  readonly probabilities: Record<string, number>
  readonly estimates: readonly {
    arm: string
    probability: number
    quality: { mean: number }
    utility: object
  }[]
  readonly exclusions: readonly object[]
  readonly [field: string]: unknown
}

describe('POST /v1/route', () => {
  it('decides, tells everything about the choice, and calls nobody', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({
      arms: [
        { id: 'acme/a', url: upstream.url },
        { id: 'acme/b', url: upstream.url },
        { id: 'acme/c', url: upstream.url, capabilities: [] },
      ],
      policy: { name: 'thompson' },
      auto: { floor: 0.02 },
    })
    const response = await server.post('/v1/route', {
      messages,
      highwayman: { constraints: { capabilities: ['tools'] } },
    })
    assert.equal(response.status, 200)
    const told = (await response.json()) as Told
    assert.equal(upstream.requests.length, 0)
    assert.equal(told['object'], 'routing.decision')
    assert.equal(told.class, 'code')
    assert.deepEqual(Object.keys(told.probabilities), ['acme/a', 'acme/b'])
    assert.ok(Math.abs(Object.values(told.probabilities).reduce((sum, p) => sum + p, 0) - 1) < 1e-12)
    assert.equal(told.propensity, told.probabilities[told.arm])
    assert.deepEqual(
      told.estimates.map(({ arm, probability }) => [arm, probability]),
      Object.entries(told.probabilities),
    )
    assert.deepEqual(told.exclusions, [{ arm: 'acme/c', reason: 'missing_capability', detail: 'tools' }])
    assert.equal(told['upstream_model'], told.arm.split('/')[1])
    assert.equal(response.headers.get('x-highwayman-decision-id'), told.decision_id)
    assert.equal(response.headers.get('x-highwayman-attempts'), '0')
    assert.equal(response.headers.get('x-highwayman-propensity'), String(told.propensity))
    const [row] = server.store.decisions
    assert.equal(row?.surface, 'route')
    assert.equal(row.decision.id, told.decision_id)
  })

  it('draws by the decision’s id: the probabilities come true', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({
      arms: [
        { id: 'acme/a', url: upstream.url },
        { id: 'acme/b', url: upstream.url },
      ],
      policy: { name: 'weighted', weights: { 'acme/a': 1, 'acme/b': 3 } },
    })
    const turns = 400
    let drawn = 0
    for (let turn = 0; turn < turns; turn++) {
      const told = (await (await server.post('/v1/route', { messages })).json()) as Told
      assert.deepEqual(told.probabilities, { 'acme/a': 0.25, 'acme/b': 0.75 })
      if (told.arm === 'acme/b') drawn++
    }
    // Ids are random here: five standard deviations miss once in 1.7 million runs.
    const sd = Math.sqrt(turns * 0.25 * 0.75)
    assert.ok(Math.abs(drawn - 0.75 * turns) < 5 * sd, `${drawn} of ${turns}`)
  })
})

describe('GET /v1/decisions/{id}', () => {
  it('tells the context by name, the choice, the calls and the rewards', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({
      arms: [
        { id: 'acme/a', url: upstream.url },
        { id: 'acme/b', url: upstream.url },
      ],
      policy: { name: 'thompson' },
    })
    const response = await server.chat(
      { messages, highwayman: { session: 's', metadata: { k: 'v' } } },
      { 'x-request-id': 'r-1' },
    )
    const id = response.headers.get('x-highwayman-decision-id')!
    await server.post('/v1/feedback', { decision_id: id, metric: 'quality', value: true, source: 'user' })
    await server.post('/v1/feedback', { decision_id: id, metric: 'note', value: 'fine' })
    const told = (await (await server.get(`/v1/decisions/${id}`)).json()) as Told & {
      context: { feature_space: string; features: Record<string, number> }
      attempts: Record<string, unknown>[]
      rewards: Record<string, unknown>[]
    }
    assert.equal(told.context.feature_space, server.running.router.featureSpace.id)
    assert.deepEqual(Object.keys(told.context.features), [...server.running.router.featureSpace.names])
    assert.equal(told.context.features['intercept'], 1)
    assert.equal(told.context.features['class:code'], 1)
    assert.deepEqual(
      [
        told.decision_id,
        told['request_id'],
        told['parent_id'],
        told['session'],
        told['requested_model'],
        told['metadata'],
      ],
      [id, 'r-1', null, 's', 'auto', { k: 'v' }],
    )
    assert.equal(told['served_arm'], told.arm)
    assert.equal(told['salt'], 'v1')
    const [attempt] = told.attempts
    assert.deepEqual(
      [
        attempt?.['arm'],
        attempt?.['status'],
        attempt?.['error'],
        attempt?.['completion_tokens'],
        attempt?.['cost_usd'],
      ],
      [told.arm, 'answered', null, 3, 0.039],
    )
    assert.deepEqual(
      told.rewards.map(({ metric, value, source }) => [metric, value, source]),
      [
        ['quality', 1, 'user'],
        ['note', 'fine', ''],
      ],
    )
  })

  it('links a failover to the decision it replaced', async () => {
    await using bad = await startOpenAiUpstream(failing(500))
    await using good = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({
      arms: [
        { id: 'acme/bad', url: bad.url },
        { id: 'acme/good', url: good.url },
      ],
    })
    const id = (await server.chat()).headers.get('x-highwayman-decision-id')
    const second = (await (await server.get(`/v1/decisions/${id}`)).json()) as Told
    const first = (await (await server.get(`/v1/decisions/${second['parent_id']}`)).json()) as Told & {
      attempts: { error: { code: string } }[]
    }
    assert.equal(first['served_arm'], null)
    assert.equal(first.attempts[0]?.error.code, 'upstream_error')
  })

  it('without a store is a 503', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({ arms: [{ id: 'acme/a', url: upstream.url }] })
    server.store.available = false
    const response = await server.get('/v1/decisions/01890000-0000-7000-8000-000000000001')
    assert.equal(response.status, 503)
    assert.equal((await server.chat()).status, 200, 'answers do not wait for the store')
  })
})

describe('GET /v1/models', () => {
  it('tells prices and capabilities, and finds one by an id with a slash', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({
      arms: [
        {
          id: 'acme/a',
          url: upstream.url,
          contextWindowTokens: 1_000,
          maxOutputTokens: 100,
          region: 'eu',
          tags: ['x'],
          price: { inputUsdPerMtok: 1, outputUsdPerMtok: 2, cachedInputUsdPerMtok: 0.5 },
        },
      ],
      aliases: { a: 'acme/a' },
    })
    const model = (await (await server.get('/v1/models/acme/a')).json()) as Record<string, unknown>
    const { created, ...rest } = model
    assert.ok(Number.isInteger(created))
    assert.deepEqual(rest, {
      id: 'acme/a',
      object: 'model',
      owned_by: 'acme',
      kind: 'arm',
      pricing: { input_usd_per_mtok: 1, output_usd_per_mtok: 2, cached_input_usd_per_mtok: 0.5 },
      context_window: 1_000,
      max_output_tokens: 100,
      capabilities: ['streaming', 'tools', 'vision', 'json-object', 'json-schema'],
      region: 'eu',
      tags: ['x'],
    })
    const alias = (await (await server.get('/v1/models/a')).json()) as Record<string, unknown>
    assert.deepEqual([alias['kind'], alias['alias_of']], ['alias', 'acme/a'])
    const missing = await server.get('/v1/models/acme/b')
    assert.equal(missing.status, 404)
    assert.match(await missing.text(), /Known are acme\/a/)
  })
})
