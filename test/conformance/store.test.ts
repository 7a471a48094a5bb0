/** What every Store promises, on the embedded engine and over HTTP. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { v7 } from 'uuid'
import {
  openStore,
  type Store,
  StoreError,
  type StoreLocation,
  type WriterOptions,
} from '../../adapters/index.ts'
import type { ArmId, DecisionId, FeatureSpaceId, LoggedDecision } from '../../engine/index.ts'
import { assertSums, directSums } from '../helpers/direct-sums.ts'
import { embeddedPlace, type Place, remotePlace } from '../helpers/store-places.ts'
import {
  attemptRow,
  callObservations,
  decisionId,
  decisionRow,
  HALF_LIFE_MS,
  NEVER_FORGET,
  observation,
  rewardRow,
  SPACE,
  START_MS,
} from '../helpers/store-rows.ts'

for (const [makePlace, spools] of [
  [embeddedPlace, true],
  [embeddedPlace, false],
  [remotePlace, true],
  [remotePlace, false],
] as const) {
  describe(`${makePlace.name.replace('Place', ' store')} ${spools ? 'with' : 'without'} a spool`, () => {
    let place: Place
    let location: StoreLocation
    let store: Store
    let spoolDir: string

    const open = (replica = 'replica-1', writer: Partial<WriterOptions> = {}): Promise<Store> =>
      openStore({ ...location, ...(spools && { spool: { directory: spoolDir } }), replica, writer })
    const openFresh = async (): Promise<void> => {
      location = await place.fresh()
      spoolDir = await mkdtemp(join(tmpdir(), 'highwayman-spool-'))
      store = await open()
    }
    const reopen = async (replica?: string): Promise<void> => {
      await store.close()
      store = await open(replica)
    }
    before(async () => {
      place = await makePlace()
    })
    afterEach(async () => {
      await store.close()
      // What ClickHouse has is no longer in the spool.
      assert.deepEqual(
        (await readdir(spoolDir, { recursive: true })).filter((name) => name.endsWith('.segment')),
        [],
      )
      await rm(spoolDir, { recursive: true, force: true })
    })
    after(() => place.end())

    test('says what it is and where, and answers', async () => {
      await openFresh()
      assert.equal(store.kind, place.kind)
      assert.ok(
        location.kind === 'embedded'
          ? store.location.endsWith(location.dataDir)
          : store.location === location.url,
      )
      assert.doesNotMatch(store.location, /correct horse/)
      await store.ping()
    })

    test('gives a decision back exactly, from the queue and after reopening', async () => {
      await openFresh()
      const plain = decisionRow()
      const rich = decisionRow(
        {
          parentId: plain.decision.id,
          stream: true,
          session: 'tab\tquote\' double" back\\slash\nline é 日本 🦊 \u0000',
          metadata: { 'a key': "o'hare", empty: '' },
          also: [
            { featureSpace: 'space-2' as FeatureSpaceId, x: Float64Array.of(1, 1 / 3) },
            { featureSpace: 'space-3' as FeatureSpaceId, x: Float64Array.of(1, -0.25, 1e-300) },
          ],
        },
        {
          policy: { name: 'weighted', weights: { 'openai/gpt-5': 0.25 } },
          assignment: { policyHash: 'c0ffee', as: 'canary', probability: 0.05 },
          explore: false,
          floor: 0,
          exclusions: [
            { arm: 'mistral/large' as ArmId, reason: 'context_window', detail: '12000 > 8192 tokens' },
            { arm: 'groq/llama' as ArmId, reason: 'unhealthy', detail: '' },
          ],
          x: Float64Array.from({ length: 64 }, (_, i) => Math.sin(i) / 3),
        },
      )
      store.appendDecision(plain)
      store.appendDecision(rich)
      for (const row of [plain, rich]) {
        assert.deepEqual(await store.findDecision(row.decision.id), { row, attempts: [], rewards: [] })
      }
      await reopen()
      for (const row of [plain, rich]) assert.deepEqual((await store.findDecision(row.decision.id))?.row, row)
    })

    test('joins attempts and rewards to their decision, in order, and keeps unknown apart from zero', async () => {
      await openFresh()
      const row = decisionRow()
      const { id } = row.decision
      const failed = attemptRow({
        decisionId: id,
        status: 'failed',
        upstreamStatus: undefined,
        errorCode: 'upstream_unreachable',
        errorMessage: 'connect ECONNREFUSED',
        finishReason: '',
        ttftMs: undefined,
        promptTokens: undefined,
        cachedTokens: undefined,
        completionTokens: undefined,
        costUsd: undefined,
      })
      const answered = attemptRow({ decisionId: id, index: 1, atMs: START_MS + 2_000, usageEstimated: true })
      const early = rewardRow({ decisionId: id })
      const late = rewardRow({
        decisionId: id,
        atMs: START_MS + 7_200_000,
        metric: 'comment',
        valueNumber: undefined,
        valueText: 'nice',
      })
      const foreign = decisionRow()
      store.appendAttempt(answered)
      store.appendAttempt(failed)
      store.appendDecision(row)
      store.appendDecision(foreign)
      store.appendAttempt(attemptRow({ decisionId: foreign.decision.id }))
      await store.writeReward(late, [])
      await store.writeReward(early, [])
      assert.deepEqual(await store.findDecision(id), {
        row,
        attempts: [failed, answered],
        rewards: [early, late],
      })
    })

    test('gives decimal numbers back to the last bit', async () => {
      await openFresh()
      const row = decisionRow()
      const numbers = Array.from({ length: 200 }, (_, i) => (Math.sin(i) + 1.5) * 10 ** ((i % 37) - 18))
      store.appendDecision(row)
      for (const [index, costUsd] of numbers.entries()) {
        store.appendAttempt(attemptRow({ decisionId: row.decision.id, index, costUsd }))
      }
      const { attempts } = (await store.findDecision(row.decision.id))!
      assert.deepEqual(
        attempts.map(({ costUsd }) => costUsd),
        numbers,
      )
    })

    test('finds nothing under an id it does not have, or that is none', async () => {
      await openFresh()
      assert.equal(await store.findDecision(decisionId()), undefined)
      assert.equal(await store.findDecision("x' OR 1 = 1 --" as DecisionId), undefined)
    })

    test('counts a reward id once: at once, later, and after reopening', async () => {
      await openFresh()
      const row = decisionRow()
      const { id } = row.decision
      const reward = rewardRow({ decisionId: id })
      const learned = [observation({ decisionId: id, atMs: reward.atMs })]
      store.appendDecision(row)
      await Promise.all([store.writeReward(reward, learned), store.writeReward(reward, learned)])
      await store.writeReward(reward, learned)
      await reopen('replica-2')
      await store.writeReward(reward, learned)
      assert.deepEqual((await store.findDecision(id))?.rewards, [reward])
      const sums = await store.loadSums({ featureSpace: SPACE, nowMs: reward.atMs, halfLifeMs: NEVER_FORGET })
      assertSums(sums, directSums(learned, reward.atMs, NEVER_FORGET))
    })

    test('an acknowledged reward and what it taught are there without a flush', async () => {
      await openFresh()
      const reward = rewardRow()
      const learned = [observation({ decisionId: reward.decisionId, atMs: reward.atMs })]
      await store.writeReward(reward, learned)
      const query = { featureSpace: SPACE, nowMs: reward.atMs, halfLifeMs: HALF_LIFE_MS }
      assertSums(await store.loadSums(query), directSums(learned, reward.atMs, HALF_LIFE_MS))
      assert.equal(store.stats().queuedRows, 0)
    })

    test('sums what was learned per arm and head, each bucket decayed by its age, one feature space at a time', async () => {
      await openFresh()
      const x = Float64Array.of(1, -0.5, 0.125, 3)
      const learned = [
        ...callObservations(decisionId(), START_MS, x),
        ...callObservations(decisionId(), START_MS - 20 * 60_000, Float64Array.of(1, 2, 0, -1)),
        observation({ x, atMs: START_MS - 10 * 3_600_000, y: 0.1 }),
        observation({ x, arm: 'openai/gpt-5' as ArmId, y: 1 }),
      ]
      store.appendObservations(learned)
      store.appendObservations([observation({ featureSpace: 'space-2' as typeof SPACE })])
      await store.flush()
      const nowMs = START_MS + 12_345
      const query = { featureSpace: SPACE, nowMs, halfLifeMs: HALF_LIFE_MS }
      const sums = await store.loadSums(query)
      assertSums(sums, directSums(learned, nowMs, HALF_LIFE_MS))
      assert.ok(sums.every((sum) => sum.asOfMs === nowMs && sum.featureSpace === SPACE))
      assert.deepEqual(await store.loadSums({ ...query, featureSpace: 'space-3' as typeof SPACE }), [])
    })

    test('weight −1 takes an example back', async () => {
      await openFresh()
      const kept = observation({ y: 0.3 })
      const revised = observation({ y: 0.9, x: Float64Array.of(1, 1 / 3, 1 / 7) })
      store.appendObservations([kept, revised])
      await store.flush()
      store.appendObservations([{ ...revised, weight: -1 }])
      await store.flush()
      const sums = await store.loadSums({ featureSpace: SPACE, nowMs: START_MS, halfLifeMs: NEVER_FORGET })
      assertSums(sums, directSums([kept], START_MS, NEVER_FORGET))
    })

    test('adds the sums of all replicas, or of all but this one', async () => {
      await openFresh()
      const mine = [observation({ y: 0.2 })]
      const theirs = [observation({ y: 0.8, atMs: START_MS - 1_000 })]
      store.appendObservations(mine)
      await reopen('replica-2')
      store.appendObservations(theirs)
      await store.flush()
      const query = { featureSpace: SPACE, nowMs: START_MS, halfLifeMs: HALF_LIFE_MS }
      assertSums(await store.loadSums(query), directSums([...mine, ...theirs], START_MS, HALF_LIFE_MS))
      const others = await store.followSums(query).read(START_MS)
      assertSums(others.sums, directSums(mine, START_MS, HALF_LIFE_MS))
    })

    test('reads its own examples as those of another once they are handed over, those in line too', async () => {
      await openFresh()
      const written = [observation({ y: 0.2 })]
      const inLine = [observation({ y: 0.4, atMs: START_MS - 1_000 })]
      const later = [observation({ y: 0.8, atMs: START_MS - 2_000 })]
      const query = { featureSpace: SPACE, halfLifeMs: HALF_LIFE_MS }
      const feed = store.followSums(query)
      store.appendObservations(written)
      await store.flush()
      assert.deepEqual((await feed.read(START_MS)).sums, [])
      store.appendObservations(inLine)
      await store.handOver(() => store.appendObservations(later))
      await store.flush()
      const { sums } = await feed.read(START_MS)
      assertSums(sums, directSums([...written, ...inLine], START_MS, HALF_LIFE_MS))
      const all = await store.loadSums({ ...query, nowMs: START_MS })
      assertSums(all, directSums([...written, ...inLine, ...later], START_MS, HALF_LIFE_MS))
    })

    test('doubts what it has learned from a reward that another had stored already', async () => {
      await openFresh()
      const reward = rewardRow()
      const learned = [observation({ decisionId: reward.decisionId, atMs: START_MS })]
      await store.writeReward(reward, learned)
      await store.flush()
      await reopen('replica-2')
      const feed = store.followSums({ featureSpace: SPACE, halfLifeMs: HALF_LIFE_MS })
      assert.equal((await feed.read(START_MS)).needsHandOver, false)
      await store.writeReward(reward, learned)
      await store.flush()
      assert.equal((await feed.read(START_MS)).needsHandOver, true)
      await store.handOver(() => {})
      const { sums, needsHandOver } = await feed.read(START_MS)
      assert.equal(needsHandOver, false)
      assertSums(sums, directSums(learned, START_MS, HALF_LIFE_MS))
    })

    test('leaves out what was before a change, for the head that has noticed it', async () => {
      await openFresh()
      const examples = [-2, -1, 0, 1].map((minutes) =>
        observation({ y: 0.5 + minutes / 10, atMs: START_MS + minutes * 60_000 }),
      )
      const speeds = callObservations(decisionId(), START_MS - 60_000, Float64Array.of(1, 2))
      store.appendObservations([...examples, ...speeds])
      const { arm, head } = examples[0]!
      store.appendForgotten({ featureSpace: SPACE, arm, head, sinceMs: START_MS })
      await store.flush()
      const nowMs = START_MS + 120_000
      const sums = await store.loadSums({ featureSpace: SPACE, halfLifeMs: HALF_LIFE_MS, nowMs })
      assertSums(sums, directSums([...examples.slice(2), ...speeds], nowMs, HALF_LIFE_MS))
    })

    test('sums up what each arm did', async () => {
      await openFresh()
      const drawn = (arm: string) => decisionRow({}, { id: decisionId(), arm: arm as ArmId })
      const rows = [
        drawn('a/one'),
        drawn('a/one'),
        drawn('b/two'),
        decisionRow({}, { atMs: START_MS + 60_000 }),
      ]
      for (const row of rows) store.appendDecision(row)
      const [first, second, third] = rows.map((row) => row.decision.id) as [
        DecisionId,
        DecisionId,
        DecisionId,
      ]
      store.appendAttempt(
        attemptRow({ decisionId: first, arm: 'a/one', ttftMs: 100, totalMs: 1_000, costUsd: 0.25 }),
      )
      store.appendAttempt(
        attemptRow({ decisionId: second, arm: 'a/one', ttftMs: 300, totalMs: 3_000, costUsd: 0.5 }),
      )
      store.appendAttempt(attemptRow({ decisionId: third, arm: 'b/two', status: 'cut', costUsd: undefined }))
      store.appendAttempt(
        attemptRow({ decisionId: third, arm: 'b/two', index: 1, status: 'cancelled', costUsd: 0.125 }),
      )
      await store.writeReward(rewardRow({ decisionId: first, valueNumber: 0.5 }), [])
      await store.writeReward(rewardRow({ decisionId: second, valueNumber: 0.1 }), [])
      await store.writeReward(
        rewardRow({ decisionId: second, valueNumber: 1, atMs: START_MS + 7_200_000 }),
        [],
      )
      await store.writeReward(rewardRow({ decisionId: second, metric: 'clicks', valueNumber: 9 }), [])
      // A judgement that was taken back.
      await store.writeReward(rewardRow({ decisionId: third, valueNumber: 0.3 }), [])
      await store.writeReward(
        rewardRow({ decisionId: third, valueNumber: undefined, atMs: START_MS + 7_200_000 }),
        [],
      )
      await store.flush()
      const summary = await store.armSummary({ fromMs: START_MS - 1, toMs: START_MS + 60_000 })
      assert.deepEqual(
        summary.map(({ ttftMs: _t, totalMs: _total, ...counts }) => counts),
        [
          { arm: 'a/one', decisions: 2, answered: 2, failed: 0, meanQuality: 0.75, costUsd: 0.75 },
          { arm: 'b/two', decisions: 1, answered: 0, failed: 1, meanQuality: undefined, costUsd: 0.125 },
        ],
      )
      const [one, two] = summary
      assert.ok(one!.ttftMs!.p50 >= 100 && one!.ttftMs!.p50 <= one!.ttftMs!.p95 && one!.ttftMs!.p95 <= 300)
      assert.ok(one!.totalMs!.p50 >= 1_000 && one!.totalMs!.p95 <= 3_000)
      assert.deepEqual([two!.ttftMs, two!.totalMs], [undefined, undefined])
    })

    test('reads its log back, counts it, moves it elsewhere, and forgets a tenant', async () => {
      await openFresh()
      const rows = Array.from({ length: 150 }, (_, i) =>
        decisionRow({ tenant: i % 3 === 0 ? 'acme' : 'other', session: "o'hare" }, { atMs: START_MS + i }),
      )
      for (const row of rows) {
        store.appendDecision(row)
        store.appendAttempt(attemptRow({ decisionId: row.decision.id, costUsd: 0.5 }))
      }
      const judged = rows.slice(0, 30).map(({ decision }) => decision.id)
      await Promise.all(
        judged.map((id) =>
          store.writeReward(rewardRow({ decisionId: id }), [observation({ decisionId: id })]),
        ),
      )
      await store.flush()
      const span = { fromMs: START_MS, toMs: START_MS + 1_000 }
      const read = async (): Promise<LoggedDecision[]> => {
        const all: LoggedDecision[] = []
        for await (const row of store.readLog(span)) all.push(row)
        return all
      }
      const log = await read()
      assert.deepEqual(
        log.map(({ id }) => id),
        rows.map(({ decision }) => decision.id),
      )
      assert.ok(log.every(({ costUsd, servedReason }) => costUsd === 0.5 && servedReason === 'drawn'))
      assert.equal(log.filter(({ rewards }) => rewards.length === 1).length, 30)
      const costs = async () => {
        const query = { ...span, groupBy: ['tenant'], bucketMs: 3_600_000 } as const
        return (await store.trafficStats(query)).groups.map(({ tenant, costUsd, rated }) => [
          tenant,
          costUsd,
          rated,
        ])
      }
      const counted = [
        ['acme', 25, 10],
        ['other', 50, 20],
      ]
      assert.deepEqual(await costs(), counted)

      await store.close()
      await openFresh()
      const again = async function* () {
        yield* log
      }
      assert.deepEqual(await store.importLog(again()), { imported: 150, known: 0 })
      assert.deepEqual(await store.importLog(again()), { imported: 0, known: 150 })
      for (const [i, row] of (await read()).entries()) assert.deepEqual(row, log[i])
      assert.deepEqual(await costs(), counted)

      const { decisions, rows: erased } = await store.erase({ tenant: 'acme' })
      assert.deepEqual([decisions, erased['attempts'], erased['rewards']], [50, 50, 10])
      assert.deepEqual(await costs(), counted.slice(1))
    })

    test('a row that cannot be stored is dropped and counted; its neighbours are stored', async () => {
      await openFresh()
      const row = decisionRow()
      store.appendDecision(decisionRow({}, { id: 'no uuid' as DecisionId }))
      store.appendAttempt(attemptRow({ atMs: Number.NaN }))
      store.appendObservations([
        observation({ y: Number.NaN }),
        observation({ x: Float64Array.of(1, Number.POSITIVE_INFINITY) }),
      ])
      store.appendDecision(row)
      store.appendAttempt(
        attemptRow({
          decisionId: row.decision.id,
          promptTokens: 1.5,
          completionTokens: -3,
          cachedTokens: 1e12,
          errorMessage: 'cut \ud83e',
        }),
      )
      await store.flush()
      const { queuedRows, writtenRows, failedBatches, droppedRows } = store.stats()
      assert.deepEqual(
        { queuedRows, writtenRows, failedBatches, droppedRows },
        { queuedRows: 0, writtenRows: 2, failedBatches: 0, droppedRows: 4 },
      )
      const [attempt] = (await store.findDecision(row.decision.id))!.attempts
      assert.deepEqual(
        [attempt?.promptTokens, attempt?.completionTokens, attempt?.cachedTokens],
        [2, 0, 2 ** 32 - 1],
      )
      assert.equal(attempt?.errorMessage, 'cut \ufffd')
    })

    test('closing writes what waits; a closed store says so and drops what comes', async () => {
      await openFresh()
      const row = decisionRow()
      store.appendDecision(row)
      await Promise.all([store.close(), store.close()])
      store.appendDecision(decisionRow())
      assert.deepEqual([store.stats().writtenRows, store.stats().droppedRows], [1, 1])
      const closed = (error: unknown) => error instanceof StoreError && error.code === 'store_closed'
      await assert.rejects(store.findDecision(v7() as DecisionId), closed)
      await assert.rejects(store.writeReward(rewardRow(), []), closed)
      await assert.rejects(store.ping(), closed)
      store = await open()
      assert.deepEqual((await store.findDecision(row.decision.id))?.row, row)
    })

    test('a full batch goes out by itself, and all rows arrive once', async () => {
      location = await place.fresh()
      spoolDir = await mkdtemp(join(tmpdir(), 'highwayman-spool-'))
      store = await open('replica-1', { batchRowsMax: 50, flushEveryMs: 60_000 })
      const rows = Array.from({ length: 230 }, (_, i) => decisionRow({}, { atMs: START_MS + i }))
      for (const row of rows) store.appendDecision(row)
      await store.flush()
      assert.equal(store.stats().writtenRows, 230)
      const [summary] = await store.armSummary({ fromMs: START_MS, toMs: START_MS + 1_000 })
      assert.equal(summary?.decisions, 230)
    })
  })
}
