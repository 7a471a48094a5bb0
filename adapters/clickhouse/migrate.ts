/**
 * Brings a database to the schema of this build. A migration is a numbered file of `migrations/`, never changed once it was
 * released. ClickHouse has no transactions over several statements: every statement says IF NOT EXISTS, so that a
 * migration that stopped half-way, or runs in two processes at once, can simply run again.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ClickHouse, reasonOf } from './client.ts'
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

const SCHEMA_MIGRATIONS = `
CREATE TABLE IF NOT EXISTS schema_migrations
(
    version     UInt32,
    name        String,
    checksum    String,
    applied_at  DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
ORDER BY (version, checksum)`

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
    const sql = await readFile(join(directory, name), 'utf8')
    const checksum = createHash('sha256').update(sql).digest('hex')
    migrations.push({ version, name, statements: splitStatements(sql), checksum })
  }
  return migrations
}

/**
 * Applies what is missing, in order; the names of what was applied.
 * @throws {StoreError} `store_migration_changed` when an applied file is no longer the same, `store_migration_failed`
 */
export async function migrate(clickhouse: ClickHouse, migrations: readonly Migration[]): Promise<string[]> {
  await run(clickhouse, SCHEMA_MIGRATIONS, 'schema_migrations')
  const applied = await clickhouse.query('SELECT version, name, checksum FROM schema_migrations')
  const checksums = new Map(applied.map((row) => [Number(row['version']), String(row['checksum'])]))
  const done: string[] = []
  for (const migration of migrations) {
    const checksum = checksums.get(migration.version)
    if (checksum === migration.checksum) continue
    if (checksum !== undefined) {
      throw new StoreError(
        'store_migration_changed',
        `${migration.name} is not the file that was applied to ${clickhouse.location} (sha-256 ${migration.checksum}, ` +
          `applied ${checksum}); restore the file and put the change into a new migration`,
      )
    }
    for (const [index, statement] of migration.statements.entries()) {
      await run(clickhouse, statement, `statement ${index + 1} of ${migration.name}`)
    }
    const { version, name } = migration
    await run(
      clickhouse,
      `INSERT INTO schema_migrations (version, name, checksum) VALUES (${version}, '${name}', '${migration.checksum}')`,
      `the record of ${name}`,
    )
    done.push(name)
  }
  return done
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
