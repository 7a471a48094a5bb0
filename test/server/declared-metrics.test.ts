/** Declared metrics through the API: what is taken, what it teaches, and that taking it back is exact. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { ArmId } from '../../engine/index.ts'
import type { Registry } from '../../server/index.ts'
import type { Metric } from '../../server/rewards/metric.ts'
import { saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { registryOf, startTestServer, type TestServer } from '../helpers/server.ts'

const ARM = 'acme/small' as ArmId
const HOUR_MS = 3_600_000

function metricsOf(...metrics: readonly (Partial<Metric> & Pick<Metric, 'name' | 'scale'>)[]) {
  return new Map(
    metrics.map((each) => [
      each.name,
      { qualityWeight: 1, windowMs: undefined, byDefault: undefined, ...each },
    ]),
  )
}
const thumbs = { name: 'thumbs', scale: { kind: 'boolean', optimize: 'max' } } as const
const rating = {
  name: 'rating',
  scale: { kind: 'float', min: 1, max: 5, optimize: 'max' },
  qualityWeight: 3,
} as const
const note = { name: 'note', scale: { kind: 'text' }, qualityWeight: 0 } as const

async function withServer(
  metrics: Registry['metrics'],
  work: (server: TestServer, registry: Registry) => Promise<void>,
): Promise<void> {
  await using upstream = await startOpenAiUpstream(saying('Hi'))
  const registry = { ...registryOf({ arms: [{ id: ARM, url: upstream.url }] }), ...(metrics && { metrics }) }
  await using server = await startTestServer(registry)
  await work(server, registry)
}

async function answered(server: TestServer, highwayman: object = {}): Promise<string> {
  const response = await server.chat({ highwayman })
  await response.text()
  return response.headers.get('x-highwayman-decision-id')!
}

interface Reply {
  readonly status: string
  readonly learned: boolean
  readonly decisions?: readonly {
    readonly decision_id: string
    readonly status: string
    readonly learned: boolean
  }[]
  readonly error?: { readonly code: string; readonly message: string; readonly param: string }
}

async function say(server: TestServer, body: object): Promise<{ code: number; body: Reply }> {
  const response = await server.post('/v1/feedback', body)
  return { code: response.status, body: (await response.json()) as Reply }
}

function quality(server: TestServer): { n: number; total: number } {
  const sums = server.running.router.sums().find((entry) => entry.arm === ARM && entry.head === 'quality')
  return { n: sums?.n ?? 0, total: sums?.b[0] ?? 0 }
}

function assertQuality(server: TestServer, n: number, total: number): void {
  const actual = quality(server)
  // What was learned has begun to fade: by less than 1e-9 a ms.
  assert.ok(Math.abs(actual.n - n) < 1e-4, `n is ${actual.n}, not ${n}`)
  assert.ok(Math.abs(actual.total - total) < 1e-4, `the total is ${actual.total}, not ${total}`)
}

describe('declared metrics', () => {
  it('make quality by their weights, and a change takes the mixture of before back', () =>
    withServer(metricsOf(thumbs, rating, note), async (server) => {
      const id = await answered(server)
      assert.deepEqual((await say(server, { decision_id: id, metric: 'thumbs', value: true })).body, {
        status: 'recorded',
        learned: true,
        decision_id: id,
        metric: 'thumbs',
      })
      assertQuality(server, 1, 1)
      await say(server, { decision_id: id, metric: 'rating', value: 2 })
      assertQuality(server, 1, (1 + 3 * 0.25) / 4)
      const text = await say(server, { decision_id: id, metric: 'note', value: 'nice' })
      assert.deepEqual([text.body.status, text.body.learned], ['recorded', false])
      // Kept, it would pass for what takes a value back.
      const empty = await server.post('/v1/feedback', { decision_id: id, metric: 'note', value: '' })
      assert.equal(empty.status, 422)
      assert.match(await empty.text(), /invalid_feedback_value/)
      await say(server, { decision_id: id, metric: 'thumbs', value: null })
      assertQuality(server, 1, 0.25)
      const told = (await (await server.get(`/v1/decisions/${id}`)).json()) as {
        quality: number
        rewards: readonly { metric: string; state: string; source_kind: string }[]
      }
      assert.equal(told.quality, 0.25)
      assert.deepEqual(
        told.rewards.map(({ metric, state, source_kind }) => [metric, state, source_kind]),
        [
          ['thumbs', 'replaced', 'user'],
          ['rating', 'counts', 'user'],
          ['note', 'kept', 'user'],
          ['thumbs', 'retraction', 'user'],
        ],
      )
    }))

  it('a judge does not change what a user has said, and is heard when the user takes it back', () =>
    withServer(undefined, async (server) => {
      const id = await answered(server)
      const as = (source: string, value: unknown) =>
        say(server, { decision_id: id, metric: 'quality', value, source })
      await as('judge:j', 0.2)
      assertQuality(server, 1, 0.2)
      await as('user', 1)
      assertQuality(server, 1, 1)
      const { body } = await as('judge:j', 0.3)
      assert.deepEqual([body.status, body.learned], ['revised', false])
      assertQuality(server, 1, 1)
      await as('user', null)
      assertQuality(server, 1, 0.3)
    }))

  it('with one declared, a name that is none is a mistake; quality itself is always taken', () =>
    withServer(metricsOf(thumbs), async (server) => {
      const id = await answered(server)
      const { code, body } = await say(server, { decision_id: id, metric: 'thumb', value: true })
      assert.deepEqual([code, body.error?.code, body.error?.param], [422, 'unknown_metric', 'metric'])
      assert.match(body.error!.message, /did you mean "thumbs"/)
      assert.equal((await say(server, { decision_id: id, metric: 'quality', value: 0.5 })).code, 202)
      const bad = await say(server, { decision_id: id, metric: 'thumbs', value: 3 })
      assert.deepEqual([bad.code, bad.body.error?.code], [422, 'invalid_feedback_value'])
    }))

  it('count by metric and source', () =>
    withServer(metricsOf(thumbs), async (server) => {
      const id = await answered(server)
      await say(server, { decision_id: id, metric: 'thumbs', value: true, source: 'judge:x' })
      await say(server, { decision_id: id, metric: 'thumbs', value: true })
      const text = await (await server.get('/metrics')).text()
      for (const source of ['judge', 'user']) {
        assert.ok(
          text.includes(`highwayman_feedback_total{metric="thumbs",source="${source}",result="recorded"} 1`),
          source,
        )
      }
    }))

  it('the source that defaults are written with is nobody else’s', () =>
    withServer(undefined, async (server) => {
      const id = await answered(server)
      const { code, body } = await say(server, {
        decision_id: id,
        metric: 'quality',
        value: 1,
        source: 'outcome:default',
      })
      assert.deepEqual([code, body.error?.param], [422, 'source'])
    }))

  it('late feedback is kept and changes nothing', () =>
    withServer(metricsOf({ ...thumbs, windowMs: HOUR_MS }), async (server) => {
      const id = await answered(server)
      server.clock.advance(2 * HOUR_MS)
      const { code, body } = await say(server, { decision_id: id, metric: 'thumbs', value: true })
      assert.deepEqual([code, body.status, body.learned], [202, 'late', false])
      assert.equal(server.store.rewards.length, 1)
      assertQuality(server, 0, 0)
      const inTime = { decision_id: id, metric: 'thumbs', value: true, source: 'outcome' }
      const reported = await say(server, { ...inTime, ts: server.clock.nowMs() - 90 * 60_000 })
      assert.deepEqual([reported.body.status, reported.body.learned], ['recorded', true], 'only told late')
      assertQuality(server, 1, 1)
    }))

  it('whatever is said by whom in whatever order, and whatever the metrics become, the last state is what was learned', () =>
    withServer(metricsOf(thumbs, rating), async (server, registry) => {
      const others = [
        metricsOf(thumbs, rating),
        metricsOf({ ...thumbs, qualityWeight: 5 }, rating),
        metricsOf(thumbs, { ...rating, scale: { ...rating.scale, optimize: 'min' as const } }),
      ]
      const step = fc.oneof(
        fc.record({
          metric: fc.constant('thumbs'),
          value: fc.option(fc.boolean(), { nil: null }),
          source: fc.constantFrom('user', 'judge:j', 'heuristic:x', 'outcome'),
        }),
        fc.record({
          metric: fc.constant('rating'),
          value: fc.option(fc.integer({ min: 1, max: 5 }), { nil: null }),
          source: fc.constantFrom('user', 'judge:j', 'outcome'),
        }),
        fc.record({ reload: fc.nat({ max: 2 }) }),
      )
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
          const before = quality(server)
          const id = await answered(server)
          for (const each of steps) {
            if ('reload' in each) server.running.reload({ ...registry, metrics: others[each.reload]! })
            else assert.equal((await say(server, { decision_id: id, ...each })).code, 202)
          }
          // Something said last under the metrics that hold at the end decides.
          server.running.reload({ ...registry, metrics: others[0]! })
          await say(server, { decision_id: id, metric: 'thumbs', value: true })
          await say(server, { decision_id: id, metric: 'rating', value: 5 })
          const after = quality(server)
          assert.ok(Math.abs(after.n - before.n - 1) < 1e-4, `n grew by ${after.n - before.n}`)
          assert.ok(Math.abs(after.total - before.total - 1) < 1e-4, `by ${after.total - before.total}`)
          const own = server.store.observations.filter(
            ({ head, decisionId }) => head === 'quality' && decisionId === id,
          )
          const n = own.reduce((sum, { weight }) => sum + weight, 0)
          const total = own.reduce((sum, { weight, y }) => sum + weight * y, 0)
          assert.deepEqual([n, Math.abs(total - 1) < 1e-12], [1, true], 'exactly, in the store')
        }),
        { seed: 20, numRuns: 40 },
      )
    }))
})

describe('replicas that share a store', () => {
  it('revise what the others have learned, in whatever order they are asked', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    const registry = registryOf({ arms: [{ id: ARM, url: upstream.url }] })
    await using first = await startTestServer(registry)
    first.store.kind = 'remote'
    await using second = await startTestServer(registry, { store: first.store })
    const id = await answered(first)
    const values = [1, 0.25, 0.5, null, 0.75]
    for (const [i, value] of values.entries()) {
      const server = i % 2 === 0 ? first : second
      assert.equal((await say(server, { decision_id: id, metric: 'quality', value })).code, 202)
    }
    const [one, other] = [quality(first), quality(second)]
    assert.ok(Math.abs(one.n + other.n - 1) < 1e-4, `n is ${one.n} and ${other.n}`)
    assert.ok(Math.abs(one.total + other.total - 0.75) < 1e-4)
    const stored = first.store.observations.filter(({ head }) => head === 'quality')
    assert.equal(
      stored.reduce((sum, { weight }) => sum + weight, 0),
      1,
    )
  })
})

describe('feedback on a session', () => {
  it('is about every answer of it, and of nobody else’s', () =>
    withServer(undefined, async (server) => {
      const ids = [await answered(server, { session: 's' }), await answered(server, { session: 's' })]
      await answered(server, { session: 'other' })
      const { code, body } = await say(server, { session: 's', metric: 'quality', value: 0.5 })
      assert.equal(code, 202)
      assert.deepEqual(body, {
        status: 'recorded',
        learned: true,
        session: 's',
        metric: 'quality',
        decisions: ids.map((decision_id) => ({ decision_id, status: 'recorded', learned: true })),
      })
      assertQuality(server, 2, 1)
      await say(server, { session: 's', metric: 'quality', value: null })
      assertQuality(server, 0, 0)
    }))

  it('or about the last one', () =>
    withServer(undefined, async (server) => {
      await answered(server, { session: 's' })
      const last = await answered(server, { session: 's' })
      const { body } = await say(server, { session: 's', apply_to: 'last', metric: 'quality', value: 1 })
      assert.deepEqual(
        body.decisions?.map(({ decision_id }) => decision_id),
        [last],
      )
      assertQuality(server, 1, 1)
    }))

  it('under one key counts once, and not for answers that came after the first try', () =>
    withServer(undefined, async (server) => {
      await answered(server, { session: 's' })
      const body = { session: 's', metric: 'quality', value: 1, idempotency_key: 'k' }
      assert.equal((await say(server, body)).body.status, 'recorded')
      server.clock.advance(1_000)
      await answered(server, { session: 's' })
      const again = await say(server, body)
      assert.deepEqual(
        [again.body.status, again.body.learned, again.body.decisions?.length],
        ['duplicate', false, 1],
      )
      assertQuality(server, 1, 1)
    }))

  it('sent many times at once counts once for each answer', () =>
    withServer(undefined, async (server) => {
      for (let i = 0; i < 3; i++) await answered(server, { session: 's' })
      server.store.beforeReward = () => new Promise((resolve) => setImmediate(resolve))
      const body = { session: 's', metric: 'quality', value: 1, idempotency_key: 'k' }
      await Promise.all(Array.from({ length: 5 }, () => say(server, body)))
      assertQuality(server, 3, 3)
      assert.equal(server.store.rewards.length, 3)
    }))

  it('that failed half-way is completed by the next try', () =>
    withServer(undefined, async (server) => {
      for (let i = 0; i < 3; i++) await answered(server, { session: 's' })
      let left = 2
      server.store.beforeReward = async () => {
        if (left-- === 0) server.store.available = false
      }
      const body = { session: 's', metric: 'quality', value: 1, idempotency_key: 'k' }
      const { code } = await say(server, body)
      assert.equal(code, 503)
      server.store.available = true
      server.store.beforeReward = async () => {}
      const { body: done } = await say(server, body)
      assert.deepEqual(
        done.decisions?.map(({ status }) => status),
        ['duplicate', 'duplicate', 'recorded'],
      )
      assertQuality(server, 3, 3)
    }))

  it('looks back as far as the metric’s window', () =>
    withServer(metricsOf({ ...thumbs, windowMs: HOUR_MS }), async (server) => {
      await answered(server, { session: 's' })
      server.clock.advance(2 * HOUR_MS)
      const recent = await answered(server, { session: 's' })
      const { body } = await say(server, { session: 's', metric: 'thumbs', value: true })
      assert.deepEqual(
        body.decisions?.map(({ decision_id }) => decision_id),
        [recent],
      )
    }))

  it('of which nothing is known is a 404, and a body that names both or neither a 400', () =>
    withServer(undefined, async (server) => {
      const id = await answered(server)
      const { code, body } = await say(server, { session: 'nobody', metric: 'quality', value: 1 })
      assert.deepEqual([code, body.error?.code], [404, 'session_not_found'])
      for (const named of [{}, { decision_id: id, session: 's' }, { decision_id: id, apply_to: 'last' }]) {
        const bad = await say(server, { ...named, metric: 'quality', value: 1 })
        assert.deepEqual([bad.code, bad.body.error?.code], [400, 'invalid_request'], JSON.stringify(named))
      }
    }))
})
