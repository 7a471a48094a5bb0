import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StoreError } from '../../adapters/index.ts'
import type { ArmId, Router } from '../../engine/index.ts'
import { dyingAfter, failing, saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { eventually, registryOf, startTestServer, type TestServer } from '../helpers/server.ts'

interface Reply {
  readonly status: string
  readonly learned: boolean
  readonly error?: { readonly code: string; readonly message: string }
}

async function withAnswer(work: (server: TestServer, decisionId: string) => Promise<void>): Promise<void> {
  await using upstream = await startOpenAiUpstream(saying('Hi'))
  await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
  const response = await server.chat()
  await response.text()
  await work(server, response.headers.get('x-highwayman-decision-id')!)
}

async function give(
  server: TestServer,
  decisionId: string,
  value: unknown,
  extra: object = {},
): Promise<{ code: number; body: Reply; headers: Headers }> {
  const response = await server.post('/v1/feedback', {
    decision_id: decisionId,
    metric: 'quality',
    value,
    ...extra,
  })
  return { code: response.status, body: (await response.json()) as Reply, headers: response.headers }
}

/** Count and sum of the quality head. */
function quality(router: Router, arm = 'acme/small') {
  const sums = router.sums().find((entry) => entry.arm === (arm as ArmId) && entry.head === 'quality')
  return sums && { n: sums.n, total: sums.b[0]! }
}

function assertQuality(server: TestServer, expected: { n: number; total: number } | undefined): void {
  const actual = quality(server.running.router)
  if (expected === undefined) {
    assert.equal(actual, undefined)
    return
  }
  // What was learned a moment ago has begun to fade: by less than 1e-9 a ms.
  assert.ok(actual, 'nothing was learned')
  assert.ok(Math.abs(actual.n - expected.n) < 1e-4, `n is ${actual.n}`)
  assert.ok(Math.abs(actual.total - expected.total) < 1e-4, `total is ${actual.total}`)
}

describe('feedback', () => {
  it('that shows an arm to have changed is counted, and what was learned before forgotten', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
    const { router } = server.running
    const rate = async (value: number) => {
      const response = await server.chat()
      await response.text()
      const id = response.headers.get('x-highwayman-decision-id')!
      await give(server, id, value)
      return server.store.decisions.find(({ decision }) => decision.id === id)!.decision
    }
    const noticed = async () =>
      /highwayman_arm_changes_total\{arm="acme\/small",head="quality"\} 1/.test(
        await (await server.get('/metrics')).text(),
      )
    const { id: decisionId, x, featureSpace } = await rate(0.9)
    for (let i = 0; i < 300; i++) {
      const [arm, head, atMs] = ['acme/small' as ArmId, 'quality', Date.now()] as const
      router.learn([
        { decisionId, atMs, featureSpace, arm, head, x, y: i % 10 === 0 ? 0.8 : 0.91, weight: 1 },
      ])
    }
    assert.equal(await noticed(), false)
    for (let i = 0; i < 30; i++) await rate(0.1)
    assert.equal(await noticed(), true)
    const after = quality(router)
    assert.ok(after !== undefined && after.n < 100 && after.total / after.n < 0.5, JSON.stringify(after))
  })

  it('on quality is stored and teaches the arm that served', () =>
    withAnswer(async (server, id) => {
      const { code, body } = await give(server, id, 0.8, { source: 'user' })
      assert.equal(code, 202)
      assert.deepEqual(body, { status: 'recorded', learned: true, decision_id: id, metric: 'quality' })
      assertQuality(server, { n: 1, total: 0.8 })
      const [reward] = server.store.rewards
      assert.deepEqual(
        [reward?.decisionId, reward?.metric, reward?.valueNumber, reward?.source],
        [id, 'quality', 0.8, 'user'],
      )
      const stored = server.store.observations.filter(({ head }) => head === 'quality')
      assert.deepEqual(
        stored.map(({ arm, y, weight }) => [arm, y, weight]),
        [['acme/small', 0.8, 1]],
      )
    }))

  it('may name the completion instead of the decision', () =>
    withAnswer(async (server, id) => {
      assert.equal((await give(server, `chatcmpl-${id}`, 1)).body.learned, true)
      assert.equal((await give(server, id, 1)).body.status, 'revised')
    }))

  for (const [value, expected] of [
    [true, 1],
    [false, 0],
    [0, 0],
    [1, 1],
  ] as const) {
    it(`takes ${value} as ${expected}`, () =>
      withAnswer(async (server, id) => {
        assert.equal((await give(server, id, value)).code, 202)
        assert.equal(server.store.rewards[0]?.valueNumber, expected)
        assertQuality(server, { n: 1, total: expected })
      }))
  }

  for (const value of [1.01, -0.1, 5, 'good']) {
    it(`refuses quality ${value} and names the range`, () =>
      withAnswer(async (server, id) => {
        const { code, body } = await give(server, id, value)
        assert.equal(code, 422)
        assert.equal(body.error?.code, 'invalid_feedback_value')
        assert.match(body.error.message, /\[0, 1\]/)
        assert.deepEqual(server.store.rewards, [])
      }))
  }

  it('a second value takes the first one back exactly', () =>
    withAnswer(async (server, id) => {
      await give(server, id, 1)
      server.clock.advance(3 * 86_400_000)
      const { body } = await give(server, id, 0.25)
      assert.deepEqual([body.status, body.learned], ['revised', true])
      assertQuality(server, { n: 1, total: 0.25 })
      const stored = server.store.observations.filter(({ head }) => head === 'quality')
      assert.deepEqual(
        stored.map(({ y, weight }) => [y, weight]),
        [
          [1, 1],
          [1, -1],
          [0.25, 1],
        ],
      )
      assert.equal(stored[0]?.atMs, stored[1]?.atMs, 'taken back with the weight it has by now')
      assert.equal(stored[2]?.atMs, stored[1]?.atMs, 'the answer is as old as it was')
      assert.equal(stored[0]?.atMs, server.store.decisions[0]?.decision.atMs)
    }))

  it('null takes the last value back, and another can follow', () =>
    withAnswer(async (server, id) => {
      await give(server, id, 1)
      const { code, body } = await give(server, id, null)
      assert.deepEqual([code, body.status, body.learned], [202, 'retracted', true])
      assertQuality(server, { n: 0, total: 0 })
      const explained = (await (await server.get(`/v1/decisions/${id}`)).json()) as {
        rewards: readonly { value: unknown }[]
      }
      assert.deepEqual(
        explained.rewards.map(({ value }) => value),
        [1, null],
      )
      assert.deepEqual((await give(server, id, null)).body.learned, false, 'there was nothing left')
      assert.equal((await give(server, id, 0.5)).body.status, 'revised')
      assertQuality(server, { n: 1, total: 0.5 })
    }))

  it('any mixture of values, repetitions and retractions leaves the last one that was taken', () =>
    withAnswer(async (server, id) => {
      const values = [0.3, null, 0.3, 0.7, 0.7, null, null, 0.2, 1, null, 0.9]
      for (const [i, value] of values.entries()) {
        await give(server, id, value, i % 2 ? { idempotency_key: `k${i}` } : {})
        if (i % 3 === 0) await give(server, id, 0, { idempotency_key: `k${i - (i % 2 ? 0 : 1)}` })
        server.clock.advance(86_400_000)
      }
      const kept = server.store.rewards.at(-1)
      const earlier = server.store.observations.filter(({ head }) => head === 'quality')
      const total = earlier.reduce((sum, { y, weight }) => sum + weight * y, 0)
      assert.ok(Math.abs(total - (kept?.valueNumber ?? 0)) < 1e-12)
      assertQuality(server, { n: 1, total: kept!.valueNumber! })
    }))

  it('the same idempotency key counts once', () =>
    withAnswer(async (server, id) => {
      const key = { idempotency_key: 'k-1' }
      assert.equal((await give(server, id, 1, key)).body.status, 'recorded')
      const again = await give(server, id, 1, key)
      assert.equal(again.code, 202)
      assert.deepEqual([again.body.status, again.body.learned], ['duplicate', false])
      assert.equal(server.store.rewards.length, 1)
      assertQuality(server, { n: 1, total: 1 })
      await give(server, id, 0.5, { idempotency_key: 'k-2' })
      assert.equal((await give(server, id, 1, key)).body.status, 'duplicate', 'also after a revision')
      assertQuality(server, { n: 1, total: 0.5 })
    }))

  it('refuses a key that is half a character, of which no id can be made', () =>
    withAnswer(async (server, id) => {
      const { code, body } = await give(server, id, 1, { idempotency_key: 'k\ud800' })
      assert.deepEqual([code, body.error?.code], [400, 'invalid_request'])
      assert.match(String(body.error?.message), /idempotency_key: must be well-formed Unicode/)
      assert.equal((await give(server, id, 1, { idempotency_key: 'k\ud83d\ude00' })).body.status, 'recorded')
    }))

  it('many at once on one decision count once', () =>
    withAnswer(async (server, id) => {
      server.store.beforeReward = () => new Promise((resolve) => setImmediate(resolve))
      const same = { idempotency_key: 'same' }
      const replies = await Promise.all([
        ...Array.from({ length: 5 }, () => give(server, id, 1, same)),
        ...[0.1, 0.2, 0.3].map((value) => give(server, id, value)),
      ])
      assert.ok(replies.every(({ code }) => code === 202))
      const statuses = replies.map(({ body }) => body.status).sort()
      assert.deepEqual(statuses.filter((status) => status === 'duplicate').length, 4)
      assert.equal(statuses.filter((status) => status === 'recorded').length, 1)
      const last = server.store.rewards.at(-1)
      assertQuality(server, { n: 1, total: last!.valueNumber! })
    }))

  it('of another name is stored and not learned', () =>
    withAnswer(async (server, id) => {
      const { code, body } = await give(server, id, 'nice', { metric: 'comment' })
      assert.equal(code, 202)
      assert.equal(body.learned, false)
      assert.deepEqual(
        [server.store.rewards[0]?.valueText, server.store.rewards[0]?.valueNumber],
        ['nice', undefined],
      )
      assertQuality(server, undefined)
    }))

  it('has the time the caller gives, which may not lie in the future', () =>
    withAnswer(async (server, id) => {
      const ts = new Date(server.clock.nowMs() - 60_000)
      assert.equal((await give(server, id, 1, { ts: ts.toISOString() })).code, 202)
      assert.equal(server.store.rewards[0]?.atMs, ts.getTime())
      const { code, body } = await give(server, id, 1, { ts: server.clock.nowMs() + 3_600_000 })
      assert.equal(code, 422)
      assert.match(body.error!.message, /lies in the future: it is 20.* here; set the clock, or leave ts out/)
      assert.equal((await give(server, id, 0, { ts: server.clock.nowMs() + 240_000 })).code, 202)
      const last = server.store.rewards.at(-1)
      assert.ok(last !== undefined && last.atMs <= server.clock.nowMs() && last.atMs > ts.getTime())
    }))

  it('whose caller has no time, and writes the year 1 for it, is told so', () =>
    withAnswer(async (server, id) => {
      const { code, body } = await give(server, id, 1, { ts: '0001-01-01T00:00:00Z' })
      assert.equal(code, 422)
      assert.match(body.error!.message, /before 1970; leave it out/)
      assert.equal(server.store.rewards.length, 0)
    }))

  it('keeps the order of arrival whatever the times say', () =>
    withAnswer(async (server, id) => {
      const now = server.clock.nowMs()
      await give(server, id, 1, { ts: now })
      await give(server, id, 0.5, { ts: now - 60_000 })
      const [first, second] = server.store.rewards
      assert.ok(second!.atMs > first!.atMs, 'the store sorts by time, and the last value holds')
    }))

  it('on a decision of long ago is found in the store', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    const registry = registryOf({ arms: [{ id: 'acme/small', url: upstream.url }] })
    await using first = await startTestServer(registry)
    const id = (await first.chat()).headers.get('x-highwayman-decision-id')!
    await give(first, id, 1, { idempotency_key: 'k' })
    await using second = await startTestServer(registry, { store: first.store })
    assert.equal((await give(second, id, 1, { idempotency_key: 'k' })).body.status, 'duplicate')
    const { body } = await give(second, id, 0.5)
    assert.equal(body.status, 'revised')
    const sums = quality(second.running.router)
    assert.ok(sums && Math.abs(sums.n) < 1e-4, 'this replica takes back what another had learned')
    assert.ok(Math.abs(sums.total - -0.5) < 1e-4)
  })

  it('is refused for a decision nobody knows', () =>
    withAnswer(async (server) => {
      for (const id of ['01890000-0000-7000-8000-000000000001', 'no-uuid']) {
        const { code, body } = await give(server, id, 1)
        assert.deepEqual([code, body.error?.code], [404, 'decision_not_found'])
      }
    }))

  it('without a store is a 503 and teaches nothing; the next try counts', () =>
    withAnswer(async (server, id) => {
      server.store.available = false
      const { code, body, headers } = await give(server, id, 1)
      assert.deepEqual([code, body.error?.code], [503, 'store_unavailable'])
      assert.ok(Number(headers.get('retry-after')) > 0)
      assertQuality(server, undefined)
      server.store.available = true
      assert.equal((await give(server, id, 1)).body.status, 'recorded')
      assertQuality(server, { n: 1, total: 1 })
    }))

  it('that the store took although its answer was lost is known when it comes again', () =>
    withAnswer(async (server, id) => {
      const write = server.store.writeReward.bind(server.store)
      server.store.writeReward = async (row, observations) => {
        await write(row, observations)
        throw new StoreError('store_unavailable', 'no answer in time')
      }
      assert.equal((await give(server, id, 1, { idempotency_key: 'k' })).code, 503)
      server.store.writeReward = write
      assert.equal((await give(server, id, 1, { idempotency_key: 'k' })).body.status, 'duplicate')
      assert.equal((await give(server, id, 0)).body.status, 'revised')
      assert.equal(server.store.rewards.length, 2)
    }))

  it('on a decision that failed over is kept, and taught to nobody', async () => {
    await using bad = await startOpenAiUpstream(failing(500))
    await using good = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({
      arms: [
        { id: 'acme/bad', url: bad.url },
        { id: 'acme/good', url: good.url },
      ],
    })
    await server.chat()
    const [failed, served] = server.store.decisions.map(({ decision }) => decision.id)
    assert.equal((await give(server, failed!, 1)).body.learned, false)
    assert.equal((await give(server, served!, 1)).body.learned, true)
    assert.equal(quality(server.running.router, 'acme/bad'), undefined)
    assert.ok(quality(server.running.router, 'acme/good'))
  })

  it('on an answer that was cut off teaches nothing', async () => {
    await using upstream = await startOpenAiUpstream(dyingAfter('One '))
    await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
    const response = await server.chat({ stream: true })
    await response.text()
    await eventually(() => server.store.attempts.length === 1, 'the record')
    const { body } = await give(server, response.headers.get('x-highwayman-decision-id')!, 0)
    assert.equal(body.learned, false)
  })

  it('must wait until the answer has ended', async () => {
    await using upstream = await startOpenAiUpstream(() => {})
    await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
    const controller = new AbortController()
    const pending = fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'x' }] }),
      signal: controller.signal,
    })
    await eventually(() => server.store.decisions.length === 1, 'the decision')
    const { code, body } = await give(server, server.store.decisions[0]!.decision.id, 1)
    assert.deepEqual([code, body.error?.code], [409, 'decision_running'])
    controller.abort()
    await assert.rejects(pending)
  })

  it('is bounded for each decision', () =>
    withAnswer(async (server, id) => {
      for (let i = 0; i < 256; i++) await give(server, id, i, { metric: `m${i % 60}` })
      const { code, body } = await give(server, id, 1)
      assert.deepEqual([code, body.error?.code], [409, 'feedback_limit'])
    }))

  it('on a decision that was only asked for is about the arm that was drawn', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
    const response = await server.post('/v1/route', { messages: [{ role: 'user', content: 'x' }] })
    const { decision_id } = (await response.json()) as { decision_id: string }
    assert.equal((await give(server, decision_id, 0.5)).body.learned, true)
    assertQuality(server, { n: 1, total: 0.5 })
  })
})
