/**
 * What a million decisions take on disk, by table: realistic rows in the embedded engine, merged, and what its own books say
 * of them. `HIGHWAYMAN_SIZE_DECISIONS` sets how many are written; sizes grow with them, so a million is a multiplication.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClickHouseStore, openClickHouseStore } from '../../adapters/clickhouse/open-store.ts'
import { storeRealisticRows } from '../helpers/realistic-rows.ts'
import { type BenchResult, median } from './report.ts'
import { benchCodecs } from './store-codecs.ts'

const DECISIONS = Number(process.env['HIGHWAYMAN_SIZE_DECISIONS'] ?? 50_000)
const MILLION = 1e6
const ROUNDS = 5
const COPIES = 10
const MONTH_MS = 30 * 86_400_000
/** Sums depend on how long, how many arms and how many replicas, not on how many decisions. */
const BY_TIME: ReadonlySet<string> = new Set(['posterior'])

export async function benchStoreSize({
  table: withCodecs,
}: {
  readonly table: boolean
}): Promise<BenchResult[]> {
  const dataDir = await mkdtemp(join(tmpdir(), 'highwayman-size-'))
  const store = await openClickHouseStore({
    kind: 'embedded',
    dataDir,
    replica: 'replica-1',
    // A thousand judgements at once, from all over the month, take longer than a caller would wait.
    writer: { rewardTimeoutMs: 600_000 },
  })
  try {
    await storeRealisticRows(store, {
      decisions: DECISIONS,
      fromMs: Date.now() - MONTH_MS,
      spanMs: MONTH_MS,
    })
    const tables = await store.queryRows(
      "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name != 'schema_migrations' ORDER BY name",
    )
    const results: BenchResult[] = []
    for (const { name } of tables) {
      await store.queryRows(`OPTIMIZE TABLE ${name} FINAL`)
      const [size] = await store.queryRows(
        `SELECT sum(bytes_on_disk) AS bytes, sum(data_uncompressed_bytes) AS raw, sum(rows) AS rows
         FROM system.parts WHERE active AND database = currentDatabase() AND table = {table:String}`,
        { table: name },
      )
      const times = BY_TIME.has(String(name)) ? 1 : MILLION / DECISIONS
      const raw = Number(size?.['raw'])
      if (raw === 0) continue
      results.push({
        name: `store size, ${name}`,
        value: Number(size?.['bytes']) * times,
        unit: BY_TIME.has(String(name)) ? 'bytes a month, one replica' : 'bytes per million decisions',
        ratios: {
          rows: Number(size?.['rows']) / DECISIONS,
          uncompressed: Number(size?.['bytes']) / raw,
        },
        method: `${DECISIONS} decisions of 6 arms, a fifth judged, 32 text coordinates, one call each; parts merged, bytes on disk`,
      })
    }
    if (withCodecs) results.push(...(await benchCodecs(store, DECISIONS)))
    return [...results, ...(await statistics(store))]
  } finally {
    await store.close()
    await rm(dataDir, { recursive: true, force: true })
  }
}

/** How fast statistics are read straight, and how much smaller a rollup would be than what it rolls up. */
async function statistics(store: ClickHouseStore): Promise<BenchResult[]> {
  const [cells] = await store.queryRows(
    'SELECT uniqExact(arm, request_class, tenant, toStartOfHour(decision_ts)) AS cells FROM decisions',
  )
  for (const table of ['decisions', 'attempts', 'rewards']) await multiply(store, table)
  const query = {
    fromMs: Date.now() - 2 * MONTH_MS,
    toMs: Date.now() + MONTH_MS,
    groupBy: ['arm', 'class', 'time'],
    bucketMs: 86_400_000,
    baseline: 'sim-openai/turnpike-mini',
  } as const
  const seconds: number[] = []
  for (let i = 0; i < ROUNDS; i += 1) {
    const start = performance.now()
    await store.trafficStats(query)
    seconds.push((performance.now() - start) / 1_000)
  }
  const method = `${DECISIONS} decisions of a month, 6 arms, 10 classes, 20 tenants`
  return [
    {
      name: 'statistics read',
      value: (COPIES * DECISIONS) / median(seconds),
      unit: 'decisions/s',
      method: `${method}, and ${COPIES - 1} copies of each under other ids; by arm × class × day with a baseline, median of ${ROUNDS}`,
    },
    {
      name: 'statistics rollup',
      value: Number(cells?.['cells']),
      unit: 'rows by arm × class × tenant × hour',
      ratios: { decisions: Number(cells?.['cells']) / DECISIONS },
      method,
    },
  ]
}

/** Copies of each row under ids of their own, the same for all rows about a decision, some milliseconds later. */
async function multiply(store: ClickHouseStore, table: string): Promise<void> {
  const columns = await store.queryRows(
    "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {table:String} AND default_kind != 'ALIAS'",
    { table },
  )
  const names = columns.map(({ name }) => String(name))
  const copied = names.map((name) => {
    if (name === 'decision_id') return 'reinterpretAsUUID(sipHash128(decision_id, k)) AS decision_id'
    if (name === 'decision_ts') return 'decision_ts + toIntervalMillisecond(k * 1291) AS decision_ts'
    return name
  })
  await store.queryRows(
    `INSERT INTO ${table} (${names.join(', ')}) SELECT ${copied.join(', ')} FROM ${table} ARRAY JOIN range(1, ${COPIES}) AS k`,
  )
}
