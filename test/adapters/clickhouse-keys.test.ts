/** The keys serve the queries there are: what ClickHouse plans to read of each, asked with the very SQL that is sent. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { QueryParams, Row } from '../../adapters/clickhouse/client.ts'
import { type ClickHouseStore, openClickHouseStore } from '../../adapters/clickhouse/open-store.ts'
import { findDecision } from '../../adapters/clickhouse/readers/find-decision.ts'
import { readLog } from '../../adapters/clickhouse/readers/read-log.ts'
import { trafficStats } from '../../adapters/clickhouse/readers/traffic-stats.ts'

const ROWS = 200_000
const SPAN_MS = 60 * 86_400_000
/** Two months and a bit ago: three partitions at least. */
const BASE_MS = Math.floor(Date.now() / 86_400_000) * 86_400_000 - 70 * 86_400_000
const STEP_MS = SPAN_MS / ROWS
const HOUR_MS = 3_600_000

interface Plan {
  readonly table: string
  readonly keys: readonly string[]
  readonly granules: number
  readonly ofGranules: number
}

describe('what is read', () => {
  let dataDir: string
  let store: ClickHouseStore

  /** Runs a reader, and gives the plan of every query it sent. */
  async function plansOf(read: (clickhouse: { query: ClickHouseStore['queryRows'] }) => Promise<unknown>) {
    const sent: [string, QueryParams | undefined][] = []
    await read({
      query: async (sql: string, params?: QueryParams): Promise<Row[]> => {
        sent.push([sql, params])
        return await store.queryRows(sql, params)
      },
    })
    const plans: Plan[] = []
    for (const [sql, params] of sent) {
      const lines = await store.queryRows(`EXPLAIN indexes = 1 ${sql}`, params)
      plans.push(...readPlans(lines.map(({ explain }) => String(explain))))
    }
    return plans
  }

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'highwayman-keys-'))
    store = await openClickHouseStore({ kind: 'embedded', dataDir, replica: 'r' })
    const time = `fromUnixTimestamp64Milli(toInt64(${BASE_MS} + number * ${STEP_MS}), 'UTC')`
    // As a UUIDv7: the time in front, and the rest by chance.
    const id = `toUUID(concat(substring(lower(hex(toUInt64(${BASE_MS} + number * ${STEP_MS}))), 1, 8), '-',
      substring(lower(hex(toUInt64(${BASE_MS} + number * ${STEP_MS}))), 9, 4), '-7000-8000-', leftPad(toString(number), 12, '0')))`
    await store.queryRows(
      `INSERT INTO decisions (decision_ts, decision_id, ts, tenant, request_class, policy, eligible, probabilities, arm, propensity)
       SELECT ${time}, ${id}, ${time}, concat('tenant-', toString(number % 50)), 'code', '{"name":"thompson"}', ['a/b'], [1], 'a/b', 1 FROM numbers(${ROWS})`,
    )
    for (const [table, columns, values] of [
      ['attempts', 'arm, status, total_ms, cost_usd', "'a/b', 'answered', 1000, 0.01"],
      ['rewards', 'reward_id, metric, value_number', "toString(number), 'quality', 1"],
    ]) {
      await store.queryRows(
        `INSERT INTO ${table} (decision_ts, decision_id, ts, ${columns}) SELECT ${time}, ${id}, ${time}, ${values} FROM numbers(${ROWS})`,
      )
      await store.queryRows(`OPTIMIZE TABLE ${table} FINAL`)
    }
    await store.queryRows('OPTIMIZE TABLE decisions FINAL')
  })
  after(async () => {
    await store.close()
    await rm(dataDir, { recursive: true, force: true })
  })

  const uses = (plans: readonly Plan[], granulesMax: number, tables: readonly string[]): void => {
    assert.deepEqual([...new Set(plans.map(({ table }) => table))].sort(), [...tables].sort())
    for (const plan of plans) {
      const { table, keys, granules, ofGranules } = plan
      assert.ok(keys.includes('decision_ts'), `${table} is not found by its key: ${JSON.stringify(plan)}`)
      assert.ok(ofGranules >= 20, `${table} has ${ofGranules} granules only`)
      assert.ok(granules <= granulesMax, `${table}: ${granules} of ${ofGranules} granules`)
    }
  }

  test('one decision: one granule of each log', async () => {
    const [row] = await store.queryRows(
      'SELECT decision_id FROM decisions ORDER BY decision_ts LIMIT 1 OFFSET 123456',
    )
    const id = String(row?.['decision_id'])
    const plans = await plansOf(async (clickhouse) => {
      assert.equal(
        (await findDecision(clickhouse as Parameters<typeof findDecision>[0], id))?.attempts.length,
        1,
      )
    })
    uses(plans, 1, ['decisions', 'attempts', 'rewards'])
    assert.ok(plans.every(({ keys }) => keys.includes('decision_id')))
  })

  const day = { fromMs: BASE_MS + 20 * 86_400_000, toMs: BASE_MS + 21 * 86_400_000, bucketMs: HOUR_MS }

  test('class × arm × hour of a day: what a day holds', async () => {
    const plans = await plansOf((clickhouse) =>
      trafficStats(clickhouse, { ...day, groupBy: ['class', 'arm', 'time'], baseline: 'a/b' }),
    )
    // A day is 3,334 rows: half a granule, which may begin in one and end in the next.
    uses(plans, 2, ['decisions', 'attempts', 'rewards'])
  })

  test('the spend of a tenant on a day: what a day holds', async () => {
    const plans = await plansOf(async (clickhouse) => {
      const { groups } = await trafficStats(clickhouse, {
        ...day,
        groupBy: ['tenant'],
        tenants: ['tenant-7'],
      })
      assert.equal(groups.length, 1)
    })
    uses(plans, 2, ['decisions', 'attempts', 'rewards'])
  })

  test('a page of the evaluation scan: from where the last one ended, and not to the end', async () => {
    let first = ''
    const plans = await plansOf(async (clickhouse) => {
      const rows = readLog(clickhouse, { fromMs: day.fromMs, toMs: day.toMs }, 500)
      const { value } = await rows.next()
      first = value.id
      await rows.return(undefined)
    })
    assert.notEqual(first, '')
    uses(plans, 2, ['decisions', 'attempts', 'rewards'])
  })
})

/** The indices of every table read, from the text of `EXPLAIN indexes = 1`. */
function readPlans(lines: readonly string[]): Plan[] {
  const plans: Plan[] = []
  let table = ''
  let index = ''
  let keys: string[] = []
  let whole = 0
  let reading = false
  const numbers = (line: string): [number, number] => {
    const [, some = '0', all = '0'] = /Granules: (\d+)\/(\d+)/.exec(line) ?? []
    return [Number(some), Number(all)]
  }
  for (const line of lines.map((text) => text.replace(/^[\s│├└─]+/, '').trimEnd())) {
    const read = /ReadFromMergeTree \((?:\w+\.)?(\w+)\)/.exec(line)?.[1]
    if (read !== undefined) {
      table = read
      whole = 0
    }
    if (/^(Min-?Max|Partition|PrimaryKey|Skip)$/.test(line)) {
      index = line
      keys = []
      reading = false
    } else if (line === 'Keys:') reading = true
    else if (/^(Condition|Parts|Granules|Search Algorithm|Ranges):/.test(line)) {
      reading = false
      if (!line.startsWith('Granules')) continue
      const [some, all] = numbers(line)
      whole = Math.max(whole, all)
      if (index === 'PrimaryKey') plans.push({ table, keys, granules: some, ofGranules: whole })
    } else if (reading) keys.push(line)
  }
  return plans
}
