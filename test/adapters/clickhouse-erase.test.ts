/** Erasing a tenant or a user: nothing of them in any table, everything of others, and sums as if they had never been. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { erase } from '../../adapters/clickhouse/erase.ts'
import { migrate, readMigrations } from '../../adapters/clickhouse/migrate.ts'
import {
  type ClickHouseStore,
  createStore,
  openClickHouseStore,
} from '../../adapters/clickhouse/open-store.ts'
import { reconcilePosterior } from '../../adapters/clickhouse/reconcile.ts'
import type { DecisionId, Observation } from '../../engine/index.ts'
import { openClusterOfOne, TEST_CLUSTER } from '../helpers/clickhouse-cluster.ts'
import { assertSums, directSums } from '../helpers/direct-sums.ts'
import {
  attemptRow,
  callObservations,
  decisionRow,
  HALF_LIFE_MS,
  observation,
  rewardRow,
  SPACE,
  START_MS,
} from '../helpers/store-rows.ts'

/** Tables that say nothing of any decision, or only sums. */
const ABOUT_NOBODY = new Set([
  'evaluations',
  'experiments',
  'forgotten',
  'policies',
  'posterior',
  'rollouts',
  'schema_migrations',
])

interface Person {
  readonly tenant: string
  readonly userHash: string
}

describe('erasing', () => {
  let root: string
  let store: ClickHouseStore
  let databases = 0
  let learned: Map<Person, Observation[]>
  const ANN: Person = { tenant: 'acme', userHash: 'a'.repeat(32) }
  const BOB: Person = { tenant: 'acme', userHash: 'b'.repeat(32) }
  const EVE: Person = { tenant: "o'hare\\", userHash: 'a'.repeat(32) }

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'highwayman-erase-'))
  })
  beforeEach(async () => {
    store = await openClickHouseStore({
      kind: 'embedded',
      dataDir: join(root, `data-${databases++}`),
      replica: 'r',
    })
    await live(store)
  })
  afterEach(() => store.close())
  after(() => rm(root, { recursive: true, force: true }))

  /** Each of them asks three times, and judges; some of it in the same buckets. */
  async function live(target: ClickHouseStore): Promise<void> {
    learned = new Map()
    for (const [k, person] of [ANN, BOB, EVE].entries()) {
      const mine: Observation[] = []
      for (let i = 0; i < 3; i += 1) {
        const row = decisionRow(person, { atMs: START_MS + i * 7_000 })
        const { id } = row.decision
        const called = callObservations(id, START_MS + i, Float64Array.of(1, k / 3, i / 7))
        const judged = [observation({ decisionId: id, atMs: START_MS - i * 3_600_000, y: (k + i) / 10 })]
        target.appendDecision(row)
        target.appendAttempt(attemptRow({ decisionId: id }))
        target.appendObservations(called)
        target.appendPrompt({
          decisionId: id,
          tenant: person.tenant,
          messages: [{ role: 'user', text: 'hush' }],
          truncated: false,
          redactions: 0,
        })
        await target.writeReward(rewardRow({ decisionId: id }), judged)
        mine.push(...called, ...judged)
      }
      learned.set(person, mine)
    }
    await target.flush()
    assert.equal(target.stats().droppedRows, 0)
  }
  async function sumsAreThoseOf(target: ClickHouseStore, ...people: Person[]): Promise<void> {
    const sums = await target.loadSums({ featureSpace: SPACE, nowMs: START_MS, halfLifeMs: HALF_LIFE_MS })
    const all = people.flatMap((person) => learned.get(person) ?? [])
    assertSums(
      sums.filter(({ n }) => Math.abs(n) > 1e-12),
      directSums(all, START_MS, HALF_LIFE_MS),
    )
  }
  async function rowsOf(target: ClickHouseStore): Promise<Record<string, number>> {
    const tables = await target.queryRows(
      "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'",
    )
    const counts: Record<string, number> = {}
    for (const { name } of tables) {
      if (ABOUT_NOBODY.has(String(name))) continue
      const [row] = await target.queryRows(`SELECT count() AS rows FROM ${name}`)
      counts[String(name)] = Number(row?.['rows'])
    }
    return counts
  }
  /** The store, of which no row can be taken out. */
  const failing = () =>
    ({
      kind: 'embedded',
      location: root,
      insert: async () => {},
      query: store.queryRows,
      command: async (sql: string) => {
        if (sql.startsWith('ALTER TABLE')) throw new Error('the power is out')
        await store.queryRows(sql)
      },
      close: async () => {},
    }) as const
  const reconcile = () =>
    reconcilePosterior({ ...failing(), command: async (sql) => void (await store.queryRows(sql)) })

  const each = (n: number) => ({
    attempts: n,
    decisions: n,
    observations: 3 * n,
    prompts: n,
    rewards: n,
  })

  test('a tenant: every row of every table, and what was learned from them', async () => {
    assert.deepEqual(pick(await rowsOf(store)), each(9))
    await sumsAreThoseOf(store, ANN, BOB, EVE)
    const erasure = await store.erase({ tenant: 'acme' })
    assert.equal(erasure.decisions, 6)
    assert.deepEqual(pick(erasure.rows), each(6))
    assert.deepEqual(pick(await rowsOf(store)), each(3))
    await sumsAreThoseOf(store, EVE)
    const [left] = await store.queryRows('SELECT groupUniqArray(tenant) AS tenants FROM decisions')
    assert.deepEqual(left?.['tenants'], [EVE.tenant])
  })

  test('a user of a tenant: neither its colleagues nor its namesake elsewhere', async () => {
    const erasure = await store.erase(ANN)
    assert.deepEqual(pick(erasure.rows), each(3))
    await sumsAreThoseOf(store, BOB, EVE)
    const [left] = await store.queryRows(
      'SELECT count() AS rows FROM decisions WHERE user_hash = {hash:String}',
      {
        hash: ANN.userHash,
      },
    )
    assert.equal(left?.['rows'], 3)
  })

  test('a name with quotes is a name', async () => {
    assert.equal((await store.erase({ tenant: EVE.tenant })).decisions, 3)
    await sumsAreThoseOf(store, ANN, BOB)
    assert.equal((await store.erase({ tenant: "' OR 1 = 1 --" })).decisions, 0)
    assert.deepEqual(pick(await rowsOf(store)), each(6))
  })

  test('twice is as good as once, and nobody is nothing', async () => {
    await store.erase(ANN)
    assert.deepEqual(await store.erase(ANN), { decisions: 0, rows: { ...zeros(await rowsOf(store)) } })
    await sumsAreThoseOf(store, BOB, EVE)
  })

  test('interrupted between the sums and the rows: repeated, the sums are not taken out again', async () => {
    const life = 'of the engine'
    await assert.rejects(erase(failing(), { tenant: 'acme' }, undefined, life), {
      code: 'store_unavailable',
      message: /acme is not erased yet .*the power is out.*run it again/,
    })
    await sumsAreThoseOf(store, EVE)
    await assert.rejects(erase(failing(), { tenant: 'acme' }, undefined, life))
    await sumsAreThoseOf(store, EVE)
  })

  test('ended by the death of the engine, after which the sums were made anew: repeated, they are taken out again', async () => {
    await assert.rejects(erase(failing(), { tenant: 'acme' }, undefined, 'of the engine'))
    assert.ok((await reconcile()) > 0)
    await sumsAreThoseOf(store, ANN, BOB, EVE)
    await store.erase({ tenant: 'acme' })
    await sumsAreThoseOf(store, EVE)
    assert.deepEqual(pick(await rowsOf(store)), each(3))
  })

  test('ended by a close: the next opening makes the sums whole, and repeated they are taken out', async () => {
    const dataDir = store.location
    const erasing = store.erase({ tenant: 'acme' }).catch((error: Error) => error)
    while (Number((await store.queryRows('SELECT sum(n) AS n FROM posterior'))[0]?.['n']) > 25);
    await store.close()
    assert.ok((await erasing) instanceof Error)
    store = await openClickHouseStore({ kind: 'embedded', dataDir, replica: 'r' })
    await store.erase({ tenant: 'acme' })
    await sumsAreThoseOf(store, EVE)
    assert.equal(await reconcile(), 0)
    assert.deepEqual(pick(await rowsOf(store)), each(3))
  })

  test('while they go on: what came meanwhile is there whole, and goes with the next', async () => {
    const late = decisionRow(ANN, { atMs: START_MS + 60_000 })
    const lesson = observation({ decisionId: late.decision.id, atMs: START_MS })
    let arrived = false
    const meanwhile = {
      ...failing(),
      command: async (sql: string) => {
        await store.queryRows(sql)
        if (arrived || !sql.startsWith('ALTER TABLE observations')) return
        arrived = true
        store.appendDecision(late)
        store.appendAttempt(attemptRow({ decisionId: late.decision.id }))
        await store.writeReward(rewardRow({ decisionId: late.decision.id }), [lesson])
        await store.flush()
      },
    }
    assert.equal((await erase(meanwhile, ANN, undefined)).decisions, 3)
    assert.ok(arrived)
    const found = await store.findDecision(late.decision.id)
    assert.deepEqual([found?.attempts.length, found?.rewards.length], [1, 1])
    assert.equal((await store.erase(ANN)).decisions, 1)
    await sumsAreThoseOf(store, BOB, EVE)
    const [orphans] = await store.queryRows(
      'SELECT count() AS rows FROM attempts WHERE decision_id NOT IN (SELECT decision_id FROM decisions)',
    )
    assert.equal(orphans?.['rows'], 0)
  })

  test('feedback that comes between the sums and the rows leaves nothing in the sums', async () => {
    const [own] = await store.queryRows(
      'SELECT decision_id FROM decisions WHERE user_hash = {hash:String} AND tenant = {tenant:String} LIMIT 1',
      { hash: ANN.userHash, tenant: ANN.tenant },
    )
    const decisionId = String(own?.['decision_id']) as DecisionId
    const lesson = observation({ decisionId, atMs: START_MS })
    // As if it had been subtracted before: under the token of the same rows nothing is.
    await store.writeReward(rewardRow({ decisionId }), [lesson])
    await store.flush()
    await store.queryRows(
      'INSERT INTO posterior SELECT * REPLACE (toUInt64(rows + 1) AS rows, n + 1 AS n) FROM posterior LIMIT 1',
    )
    await store.erase(ANN)
    assert.equal(await reconcile(), 0)
    await sumsAreThoseOf(store, BOB, EVE)
  })

  test('after it the sums agree with the observations: a crash later mends nothing', async () => {
    await store.erase(ANN)
    const mended = await reconcile()
    assert.equal(mended, 0)
    await store.queryRows('OPTIMIZE TABLE posterior FINAL')
    await sumsAreThoseOf(store, BOB, EVE)
  })

  test('on a cluster, over its Distributed tables', async () => {
    const clickhouse = await openClusterOfOne(join(root, 'cluster'))
    const clustered = createStore(clickhouse, { kind: 'embedded', dataDir: root, replica: 'r' })
    try {
      await migrate(clickhouse, await readMigrations(), TEST_CLUSTER)
      await live(clustered)
      const erasure = await erase(clickhouse, { tenant: 'acme' }, TEST_CLUSTER)
      assert.deepEqual(pick(erasure.rows), each(6))
      await sumsAreThoseOf(clustered, EVE)
      const [left] = await clustered.queryRows('SELECT count() AS rows FROM attempts')
      assert.equal(left?.['rows'], 3)
    } finally {
      await clustered.close()
    }
  })

  test('every table that has rows about decisions is one that is erased, or known to be about nobody', async () => {
    const named = Object.keys((await store.erase({ tenant: 'nobody' })).rows)
    const tables = await store.queryRows(
      "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'",
    )
    for (const { name } of tables) {
      assert.ok(named.includes(String(name)) || ABOUT_NOBODY.has(String(name)), `${name} is not erased`)
    }
  })
})

/** The tables that the people above have rows in. */
function pick({ attempts, decisions, observations, prompts, rewards }: Readonly<Record<string, number>>) {
  return { attempts, decisions, observations, prompts, rewards }
}
function zeros(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.keys(counts).map((name) => [name, 0]))
}
