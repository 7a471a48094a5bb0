/** The log read back: every decision with what came of its request, page after page and shard beside shard. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type ClickHouseStore, openClickHouseStore } from '../../adapters/clickhouse/open-store.ts'
import { readLog } from '../../adapters/clickhouse/readers/read-log.ts'
import type { LogQuery } from '../../adapters/index.ts'
import type { ArmId, DecisionId, LoggedDecision } from '../../engine/index.ts'
import { attemptRow, decisionRow, rewardRow, START_MS } from '../helpers/store-rows.ts'

const SPAN = { fromMs: START_MS, toMs: START_MS + 3_600_000 }
const ROWS = 60

async function collect(rows: AsyncIterable<LoggedDecision>): Promise<LoggedDecision[]> {
  const all: LoggedDecision[] = []
  for await (const row of rows) all.push(row)
  return all
}

describe('the log', () => {
  let dataDir: string
  let store: ClickHouseStore
  const read = (query: Partial<LogQuery> = {}, pageRows = 7): Promise<LoggedDecision[]> =>
    collect(readLog({ query: store.queryRows }, { ...SPAN, ...query }, pageRows))
  const ids = async (query?: Partial<LogQuery>, pageRows?: number): Promise<string[]> =>
    (await read(query, pageRows)).map(({ id }) => id)

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'highwayman-log-'))
    store = await openClickHouseStore({ kind: 'embedded', dataDir, replica: 'replica-1' })
  })
  after(async () => {
    await store.close()
    await rm(dataDir, { recursive: true, force: true })
  })

  test('pages, tenants and shards give every decision once, in the order of time', async () => {
    // Ten of each millisecond: a page ends in the middle of them.
    const rows = Array.from({ length: ROWS }, (_, i) =>
      decisionRow({ tenant: i % 3 === 0 ? 'acme' : 'other' }, { atMs: START_MS + Math.floor(i / 10) }),
    )
    for (const row of rows) store.appendDecision(row)
    store.appendDecision(decisionRow({}, { atMs: START_MS - 1 }))
    store.appendDecision(decisionRow({}, { atMs: SPAN.toMs }))
    await store.flush()
    const all = await read()
    assert.deepEqual(new Set(all.map(({ id }) => id)), new Set(rows.map(({ decision }) => decision.id)))
    assert.equal(all.length, ROWS)
    const times = all.map(({ atMs }) => atMs)
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    )
    for (const pageRows of [1, 60, 61])
      assert.deepEqual(await ids({}, pageRows), await ids(), `${pageRows} a page`)
    assert.deepEqual(
      new Set(await ids({ tenant: 'acme' })),
      new Set(rows.filter(({ tenant }) => tenant === 'acme').map(({ decision }) => decision.id)),
    )
    assert.deepEqual(await ids({ tenant: "x' OR '1" }), [])
    const shards = await Promise.all([0, 1, 2, 3].map((index) => ids({ shard: { index, of: 4 } })))
    assert.ok(shards.every((shard) => shard.length > 0))
    assert.deepEqual(shards.flat().sort(), (await ids()).sort())
  })

  test('a request that failed over: the outcome is the request’s from each decision on', async () => {
    const fromMs = SPAN.toMs + 10_000
    const first = decisionRow({}, { atMs: fromMs })
    const second = decisionRow(
      { parentId: first.decision.id },
      { atMs: fromMs + 900, arm: 'c/three' as ArmId },
    )
    const failed = attemptRow({
      decisionId: first.decision.id,
      arm: first.decision.arm,
      status: 'failed',
      finishReason: '',
      errorCode: 'upstream_overloaded',
      errorMessage: 'kept out of the log',
      ttftMs: undefined,
      totalMs: 800,
      costUsd: undefined,
      completionTokens: undefined,
    })
    const answered = attemptRow({
      decisionId: second.decision.id,
      arm: 'c/three',
      index: 1,
      ttftMs: 150,
      totalMs: 1_000,
      costUsd: 0.25,
      completionTokens: 40,
    })
    const reward = rewardRow({ decisionId: second.decision.id, valueNumber: 0.75 })
    for (const row of [first, second]) store.appendDecision(row)
    for (const row of [failed, answered]) store.appendAttempt(row)
    await store.writeReward(reward, [])
    await store.flush()
    const [one, two, ...more] = await read({ fromMs, toMs: fromMs + 60_000 }, 1)
    assert.deepEqual(more, [])
    const { errorMessage: _, ...failedCall } = failed
    const { errorMessage: __, ...answeredCall } = answered
    const { valueNumber: value, valueText: ___, ...judged } = reward
    const { decision: drawn, ...surroundings } = first
    const expected: LoggedDecision = {
      ...drawn,
      ...surroundings,
      servedArm: 'c/three' as ArmId,
      servedReason: 'failover',
      attempts: [failedCall, answeredCall] as unknown as LoggedDecision['attempts'],
      costUsd: 0.25,
      ttftMs: 950,
      totalMs: 1_800,
      completionTokens: 40,
      finishReason: answered.finishReason,
      rewards: [{ ...judged, value }],
    }
    assert.deepEqual(one, expected)
    assert.deepEqual(
      [two?.id, two?.servedReason, two?.ttftMs, two?.totalMs, two?.rewards.length],
      [second.decision.id, 'drawn', 150, 1_000, 1],
    )
    // The page of one tenant still has the failovers of its requests.
    assert.deepEqual((await read({ fromMs, toMs: fromMs + 1, tenant: first.tenant }))[0], expected)
  })

  test('who asked for a decision only is served by its own call; without an answer nobody is', async () => {
    const fromMs = SPAN.toMs + 100_000
    const routed = decisionRow({ surface: 'route' }, { atMs: fromMs })
    const lost = decisionRow({}, { atMs: fromMs + 1 })
    store.appendDecision(routed)
    store.appendDecision(lost)
    await store.flush()
    const [one, two] = await read({ fromMs, toMs: fromMs + 10 })
    assert.deepEqual([one?.servedReason, one?.servedArm], ['caller', routed.decision.arm])
    assert.deepEqual(
      [two?.servedReason, two?.servedArm, two?.costUsd, two?.ttftMs, two?.totalMs, two?.rewards],
      ['unanswered', undefined, undefined, undefined, undefined, []],
    )
  })

  test('a value that was taken back is there as such, after what it takes back', async () => {
    const fromMs = SPAN.toMs + 200_000
    const row = decisionRow({}, { atMs: fromMs })
    const { id } = row.decision
    store.appendDecision(row)
    await store.writeReward(rewardRow({ decisionId: id, atMs: fromMs + 2, valueNumber: undefined }), [])
    await store.writeReward(rewardRow({ decisionId: id, atMs: fromMs + 1, valueNumber: 0 }), [])
    await store.writeReward(
      rewardRow({
        decisionId: id,
        atMs: fromMs + 3,
        metric: 'note',
        valueNumber: undefined,
        valueText: 'ok',
      }),
      [],
    )
    await store.flush()
    const [logged] = await read({ fromMs, toMs: fromMs + 10 })
    assert.deepEqual(
      logged?.rewards.map(({ metric, value }) => [metric, value]),
      [
        ['quality', 0],
        ['quality', undefined],
        ['note', 'ok'],
      ],
    )
  })

  test('decisions of more than a hundred months come in together, and block nothing', async () => {
    const months = 120
    const from = START_MS - 200 * 31 * 86_400_000
    const rows = Array.from({ length: months }, (_, i) =>
      decisionRow({}, { atMs: from + i * 31 * 86_400_000 }),
    )
    for (const row of rows) store.appendDecision(row)
    // Later than the columns reach: refused by itself.
    store.appendDecision(decisionRow({}, { atMs: Date.UTC(2107, 0) }))
    await store.flush()
    assert.equal(store.stats().state, 'normal')
    assert.equal(store.stats().droppedRows, 1)
    assert.equal((await ids({ fromMs: from, toMs: from + months * 31 * 86_400_000 })).length, months)
  })

  test('the store reads it too', async () => {
    const all = await collect(store.readLog(SPAN))
    assert.equal(all.length, ROWS)
    assert.deepEqual(all[0]?.id satisfies DecisionId | undefined, (await ids())[0])
  })
})
