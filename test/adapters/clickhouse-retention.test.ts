/** How long rows are kept: TTLs by configuration, put on once, taken off again, and harmless to what was learned. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { type ClickHouseStore, openClickHouseStore } from '../../adapters/clickhouse/open-store.ts'
import { reconcilePosterior } from '../../adapters/clickhouse/reconcile.ts'
import {
  applyRetention,
  RETAINED_TABLES,
  type Retention,
} from '../../adapters/clickhouse/schema/retention.ts'
import { assertSums, directSums } from '../helpers/direct-sums.ts'
import { decisionRow, NEVER_FORGET, observation, SPACE } from '../helpers/store-rows.ts'

const DAY_MS = 86_400_000
const ROLL_UP = /TTL (?:bucket \+ toIntervalDay\(\d+\), )?bucket \+ toIntervalDay\(1\) GROUP BY/

describe('retention', () => {
  let dataDir: string
  let store: ClickHouseStore

  const open = async (retention?: Retention): Promise<void> => {
    store = await openClickHouseStore({ kind: 'embedded', dataDir, replica: 'replica-1', retention })
  }
  const apply = (retention: Retention) =>
    applyRetention(
      {
        kind: 'embedded',
        location: dataDir,
        insert: async () => {},
        query: store.queryRows,
        command: async (sql) => void (await store.queryRows(sql)),
        close: async () => {},
      },
      retention,
      undefined,
    )
  const ttlOf = async (table: string): Promise<string> => {
    const [row] = await store.queryRows('SELECT engine_full FROM system.tables WHERE name = {table:String}', {
      table,
    })
    return /TTL .+(?= SETTINGS)/s.exec(String(row?.['engine_full']))?.[0] ?? ''
  }
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'highwayman-retention-'))
  })
  afterEach(() => store.close())
  after(() => rm(dataDir, { recursive: true, force: true }))

  test('nothing is said: everything is kept, and sums are rolled up', async () => {
    await open()
    for (const table of RETAINED_TABLES.filter((name) => name !== 'posterior' && name !== 'prompts')) {
      assert.equal(await ttlOf(table), '', table)
    }
    assert.match(await ttlOf('posterior'), ROLL_UP)
    assert.match(await ttlOf('prompts'), /toIntervalDay\(30\)$/)
  })

  test('a TTL is put on once, changed, and taken off; the roll-up of sums stays', async () => {
    await open(Object.fromEntries(RETAINED_TABLES.map((table) => [table, 90])))
    for (const table of RETAINED_TABLES) assert.match(await ttlOf(table), /toIntervalDay\(90\)/, table)
    assert.match(await ttlOf('posterior'), ROLL_UP)
    assert.deepEqual(await apply(Object.fromEntries(RETAINED_TABLES.map((table) => [table, 90]))), [])
    assert.deepEqual(await apply({ decisions: 30, attempts: 90, observations: 90, posterior: 120 }), [
      'decisions',
      'rewards',
      'posterior',
      'assignments',
    ])
    assert.equal(await ttlOf('rewards'), '')
    assert.match(
      await ttlOf('posterior'),
      /^TTL bucket \+ toIntervalDay\(120\), bucket \+ toIntervalDay\(1\) GROUP/,
    )
    assert.deepEqual(await apply({}), ['decisions', 'attempts', 'observations', 'posterior'])
    assert.match(await ttlOf('posterior'), /^TTL bucket \+ toIntervalDay\(1\) GROUP/)
    assert.deepEqual(await apply({}), [])
  })

  test('old rows leave, young ones stay', async () => {
    await open({ decisions: 30 })
    const old = decisionRow({}, { atMs: Date.now() - 40 * DAY_MS })
    const young = decisionRow({}, { atMs: Date.now() - 20 * DAY_MS })
    store.appendDecision(old)
    store.appendDecision(young)
    await store.flush()
    await store.queryRows('OPTIMIZE TABLE decisions FINAL')
    assert.equal(await store.findDecision(old.decision.id), undefined)
    assert.deepEqual((await store.findDecision(young.decision.id))?.row, young)
  })

  test('sums outlive their observations, also where a slot is half gone when a crash is mended', async () => {
    await open({ observations: 30 })
    // One slot whose time is up, one that is kept, and a crash that took the sums of the latter.
    const [gone, kept] = [40, 20].map((days) => observation({ atMs: Date.now() - days * DAY_MS })) as [
      ReturnType<typeof observation>,
      ReturnType<typeof observation>,
    ]
    const halfGone = observation({ atMs: gone.atMs + 1, y: 0.2 })
    store.appendObservations([gone, halfGone, kept])
    await store.flush()
    await store.queryRows('ALTER TABLE observations DELETE WHERE y[1] = 0.2 SETTINGS mutations_sync = 2')
    await store.queryRows(
      `ALTER TABLE posterior DELETE WHERE slot > fromUnixTimestamp64Milli(${Date.now() - 30 * DAY_MS}) SETTINGS mutations_sync = 2`,
    )
    const nowMs = Date.now()
    const query = { featureSpace: SPACE, nowMs, halfLifeMs: NEVER_FORGET }
    assertSums(await store.loadSums(query), directSums([gone, halfGone], nowMs, NEVER_FORGET))
    const mended = await reconcilePosterior(
      {
        kind: 'embedded',
        location: dataDir,
        insert: async () => {},
        query: store.queryRows,
        command: async (sql) => void (await store.queryRows(sql)),
        close: async () => {},
      },
      30,
    )
    assert.equal(mended, 1)
    assertSums(await store.loadSums(query), directSums([gone, halfGone, kept], nowMs, NEVER_FORGET))
  })
})
