/** Statistics by group: counted by hand on a few rows, on a single database and through Distributed tables. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { migrate, readMigrations } from '../../adapters/clickhouse/migrate.ts'
import {
  type ClickHouseStore,
  createStore,
  openClickHouseStore,
} from '../../adapters/clickhouse/open-store.ts'
import type { DecisionRow, TrafficQuery } from '../../adapters/index.ts'
import type { ArmEstimate, ArmId } from '../../engine/index.ts'
import { openClusterOfOne, TEST_CLUSTER } from '../helpers/clickhouse-cluster.ts'
import { attemptRow, decisionRow, rewardRow } from '../helpers/store-rows.ts'

const HOUR_MS = 3_600_000
/** The beginning of an hour. */
const BASE_MS = Math.floor((Date.now() - 12 * HOUR_MS) / HOUR_MS) * HOUR_MS
const SPAN = { fromMs: BASE_MS, toMs: BASE_MS + 2 * HOUR_MS }

function estimateOf(arm: string, costUsd: number, quality: number): ArmEstimate {
  const belief = (mean: number) => ({ mean, sd: 0.1 })
  return {
    arm: arm as ArmId,
    quality: belief(quality),
    costUsd: belief(costUsd),
    ttftMs: 1,
    tpotMs: 1,
    outputTokens: 1,
    latencyMs: belief(1),
    success: belief(1),
    utility: belief(1),
  }
}

/** `small` is expected to cost 1 and to be worth 0.5, `large` 4 and 0.75. */
function decided(
  arm: 'small' | 'large',
  minute: number,
  change: {
    readonly tenant?: string
    readonly requestClass?: string
    readonly eligible?: readonly string[]
  } = {},
): DecisionRow {
  const { tenant = 'acme', requestClass = 'code', eligible = ['large', 'small'] } = change
  const estimates = [estimateOf('large', 4, 0.75), estimateOf('small', 1, 0.5)]
  return decisionRow(
    { tenant },
    {
      atMs: BASE_MS + minute * 60_000,
      requestClass,
      arm: arm as ArmId,
      eligible: eligible as ArmId[],
      estimates: estimates.filter((estimate) => eligible.includes(estimate.arm)),
      probabilities: Float64Array.from(eligible, () => 1 / eligible.length),
      propensity: 1 / eligible.length,
    },
  )
}

async function fill(store: ClickHouseStore): Promise<void> {
  const rows = [
    decided('small', 0),
    decided('small', 10, { tenant: 'other' }),
    decided('large', 20),
    decided('small', 70, { requestClass: 'chat' }),
    decided('small', 80, { eligible: ['small'] }),
    decided('large', 90),
    decided('large', 2 * 60),
    decided('large', -1),
  ]
  const ids = rows.map(({ decision }) => decision.id)
  for (const row of rows) store.appendDecision(row)
  for (const [i, costUsd] of [0.5, 0.25, 3, 1, 2, undefined].entries()) {
    const failed = costUsd === undefined
    store.appendAttempt(
      attemptRow({
        decisionId: ids[i]!,
        arm: rows[i]!.decision.arm,
        costUsd,
        status: failed ? 'failed' : 'answered',
        ttftMs: failed ? undefined : 100 * (i + 1),
        totalMs: 1_000 * (i + 1),
        promptTokens: 10,
        completionTokens: failed ? undefined : 5,
      }),
    )
  }
  await store.writeReward(rewardRow({ decisionId: ids[0]!, valueNumber: 1 }), [])
  await store.writeReward(rewardRow({ decisionId: ids[0]!, valueNumber: 0.5, atMs: Date.now() }), [])
  await store.writeReward(rewardRow({ decisionId: ids[3]!, valueNumber: 1 }), [])
  await store.writeReward(rewardRow({ decisionId: ids[2]!, valueNumber: 0.25 }), [])
  await store.writeReward(rewardRow({ decisionId: ids[2]!, valueNumber: undefined, atMs: Date.now() }), [])
  await store.writeReward(rewardRow({ decisionId: ids[4]!, metric: 'clicks', valueNumber: 7 }), [])
  await store.flush()
}

describe('statistics', () => {
  let root: string
  const stores = new Map<string, ClickHouseStore>()

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'highwayman-stats-'))
    const dataDir = join(root, 'single')
    stores.set('on a single database', await openClickHouseStore({ kind: 'embedded', dataDir, replica: 'r' }))
    const clickhouse = await openClusterOfOne(join(root, 'cluster'))
    await migrate(clickhouse, await readMigrations(), TEST_CLUSTER)
    stores.set('on a cluster', createStore(clickhouse, { kind: 'embedded', dataDir: root, replica: 'r' }))
    for (const store of stores.values()) await fill(store)
  })
  after(async () => {
    for (const store of stores.values()) await store.close()
    await rm(root, { recursive: true, force: true })
  })

  for (const place of ['on a single database', 'on a cluster']) {
    const groupsOf = async (query: Partial<TrafficQuery>) => {
      const all = { ...SPAN, groupBy: [], bucketMs: HOUR_MS, ...query }
      return (await stores.get(place)!.trafficStats(all)).groups
    }

    test(`${place}: nothing at all is a share of nothing`, async () => {
      const [nothing, ...more] = await groupsOf({ classes: ['poetry'], baseline: 'large' })
      assert.deepEqual(more, [])
      assert.equal(nothing?.decisions, 0)
      assert.equal(nothing.share, 0)
      assert.equal(nothing.meanQuality, undefined)
      assert.equal(nothing.baseline?.savingUsd, 0)
    })

    test(`${place}: everything together`, async () => {
      const [all, ...more] = await groupsOf({})
      assert.deepEqual(more, [])
      const { ttftMs, totalMs, ...counts } = all!
      assert.deepEqual(counts, {
        arm: undefined,
        requestClass: undefined,
        tenant: undefined,
        fromMs: undefined,
        decisions: 6,
        share: 1,
        answered: 5,
        failed: 1,
        cancelled: 0,
        costUsd: 6.75,
        promptTokens: 60,
        completionTokens: 25,
        rated: 2,
        meanQuality: 0.75,
        baseline: undefined,
      })
      // A digest's quantiles lie between neighbours; of 1 to 5.
      assert.ok(ttftMs!.p50 >= 200 && ttftMs!.p50 <= 400 && ttftMs!.p99 > 400 && ttftMs!.p99 <= 500)
      assert.ok(totalMs!.p50 >= 2_000 && totalMs!.p50 <= totalMs!.p90 && totalMs!.p99 <= 5_000)
    })

    test(`${place}: by arm, class, tenant and hour, shares within the cell`, async () => {
      const groups = await groupsOf({ groupBy: ['arm', 'class', 'tenant', 'time'] })
      assert.deepEqual(
        groups.map(({ arm, requestClass, tenant, fromMs, decisions, share, costUsd }) => [
          arm,
          requestClass,
          tenant,
          (fromMs! - BASE_MS) / HOUR_MS,
          decisions,
          share,
          costUsd,
        ]),
        [
          ['large', 'code', 'acme', 0, 1, 0.5, 3],
          ['large', 'code', 'acme', 1, 1, 0.5, 0],
          ['small', 'chat', 'acme', 1, 1, 1, 1],
          ['small', 'code', 'acme', 0, 1, 0.5, 0.5],
          ['small', 'code', 'acme', 1, 1, 0.5, 2],
          ['small', 'code', 'other', 0, 1, 1, 0.25],
        ],
      )
      const byArm = await groupsOf({ groupBy: ['arm'] })
      assert.deepEqual(
        byArm.map(({ arm, decisions, share, answered, rated, meanQuality }) => [
          arm,
          decisions,
          share,
          answered,
          rated,
          meanQuality,
        ]),
        [
          ['large', 2, 1 / 3, 1, 0, undefined],
          ['small', 4, 2 / 3, 4, 2, 0.75],
        ],
      )
    })

    test(`${place}: of some tenants, arms and classes, and of days`, async () => {
      const tenants = await groupsOf({ groupBy: ['tenant'], tenants: ['acme'] })
      assert.deepEqual(
        tenants.map(({ tenant, decisions, costUsd }) => [tenant, decisions, costUsd]),
        [['acme', 5, 6.5]],
      )
      assert.equal((await groupsOf({ arms: ['small'], classes: ['code'] }))[0]?.decisions, 3)
      assert.deepEqual(await groupsOf({ groupBy: ['arm'], tenants: ["' OR 1 = 1 --"] }), [])
      const days = await groupsOf({ groupBy: ['time'], bucketMs: 24 * HOUR_MS, fromMs: 0, toMs: Date.now() })
      assert.ok(days.every(({ fromMs }) => fromMs! % (24 * HOUR_MS) === 0))
      assert.equal(
        days.reduce((sum, { decisions }) => sum + decisions, 0),
        8,
      )
    })

    test(`${place}: what the same decisions would have cost on another arm`, async () => {
      const [all] = await groupsOf({ baseline: 'large' })
      // Not the one for which it was not eligible, nor the call that failed.
      assert.deepEqual(all?.baseline, {
        arm: 'large',
        decisions: 4,
        costUsd: 16,
        actualCostUsd: 4.75,
        estimatedCostUsd: 7,
        savingUsd: 11.25,
        estimatedQuality: 0.5625,
        baselineQuality: 0.75,
      })
      const groups = await groupsOf({ baseline: 'small', groupBy: ['arm'] })
      assert.deepEqual(
        groups.map(({ arm, baseline }) => [arm, baseline?.decisions, baseline?.savingUsd]),
        [
          ['large', 1, -2],
          ['small', 4, 0.25],
        ],
      )
      const [unknown] = await groupsOf({ baseline: 'nobody' })
      assert.deepEqual([unknown?.baseline?.decisions, unknown?.baseline?.savingUsd], [0, 0])
      assert.equal(unknown?.baseline?.baselineQuality, undefined)
    })
  }

  test('more groups than anybody looks at are refused', async () => {
    const store = stores.get('on a single database')!
    const query = { fromMs: 0, toMs: 1, groupBy: ['time'], bucketMs: HOUR_MS } as const
    assert.deepEqual((await store.trafficStats(query)).groups, [])
    for (let i = 0; i < 10_001; i += 1)
      store.appendDecision(decisionRow({ tenant: `tenant-${i}` }, { atMs: BASE_MS - HOUR_MS }))
    await store.flush()
    await assert.rejects(
      store.trafficStats({ ...SPAN, fromMs: BASE_MS - HOUR_MS, groupBy: ['tenant'], bucketMs: HOUR_MS }),
      { code: 'store_bad_query', message: /10000 groups/ },
    )
  })
})
