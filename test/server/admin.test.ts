/** `/admin/v1`: who may, what is asked, what is told. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { describe, test } from 'node:test'
import type { TrafficGroup } from '../../adapters/index.ts'
import { type Registry, userHash } from '../../server/index.ts'
import { authorizeAdmin } from '../../server/pipeline/authorize-admin.ts'
import { registryOf, startTestServer, type TestServer, tenant } from '../helpers/server.ts'

const ARMS = [{ id: 'p/one', url: 'http://127.0.0.1:9' }]
const KEY = 'admin-key-1'
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

function withKeys(...keys: string[]): Registry {
  return {
    ...registryOf({ arms: ARMS, tenants: [tenant('acme', 'tenant-key')] }),
    adminKeySha256: keys.map(sha256),
  }
}

const GROUP: TrafficGroup = {
  arm: 'p/one',
  requestClass: undefined,
  tenant: undefined,
  fromMs: 3_600_000,
  decisions: 4,
  share: 0.5,
  answered: 3,
  failed: 1,
  cancelled: 0,
  costUsd: 0.25,
  promptTokens: 40,
  completionTokens: 30,
  ttftMs: undefined,
  totalMs: { p50: 1, p90: 2, p95: 3, p99: 4 },
  rated: 2,
  meanQuality: 0.75,
  baseline: {
    arm: 'p/two',
    decisions: 3,
    costUsd: 1,
    actualCostUsd: 0.25,
    estimatedCostUsd: 0.2,
    savingUsd: 0.75,
    estimatedQuality: 0.7,
    baselineQuality: 0.8,
  },
}

async function codeOf(response: Response): Promise<[number, string]> {
  const body = (await response.json()) as { error: { code: string } }
  return [response.status, body.error.code]
}

describe('who may administrate', () => {
  test('with admin keys: only who has one, and no tenant’s', async () => {
    await using server = await startTestServer(withKeys(KEY, 'admin-key-2'))
    const stats = (headers: Record<string, string>) => server.get('/admin/v1/stats', headers)
    assert.deepEqual(await codeOf(await stats({})), [401, 'missing_api_key'])
    assert.deepEqual(await codeOf(await stats({ authorization: 'Bearer tenant-key' })), [
      401,
      'invalid_admin_key',
    ])
    assert.equal((await stats({ authorization: `Bearer ${KEY}` })).status, 200)
    assert.equal((await stats({ 'x-api-key': 'admin-key-2' })).status, 200)
    // Nor does an admin key route.
    assert.deepEqual(await codeOf(await server.chat({}, { authorization: `Bearer ${KEY}` })), [
      401,
      'invalid_api_key',
    ])
    assert.deepEqual(await codeOf(await server.post('/admin/v1/erase', { tenant: 'acme' })), [
      401,
      'missing_api_key',
    ])
    assert.deepEqual(server.store.erasures, [])
    const back = await server.post('/admin/v1/rollback', {}, { authorization: 'Bearer tenant-key' })
    assert.deepEqual(await codeOf(back), [401, 'invalid_admin_key'])
    const upload = await server.post('/admin/v1/policies', { policy: {} })
    assert.deepEqual(await codeOf(upload), [401, 'missing_api_key'])
    assert.deepEqual(await codeOf(await server.get('/admin/v1/rollouts')), [401, 'missing_api_key'])
  })

  test('without: who sits at this machine, and nobody who speaks for another', async () => {
    await using server = await startTestServer({ arms: ARMS })
    assert.equal((await server.get('/admin/v1/stats')).status, 200)
    for (const header of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via']) {
      assert.deepEqual(await codeOf(await server.get('/admin/v1/stats', { [header]: '10.0.0.1' })), [
        403,
        'admin_disabled',
      ])
    }
    // A page whose name was made to point here.
    assert.equal(await statusWithHost(server, 'evil.example'), 403)
    assert.equal(await statusWithHost(server, 'localhost:8787'), 200)
  })

  const cases: [string, string, string, boolean][] = [
    ['127.0.0.1', '127.0.0.1', '127.0.0.1:8787', true],
    ['::1', '::1', '[::1]:8787', true],
    ['localhost', '::ffff:127.0.0.1', 'localhost', true],
    ['0.0.0.0', '127.0.0.1', '127.0.0.1:8787', false],
    ['::', '::1', '[::1]:8787', false],
    ['127.0.0.1', '10.1.2.3', '127.0.0.1:8787', false],
    ['127.0.0.1', '127.0.0.1', '127.0.0.1.evil.example', false],
    ['127.0.0.1', '127.0.0.1', '', false],
  ]
  for (const [listening, peer, host, allowed] of cases) {
    test(`listening on ${listening}, asked by ${peer} as "${host}": ${allowed ? 'yes' : 'no'}`, () => {
      const registry = registryOf({ arms: ARMS, server: { host: listening } })
      const ask = () =>
        authorizeAdmin(registry, { headers: { host }, socket: { remoteAddress: peer } } as Parameters<
          typeof authorizeAdmin
        >[1])
      if (allowed) ask()
      else assert.throws(ask, { code: 'admin_disabled' })
    })
  }
})

/** `fetch` does not let a caller choose its Host. */
function statusWithHost(server: TestServer, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    httpRequest(`${server.url}/admin/v1/stats`, { headers: { host } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
}

describe('GET /admin/v1/stats', () => {
  test('asks the store what the caller asks, and tells every group', async () => {
    await using server = await startTestServer({ arms: ARMS })
    server.store.traffic = { groups: [GROUP] }
    const response = await server.get(
      '/admin/v1/stats?from=2026-01-01&to=2026-01-31T12:00:00Z&group_by=arm,time&bucket=day&arm=p/one&arm=p/two&class=code,chat&tenant=acme&baseline=p/two',
    )
    assert.equal(response.status, 200)
    const [fromMs, toMs] = [Date.parse('2026-01-01T00:00:00Z'), Date.parse('2026-01-31T12:00:00Z')]
    assert.deepEqual(server.store.statsQueries, [
      {
        fromMs,
        toMs,
        groupBy: ['arm', 'time'],
        bucketMs: 86_400_000,
        arms: ['p/one', 'p/two'],
        classes: ['code', 'chat'],
        tenants: ['acme'],
        baseline: 'p/two',
      },
    ])
    assert.deepEqual(await response.json(), {
      object: 'stats',
      from_ms: fromMs,
      to_ms: toMs,
      group_by: ['arm', 'time'],
      groups: [
        {
          arm: 'p/one',
          from_ms: 3_600_000,
          decisions: 4,
          share: 0.5,
          answered: 3,
          failed: 1,
          cancelled: 0,
          cost_usd: 0.25,
          prompt_tokens: 40,
          completion_tokens: 30,
          ttft_ms: null,
          total_ms: { p50: 1, p90: 2, p95: 3, p99: 4 },
          rated: 2,
          quality: 0.75,
          baseline: {
            arm: 'p/two',
            decisions: 3,
            cost_usd: 1,
            actual_cost_usd: 0.25,
            estimated_cost_usd: 0.2,
            saving_usd: 0.75,
            quality: 0.8,
            estimated_quality: 0.7,
          },
        },
      ],
    })
  })

  test('by default the last day, all together', async () => {
    await using server = await startTestServer({ arms: ARMS })
    await server.get('/admin/v1/stats')
    const [query] = server.store.statsQueries
    assert.equal(query!.toMs - query!.fromMs, 86_400_000)
    assert.ok(Math.abs(query!.toMs - Date.now()) < 60_000)
    assert.deepEqual(query!.groupBy, [])
  })

  test('a baseline that is no arm, and was none, is refused with those that there are', async () => {
    await using server = await startTestServer({ arms: ARMS })
    const ask = (baseline: string) => server.get(`/admin/v1/stats?baseline=${baseline}`)
    // What nothing could have gone to.
    server.store.traffic = { groups: [{ ...GROUP, baseline: { ...GROUP.baseline!, decisions: 0 } }] }
    const refused = await ask('p/oen')
    const { error } = (await refused.json()) as { error: { code: string; param: string; message: string } }
    assert.deepEqual([refused.status, error.code, error.param], [400, 'invalid_request', 'baseline'])
    assert.match(error.message, /"p\/oen" is no arm, .*; did you mean "p\/one"\?; the arms are p\/one\.$/)
    assert.equal((await ask('p/one')).status, 200)
    server.store.traffic = { groups: [] }
    assert.equal((await ask('p/oen')).status, 400)
    // One that was removed since, and is in the log.
    server.store.traffic = { groups: [GROUP] }
    assert.equal((await ask('p/two')).status, 200)
  })

  for (const [query, named] of [
    ['group_by=colour', 'group_by'],
    ['from=yesterday', 'from'],
    ['from=2026-02-01&to=2026-01-01', 'from'],
    ['bucket=minute', 'bucket'],
    ['colour=red', 'colour'],
  ] as const) {
    test(`?${query} is refused by the name of the field`, async () => {
      await using server = await startTestServer({ arms: ARMS })
      const response = await server.get(`/admin/v1/stats?${query}`)
      assert.equal(response.status, 400)
      assert.match(
        ((await response.json()) as { error: { message: string } }).error.message,
        new RegExp(named),
      )
    })
  }

  test('a store that does not answer is said so', async () => {
    await using server = await startTestServer({ arms: ARMS })
    server.store.available = false
    assert.deepEqual(await codeOf(await server.get('/admin/v1/stats')), [503, 'store_unavailable'])
  })
})

describe('POST /admin/v1/erase', () => {
  test('a tenant, or a user of one under the name its requests gave', async () => {
    await using server = await startTestServer({ arms: ARMS })
    assert.equal((await server.post('/admin/v1/erase', { tenant: 'acme' })).status, 200)
    const response = await server.post('/admin/v1/erase', { tenant: 'acme', user: 'ann@example.com' })
    assert.deepEqual(await response.json(), { object: 'erasure', decisions: 0, rows: {} })
    assert.deepEqual(server.store.erasures, [
      { tenant: 'acme', userHash: undefined },
      { tenant: 'acme', userHash: userHash('acme', 'ann@example.com') },
    ])
    assert.equal((await server.post('/admin/v1/erase', { user: 'ann' })).status, 400)
    assert.equal((await server.post('/admin/v1/erase', {})).status, 400)
  })

  test('what is in memory of the tenant is forgotten too', async () => {
    await using server = await startTestServer({ arms: ARMS })
    const routed = await server.post('/v1/route', { messages: [{ role: 'user', content: 'hi' }] })
    const { decision_id } = (await routed.json()) as { decision_id: string }
    const feedback = () => server.post('/v1/feedback', { decision_id, metric: 'quality', value: 1 })
    assert.equal((await feedback()).status, 202)
    server.store.decisions.length = 0
    assert.equal((await feedback()).status, 202)
    await server.post('/admin/v1/erase', { tenant: 'default' })
    assert.deepEqual(await codeOf(await feedback()), [404, 'decision_not_found'])
  })
})
