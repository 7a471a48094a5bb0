/** Replicas that learn as one, over ClickHouse behind its HTTP interface. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { type ClickHouseStore, openClickHouseStore } from '../../adapters/clickhouse/open-store.ts'
import type { HeadCut } from '../../engine/index.ts'
import { startTestClickHouse, type TestClickHouse } from '../helpers/clickhouse-http.ts'
import { ReplicaWorld, type Step, step, type WorldStores } from '../helpers/replica-world.ts'

const HOUR_MS = 3_600_000

describe('replicas over one ClickHouse', () => {
  let server: TestClickHouse
  let opened: ClickHouseStore[] = []

  before(async () => {
    server = await startTestClickHouse()
  })
  after(() => server.stop())

  const open = async (replica: string): Promise<ClickHouseStore> => {
    const store = await openClickHouseStore({
      kind: 'remote',
      url: server.url,
      database: 'replicas',
      replica,
      // What is not flushed is lost with the process: here, until the world has ended.
      writer: { flushEveryMs: HOUR_MS, retryFirstMs: 1, retryMaxMs: 2, rewardCommitMs: 1 },
    })
    opened.push(store)
    return store
  }

  const stores: WorldStores = {
    open,
    loseAnswer: () => server.setFaults({ kind: 'cut-after', when: 'INSERT INTO observations', times: 1 }),
    cuts: async () => {
      const rows = await opened[0]!.queryRows(
        `SELECT arm, head, toUnixTimestamp64Milli(max(since)) AS since_ms FROM forgotten WHERE feature_space = {space:String}
         GROUP BY arm, head`,
        { space },
      )
      return rows.map(
        (row) =>
          ({
            arm: row['arm'],
            head: row['head'],
            sinceMs: Number(row['since_ms']),
            announcedMs: 0,
          }) as HeadCut,
      )
    },
  }
  let space = ''
  let worlds = 0
  const play = async (steps: readonly Step[]): Promise<ReplicaWorld> => {
    try {
      const world = new ReplicaWorld(stores, Date.now() - 6 * HOUR_MS, `world-${worlds++}`)
      space = world.featureSpace
      await world.start()
      for (const each of steps) await world.take(each)
      await world.end()
      await world.assertAlike()
      return world
    } finally {
      await server.setFaults()
      await Promise.all(opened.map((store) => store.close()))
      opened = []
    }
  }

  test('believe what one process would that had seen everything, whatever happens in which order', async () => {
    let changes = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        changes += (await play(steps)).changes
      }),
      { numRuns: 12, seed: 5, endOnFailure: true },
    )
    assert.ok(changes > 0, 'no change was noticed: that heads forget alike was not tried')
  })

  test('forget alike, and a new one with them', async () => {
    const world = await play([
      { do: 'call', replica: 1, arm: 0, y: 0.5 },
      { do: 'flush', replica: 1, twice: true },
      { do: 'change', replica: 0, arm: 0 },
      { do: 'merge', replica: 0 },
      { do: 'call', replica: 1, arm: 0, y: 0.9 },
      { do: 'merge', replica: 1 },
      { do: 'restart', replica: 2, crashes: true },
      { do: 'call', replica: 2, arm: 0, y: 0.7 },
      { do: 'change', replica: 2, arm: 0 },
    ])
    assert.ok(world.changes >= 1)
  })
})
