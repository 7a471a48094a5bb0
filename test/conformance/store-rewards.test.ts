/** What every Store promises of rewards and of who can still be judged, on the embedded engine and over HTTP. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { openStore, type Store, type StoreLocation } from '../../adapters/index.ts'
import { embeddedPlace, type Place, remotePlace } from '../helpers/store-places.ts'
import { attemptRow, decisionRow, rewardRow, START_MS } from '../helpers/store-rows.ts'

for (const makePlace of [embeddedPlace, remotePlace]) {
  describe(`rewards in the ${makePlace.name.replace('Place', ' store')}`, () => {
    let place: Place
    let location: StoreLocation
    let store: Store

    const open = (replica = 'replica-1'): Promise<Store> => openStore({ ...location, replica })
    const openFresh = async (): Promise<void> => {
      location = await place.fresh()
      store = await open()
    }
    const reopen = async (replica?: string): Promise<void> => {
      await store.close()
      store = await open(replica)
    }
    before(async () => {
      place = await makePlace()
    })
    afterEach(() => store.close())
    after(() => place.end())

    test('keeps what a value made of the quality, nothing where it made none, and the order of acceptance', async () => {
      await openFresh()
      const row = decisionRow()
      const { id } = row.decision
      store.appendDecision(row)
      const rewards = [
        rewardRow({ decisionId: id, metric: 'thumbs', atMs: START_MS + 9_000_000, quality: 0.25 }),
        // Taken later, of an earlier time.
        rewardRow({ decisionId: id, atMs: START_MS + 4_000_000, quality: null, position: 1 }),
        rewardRow({ decisionId: id, metric: 'comment', atMs: START_MS + 5_000_000, position: 2 }),
      ]
      for (const reward of rewards) await store.writeReward(reward, [])
      assert.deepEqual((await store.findDecision(id))?.rewards, rewards)
      await store.flush()
      const [summary] = await store.armSummary({ fromMs: START_MS - 1, toMs: START_MS + 1 })
      assert.equal(summary?.meanQuality, undefined, 'the last that changed it took it back')
    })

    test('finds the answered decisions of a session, of one tenant, in a span, the latest of too many', async () => {
      await openFresh()
      const at = (ms: number, change: Parameters<typeof decisionRow>[0] = {}) =>
        decisionRow({ session: 's', ...change }, { atMs: START_MS + ms })
      const rows = [at(0), at(1_000), at(2_000)]
      const others = [
        at(1_000, { tenant: 'other' }),
        at(1_000, { session: 't' }),
        at(90_000),
        // Nothing answered.
        at(1_500),
      ]
      for (const row of [...rows, ...others]) store.appendDecision(row)
      for (const row of [...rows, ...others.slice(0, 3)]) {
        store.appendAttempt(attemptRow({ decisionId: row.decision.id, arm: 'openai/gpt-5', index: 1 }))
      }
      const failed = others[3]!.decision.id
      store.appendAttempt(attemptRow({ decisionId: failed, status: 'failed' }))
      const asked = decisionRow({ session: 's', surface: 'route' }, { atMs: START_MS + 3_000 })
      store.appendDecision(asked)
      const reward = rewardRow({ decisionId: rows[1]!.decision.id })
      await store.writeReward(reward, [])
      const query = { tenant: 'acme', session: 's', fromMs: START_MS, toMs: START_MS + 60_000, limit: 10 }
      const found = await store.findSession(query)
      assert.deepEqual(
        found.map(({ id }) => id),
        [...rows, asked].map(({ decision }) => decision.id),
      )
      const { decision } = rows[1]!
      assert.deepEqual(found[1], {
        id: decision.id,
        atMs: decision.atMs,
        featureSpace: decision.featureSpace,
        x: decision.x,
        tenant: 'acme',
        surface: 'chat',
        drawnArm: 'anthropic/claude',
        arm: 'openai/gpt-5',
        expectedTtftMs: decision.estimates[1]!.ttftMs,
        outcomes: [1],
        rewards: [reward],
      })
      assert.deepEqual([found[3]?.arm, found[3]?.outcomes], ['anthropic/claude', []])
      const latest = await store.findSession({ ...query, limit: 2 })
      assert.deepEqual(
        latest.map(({ id }) => id),
        [rows[2]!.decision.id, asked.decision.id],
      )
      assert.deepEqual(await store.findSession({ ...query, session: "x' OR 1 = 1 --" }), [])
    })

    test('finds what nothing was said of: its own decisions at once, those of others later', async () => {
      await openFresh()
      const at = (ms: number) => decisionRow({}, { atMs: START_MS + ms })
      const [silent, told, foreign] = [at(0), at(1), at(2)] as const
      for (const { decision } of [silent, told, foreign]) {
        store.appendAttempt(attemptRow({ decisionId: decision.id }))
      }
      store.appendDecision(silent)
      store.appendDecision(told)
      const judged = decisionRow({ surface: 'judge' }, { atMs: START_MS + 3 })
      store.appendDecision(judged)
      store.appendAttempt(attemptRow({ decisionId: judged.decision.id }))
      await store.writeReward(rewardRow({ decisionId: told.decision.id, metric: 'bought' }), [])
      await store.writeReward(rewardRow({ decisionId: silent.decision.id, metric: 'other' }), [])
      await reopen('replica-2')
      store.appendDecision(foreign)
      await store.flush()
      const query = {
        metric: 'bought',
        fromMs: START_MS,
        toMs: START_MS + 10,
        replica: 'replica-1',
        othersToMs: START_MS,
        limit: 10,
      }
      const idsOf = async (change: object) =>
        (await store.findUnrewarded({ ...query, ...change })).map(({ id }) => id)
      assert.deepEqual(await idsOf({}), [silent.decision.id])
      assert.deepEqual(await idsOf({ othersToMs: START_MS + 10 }), [silent.decision.id, foreign.decision.id])
      assert.deepEqual(await idsOf({ othersToMs: START_MS + 10, limit: 1 }), [silent.decision.id])
      assert.deepEqual(await idsOf({ toMs: START_MS - 1, fromMs: START_MS - 10 }), [])
    })

    test('finds all that was said of the answers that a source has judged, and what a tenant has spent', async () => {
      await openFresh()
      const [judged, other, foreign] = [
        decisionRow(),
        decisionRow(),
        decisionRow({ tenant: 'other' }),
      ] as const
      const rewards = [
        rewardRow({ decisionId: judged.decision.id, source: 'judge:j', atMs: START_MS + 1 }),
        rewardRow({ decisionId: judged.decision.id, source: 'user', atMs: START_MS + 2 }),
        rewardRow({ decisionId: other.decision.id, source: 'user' }),
        rewardRow({ decisionId: foreign.decision.id, source: 'judge:j' }),
      ]
      for (const row of [judged, other, foreign]) {
        store.appendDecision(row)
        store.appendAttempt(attemptRow({ decisionId: row.decision.id, costUsd: 0.25 }))
        store.appendAttempt(attemptRow({ decisionId: row.decision.id, index: 1, costUsd: undefined }))
      }
      for (const reward of rewards) await store.writeReward(reward, [])
      await store.flush()
      const query = { tenant: 'acme', source: 'judge:j', fromMs: START_MS, limit: 10 }
      assert.deepEqual(await store.findRewards(query), rewards.slice(0, 2))
      assert.deepEqual(await store.findRewards({ ...query, fromMs: START_MS + 60_000 }), [])
      assert.equal(await store.spentUsd({ tenant: 'acme', fromMs: START_MS }), 0.5)
      assert.equal(await store.spentUsd({ tenant: 'acme', fromMs: START_MS + 60_000 }), 0)
      assert.equal(await store.spentUsd({ tenant: 'nobody', fromMs: 0 }), 0)
    })
  })
}
