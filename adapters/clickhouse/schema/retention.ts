/**
 * How long rows are kept: TTLs by configuration, not by migration. They are put on at every start, and only where they are
 * not what they should be: changing one makes ClickHouse rewrite the table.
 */
import { type ClickHouse, reasonOf } from '../client.ts'
import { StoreError } from '../store.ts'
import { type Cluster, storedTable } from './on-cluster.ts'

/** Days by table; a table that is left out is kept for good, and prompts for as long as was last said. */
export type Retention = Readonly<Partial<Record<RetainedTable, number>>>

/** Seconds of the slots that sums are rolled up to: see migration 0002. */
export const SLOT_SECONDS = 21_600

/**
 * When a row's time began, as ClickHouse writes it back. Observations of a slot are counted against its sums, hence leave
 * together, at the slot's end.
 */
const BEGINNINGS = {
  decisions: 'toDateTime(decision_ts)',
  attempts: 'toDateTime(decision_ts)',
  rewards: 'toDateTime(decision_ts)',
  observations: `toDateTime((intDiv(toUnixTimestamp(ts), ${SLOT_SECONDS}) + 1) * ${SLOT_SECONDS})`,
  posterior: 'bucket',
  prompts: 'toDateTime(decision_ts)',
  assignments: 'toDateTime(decision_ts)',
} as const
export type RetainedTable = keyof typeof BEGINNINGS
export const RETAINED_TABLES = Object.keys(BEGINNINGS) as RetainedTable[]

/** The names of the tables whose TTL was changed. @throws {StoreError} `store_migration_failed` */
export async function applyRetention(
  clickhouse: ClickHouse,
  retention: Retention,
  cluster: Cluster | undefined,
): Promise<RetainedTable[]> {
  const changed: RetainedTable[] = []
  const suffix = cluster === undefined ? '' : '_local'
  try {
    const rows = await clickhouse.query(
      'SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()',
    )
    const engines = new Map(rows.map((row) => [String(row['name']), String(row['engine_full'])]))
    for (const table of RETAINED_TABLES) {
      if (table === 'prompts' && retention.prompts === undefined) continue
      const change = ttlChange(table, engines.get(table + suffix) ?? '', retention[table])
      if (change === undefined) continue
      await clickhouse.command(`ALTER TABLE ${storedTable(table, cluster)} ${change}`)
      changed.push(table)
    }
  } catch (error) {
    throw new StoreError(
      'store_migration_failed',
      `store.retention could not be put in force on ${clickhouse.location}: ${reasonOf(error)}; mend the cause and start again`,
      { cause: error },
    )
  }
  return changed
}

/**
 * What `ALTER TABLE` has to say so that rows leave after `days`; undefined: nothing.
 * @param engine as `system.tables` has it: `MergeTree … TTL … SETTINGS …`
 */
export function ttlChange(
  table: RetainedTable,
  engine: string,
  days: number | undefined,
): string | undefined {
  const current = /\bTTL (.+?)(?= SETTINGS |$)/s.exec(engine)?.[1] ?? ''
  const beginning = `${BEGINNINGS[table]} + toIntervalDay(`
  // Ours stands first; behind it what the migrations say of the table, which may begin alike and go on otherwise.
  const isOurs = current.startsWith(beginning) && /^\d+\)(, |$)/.test(current.slice(beginning.length))
  const rest = isOurs ? current.slice(beginning.length).replace(/^\d+\)(, )?/, '') : current
  const wanted = [...(days === undefined ? [] : [`${beginning}${days})`]), ...(rest === '' ? [] : [rest])]
  if (wanted.join(', ') === current) return undefined
  return wanted.length === 0 ? 'REMOVE TTL' : `MODIFY TTL ${wanted.join(', ')}`
}
