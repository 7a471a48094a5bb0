/** A store whose ClickHouse goes away, with a spool: what waits on disk, what comes back from it, and what is said of it. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { type ClickHouseStore, openClickHouseStore } from '../../adapters/clickhouse/open-store.ts'
import type { StoreError, StoreState, WriterOptions } from '../../adapters/index.ts'
import { inspectSpool, type SpoolLocation } from '../../adapters/index.ts'
import { startTestClickHouse, type TestClickHouse } from '../helpers/clickhouse-http.ts'
import { assertSums, directSums } from '../helpers/direct-sums.ts'
import { failingDisk } from '../helpers/failing-disk.ts'
import { eventually } from '../helpers/server.ts'
import {
  attemptRow,
  decisionId,
  decisionRow,
  NEVER_FORGET,
  observation,
  rewardRow,
  SPACE,
  START_MS,
} from '../helpers/store-rows.ts'

describe('a store with a spool', () => {
  let server: TestClickHouse
  let directory: string
  let database: string
  let databases = 0
  let store: ClickHouseStore
  let told: StoreError[] = []
  let states: StoreState[] = []

  const open = async (
    writer: Partial<WriterOptions> = {},
    spool: Partial<SpoolLocation> = {},
  ): Promise<ClickHouseStore> => {
    store = await openClickHouseStore({
      kind: 'remote',
      url: server.url,
      database,
      password: server.password,
      replica: 'replica-1',
      writer: { flushEveryMs: 10, retryFirstMs: 10, retryMaxMs: 50, ...writer },
      spool: { directory, ...spool },
      onWriteError: (error) => told.push(error),
      onState: (state) => states.push(state),
    })
    return store
  }
  const reopen = async (...options: Parameters<typeof open>): Promise<ClickHouseStore> => {
    await store.close()
    return await open(...options)
  }
  const stored = async (table: string, column = '1'): Promise<[rows: number, distinct: number]> => {
    const [row] = await store.queryRows(`SELECT count() AS rows, uniqExact(${column}) AS n FROM ${table}`)
    return [Number(row?.['rows']), Number(row?.['n'])]
  }
  const sums = () => store.loadSums({ featureSpace: SPACE, nowMs: START_MS, halfLifeMs: NEVER_FORGET })
  const segments = async (): Promise<string[]> =>
    (await readdir(directory, { recursive: true })).filter((name) => /\.(segment|damaged)$/.test(name)).sort()
  const isSpooling = () => eventually(() => store.stats().state === 'spooling', 'the failure to be noticed')

  before(async () => {
    server = await startTestClickHouse('secret')
  })
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'highwayman-spool-'))
    database = `spool_${databases++}`
    told = []
    states = []
  })
  afterEach(async () => {
    await server.setFaults()
    await server.listen()
    await store.close()
    await rm(directory, { recursive: true, force: true })
  })
  after(() => server.stop())

  test('takes rows and acknowledges feedback while ClickHouse is away, and brings everything in once', async () => {
    await open()
    await server.refuse()
    const rows = Array.from({ length: 30 }, () => decisionRow())
    const learned = rows.map(({ decision: { id } }) => observation({ decisionId: id }))
    for (const row of rows) {
      store.appendDecision(row)
      store.appendAttempt(attemptRow({ decisionId: row.decision.id }))
    }
    await isSpooling()
    await Promise.all(
      rows.map(({ decision: { id } }, i) => store.writeReward(rewardRow({ decisionId: id }), [learned[i]!])),
    )
    const { spool, queuedRows, problem, droppedRows } = store.stats()
    assert.equal(queuedRows, 120)
    assert.equal(droppedRows, 0)
    assert.ok(spool!.bytes > 10_000)
    assert.match(problem ?? '', /ECONNREFUSED/)
    await server.listen()
    await eventually(() => store.stats().queuedRows === 0, 'the replay')
    assert.equal(store.stats().state, 'normal')
    assert.deepEqual(states, ['spooling', 'normal'])
    assert.deepEqual(await stored('decisions', 'decision_id'), [30, 30])
    assert.deepEqual(await stored('attempts', 'decision_id'), [30, 30])
    assert.deepEqual(await stored('rewards', 'reward_id'), [30, 30])
    assertSums(await sums(), directSums(learned, START_MS, NEVER_FORGET))
    assert.deepEqual(await segments(), [])
  })

  test('leaves on disk what ClickHouse did not take, for the next process', async () => {
    await open()
    await server.refuse()
    const row = decisionRow()
    const reward = rewardRow({ decisionId: row.decision.id })
    const learned = [observation({ decisionId: row.decision.id })]
    store.appendDecision(row)
    await store.writeReward(reward, learned)
    await store.close()
    assert.equal(store.stats().droppedRows, 0)
    assert.ok(inspectSpool(directory).bytes > 0)
    await server.listen()
    await open()
    assert.deepEqual(await store.findDecision(row.decision.id), { row, attempts: [], rewards: [reward] })
    assertSums(await sums(), directSums(learned, START_MS, NEVER_FORGET))
    // The same feedback again, after all: it is known.
    await store.writeReward(reward, learned)
    await store.flush()
    assert.deepEqual(await stored('rewards'), [1, 1])
    assertSums(await sums(), directSums(learned, START_MS, NEVER_FORGET))
    assert.deepEqual(await segments(), [])
  })

  for (const [what, when, fault] of [
    ['stored, its answer lost', 'INSERT INTO observations', 'cut-after'],
    ['never arrived', 'INSERT INTO observations', 'cut-before'],
    ['stored as rewards, its answer lost', 'INSERT INTO rewards', 'cut-after'],
  ] as const) {
    test(`a commit of feedback that was ${what}, is finished by the next process, once`, async () => {
      await open()
      await server.setFaults({ kind: fault, when, times: 1_000 })
      const rewards = Array.from({ length: 5 }, () => rewardRow())
      const learned = rewards.map((reward) => observation({ decisionId: reward.decisionId }))
      await Promise.all(rewards.map((reward, i) => store.writeReward(reward, [learned[i]!])))
      await eventually(() => store.stats().failedBatches > 0, 'a try')
      await store.close()
      await server.setFaults()
      await open()
      assert.deepEqual(await stored('rewards', 'reward_id'), [5, 5])
      assert.deepEqual(await stored('observations'), [5, 1])
      assertSums(await sums(), directSums(learned, START_MS, NEVER_FORGET))
      assert.deepEqual(await segments(), [])
    })
  }

  test('a batch in doubt is replayed under its token by the next process, and stored once', async () => {
    await open()
    await server.setFaults({ kind: 'cut-after', when: 'INSERT INTO', times: 1_000 })
    const learned = [observation(), observation({ y: 0.2 })]
    store.appendObservations(learned)
    store.appendDecision(decisionRow())
    await eventually(() => store.stats().failedBatches > 1, 'tries')
    await store.close()
    await server.setFaults()
    await server.forget()
    await open()
    assert.deepEqual(await stored('observations'), [2, 1])
    assert.deepEqual(await stored('decisions'), [1, 1])
    assertSums(await sums(), directSums(learned, START_MS, NEVER_FORGET))
  })

  test('a decision of which rows still wait is not given out in part', async () => {
    await open()
    const row = decisionRow()
    store.appendDecision(row)
    await store.flush()
    await server.refuse()
    store.appendAttempt(attemptRow({ decisionId: row.decision.id }))
    await isSpooling()
    await assert.rejects(store.findDecision(row.decision.id), {
      code: 'store_unavailable',
      message: /ECONNREFUSED/,
    })
    await store.close()
    await server.listen()
    await server.setFaults({
      kind: 'status',
      when: 'INSERT INTO attempts',
      times: 1_000,
      status: 500,
      body: 'Code: 252. busy',
    })
    // What is read back from disk is known by its time alone.
    await open()
    await assert.rejects(store.findDecision(row.decision.id), { code: 'store_unavailable', message: /busy/ })
    await server.setFaults()
    await eventually(() => store.stats().queuedRows === 0, 'the replay')
    assert.equal((await store.findDecision(row.decision.id))?.attempts.length, 1)
  })

  test('what does not fit into memory is on disk alone, and comes back from there', async () => {
    await open({ batchRowsMax: 10, queueBytesMax: 5_000, flushEveryMs: 60_000 })
    await server.refuse()
    const ids = Array.from({ length: 400 }, () => decisionId())
    for (const id of ids) store.appendDecision(decisionRow({}, { id }))
    await isSpooling()
    for (const id of ids) store.appendObservations([observation({ decisionId: id })])
    const rewards = ids.map((id) => rewardRow({ decisionId: id }))
    await Promise.all(rewards.map((reward) => store.writeReward(reward, [])))
    assert.deepEqual([store.stats().state, store.stats().droppedRows], ['spooling', 0])
    await server.listen()
    await store.flush()
    await eventually(() => store.stats().queuedRows === 0, 'the replay')
    assert.deepEqual(await stored('decisions', 'decision_id'), [400, 400])
    assert.deepEqual(await stored('observations', 'decision_id'), [400, 400])
    assert.deepEqual(await stored('rewards', 'reward_id'), [400, 400])
  })

  test('full, it drops attempts, then decisions, and counts them; what was acknowledged stays', async () => {
    await open({ batchRowsMax: 10, queueBytesMax: 1, flushEveryMs: 60_000 }, { maxBytes: 100_000 })
    await server.refuse()
    for (let i = 0; i < 100; i += 1) store.appendAttempt(attemptRow({ decisionId: decisionId() }))
    for (let i = 0; i < 100; i += 1) store.appendDecision(decisionRow({}, { id: decisionId() }))
    await isSpooling()
    await eventually(() => store.stats().spool!.bytes > 60_000, 'the disk to be written')
    const rewards = Array.from({ length: 80 }, () => rewardRow())
    const learned = rewards.map((reward) => observation({ decisionId: reward.decisionId }))
    await Promise.all(rewards.map((reward, i) => store.writeReward(reward, [learned[i]!])))
    const { state, droppedRows, spool } = store.stats()
    assert.equal(state, 'full')
    assert.ok(droppedRows >= 90, `${droppedRows}`)
    assert.ok(spool!.bytes <= 100_000)
    await server.listen()
    await store.flush()
    await eventually(() => store.stats().queuedRows === 0, 'the replay')
    assert.equal(store.stats().state, 'normal')
    const [attempts] = await stored('attempts')
    const [decisions] = await stored('decisions')
    assert.equal(attempts + decisions + store.stats().droppedRows, 200)
    assert.ok(attempts <= 10, 'all but what was being written')
    assert.deepEqual(await stored('rewards', 'reward_id'), [80, 80])
    assertSums(await sums(), directSums(learned, START_MS, NEVER_FORGET))
  })

  test('feedback that no longer fits is refused, and what was acknowledged before stays', async () => {
    await open({ queueBytesMax: 1, rewardTimeoutMs: 4_000 }, { maxBytes: 20_000 })
    await server.refuse()
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, async () => {
        const reward = rewardRow()
        await store.writeReward(reward, [])
        return reward.rewardId
      }),
    )
    const taken = results.filter((result) => result.status === 'fulfilled').map(({ value }) => value)
    const refused = results.filter((result) => result.status === 'rejected')
    assert.ok(taken.length > 10 && refused.length > 10, `${taken.length} taken, ${refused.length} refused`)
    assert.ok(refused.every(({ reason }) => reason.code === 'store_unavailable'))
    await store.close()
    await server.listen()
    await open()
    const ids = (await store.queryRows('SELECT reward_id FROM rewards')).map((row) => row['reward_id'])
    assert.equal(new Set(ids).size, ids.length)
    assert.deepEqual(
      taken.filter((id) => !ids.includes(id)),
      [],
    )
  })

  test('on a disk that takes nothing, rows wait in memory and feedback for ClickHouse; both are said', async () => {
    const disk = failingDisk()
    // What is acknowledged at all takes milliseconds, and a machine may stand still for seconds.
    await open({ rewardTimeoutMs: 4_000 }, { open: disk.open })
    disk.failing = 'write'
    // ClickHouse is there: it acknowledges.
    await store.writeReward(rewardRow(), [])
    assert.match(store.stats().spool!.problem ?? '', /no space left/)
    assert.equal(store.stats().state, 'normal')
    await server.refuse()
    store.appendDecision(decisionRow())
    await eventually(() => store.stats().state === 'memory', 'the state')
    await assert.rejects(store.writeReward(rewardRow(), []), { code: 'store_unavailable' })
    assert.ok(
      told.some(({ message }) => /the spool .* takes nothing \(no space left.*has room/.test(message)),
    )
    disk.failing = undefined
    await store.writeReward(rewardRow(), [])
    assert.equal(store.stats().spool!.problem, undefined)
    assert.equal(store.stats().state, 'spooling')
    await server.listen()
    await eventually(() => store.stats().queuedRows === 0, 'the replay')
    assert.deepEqual(await stored('rewards', 'reward_id'), [3, 3])
    assert.deepEqual(await stored('decisions'), [1, 1])
    assert.equal(store.stats().droppedRows, 0)
  })

  test('what waits in memory at the end goes to a disk that takes it again', async () => {
    const disk = failingDisk()
    await open({}, { open: disk.open })
    disk.failing = 'write'
    await server.refuse()
    store.appendDecision(decisionRow())
    await eventually(() => store.stats().state === 'memory', 'the state')
    disk.failing = undefined
    await store.close()
    assert.equal(store.stats().droppedRows, 0)
    await server.listen()
    await open()
    assert.deepEqual(await stored('decisions'), [1, 1])
  })

  test('rows that ClickHouse refuses are kept beside the others, and not tried again', async () => {
    await open()
    const body = 'Code: 27. DB::Exception: Cannot parse input. (CANNOT_PARSE_INPUT_ASSERTION_FAILED)'
    await server.setFaults({ kind: 'status', when: 'INSERT INTO decisions', times: 1, status: 400, body })
    store.appendDecision(decisionRow())
    await eventually(() => store.stats().droppedRows === 1, 'the refusal')
    await reopen()
    assert.equal(store.stats().queuedRows, 0)
    const [refused = ''] = inspectSpool(directory).refused
    assert.match(refused, /-refused\.segment$/)
    assert.ok((await readFile(refused)).includes('highwayman') || (await readFile(refused)).length > 100)
    assert.deepEqual(await stored('decisions'), [0, 0])
  })

  test('a damaged batch is given up, counted and said; those around it are stored', async () => {
    await open({ queueBytesMax: 1 })
    await server.refuse()
    store.appendDecision(decisionRow({ requestId: 'whole' }))
    await isSpooling()
    store.appendDecision(decisionRow({ requestId: 'damaged' }))
    await eventually(() => store.stats().queuedRows === 2 && store.stats().spool!.bytes > 1_000, 'the disk')
    await store.close()
    const [name = ''] = await segments()
    const bytes = await readFile(join(directory, name))
    bytes[bytes.indexOf('damaged', 0, 'latin1')]! ^= 1
    await writeFile(join(directory, name), bytes)
    await server.listen()
    await open()
    assert.ok(store.stats().spool!.damagedBytes > 0)
    assert.deepEqual(await store.queryRows('SELECT request_id FROM decisions'), [{ request_id: 'whole' }])
    assert.equal(inspectSpool(directory).damaged.length, 1)
  })
})
