/** A ClickHouse server that is absent, slow, rude or gone in the middle of an insert. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, afterEach, before, describe, test } from 'node:test'
import { type ClickHouseStore, openClickHouseStore } from '../../adapters/clickhouse/open-store.ts'
import type { StoreError, StoreOptions, WriterOptions } from '../../adapters/index.ts'
import { startTestClickHouse, type TestClickHouse } from '../helpers/clickhouse-http.ts'
import { assertSums, directSums } from '../helpers/direct-sums.ts'
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

const PASSWORD = 'pass/word@1'

describe('a store on a ClickHouse server', () => {
  let server: TestClickHouse
  let store: ClickHouseStore | undefined
  let databases = 0

  const options = (writer: Partial<WriterOptions> = {}): StoreOptions => ({
    kind: 'remote',
    url: server.url,
    database: `faults_${databases++}`,
    password: PASSWORD,
    replica: 'replica-1',
    writer: { flushEveryMs: 60_000, retryFirstMs: 10, retryMaxMs: 50, ...writer },
  })
  const open = async (writer?: Partial<WriterOptions>): Promise<ClickHouseStore> => {
    store = await openClickHouseStore(options(writer))
    await server.forget()
    return store
  }
  const stored = async (table: string): Promise<number> => {
    const [row] = await store!.queryRows(`SELECT count() AS rows FROM ${table}`)
    return Number(row?.['rows'])
  }
  const inserts = async (): Promise<{ table: string; token: string; fault: string; encoding: string }[]> =>
    (await server.seen())
      .filter(({ sql }) => sql.startsWith('INSERT INTO'))
      .map(({ sql, ...rest }) => ({ table: /^INSERT INTO (\w+)/.exec(sql)?.[1] ?? '', ...rest }))

  before(async () => {
    server = await startTestClickHouse(PASSWORD)
  })
  afterEach(async () => {
    await server.setFaults()
    await store?.close()
    store = undefined
  })
  after(() => server.stop())

  test('an insert whose answer is lost is repeated under its token and stored once, sums included', async () => {
    const { appendObservations, flush, loadSums, stats } = await open()
    await server.setFaults({ kind: 'cut-after', when: 'INSERT INTO observations', times: 2 })
    const learned = [observation(), observation({ y: 0.1, atMs: START_MS - 7_200_000 })]
    appendObservations(learned)
    await flush()
    const tries = await inserts()
    assert.deepEqual(
      tries.map(({ fault }) => fault),
      ['cut-after', 'cut-after', ''],
    )
    assert.equal(new Set(tries.map(({ token }) => token)).size, 1)
    assert.notEqual(tries[0]?.token, '')
    assert.equal(await stored('observations'), 2)
    const sums = await loadSums({ featureSpace: SPACE, nowMs: START_MS, halfLifeMs: NEVER_FORGET })
    assertSums(sums, directSums(learned, START_MS, NEVER_FORGET))
    const { queuedRows, writtenRows, failedBatches, droppedRows } = stats()
    assert.deepEqual([queuedRows, writtenRows, failedBatches, droppedRows], [0, 2, 2, 0])
  })

  test('two batches of equal rows are both stored', async () => {
    const { appendObservations, flush } = await open()
    const learned = [observation()]
    appendObservations(learned)
    await flush()
    appendObservations(learned)
    await flush()
    assert.equal(await stored('observations'), 2)
  })

  test('rows wait in order while the server is away, and arrive once when it is back', async () => {
    const { appendDecision, flush, stats } = await open({ batchRowsMax: 10 })
    await server.refuse()
    for (let i = 0; i < 40; i += 1) appendDecision(decisionRow({ requestId: `request-${i}` }))
    await flush()
    assert.equal(stats().queuedRows, 40)
    assert.ok(stats().failedBatches >= 3)
    await server.listen()
    await flush()
    assert.equal(stats().queuedRows, 0)
    const tries = await inserts()
    assert.equal(tries.length, 4)
    const tokens = tries.map(({ token }) => Number(token.split(':')[1]))
    assert.deepEqual(
      tokens,
      tokens.toSorted((a, b) => a - b),
    )
    assert.equal(await stored('decisions'), 40)
  })

  test('a server error is retried before anything behind it', async () => {
    const { appendDecision, appendObservations, flush } = await open()
    const body = 'Code: 252. DB::Exception: Too many parts (3000). (TOO_MANY_PARTS)'
    await server.setFaults({ kind: 'status', when: 'INSERT INTO decisions', times: 2, status: 500, body })
    appendDecision(decisionRow())
    appendObservations([observation()])
    await flush()
    assert.deepEqual(
      (await inserts()).map(({ table }) => table),
      ['decisions', 'decisions', 'decisions', 'observations'],
    )
  })

  test('rows that ClickHouse refuses are given up, told, and do not hold up the rest', async () => {
    const told: StoreError[] = []
    store = await openClickHouseStore({ ...options(), onWriteError: (error) => told.push(error) })
    const body = 'Code: 27. DB::Exception: Cannot parse input. (CANNOT_PARSE_INPUT_ASSERTION_FAILED)'
    await server.setFaults({ kind: 'status', when: 'INSERT INTO decisions', times: 1, status: 400, body })
    store.appendDecision(decisionRow())
    store.appendObservations([observation()])
    await store.flush()
    const { queuedRows, writtenRows, failedBatches, droppedRows } = store.stats()
    assert.deepEqual([queuedRows, writtenRows, failedBatches, droppedRows], [0, 1, 1, 1])
    assert.equal(told.length, 1)
    assert.match(told[0]!.message, /1 rows were not written and are given up.*Cannot parse input/)
  })

  test('a full memory drops the oldest of the least important rows, counts them, and refuses feedback last', async () => {
    const { appendDecision, appendAttempt, appendObservations, writeReward, flush, stats } = await open({
      batchRowsMax: 1,
      queueBytesMax: 4_000,
      retryMaxMs: 10_000,
    })
    await server.refuse()
    appendDecision(decisionRow({ requestId: 'request-0' }))
    appendAttempt(attemptRow())
    for (let i = 1; i < 12; i += 1) appendDecision(decisionRow({ requestId: `request-${i}` }))
    appendObservations([observation()])
    await eventually(() => stats().state === 'full' && stats().droppedRows > 2, 'the bound')
    await server.listen()
    await flush()
    assert.equal(stats().state, 'normal')
    assert.equal(stats().queuedRows, 0)
    const rows = await store!.queryRows('SELECT request_id FROM decisions ORDER BY ts, decision_id')
    const kept = rows.map((row) => Number(String(row['request_id']).split('-')[1])).sort((a, b) => a - b)
    // The first was being written; of the others the oldest went.
    assert.equal(kept[0], 0)
    assert.deepEqual(
      kept.slice(1),
      Array.from({ length: kept.length - 1 }, (_, i) => 13 - kept.length + i),
    )
    assert.equal(await stored('attempts'), 0)
    assert.equal(await stored('observations'), 1)
    assert.equal(stats().droppedRows, 12 - kept.length + 1)
    await writeReward(rewardRow(), [])
  })

  test('feedback that cannot be stored in time is refused, stays in line, and counts once when sent again', async () => {
    const { writeReward, loadSums } = await open({ rewardTimeoutMs: 4_000 })
    await server.refuse()
    const reward = rewardRow()
    const learned = [observation({ decisionId: reward.decisionId, atMs: reward.atMs })]
    await assert.rejects(writeReward(reward, learned), {
      code: 'store_unavailable',
      message: /stays in line.*ECONNREFUSED/,
    })
    await server.listen()
    await store!.flush()
    await writeReward(reward, learned)
    assert.equal(await stored('rewards'), 1)
    const sums = await loadSums({ featureSpace: SPACE, nowMs: START_MS, halfLifeMs: NEVER_FORGET })
    assertSums(sums, directSums(learned, START_MS, NEVER_FORGET))
  })

  test('feedback whose commit is cut between its two inserts is whole after the next try', async () => {
    const { writeReward, loadSums } = await open()
    await server.setFaults(
      { kind: 'cut-after', when: 'INSERT INTO rewards', times: 1 },
      { kind: 'cut-before', when: 'INSERT INTO observations', times: 1 },
    )
    const rewards = [rewardRow(), rewardRow()]
    const learned = rewards.map(({ decisionId, atMs }) => observation({ decisionId, atMs }))
    await Promise.all(rewards.map((reward, i) => writeReward(reward, [learned[i]!])))
    assert.equal(await stored('rewards'), 2)
    const sums = await loadSums({ featureSpace: SPACE, nowMs: START_MS, halfLifeMs: NEVER_FORGET })
    assertSums(sums, directSums(learned, START_MS, NEVER_FORGET))
  })

  test('bodies are compressed unless told otherwise', async () => {
    const { appendDecision, flush } = await open()
    appendDecision(decisionRow())
    await flush()
    assert.deepEqual(
      (await inserts()).map(({ encoding }) => encoding),
      ['gzip'],
    )
    await store!.close()
    const plain = { ...options(), compression: false }
    store = await openClickHouseStore(plain)
    await server.forget()
    store.appendDecision(decisionRow())
    await store.flush()
    assert.deepEqual(
      (await inserts()).map(({ encoding }) => encoding),
      [''],
    )
  })

  test('closing without the server gives up what waits, and ends', async () => {
    const opened = await open()
    await server.refuse()
    opened.appendDecision(decisionRow())
    const reward = opened.writeReward(rewardRow(), [])
    const refused = assert.rejects(reward, { code: 'store_closed' })
    await opened.close()
    await refused
    assert.deepEqual([opened.stats().queuedRows, opened.stats().droppedRows], [0, 2])
    await server.listen()
  })

  test('reading without the server is store_unavailable', async () => {
    const opened = await open()
    await server.refuse()
    await assert.rejects(opened.findDecision(decisionId()), {
      code: 'store_unavailable',
      message: /ECONNREFUSED/,
    })
    await assert.rejects(opened.ping(), { code: 'store_unavailable' })
    await server.listen()
    await opened.ping()
  })

  test('opening with a wrong password names the settings and not the password', async () => {
    await assert.rejects(
      openClickHouseStore({ ...options(), password: 'secret-guess' } as StoreOptions),
      (error: StoreError) => {
        assert.equal(error.code, 'store_unavailable')
        assert.match(error.message, /store\.username and store\.password/)
        assert.doesNotMatch(error.message, /secret-guess/)
        return true
      },
    )
  })

  test('credentials in the URL are used and not shown', async () => {
    const url = new URL(server.url)
    url.username = 'default'
    url.password = PASSWORD
    store = await openClickHouseStore({ ...options(), url: url.href, password: undefined } as StoreOptions)
    assert.equal(store.location, server.url)
  })
})

describe('opening a store on a server that is not there', () => {
  const openAt = (url: string) =>
    openClickHouseStore({
      kind: 'remote',
      url,
      database: 'd',
      password: 'hush',
      replica: 'r',
      connectTimeoutMs: 300,
    })
  const serve = async (server: Server): Promise<string> => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  test('nobody listens', async () => {
    const server = createServer()
    const url = await serve(server)
    server.close()
    await assert.rejects(openAt(url.replace('//', '//someone:hush@')), (error: StoreError) => {
      assert.equal(error.code, 'store_unavailable')
      assert.ok(error.message.includes(url))
      assert.match(error.message, /start it, correct store\.url/)
      assert.doesNotMatch(error.message, /hush|someone/)
      return true
    })
  })

  test('somebody listens and never answers', async () => {
    const server = createServer(() => {})
    await assert.rejects(openAt(await serve(server)), {
      code: 'store_unavailable',
      message: /does not answer/,
    })
    server.closeAllConnections()
    server.close()
  })

  test('it is too old', async () => {
    const server = createServer((request, response) => {
      request.resume()
      response.end('{"version":"24.8.4.13"}\n')
    })
    await assert.rejects(openAt(await serve(server)), {
      code: 'store_migration_failed',
      message: /24\.8.*25\.8 or newer/,
    })
    server.closeAllConnections()
    server.close()
  })

  for (const url of ['clickhouse', 'tcp://localhost:9000', 'http://localhost:8123/somewhere']) {
    test(`${url} is no place for a store`, async () => {
      await assert.rejects(openAt(url), { code: 'store_bad_location', message: /store\.url/ })
    })
  }
})
