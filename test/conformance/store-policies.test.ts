/** What every Store promises of policies, evaluations and rollouts: embedded, over HTTP, and through a cluster's tables. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { migrate, readMigrations } from '../../adapters/clickhouse/migrate.ts'
import { createStore } from '../../adapters/clickhouse/open-store.ts'
import {
  type EvaluationRow,
  openStore,
  type PolicyRow,
  type RolloutRow,
  type Store,
  StoreError,
} from '../../adapters/index.ts'
import type { ArmId, FeatureSpaceId } from '../../engine/index.ts'
import { openClusterOfOne, TEST_CLUSTER } from '../helpers/clickhouse-cluster.ts'
import { startTestClickHouse } from '../helpers/clickhouse-http.ts'
import { embeddedPlace, remotePlace } from '../helpers/store-places.ts'

interface Opened {
  readonly store: Store
  end(): Promise<void>
}

async function openAt(makePlace: typeof embeddedPlace): Promise<Opened> {
  const place = await makePlace()
  const store = await openStore({ ...(await place.fresh()), replica: 'replica-1' })
  return {
    store,
    end: async () => {
      await store.close()
      await place.end()
    },
  }
}

async function openClustered(): Promise<Opened> {
  const root = await mkdtemp(join(tmpdir(), 'highwayman-cluster-'))
  const clickhouse = await openClusterOfOne(join(root, 'data'))
  await migrate(clickhouse, await readMigrations(), TEST_CLUSTER)
  const store = createStore(clickhouse, { kind: 'embedded', dataDir: root, replica: 'replica-1' })
  return {
    store,
    end: async () => {
      await store.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}

const policy = (change: Partial<PolicyRow> = {}): PolicyRow => ({
  hash: 'a'.repeat(64),
  atMs: 1_790_000_000_000,
  actor: 'ann@example.com',
  policy: { name: 'fixed', arm: "openai/o'hare" as ArmId },
  featureSpace: 'space-1' as FeatureSpaceId,
  provenance: { source: 'mmlu-pro', rows: 12, heldOut: { reward: { mean: 0.5, lo: 0.4, hi: 0.6 } } },
  text: '{\n  "format": "highwayman-policy", "é": "日本 🦊\\\\ \'"\n}\n',
  ...change,
})
const evaluation = (change: Partial<EvaluationRow> = {}): EvaluationRow => ({
  id: 'evaluation-1',
  atMs: 1_790_000_000_001,
  targetHash: 'a'.repeat(64),
  against: 'logged',
  actor: 'cron',
  evaluation: { target: 'x', refused: false, estimates: { dr: { value: 0.1, lo: null, hi: 0.2 } } },
  ...change,
})
const rollout = (change: Partial<RolloutRow> = {}): RolloutRow => ({
  id: 'rollout-1',
  atMs: 1_790_000_000_002,
  model: 'auto',
  action: 'canary',
  outcome: 'refused',
  policyHash: 'a'.repeat(64),
  share: 0.05,
  forced: false,
  reason: 'a "reason"\nof two lines',
  refusals: [{ code: 'not_better', message: "it isn't" }],
  evaluationId: 'evaluation-1',
  actor: 'ann@example.com',
  ...change,
})

for (const [name, open] of [
  ['embedded', () => openAt(embeddedPlace)],
  ['remote', () => openAt(remotePlace)],
  ['clustered', openClustered],
] as const) {
  describe(`policies of a store: ${name}`, () => {
    let opened: Opened
    let store: Store
    before(async () => {
      opened = await open()
      store = opened.store
    })
    after(() => opened.end())

    test('a policy is stored once under its hash, and comes back as it was', async () => {
      assert.equal(await store.readPolicy('b'.repeat(64)), undefined)
      assert.deepEqual(await store.listPolicies(), [])
      const first = policy()
      const second = policy({ hash: 'b'.repeat(64), atMs: first.atMs + 5, policy: { name: 'thompson' } })
      assert.equal(await store.savePolicy(first), true)
      assert.equal(await store.savePolicy(policy({ actor: 'bob', atMs: first.atMs + 9 })), false)
      assert.equal(await store.savePolicy(second), true)
      assert.deepEqual(await store.readPolicy(first.hash), first)
      const { text: _, ...older } = first
      const { text: __, ...newer } = second
      assert.deepEqual(await store.listPolicies(), [newer, older])
    })

    test('evaluations: of one policy or of all, the newest first, each once', async () => {
      const first = evaluation()
      const later = evaluation({ id: 'evaluation-2', atMs: first.atMs + 10, against: 'b'.repeat(64) })
      const other = evaluation({ id: 'evaluation-3', atMs: first.atMs + 5, targetHash: 'b'.repeat(64) })
      for (const row of [first, later, other, first]) await store.recordEvaluation(row)
      assert.deepEqual(await store.readEvaluations({ targetHash: first.targetHash }), [later, first])
      assert.deepEqual(await store.readEvaluations(), [later, other, first])
      assert.deepEqual(await store.readEvaluations({ targetHash: 'c'.repeat(64) }), [])
    })

    test('rollouts: of one model or of all, in the order of their time, each once', async () => {
      const first = rollout()
      const full = rollout({
        id: 'rollout-2',
        atMs: first.atMs + 10,
        action: 'full',
        outcome: 'done',
        share: 1,
        forced: true,
        refusals: [],
      })
      const back = rollout({
        id: 'rollout-3',
        atMs: first.atMs + 5,
        action: 'rollback',
        policyHash: '',
        model: '',
      })
      for (const row of [full, first, back, full]) await store.appendRollout(row)
      assert.deepEqual(await store.readRollouts(), [first, back, full])
      assert.deepEqual(await store.readRollouts({ model: 'auto' }), [first, full])
      assert.deepEqual(await store.readRollouts({ model: '' }), [back])
    })
  })
}

describe('policies of a store that is away', () => {
  test('a lost answer stores nothing twice, and a store that stays away is told', async () => {
    const server = await startTestClickHouse()
    try {
      const store = await openStore({
        kind: 'remote',
        url: server.url,
        database: 'away',
        replica: 'r',
      })
      try {
        await server.setFaults({ kind: 'cut-after', when: 'INSERT INTO rollouts', times: 2 })
        await store.appendRollout(rollout())
        const tries = (await server.seen()).filter(({ sql }) => sql.startsWith('INSERT INTO rollouts'))
        assert.equal(tries.length, 3)
        assert.equal(new Set(tries.map(({ token }) => token)).size, 1)
        assert.deepEqual(await store.readRollouts(), [rollout()])
        await server.refuse()
        const isAway = (error: unknown) => error instanceof StoreError && error.code === 'store_unavailable'
        await assert.rejects(store.savePolicy(policy()), isAway)
        await assert.rejects(store.appendRollout(rollout({ id: 'rollout-9' })), isAway)
        await server.listen()
        assert.deepEqual(await store.readRollouts(), [rollout()])
      } finally {
        await store.close()
      }
    } finally {
      await server.stop()
    }
  })
})
