/** Replicas that learn as one, over a model of the store; the same over ClickHouse is in test/integration/replicas.test.ts. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  type ArmId,
  createFeatureSpace,
  createRouter,
  type FeatureSpace,
  type HeadSums,
} from '../../engine/index.ts'
import { Replicas } from '../../server/replicas.ts'
import { arm } from '../helpers/engine.ts'
import { MemoryStore } from '../helpers/memory-store.ts'
import { ReplicaWorld, type Step, step, type WorldStores } from '../helpers/replica-world.ts'
import { eventually, startTestServer, type TestServer } from '../helpers/server.ts'
import { openSharedStore, type SharedStore, SharedTable } from '../helpers/shared-table.ts'
import { decisionId, START_MS } from '../helpers/store-rows.ts'

function memoryStores(): WorldStores {
  const table = new SharedTable()
  return {
    open: async (replica) => openSharedStore(table, replica),
    loseAnswer: (store) => (store as SharedStore).loseAnswer(),
    loseReward: (store) => (store as SharedStore).loseReward(),
    cuts: async () => table.cuts(),
  }
}

async function play(steps: readonly Step[]): Promise<ReplicaWorld> {
  const world = new ReplicaWorld(memoryStores(), START_MS)
  await world.start()
  for (const each of steps) await world.take(each)
  await world.end()
  await world.assertAlike()
  return world
}

describe('replicas over one store', () => {
  test('believe what one process would that had seen everything, whatever happens in which order', async () => {
    let changes = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        changes += (await play(steps)).changes
      }),
      { numRuns: 400, seed: 11 },
    )
    assert.ok(changes > 50, `only ${changes} changes were noticed: that heads forget alike was not tried`)
  })
})

describe('a server among others', () => {
  const UNUSED = 'http://127.0.0.1:9'
  const start = (mergeEveryMs: number) =>
    startTestServer({ arms: [{ id: 'p/a', url: UNUSED }], mergeEveryMs }, { logLevel: 'info' })
  const learnedElsewhere = (space: FeatureSpace): HeadSums => {
    const router = createRouter({ arms: [], featureSpace: space })
    const x = Float64Array.from({ length: space.dimension }, (_, i) => Number(i === 0))
    const example = {
      decisionId: decisionId(),
      atMs: Date.now(),
      featureSpace: space.id,
      x,
      y: 0.9,
      weight: 1,
    }
    router.learn([{ ...example, arm: 'p/a' as ArmId, head: 'quality' }])
    return router.sums()[0]!
  }
  const readiness = async (server: TestServer) =>
    (await (await server.get('/readyz')).json()) as {
      status: string
      replicas: { others: number; mergedAgoMs: number; failedMerges: number; clockAheadMs: number }
    }

  test('believes what others learn while it runs', async () => {
    await using server = await start(20)
    const { router } = server.running
    assert.deepEqual(router.sums(), [])
    server.store.sums = [learnedElsewhere(router.featureSpace)]
    await eventually(() => router.sums().length === 1, 'the sums of another replica')
    assert.equal(router.sums()[0]?.n, 1)
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.equal(router.sums()[0]?.n, 1, 'read many times, believed once')
  })

  test('goes on believing the last it has read while the store is away, and says so once', async () => {
    await using server = await start(20)
    server.store.sums = [learnedElsewhere(server.running.router.featureSpace)]
    await eventually(() => server.running.router.sums().length === 1, 'the sums of another replica')
    server.store.available = false
    await eventually(async () => (await readiness(server)).replicas.failedMerges > 1, 'two failures')
    assert.equal(server.running.router.sums()[0]?.n, 1)
    assert.equal(server.logged().split('cannot be read').length, 2)
    assert.match(await (await server.get('/metrics')).text(), /^highwayman_failed_merges [1-9]/m)
    server.store.available = true
    await eventually(() => server.logged().includes('can be read again'), 'the all-clear')
  })

  test('tells how old what it knows of others is', async () => {
    await using server = await start(3_600_000)
    server.clock.advance(90_000)
    const { status, replicas } = await readiness(server)
    assert.equal(status, 'ready')
    assert.ok(replicas.mergedAgoMs >= 90_000 && replicas.mergedAgoMs < 100_000, `${replicas.mergedAgoMs}`)
    const metrics = await (await server.get('/metrics')).text()
    assert.ok(Number(/^highwayman_merge_age_seconds (.+)$/m.exec(metrics)?.[1]) >= 90)
    assert.match(metrics, /^highwayman_replicas 0$/m)
    assert.match(metrics, /^highwayman_merges 1$/m)
  })

  test('does not start on a store that cannot be read', async () => {
    const store = new MemoryStore()
    store.available = false
    await assert.rejects(startTestServer({ arms: [{ id: 'p/a', url: UNUSED }] }, { store }), {
      code: 'store_unavailable',
    })
  })
})

describe('merging', () => {
  test('takes a doubt for a reason to hand over, but not in every merge of a bad hour', async () => {
    const router = createRouter({
      arms: [arm('p/a')],
      featureSpace: createFeatureSpace({ classes: ['chat'] }),
    })
    const store = new MemoryStore()
    const read = async () => ({ sums: [], cuts: [], replicas: 0, clockAheadMs: 0, needsHandOver: true })
    Object.assign(store, { followSums: () => ({ read }) })
    const replicas = new Replicas({ router, store, clock: { nowMs: () => 0 }, mergeEveryMs: () => 1 })
    for (let i = 0; i < 5; i++) await replicas.merge()
    assert.equal(replicas.status.handOvers, 1)
  })

  test('after the clock was set back, what was dated ahead does not outweigh what is learned now', async () => {
    const featureSpace = createFeatureSpace({ classes: ['chat'] })
    const router = createRouter({ arms: [arm('p/a')], featureSpace })
    let nowMs = START_MS + 3 * 3_600_000
    const clock = { nowMs: () => nowMs }
    const replicas = new Replicas({ router, store: new MemoryStore(), clock, mergeEveryMs: () => 1 })
    const fail = (times: number) => {
      for (let i = 0; i < times; i++) {
        const example = {
          decisionId: decisionId(nowMs),
          atMs: nowMs,
          featureSpace: featureSpace.id,
          weight: 1,
        }
        router.learn([{ ...example, arm: 'p/a' as ArmId, head: 'success', x: Float64Array.of(1), y: 0 }])
      }
    }
    fail(1)
    await replicas.merge()
    nowMs -= 3 * 3_600_000
    await replicas.merge()
    assert.equal(replicas.status.handOvers, 1)
    fail(5)
    const success = router.sums().find(({ head }) => head === 'success')
    assert.ok(Math.abs(success!.n - 5) < 0.01, `${success!.n} examples`)
    nowMs += 10_000
    await replicas.merge()
    assert.equal(replicas.status.handOvers, 1, 'once')
  })

  test('does not wait for ever for a store that stores nothing, and goes on when it does', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const stored = Promise.withResolvers<void>()
    const readings: string[] = []
    const router = createRouter({
      arms: [arm('p/a')],
      featureSpace: createFeatureSpace({ classes: ['chat'] }),
    })
    const store = new MemoryStore()
    let isDoubtful = true
    Object.assign(store, {
      followSums: () => ({
        read: async () => {
          readings.push('read')
          return { sums: [], cuts: [], replicas: 0, clockAheadMs: 0, needsHandOver: isDoubtful }
        },
      }),
      handOver: (switched: () => void) => {
        isDoubtful = false
        switched()
        return stored.promise
      },
    })
    const replicas = new Replicas({ router, store, clock: { nowMs: () => 0 }, mergeEveryMs: () => 1 })
    const merged = replicas.merge()
    await new Promise((resolve) => setImmediate(resolve))
    t.mock.timers.tick(5_000)
    await merged
    assert.equal(replicas.status.handOvers, 0)
    assert.deepEqual(readings, ['read'])
    stored.resolve()
    await replicas.merge()
    assert.equal(replicas.status.handOvers, 1)
    assert.deepEqual(readings, ['read', 'read'])
  })
})
