/** What is taken where nobody says anything within a metric's window. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ArmId } from '../../engine/index.ts'
import type { Metric } from '../../server/rewards/metric.ts'
import { failing, saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { eventually, registryOf, startTestServer, type TestServer } from '../helpers/server.ts'

const ARM = 'acme/small' as ArmId
/** The shortest that is looked after in time: the sweep runs once a second. */
const WINDOW_MS = 1_000

const bought: Metric = {
  name: 'bought',
  scale: { kind: 'boolean', optimize: 'max' },
  qualityWeight: 1,
  windowMs: WINDOW_MS,
  byDefault: { value: false, source: 'outcome' },
}

async function withServer(metric: Metric, work: (server: TestServer) => Promise<void>): Promise<void> {
  await using upstream = await startOpenAiUpstream(saying('Hi'))
  const registry = registryOf({ arms: [{ id: ARM, url: upstream.url }] })
  await using server = await startTestServer({ ...registry, metrics: new Map([[metric.name, metric]]) })
  await work(server)
}

async function answered(server: TestServer): Promise<string> {
  const response = await server.chat()
  await response.text()
  return response.headers.get('x-highwayman-decision-id')!
}

const say = async (server: TestServer, id: string, value: unknown, more: object = {}) => {
  const response = await server.post('/v1/feedback', { decision_id: id, metric: 'bought', value, ...more })
  return (await response.json()) as { status: string; learned: boolean }
}

const rewardsOf = (server: TestServer, id: string) =>
  server.store.rewards.filter(({ decisionId }) => decisionId === id)

describe('a default', () => {
  it('is taken of what nobody has judged in time, once, and of nothing else', () =>
    withServer(bought, async (server) => {
      const silent = await answered(server)
      const told = await answered(server)
      assert.equal((await say(server, told, true)).status, 'recorded')
      server.clock.advance(WINDOW_MS + 1)
      await eventually(() => rewardsOf(server, silent).length === 1, 'the default')
      const [reward] = rewardsOf(server, silent)
      assert.deepEqual(
        [reward?.metric, reward?.valueNumber, reward?.source, reward?.quality],
        ['bought', 0, 'outcome:default', 0],
      )
      // Another sweep or two.
      await new Promise((resolve) => setTimeout(resolve, 2_100))
      assert.deepEqual([rewardsOf(server, silent).length, rewardsOf(server, told).length], [1, 1])
      const sums = server.running.router.sums().find(({ arm, head }) => arm === ARM && head === 'quality')
      assert.ok(Math.abs(sums!.n - 2) < 1e-4 && Math.abs(sums!.b[0]! - 1) < 1e-4)
    }))

  it('is not undone by word of what came to pass after the window', () =>
    withServer(bought, async (server) => {
      const id = await answered(server)
      server.clock.advance(WINDOW_MS + 1)
      await eventually(() => rewardsOf(server, id).length === 1, 'the default')
      assert.deepEqual(await say(server, id, true), {
        status: 'late',
        learned: false,
        decision_id: id,
        metric: 'bought',
      })
    }))

  it('gives way to what came to pass in time and was only told late', () =>
    withServer(bought, async (server) => {
      const id = await answered(server)
      const inTimeMs = Math.floor(server.clock.nowMs())
      server.clock.advance(WINDOW_MS + 1)
      await eventually(() => rewardsOf(server, id).length === 1, 'the default')
      const { status, learned } = await say(server, id, true, { ts: inTimeMs })
      assert.deepEqual([status, learned], ['recorded', true])
      assert.equal(rewardsOf(server, id)[1]?.quality, 1)
    }))

  it('comes to all others where one decision has been told all that may be told', () =>
    withServer(bought, async (server) => {
      const full = await answered(server)
      for (let i = 0; i < 256; i++) await say(server, full, i / 256, { metric: 'quality' })
      const refused = await server.post('/v1/feedback', { decision_id: full, metric: 'quality', value: 1 })
      assert.equal(refused.status, 409)
      const silent = await answered(server)
      server.clock.advance(WINDOW_MS + 1)
      await eventually(() => rewardsOf(server, silent).length === 1, 'the default')
      assert.equal(rewardsOf(server, full).length, 256)
      assert.doesNotMatch(server.logged(), /default rewards were not written/)
    }))

  it('of a call that failed is none', async () => {
    await using upstream = await startOpenAiUpstream(failing(500))
    const registry = registryOf({ arms: [{ id: ARM, url: upstream.url }] })
    await using server = await startTestServer({ ...registry, metrics: new Map([['bought', bought]]) })
    await (await server.chat()).text()
    server.clock.advance(WINDOW_MS + 1)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    assert.deepEqual(server.store.rewards, [])
  })

  it('waits while the store is away, and is taken when it is back', () =>
    withServer({ ...bought, byDefault: { value: false, source: 'default' } }, async (server) => {
      const id = await answered(server)
      server.clock.advance(WINDOW_MS + 1)
      server.store.available = false
      await eventually(() => server.logged().includes('default rewards were not written'), 'the failure')
      server.store.available = true
      await eventually(() => rewardsOf(server, id).length === 1, 'the default')
      assert.equal(rewardsOf(server, id)[0]?.source, 'default')
    }))
})
