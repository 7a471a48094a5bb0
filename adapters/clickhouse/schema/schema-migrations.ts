/** What was applied to a database, and on a cluster: whether every server has it. */
import type { ClickHouse } from '../client.ts'
import { type Cluster, clause, quote } from './on-cluster.ts'

/** On a cluster every server has all records, whatever its shard. */
export function schemaMigrationsTable(cluster: Cluster | undefined): string {
  const [where, engine] =
    cluster === undefined
      ? ['', 'ReplacingMergeTree']
      : [clause(cluster), `ReplicatedReplacingMergeTree(${placesOf(cluster)})`]
  return `
CREATE TABLE IF NOT EXISTS schema_migrations${where}
(
    version     UInt32,
    name        String,
    checksum    String,
    applied_at  DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${engine}
ORDER BY (version, checksum)`
}

function placesOf({ keeperPath, replicaMacro }: Cluster): string {
  const path = keeperPath.replace(/\{shard\}\/?/, '').replaceAll('{table}', 'schema_migrations')
  return [path, `{shard}-${replicaMacro}`].map(quote).join(', ')
}

/** Servers of the cluster that answer, and have fewer of our tables than the one we speak to. */
export async function hostsWithoutSchema(clickhouse: ClickHouse, cluster: Cluster): Promise<string[]> {
  const [here] = await clickhouse.query(
    'SELECT currentDatabase() AS here, count() AS tables FROM system.tables WHERE database = currentDatabase()',
  )
  const rows = await clickhouse.query(
    `SELECT host
     FROM
     (
         SELECT hostName() AS host, 0 AS tables FROM clusterAllReplicas({cluster:String}, system.one)
         UNION ALL
         SELECT hostName() AS host, count() AS tables FROM clusterAllReplicas({cluster:String}, system.tables)
         WHERE database = {database:String} GROUP BY host
     )
     GROUP BY host
     HAVING sum(tables) < {tables:UInt32}
     ORDER BY host
     SETTINGS skip_unavailable_shards = 1`,
    { cluster: cluster.name, database: here?.['here'], tables: Number(here?.['tables']) },
  )
  return rows.map((row) => String(row['host']))
}
