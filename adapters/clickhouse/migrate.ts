/**
 * Brings a database to the schema of this build. A migration is a numbered file of `migrations/`, never changed once it was
 * released. ClickHouse has no transactions over several statements: every statement says IF NOT EXISTS, so that a
 * migration that stopped half-way, or runs in two processes at once, can simply run again.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ClickHouse, reasonOf } from './client.ts'
import { type Cluster, type Names, onCluster } from './schema/on-cluster.ts'
import { hostsWithoutSchema, schemaMigrationsTable } from './schema/schema-migrations.ts'
import { splitStatements } from './sql-statements.ts'
import { StoreError } from './store.ts'

export const MIGRATIONS_DIR = join(import.meta.dirname, 'migrations')

export interface Migration {
  readonly version: number
  /** File name, `0001_decisions.sql`. */
  readonly name: string
  readonly statements: readonly string[]
  /** Hex SHA-256 of the file. */
  readonly checksum: string
}

const FILE_NAME = /^(\d{4})_[a-z0-9_]+\.sql$/

/** The migrations of a directory by number. @throws {StoreError} `store_migration_failed` when two share a number. */
export async function readMigrations(directory = MIGRATIONS_DIR): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort()
  const migrations: Migration[] = []
  for (const name of names) {
    const version = Number(FILE_NAME.exec(name)?.[1] ?? Number.NaN)
    if (Number.isNaN(version) || version === migrations.at(-1)?.version) {
      throw new StoreError(
        'store_migration_failed',
        `${name}: a migration is named NNNN_name.sql with a number of its own; rename it`,
      )
    }
    // A checkout with other line ends is the same migration.
    const sql = (await readFile(join(directory, name), 'utf8')).replaceAll('\r\n', '\n')
    const checksum = createHash('sha256').update(sql).digest('hex')
    migrations.push({ version, name, statements: splitStatements(sql), checksum })
  }
  return migrations
}

/** For a cluster: the same migrations, each statement as its servers need it. Checksums stay those of the files. */
export function migrationsFor(migrations: readonly Migration[], cluster: Cluster | undefined): Migration[] {
  if (cluster === undefined) return [...migrations]
  const names: Names = { tables: new Set(), views: new Set() }
  return migrations.map((migration) => ({
    ...migration,
    statements: migration.statements.flatMap((statement) => onCluster(statement, cluster, names)),
  }))
}

/**
 * Applies what is missing, in order; the names of what was applied. Several processes may do so at once, on one server or
 * on a cluster. A server that joined the cluster since is given everything.
 *
 * @throws {StoreError} `store_migration_changed` when an applied file is no longer the same, `store_migration_failed`
 */
export async function migrate(
  clickhouse: ClickHouse,
  migrations: readonly Migration[],
  cluster?: Cluster,
): Promise<string[]> {
  const mine = migrationsFor(migrations, cluster)
  await run(clickhouse, schemaMigrationsTable(cluster), 'schema_migrations')
  const applied = await clickhouse.query('SELECT version, name, checksum FROM schema_migrations')
  const checksums = new Map(applied.map((row) => [Number(row['version']), String(row['checksum'])]))
  const done: string[] = []
  for (const migration of mine) {
    const checksum = checksums.get(migration.version)
    if (checksum === migration.checksum) continue
    if (checksum !== undefined) {
      throw new StoreError(
        'store_migration_changed',
        `${migration.name} is not the file that was applied to ${clickhouse.location} (sha-256 ${migration.checksum}, ` +
          `applied ${checksum}); restore the file and put the change into a new migration`,
      )
    }
    await apply(clickhouse, migration)
    const { version, name } = migration
    await run(
      clickhouse,
      `INSERT INTO schema_migrations (version, name, checksum) VALUES (${version}, '${name}', '${migration.checksum}')`,
      `the record of ${name}`,
    )
    done.push(name)
  }
  if (cluster !== undefined && (await hostsWithoutSchema(clickhouse, cluster)).length > 0) {
    for (const migration of mine) await apply(clickhouse, migration)
  }
  return done
}

async function apply(clickhouse: ClickHouse, { name, statements }: Migration): Promise<void> {
  for (const [index, statement] of statements.entries()) {
    await run(clickhouse, statement, `statement ${index + 1} of ${name}`)
  }
}

async function run(clickhouse: ClickHouse, sql: string, what: string): Promise<void> {
  try {
    await clickhouse.command(sql)
  } catch (error) {
    throw new StoreError(
      'store_migration_failed',
      `${what} failed on ${clickhouse.location}: ${reasonOf(error)}; mend the cause and start again, what was done is kept`,
      { cause: error },
    )
  }
}
