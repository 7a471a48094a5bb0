/**
 * The statements of a migration as a cluster needs them. One file is the source of both: what a single server runs as it
 * stands becomes, for each table, a replicated table `name_local` on every server and a Distributed table `name` over
 * them, so that every other statement of this folder reads and writes the same names.
 *
 * Views stay where the rows are: each server sums what its own shard is given, from `…_local` into `…_local`, and readers
 * add the shards up. That is right because everything a view writes is additive, or keyed by a decision, whose rows share
 * a shard.
 */
import { columnsOf, indexOfTop, splitTop } from './sql-scan.ts'

export interface Cluster {
  /** Its name in `remote_servers` of the servers' configuration. */
  readonly name: string
  /** Where the replicas of a table meet in Keeper; the servers' macros stand in braces. */
  readonly keeperPath: string
  /** The macro that names a server among the replicas of its shard. */
  readonly replicaMacro: string
}

export const DEFAULT_KEEPER_PATH = '/clickhouse/tables/{shard}/{database}/{table}'
export const DEFAULT_REPLICA_MACRO = '{replica}'

/** What tables and views the statements so far have made: `ALTER` and `DROP` need to know which of the two a name is. */
export interface Names {
  readonly tables: Set<string>
  readonly views: Set<string>
}

/** A statement that has no rule here. Migrations are our own files: this is found by the test that generates them all. */
export class UnknownStatement extends Error {
  override readonly name = 'UnknownStatement'
}

const CREATE_TABLE = /^CREATE TABLE IF NOT EXISTS (\w+)\s*(?=\()/i
const CREATE_VIEW = /^CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+)\s+TO\s+(\w+)\s+AS\s+/i
const ALTER = /^ALTER TABLE (\w+)\s+/i
const DROP = /^DROP (TABLE|VIEW) IF EXISTS (\w+)$/i
/** Runs once, over the Distributed tables. */
const INSERT = /^INSERT INTO \w+/i

/**
 * How many inserts of a table ClickHouse knows by their token, over all writers, and for how long: by default an hour, and a
 * batch whose answer was lost may come again after a longer outage than that.
 */
const REPLICATED_WINDOW =
  'replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800'

/** What of `ALTER` a Distributed table takes too: the shape of rows, not how they are kept. */
const SHAPE = /^(ADD|DROP|MODIFY|RENAME|COMMENT|CLEAR) COLUMN\b/i

/**
 * @param names is added to
 * @throws {UnknownStatement}
 */
export function onCluster(statement: string, cluster: Cluster, names: Names): string[] {
  const [, table] = CREATE_TABLE.exec(statement) ?? []
  if (table !== undefined) {
    names.tables.add(table)
    return createTable(statement, table, cluster)
  }
  const [, view, target] = CREATE_VIEW.exec(statement) ?? []
  if (view !== undefined && target !== undefined) {
    names.views.add(view)
    const head = `CREATE MATERIALIZED VIEW IF NOT EXISTS ${view}${clause(cluster)} TO ${target}_local AS `
    return [head + localSources(statement.replace(CREATE_VIEW, ''), names)]
  }
  const [alterHead, altered] = ALTER.exec(statement) ?? []
  if (alterHead !== undefined && altered !== undefined) {
    return alter(altered, statement.slice(alterHead.length), cluster, names)
  }
  const [, kind, dropped] = DROP.exec(statement) ?? []
  if (kind !== undefined && dropped !== undefined) {
    const both = names.tables.has(dropped) ? [dropped, `${dropped}_local`] : [dropped]
    return both.map((name) => `DROP ${kind} IF EXISTS ${name}${clause(cluster)}`)
  }
  if (INSERT.test(statement)) return [statement]
  throw new UnknownStatement(`no rule for clusters: ${statement.slice(0, 80)}`)
}

/** Where the rows of a table are: what is mutated or given a TTL. */
export function storedTable(table: string, cluster: Cluster | undefined): string {
  return cluster === undefined ? table : `${table}_local${clause(cluster)}`
}

export function clause({ name }: Pick<Cluster, 'name'>): string {
  return ` ON CLUSTER '${name}'`
}

function createTable(statement: string, table: string, cluster: Cluster): string[] {
  const local = `${table}_local`
  const replicated = statement
    .replace(CREATE_TABLE, `CREATE TABLE IF NOT EXISTS ${local}${clause(cluster)} `)
    .replace(/\bENGINE = (\w*MergeTree)(?:\(([^()]*)\))?/, (_all, engine: string, args = '') => {
      const places = [quote(cluster.keeperPath), quote(cluster.replicaMacro), ...(args === '' ? [] : [args])]
      return `ENGINE = Replicated${engine}(${places.join(', ')})`
    })
    .replace(/\bnon_replicated_deduplication_window = \d+/, REPLICATED_WINDOW)
  if (!replicated.includes('ENGINE = Replicated')) throw new UnknownStatement(`${table} is no MergeTree`)
  const distributed = `Distributed(${quote(cluster.name)}, currentDatabase(), ${local}, ${shardingKey(statement)})`
  return [
    replicated,
    `CREATE TABLE IF NOT EXISTS ${table}${clause(cluster)} AS ${local} ENGINE = ${distributed}`,
  ]
}

/**
 * All rows about a decision share a shard: joins, views and erasures by decision stay within one. Other tables go by their
 * sorting key, so that rows which ClickHouse may merge can meet. Never at random: a batch that is sent again has to be cut
 * as it was, or its token would not be known where its rows arrive.
 */
function shardingKey(statement: string): string {
  if (columnsOf(statement).includes('decision_id')) return 'sipHash64(decision_id)'
  const key = /\bORDER BY (\w+|\([^()]*\))/.exec(statement)?.[1]
  if (key === undefined) throw new UnknownStatement(`no ORDER BY: ${statement.slice(0, 80)}`)
  return `sipHash64(${key.replace(/^\(|\)$/g, '')})`
}

function alter(name: string, text: string, cluster: Cluster, names: Names): string[] {
  if (names.views.has(name)) {
    return [`ALTER TABLE ${name}${clause(cluster)} ${localSources(text, names)}`]
  }
  if (!names.tables.has(name)) throw new UnknownStatement(`ALTER of ${name}, which no migration makes`)
  const settings = indexOfTop(text, /\bSETTINGS\b(?! *\()/i)
  const commands = splitTop(settings === -1 ? text : text.slice(0, settings))
  const tail = settings === -1 ? '' : ` ${text.slice(settings)}`
  const shape = commands.filter((command) => SHAPE.test(command))
  const statementOf = (table: string, some: readonly string[]): string[] =>
    some.length === 0 ? [] : [`ALTER TABLE ${table}${clause(cluster)} ${some.join(', ')}${tail}`]
  return [...statementOf(`${name}_local`, commands), ...statementOf(name, shape)]
}

function localSources(select: string, names: Names): string {
  return select.replace(/\b(FROM|JOIN)(\s+)(\w+)\b/gi, (all, word: string, space: string, name: string) =>
    names.tables.has(name) ? `${word}${space}${name}_local` : all,
  )
}

export function quote(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`
}
