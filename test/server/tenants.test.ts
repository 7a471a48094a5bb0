import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { Keyring } from '../../server/pipeline/authenticate.ts'
import { saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { startTestServer, type TestServer, tenant } from '../helpers/server.ts'

const PRIOR = { quality: 0.5, ttftMs: 100, tpotMs: 10, outputTokens: 100 }
const messages = [{ role: 'user', content: 'Hello' }]

describe('the keyring', () => {
  const digest = createHash('sha256').update('the-key').digest('hex')

  it('compares the whole hash, not only what it looks it up by', () => {
    const twin = digest.slice(0, 8) + '0'.repeat(56)
    const keyring = new Keyring([
      { ...tenant('twin', ''), keySha256: [twin] },
      { ...tenant('owner', ''), keySha256: [digest] },
    ])
    assert.equal(keyring.authenticate({ 'x-api-key': 'the-key' }).name, 'owner')
    const without = new Keyring([{ ...tenant('twin', ''), keySha256: [twin] }])
    assert.throws(() => without.authenticate({ 'x-api-key': 'the-key' }), { code: 'invalid_api_key' })
  })

  it('is open only when there are no tenants, not when none has a key', () => {
    assert.equal(new Keyring([]).authenticate({}).name, 'default')
    const closed = new Keyring([{ ...tenant('keyless', ''), keySha256: [] }])
    assert.throws(() => closed.authenticate({}), { code: 'missing_api_key' })
  })
})

describe('tenants', () => {
  let upstream: Awaited<ReturnType<typeof startOpenAiUpstream>>
  let server: TestServer
  before(async () => {
    upstream = await startOpenAiUpstream(saying('Hi'))
    const url = upstream.url
    server = await startTestServer({
      arms: [
        { id: 'acme/eu', url, region: 'eu', tags: ['cheap'], prior: PRIOR },
        { id: 'acme/us', url, region: 'us', prior: { ...PRIOR, quality: 0.9 } },
        {
          id: 'acme/dear',
          url,
          region: 'us',
          prior: { ...PRIOR, quality: 0.8 },
          price: { inputUsdPerMtok: 1e6, outputUsdPerMtok: 1e6 },
        },
      ],
      policy: { name: 'thompson' },
      aliases: { best: 'acme/us' },
      tenants: [
        tenant('alice', 'key-alice'),
        tenant('bob', 'key-bob', { allow: ['cheap', 'acme/us'], deny: ['acme/us'] }),
        tenant('carol', 'key-carol', { constraints: { regions: ['us'], maxCostUsd: 5 } }),
        tenant('dave', 'key-dave', { preferences: { kind: 'weights', quality: 1, cost: 100, latency: 0 } }),
        {
          ...tenant('eve', 'key-eve'),
          keySha256: ['old', 'new'].map((key) => createHash('sha256').update(key).digest('hex')),
        },
      ],
    })
  })
  after(async () => {
    await server[Symbol.asyncDispose]()
    await upstream[Symbol.asyncDispose]()
  })

  const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
  async function route(key: string, highwayman: object = {}) {
    const response = await server.post('/v1/route', { messages, highwayman }, bearer(key))
    const text = await response.text()
    assert.equal(response.status, 200, text)
    return JSON.parse(text) as {
      decision_id: string
      arm: string
      rates: { per_usd: number }
      estimates: { arm: string }[]
      exclusions: { arm: string; reason: string }[]
    }
  }

  for (const headers of [{}, { authorization: 'Basic eA==' }, { 'x-api-key': '' }] as Record<
    string,
    string
  >[]) {
    it(`nobody gets in with ${JSON.stringify(headers)}`, async () => {
      const response = await server.chat({}, headers)
      assert.equal(response.status, 401)
      assert.equal(response.headers.get('www-authenticate'), 'Bearer')
      const { error } = (await response.json()) as { error: { code: string } }
      assert.equal(error.code, 'missing_api_key')
    })
  }

  it('nor with a wrong key, on any route below /v1', async () => {
    for (const response of await Promise.all([
      server.chat({}, bearer('key-mallory')),
      server.post('/v1/route', { messages }, bearer('key-alicE')),
      server.post('/v1/feedback', {}, bearer('key-alice2')),
      server.get('/v1/models', bearer('key-alic')),
      server.get('/v1/models/auto', bearer('x')),
      server.get('/v1/decisions/x', bearer('x')),
    ])) {
      assert.equal(response.status, 401)
      const { error } = (await response.json()) as { error: { code: string } }
      assert.equal(error.code, 'invalid_api_key')
    }
    assert.equal(upstream.requests.length, 0)
  })

  it('a key comes as bearer or in x-api-key, and a tenant may have several', async () => {
    assert.equal((await server.chat({}, bearer('key-alice'))).status, 200)
    assert.equal((await server.chat({}, { 'x-api-key': 'key-alice' })).status, 200)
    assert.equal((await server.chat({}, bearer('old'))).status, 200)
    assert.equal((await server.chat({}, bearer('new'))).status, 200)
    assert.deepEqual(
      server.store.decisions.map((row) => row.tenant),
      ['alice', 'alice', 'eve', 'eve'],
    )
  })

  it('operations need no key', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics', '/openapi.json', '/docs']) {
      assert.equal((await server.get(path)).status, 200, path)
    }
  })

  it('lists bound a tenant, and a request cannot widen them', async () => {
    for (const highwayman of [{}, { allow: ['acme/eu', 'acme/us'] }]) {
      const { arm, exclusions } = await route('key-bob', highwayman)
      assert.equal(arm, 'acme/eu')
      assert.deepEqual(
        exclusions.map((exclusion) => [exclusion.arm, exclusion.reason]),
        [
          ['acme/dear', 'not_allowed'],
          ['acme/us', 'denied'],
        ],
      )
    }
    const pinned = await server.chat({ model: 'acme/us' }, bearer('key-bob'))
    assert.equal(pinned.status, 503)
  })

  it('limits hold besides the request’s', async () => {
    const plain = await route('key-carol')
    assert.deepEqual(
      plain.exclusions.map((exclusion) => [exclusion.arm, exclusion.reason]),
      [
        ['acme/eu', 'region'],
        ['acme/dear', 'max_cost'],
      ],
    )
    const wider = await route('key-carol', { constraints: { max_cost_usd: 100, regions: ['us', 'eu'] } })
    assert.equal(wider.arm, 'acme/us')
    const response = await server.post(
      '/v1/route',
      { messages, highwayman: { constraints: { regions: ['eu'] } } },
      bearer('key-carol'),
    )
    assert.equal(response.status, 503, 'no region is in both')
  })

  it('preferences replace the model’s, and the request’s replace them', async () => {
    const [model, own] = [await route('key-alice'), await route('key-dave')]
    assert.ok(own.rates.per_usd > 100 * model.rates.per_usd)
    const asked = await route('key-dave', { preferences: { usd_per_quality_point: 1 } })
    assert.equal(asked.rates.per_usd, 0.01)
  })

  it('see their models only', async () => {
    const list = async (key: string) =>
      (
        (await (await server.get('/v1/models', bearer(key))).json()) as {
          data: { id: string; arms?: string[] }[]
        }
      ).data
    assert.deepEqual(
      (await list('key-alice')).map(({ id }) => id),
      ['auto', 'acme/eu', 'acme/us', 'acme/dear', 'best'],
    )
    const bobs = await list('key-bob')
    assert.deepEqual(
      bobs.map(({ id }) => id),
      ['auto', 'acme/eu'],
    )
    assert.deepEqual(bobs[0]?.arms, ['acme/eu'])
    assert.equal((await server.get('/v1/models/acme/us', bearer('key-bob'))).status, 404)
  })

  it('and their decisions only', async () => {
    const { decision_id: id } = await route('key-alice')
    const feedback = { decision_id: id, metric: 'quality', value: 1 }
    assert.equal((await server.get(`/v1/decisions/${id}`, bearer('key-bob'))).status, 404)
    assert.equal((await server.post('/v1/feedback', feedback, bearer('key-bob'))).status, 404)
    assert.equal((await server.get(`/v1/decisions/${id}`, bearer('key-alice'))).status, 200)
    assert.equal((await server.post('/v1/feedback', feedback, bearer('key-alice'))).status, 202)
  })

  it('a name that is unknown is told with those that are open to the tenant', async () => {
    const named = async (key: string, body: object, path = '/v1/chat/completions') => {
      const response = await server.post(path, { messages, ...body }, bearer(key))
      return JSON.stringify(await response.json())
    }
    const [alice, bob, list] = await Promise.all([
      named('key-alice', { model: 'acme/uz' }),
      named('key-bob', { model: 'acme/uz' }),
      named('key-bob', { models: ['acme/eu', 'acme/dea'] }),
    ])
    assert.match(alice, /Known are acme\/us, auto, acme\/eu, acme\/dear, best\./)
    assert.match(bob, /Known are acme\/eu, auto\./)
    assert.match(list, /There is no model \\"acme\/dea\\"\. Known are .*acme\/eu/)
    assert.doesNotMatch(list, /acme\/dear|acme\/us|best/)
    const single = await server.get('/v1/models/acme/uz', bearer('key-bob'))
    assert.doesNotMatch(await single.text(), /acme\/us|acme\/dear|best/)
    // What is suggested in the place of a wrong wish is open as well.
    const [floor, denied] = await Promise.all([
      named('key-bob', { highwayman: { constraints: { quality_floor: { arm: 'acme/dea', share: 0.5 } } } }),
      named('key-bob', { highwayman: { deny: ['acme/dea'] } }, '/v1/route'),
    ])
    assert.match(floor, /there is no arm/)
    assert.match(denied, /no arm has the id or tag/)
    assert.doesNotMatch(floor + denied.replace(/"exclusions":\[.*?\]/, ''), /acme\/dear/)
  })

  it('keys and prompts are in no log', async () => {
    await server.chat({ messages: [{ role: 'user', content: 'a-very-secret-prompt' }] }, bearer('key-alice'))
    await server.chat(
      { messages: [{ role: 'user', content: 7, text: 'a-very-secret-prompt' }] },
      bearer('key-alice'),
    )
    const logged = server.logged()
    assert.match(logged, /"tenant":"alice"/)
    for (const secret of ['key-alice', 'key-mallory', 'a-very-secret-prompt']) {
      assert.ok(!logged.includes(secret), secret)
    }
  })
})
