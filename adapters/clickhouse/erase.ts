/**
 * Erasing a tenant or a user: out of every table that knows decisions, whichever migration made it, and out of the sums.
 *
 * Sums are made right by subtraction, not by summing anew: rows that others write meanwhile stay counted once, and what was
 * learned from observations that are no longer kept stays learned. Nothing of a person is left in a sum once it is
 * subtracted; a sum whose observations are gone has no id and no request in it to be found by.
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ClickHouse, reasonOf } from './client.ts'
import { type Cluster, quote, storedTable } from './schema/on-cluster.ts'
import { type Erasure, type ErasureQuery, StoreError } from './store.ts'

/** A table of few rows is rewritten in milliseconds, one of many in minutes: the pauses between two looks double. */
const FIRST_POLL_MS = 10
const LAST_POLL_MS = 320

/**
 * @param life of an engine whose sums are made anew from the observations when it has died: what was subtracted for rows that are
 *   still there is back then, and has to be subtracted again. Empty: a server's, whose sums stay as they are.
 * @throws {StoreError} `store_unavailable`: run it again, what was erased stays so
 */
export async function erase(
  clickhouse: ClickHouse,
  query: ErasureQuery,
  cluster: Cluster | undefined,
  life = '',
): Promise<Erasure> {
  try {
    return await eraseRows(clickhouse, query, cluster, life)
  } catch (error) {
    throw new StoreError(
      'store_unavailable',
      `tenant ${query.tenant} is not erased yet at ${clickhouse.location} (${reasonOf(error)}); run it again`,
      { cause: error },
    )
  }
}

async function eraseRows(
  clickhouse: ClickHouse,
  query: ErasureQuery,
  cluster: Cluster | undefined,
  life: string,
): Promise<Erasure> {
  const suffix = cluster === undefined ? '' : '_local'
  const theirs = `tenant = ${quote(query.tenant)}${query.userHash === undefined ? '' : ` AND user_hash = ${quote(query.userHash)}`}`
  const [latest] = await clickhouse.query(
    `SELECT toUnixTimestamp64Milli(max(decision_ts)) AS ms FROM decisions WHERE ${theirs}`,
  )
  // What they ask meanwhile stays whole, for a repetition: of a decision that went as the last, the rows elsewhere could not be found.
  const whose = `${theirs} AND decision_ts <= fromUnixTimestamp64Milli(${Number(latest?.['ms'])}, 'UTC')`
  const ids = (decisions: string): string =>
    `decision_id GLOBAL IN (SELECT decision_id FROM ${decisions} WHERE ${whose})`
  const tables = await tablesOf(clickhouse, suffix)
  const rows: Record<string, number> = {}
  const count = async (table: string, where: string): Promise<number> => {
    const [row] = await clickhouse.query(`SELECT count() AS rows FROM ${table} WHERE ${where}`)
    return Number(row?.['rows'])
  }
  const remove = async (table: string, where: string): Promise<void> => {
    await clickhouse.command(
      `ALTER TABLE ${storedTable(table, cluster)} DELETE WHERE ${where} SETTINGS mutations_sync = 0, allow_nondeterministic_mutations = 1`,
    )
    await mutationsDone(clickhouse, `${table}${suffix}`, cluster)
  }
  await subtract(clickhouse, ids('decisions'), life)
  for (const table of tables.byDecision) {
    rows[table] = await count(table, ids('decisions'))
    // Of one shard: there is what belongs to its own decisions.
    if (rows[table] > 0) await remove(table, ids(`decisions${suffix}`).replace('GLOBAL ', ''))
  }
  if (query.userHash === undefined) {
    for (const table of tables.byTenant) {
      rows[table] = await count(table, theirs)
      if (rows[table] > 0) await remove(table, theirs)
    }
  }
  // Last: by them the others are found, should this be interrupted.
  const decisions = await count('decisions', whose)
  if (decisions > 0) await remove('decisions', whose)
  return { decisions, rows: { decisions, ...rows } }
}

/** Tables beside `decisions` that have its ids, and those that know tenants only. */
async function tablesOf(
  clickhouse: ClickHouse,
  suffix: string,
): Promise<{ readonly byDecision: readonly string[]; readonly byTenant: readonly string[] }> {
  const found = await clickhouse.query(
    `SELECT name, has(columns, 'decision_id') AS by_decision
     FROM
     (
         SELECT table AS name, groupArray(columns.name) AS columns FROM system.columns AS columns
         WHERE database = currentDatabase() AND default_kind != 'ALIAS' GROUP BY table
     ) AS columns
     INNER JOIN (SELECT name, engine FROM system.tables WHERE database = currentDatabase()) AS tables USING (name)
     WHERE engine LIKE '%MergeTree' AND hasAny(columns, ['decision_id', 'tenant'])
     ORDER BY name`,
  )
  const tables = found.map((row) => ({
    name: String(row['name']).slice(0, suffix === '' ? undefined : -suffix.length),
    byDecision: Boolean(row['by_decision']),
  }))
  return {
    byDecision: tables.flatMap(({ name, byDecision }) => (byDecision && name !== 'decisions' ? name : [])),
    byTenant: tables.flatMap(({ name, byDecision }) => (byDecision ? [] : name)),
  }
}

/**
 * Adds the negative of what the erased observations had added. The token is made of the rows themselves: an erasure that
 * was interrupted before they were deleted does not subtract them again.
 */
async function subtract(clickhouse: ClickHouse, ids: string, life: string): Promise<void> {
  const [seen] = await clickhouse.query(
    `SELECT count() AS rows, toString(groupBitXor(sipHash64(decision_id, ts, heads, y, weight))) AS hash FROM observations WHERE ${ids}`,
  )
  if (Number(seen?.['rows']) === 0) return
  const token = createHash('sha256').update(`${life}:${seen?.['rows']}:${seen?.['hash']}`).digest('hex')
  const columns = await clickhouse.query(
    "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = 'posterior' AND default_kind != 'ALIAS' ORDER BY position",
  )
  const names = columns.map((row) => String(row['name']))
  const values = columns.map((row) => negative(String(row['name']), String(row['type'])))
  await clickhouse.command(
    `INSERT INTO posterior (${names.join(', ')})
     SELECT ${values.join(', ')} FROM (${await viewSelect(clickhouse, ids)})
     SETTINGS insert_deduplicate = 1, insert_deduplication_token = 'erase:${token}', max_threads = 1, max_insert_threads = 1, distributed_foreground_insert = 1`,
  )
}

/** A sum with the other sign; a key as it is. Counts wrap around, and come back when they are added up. */
function negative(name: string, type: string): string {
  if (type.startsWith('SimpleAggregateFunction(sum, UInt64'))
    return `toUInt64(0 - toInt64(${name})) AS ${name}`
  if (type.startsWith('SimpleAggregateFunction(sum')) return `-${name} AS ${name}`
  if (type.startsWith('AggregateFunction(sumForEach')) {
    return `arrayReduce('sumForEachState', [arrayMap(v -> -v, finalizeAggregation(${name}))]) AS ${name}`
  }
  if (type.includes('AggregateFunction')) throw new Error(`posterior.${name} (${type}) cannot be subtracted`)
  return name
}

/** What the view computes, over the erased observations of all shards. */
async function viewSelect(clickhouse: ClickHouse, ids: string): Promise<string> {
  const [view] = await clickhouse.query(
    "SELECT as_select FROM system.tables WHERE database = currentDatabase() AND name = 'observations_to_posterior'",
  )
  const select = String(view?.['as_select'])
  const cut = / FROM [\w`.]*\bobservations(?:_local)?\b`?/.exec(select)
  if (cut === null) throw new Error('the view of the posterior does not read observations')
  const [head, tail] = [select.slice(0, cut.index), select.slice(cut.index + cut[0].length)]
  return `${head} FROM observations WHERE ${ids}${tail}`
}

/** @throws {Error} when ClickHouse says that it cannot be done */
async function mutationsDone(
  clickhouse: ClickHouse,
  table: string,
  cluster: Cluster | undefined,
): Promise<void> {
  const source =
    cluster === undefined
      ? 'system.mutations'
      : `clusterAllReplicas(${quote(cluster.name)}, system.mutations)`
  const [here] = await clickhouse.query('SELECT currentDatabase() AS name')
  for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(2 * pollMs, LAST_POLL_MS)) {
    const [row] = await clickhouse.query(
      `SELECT countIf(NOT is_done) AS running, anyIf(latest_fail_reason, NOT is_done) AS failure
       FROM ${source} WHERE database = {database:String} AND table = {table:String}`,
      { table, database: here?.['name'] },
    )
    if (Number(row?.['running']) === 0) return
    if (String(row?.['failure']) !== '') throw new Error(String(row?.['failure']))
    await sleep(pollMs)
  }
}
