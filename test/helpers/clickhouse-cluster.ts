/**
 * A cluster of one server for tests: the embedded engine, told by a configuration file of a cluster that is itself. What the
 * embedded engine lacks is left out of the statements: it has no queue for `ON CLUSTER`, and no Keeper to replicate over.
 * Distributed tables, local tables, the view between them and every query are real.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClickHouse } from '../../adapters/clickhouse/client.ts'
import { openEmbedded } from '../../adapters/clickhouse/embedded.ts'
import {
  type Cluster,
  DEFAULT_KEEPER_PATH,
  DEFAULT_REPLICA_MACRO,
} from '../../adapters/clickhouse/schema/on-cluster.ts'

export const TEST_CLUSTER: Cluster = {
  name: 'crew',
  keeperPath: DEFAULT_KEEPER_PATH,
  replicaMacro: DEFAULT_REPLICA_MACRO,
}

const CONFIG = `
<clickhouse>
  <tcp_port>9000</tcp_port>
  <remote_servers>
    <crew>
      <shard>
        <internal_replication>true</internal_replication>
        <replica><host>127.0.0.1</host><port>9000</port></replica>
      </shard>
    </crew>
  </remote_servers>
</clickhouse>`

export function withoutKeeper(statement: string): string {
  return statement
    .replaceAll(/ ON CLUSTER '[^']*'/g, '')
    .replaceAll(/\bReplicated(\w*MergeTree)\('[^']*', '[^']*'(?:, )?/g, '$1(')
    .replaceAll(
      /\breplicated_deduplication_window = (\d+), \w+ = \d+/g,
      `non_replicated_deduplication_window = $1`,
    )
}

export async function openClusterOfOne(dataDir: string): Promise<ClickHouse> {
  // The engine's working directory, where it looks for its configuration.
  mkdirSync(join(dataDir, 'inbox'), { recursive: true })
  writeFileSync(join(dataDir, 'inbox', 'config.xml'), CONFIG)
  const { command, ...clickhouse } = await openEmbedded(dataDir)
  return { ...clickhouse, command: (sql) => command(withoutKeeper(sql)) }
}
