import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ArmId, HeadName } from '../../engine/index.ts'
import { saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { startTestServer, type TestServer, tenant } from '../helpers/server.ts'

const ARM = 'acme/small' as ArmId

async function withRoute(
  work: (server: TestServer, decisionId: string) => Promise<void>,
  options: { readonly tenants?: boolean } = {},
): Promise<void> {
  await using upstream = await startOpenAiUpstream(saying('Hi'))
  await using server = await startTestServer({
    arms: [{ id: ARM, url: upstream.url }],
    ...(options.tenants && { tenants: [tenant('one', 'key-1'), tenant('two', 'key-2')] }),
  })
  const response = await server.post(
    '/v1/route',
    { messages: [{ role: 'user', content: 'x' }] },
    options.tenants ? { 'x-api-key': 'key-1' } : {},
  )
  const { decision_id } = (await response.json()) as { decision_id: string }
  await work(server, decision_id)
}

interface Reply {
  readonly status: string
  readonly learned: boolean
  readonly cost_usd: number | null
  readonly quality?: { readonly status: string; readonly learned: boolean }
  readonly error?: { readonly code: string; readonly param: string | null; readonly message: string }
}

async function tell(server: TestServer, id: string, outcome: object, headers: Record<string, string> = {}) {
  const response = await server.post('/v1/outcomes', { decision_id: id, ...outcome }, headers)
  return { code: response.status, body: (await response.json()) as Reply }
}

const GOOD = {
  success: true,
  total_ms: 1_200,
  ttft_ms: 200,
  prompt_tokens: 50,
  completion_tokens: 100,
  finish_reason: 'stop',
}

/** Count and weighted sum of one head. */
function head(server: TestServer, name: HeadName) {
  const sums = server.running.router.sums().find((entry) => entry.arm === ARM && entry.head === name)
  return sums && { n: sums.n, mean: sums.b[0]! / sums.n }
}

function assertNear(actual: number | undefined, expected: number, what: string): void {
  // What was learned a moment ago has begun to fade.
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 1e-3, `${what}: ${actual}, not ${expected}`)
}

describe('an outcome', () => {
  it('of a clock that is a little ahead counts as of now, and takes nothing from those after it', () =>
    withRoute(async (server, id) => {
      const ahead = server.clock.nowMs() + 4 * 60_000
      assert.equal((await tell(server, id, { ...GOOD, ts: ahead, quality: 1 })).code, 202)
      const [first] = server.store.attempts
      assert.ok(first!.atMs <= server.clock.nowMs())
      assert.ok(server.store.rewards[0]!.atMs <= server.clock.nowMs())
      for (const row of server.store.observations) assert.ok(row.atMs <= server.clock.nowMs(), row.head)
      const next = await server.post('/v1/route', { messages: [{ role: 'user', content: 'y' }] })
      const { decision_id } = (await next.json()) as { decision_id: string }
      assert.equal((await tell(server, decision_id, GOOD)).code, 202)
      // With a half-life of 5 minutes the second would have weighed 0.57.
      assertNear(head(server, 'success')?.n, 2, 'success')
      assertNear(head(server, 'ttft')?.n, 2, 'ttft')
    }))

  it('is stored as an attempt and teaches speed, length and success', () =>
    withRoute(async (server, id) => {
      const { code, body } = await tell(server, id, GOOD)
      assert.equal(code, 202)
      assert.deepEqual(body, {
        status: 'recorded',
        learned: true,
        decision_id: id,
        attempt: 0,
        arm: ARM,
        cost_usd: 50 * 0.001 + 100 * 0.01,
      })
      assertNear(head(server, 'ttft')?.mean, Math.log(200), 'ttft')
      assertNear(head(server, 'tpot')?.mean, Math.log(1_000 / 100), 'tpot')
      assertNear(head(server, 'output_tokens')?.mean, Math.log(100), 'output tokens')
      assertNear(head(server, 'success')?.mean, 1, 'success')
      const told = (await (await server.get(`/v1/decisions/${id}`)).json()) as {
        served_arm: string
        attempts: { status: string; total_ms: number; completion_tokens: number; finish_reason: string }[]
      }
      assert.equal(told.served_arm, ARM)
      assert.deepEqual(
        told.attempts.map(({ status, total_ms, completion_tokens, finish_reason }) => [
          status,
          total_ms,
          completion_tokens,
          finish_reason,
        ]),
        [['answered', 1_200, 100, 'stop']],
      )
    }))

  it('that came whole has the forecast first token taken off its time', () =>
    withRoute(async (server, id) => {
      const { ttft_ms: _, ...whole } = GOOD
      await tell(server, id, whole)
      assert.equal(head(server, 'ttft'), undefined)
      const { ttftMs } = server.store.decisions[0]!.decision.estimates[0]!
      assert.ok(ttftMs > 50)
      assertNear(head(server, 'tpot')?.mean, Math.log((1_200 - ttftMs) / 100), 'tpot')
    }))

  it('counts once, however often and at once it is sent', () =>
    withRoute(async (server, id) => {
      const replies = await Promise.all(Array.from({ length: 6 }, () => tell(server, id, GOOD)))
      assert.deepEqual(replies.map(({ body }) => body.status).sort(), [
        ...Array.from({ length: 5 }, () => 'duplicate'),
        'recorded',
      ])
      assert.equal(server.store.attempts.length, 1)
      assertNear(head(server, 'success')?.n, 1, 'n')
      assert.equal((await tell(server, id, { ...GOOD, attempt: 1 })).body.status, 'recorded')
    }))

  it('is known after a restart', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    const registry = { arms: [{ id: ARM, url: upstream.url }] }
    await using first = await startTestServer(registry)
    const response = await first.post('/v1/route', { messages: [{ role: 'user', content: 'x' }] })
    const { decision_id } = (await response.json()) as { decision_id: string }
    await tell(first, decision_id, GOOD)
    await using second = await startTestServer(registry, { store: first.store })
    assert.equal((await tell(second, decision_id, GOOD)).body.status, 'duplicate')
    assert.equal(first.store.attempts.length, 1)
  })

  it('of a failure teaches success alone, and leaves no quality to be judged', () =>
    withRoute(async (server, id) => {
      const error = { code: 'overloaded', message: 'try later', status: 529 }
      const { body } = await tell(server, id, { success: false, total_ms: 30, error })
      assert.deepEqual([body.status, body.learned, body.cost_usd], ['recorded', true, null])
      assertNear(head(server, 'success')?.mean, 0, 'success')
      assert.equal(head(server, 'tpot'), undefined)
      const [attempt] = server.store.attempts
      assert.deepEqual(
        [attempt?.status, attempt?.upstreamStatus, attempt?.errorCode, attempt?.errorMessage],
        ['failed', 529, 'overloaded', 'try later'],
      )
      const feedback = await server.post('/v1/feedback', { decision_id: id, metric: 'quality', value: 1 })
      assert.equal(((await feedback.json()) as { learned: boolean }).learned, false)
      // Called again, it answered.
      await tell(server, id, { ...GOOD, attempt: 1 })
      const later = await server.post('/v1/feedback', { decision_id: id, metric: 'quality', value: 1 })
      assert.equal(((await later.json()) as { learned: boolean }).learned, true)
    }))

  for (const [why, error] of [
    ['the request was at fault', { status: 400 }],
    ['the caller gave up', { cancelled: true }],
  ] as const) {
    it(`is not held against the arm when ${why}`, () =>
      withRoute(async (server, id) => {
        const { body } = await tell(server, id, { success: false, total_ms: 30, error })
        assert.deepEqual([body.status, body.learned], ['recorded', false])
        assert.equal(head(server, 'success'), undefined)
        assert.equal(server.store.attempts.length, 1)
      }))
  }

  it('after a quality that was learned does not lose it', () =>
    withRoute(async (server, id) => {
      const judge = async (value: unknown) =>
        (await server.post('/v1/feedback', { decision_id: id, metric: 'quality', value })).json()
      await judge(0.4)
      await tell(server, id, { success: false, total_ms: 5 })
      await judge(null)
      assertNear(head(server, 'quality')?.n, 0, 'n')
    }))

  it('may bring a quality, which a repetition does not count twice', () =>
    withRoute(async (server, id) => {
      const { body } = await tell(server, id, { ...GOOD, quality: 0.75 })
      assert.deepEqual(body.quality, { status: 'recorded', learned: true })
      const again = await tell(server, id, { ...GOOD, quality: 0.75 })
      assert.deepEqual(again.body.quality, { status: 'duplicate', learned: false })
      assertNear(head(server, 'quality')?.mean, 0.75, 'quality')
      assertNear(head(server, 'quality')?.n, 1, 'n')
      assert.deepEqual(
        server.store.rewards.map(({ source, valueNumber }) => [source, valueNumber]),
        [['outcome', 0.75]],
      )
    }))

  it('whose quality the store did not take is completed by the next try', () =>
    withRoute(async (server, id) => {
      server.store.beforeReward = async () => {
        server.store.available = false
      }
      assert.equal((await tell(server, id, { ...GOOD, quality: 1 })).code, 503)
      server.store.beforeReward = async () => {}
      server.store.available = true
      const { body } = await tell(server, id, { ...GOOD, quality: 1 })
      assert.deepEqual([body.status, body.quality?.learned], ['duplicate', true])
      assert.equal(server.store.attempts.length, 1)
    }))

  it('is refused for what was answered here, for strangers, and for nobody’s decision', async () => {
    await withRoute(
      async (server, id) => {
        const asOther = await tell(server, id, GOOD, { 'x-api-key': 'key-2' })
        assert.deepEqual([asOther.code, asOther.body.error?.code], [404, 'decision_not_found'])
        const chat = await server.chat({}, { 'x-api-key': 'key-1' })
        await chat.text()
        const served = chat.headers.get('x-highwayman-decision-id')!
        const here = await tell(server, served, GOOD, { 'x-api-key': 'key-1' })
        assert.deepEqual([here.code, here.body.error?.code], [409, 'outcome_not_expected'])
      },
      { tenants: true },
    )
  })

  for (const [field, outcome] of [
    ['error', { ...GOOD, error: { code: 'x' } }],
    ['ttft_ms', { ...GOOD, ttft_ms: 5_000 }],
    ['cached_tokens', { ...GOOD, cached_tokens: 51 }],
    ['quality', { success: false, total_ms: 1, quality: 1 }],
    ['ts', { ...GOOD, ts: '2200-01-01T00:00:00Z' }],
    ['ts', { ...GOOD, ts: '0001-01-01T00:00:00Z' }],
  ] as const) {
    it(`that contradicts itself is refused: ${field}`, () =>
      withRoute(async (server, id) => {
        const { code, body } = await tell(server, id, outcome)
        assert.deepEqual([code, body.error?.code, body.error?.param], [422, 'invalid_outcome', field])
        assert.deepEqual(server.store.attempts, [])
      }))
  }

  it('with a field of the wrong kind names it', () =>
    withRoute(async (server, id) => {
      const { code, body } = await tell(server, id, { ...GOOD, total_ms: -1 })
      assert.deepEqual([code, body.error?.code, body.error?.param], [400, 'invalid_request', 'total_ms'])
    }))
})
