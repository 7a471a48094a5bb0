/** Replicas that learn as one, over a model of the store; the same over ClickHouse is in test/integration/replicas.test.ts. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ReplicaWorld, type Step, step, type WorldStores } from '../helpers/replica-world.ts'
import { openSharedStore, type SharedStore, SharedTable } from '../helpers/shared-table.ts'
import { START_MS } from '../helpers/store-rows.ts'

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
