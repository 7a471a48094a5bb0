/** Migrations: cut into statements, applied once, safe to repeat, and never changed behind our back. */
import assert from 'node:assert/strict'
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import type { ClickHouse } from '../../adapters/clickhouse/client.ts'
import { openEmbedded } from '../../adapters/clickhouse/embedded.ts'
import { MIGRATIONS_DIR, migrate, readMigrations } from '../../adapters/clickhouse/migrate.ts'
import { splitStatements } from '../../adapters/clickhouse/sql-statements.ts'

describe('splitting SQL into statements', () => {
  const cases: [string, string, string[]][] = [
    ['two statements', 'SELECT 1; SELECT 2;', ['SELECT 1', 'SELECT 2']],
    ['no final semicolon', 'SELECT 1;\nSELECT 2', ['SELECT 1', 'SELECT 2']],
    ['empty ones', ';; -- nothing\n ; /* ; */', []],
    [
      'a semicolon in a string',
      "SELECT ';', 'it''s; so', 'a\\';b'; SELECT 2",
      ["SELECT ';', 'it''s; so', 'a\\';b'", 'SELECT 2'],
    ],
    [
      'a semicolon in a name',
      'SELECT 1 AS `a;b`, 2 AS "c;d"; SELECT 3',
      ['SELECT 1 AS `a;b`, 2 AS "c;d"', 'SELECT 3'],
    ],
    [
      'comments with quotes',
      "-- don't; stop\nSELECT 1 /* it's; */ + 1; SELECT 2",
      ['SELECT 1   + 1', 'SELECT 2'],
    ],
    [
      'comment marks in a string',
      "SELECT '-- no', '/* no */'; SELECT 2",
      ["SELECT '-- no', '/* no */'", 'SELECT 2'],
    ],
    ['minus and division', 'SELECT 3 - 1, 4 / 2', ['SELECT 3 - 1, 4 / 2']],
  ]
  for (const [name, sql, expected] of cases) {
    test(name, () => assert.deepEqual(splitStatements(sql), expected))
  }
})

describe('migrations', () => {
  let root: string
  let directories = 0
  let clickhouse: ClickHouse | undefined

  const open = async (): Promise<ClickHouse> => {
    clickhouse = await openEmbedded(join(root, `data-${directories++}`))
    return clickhouse
  }
  const copy = async (): Promise<string> => {
    const directory = join(root, `migrations-${directories++}`)
    await cp(MIGRATIONS_DIR, directory, { recursive: true })
    return directory
  }
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'highwayman-migrate-'))
  })
  afterEach(async () => {
    await clickhouse?.close(true)
    clickhouse = undefined
  })
  after(() => rm(root, { recursive: true, force: true }))

  test('apply once, then find nothing to do', async () => {
    const opened = await open()
    const migrations = await readMigrations()
    const names = (await readdir(MIGRATIONS_DIR)).sort()
    assert.deepEqual(await migrate(opened, migrations), names)
    assert.deepEqual(await migrate(opened, migrations), [])
    const applied = await opened.query('SELECT name FROM schema_migrations ORDER BY version')
    assert.deepEqual(
      applied.map((row) => row['name']),
      names,
    )
  })

  test('two at once both end well, and leave one schema', async () => {
    const opened = await open()
    const migrations = await readMigrations()
    await Promise.all([migrate(opened, migrations), migrate(opened, migrations)])
    assert.deepEqual(await migrate(opened, migrations), [])
    await opened.command('OPTIMIZE TABLE schema_migrations FINAL')
    const [row] = await opened.query('SELECT count() AS applied FROM schema_migrations')
    assert.equal(row?.['applied'], migrations.length)
  })

  test('every statement can be repeated: a migration may stop anywhere', async () => {
    const opened = await open()
    for (const { statements } of await readMigrations()) {
      for (const statement of [...statements, ...statements]) await opened.command(statement)
    }
    await migrate(opened, await readMigrations())
  })

  test('a file that changed after it was applied is named', async () => {
    const opened = await open()
    const directory = await copy()
    await migrate(opened, await readMigrations(directory))
    const [name = ''] = (await readdir(directory)).sort()
    await writeFile(join(directory, name), 'SELECT 1;')
    await assert.rejects(migrate(opened, await readMigrations(directory)), (error: Error) => {
      assert.ok('code' in error && error.code === 'store_migration_changed')
      assert.ok(error.message.includes(name))
      assert.match(error.message, /new migration/)
      return true
    })
  })

  test('a failing statement is named, nothing is recorded, and the mended file applies', async () => {
    const opened = await open()
    const directory = join(root, `migrations-${directories++}`)
    await cp(MIGRATIONS_DIR, directory, { recursive: true })
    const file = join(directory, '0099_late.sql')
    await writeFile(file, 'CREATE TABLE IF NOT EXISTS late (a UInt8) ENGINE = Memory; CREATE TABEL oops;')
    await assert.rejects(migrate(opened, await readMigrations(directory)), {
      code: 'store_migration_failed',
      message: /statement 2 of 0099_late\.sql failed/,
    })
    await writeFile(file, 'CREATE TABLE IF NOT EXISTS late (a UInt8) ENGINE = Memory;')
    assert.deepEqual(await migrate(opened, await readMigrations(directory)), ['0099_late.sql'])
  })

  for (const [name, named] of [
    ['late.sql', /late\.sql/],
    ['0001_again.sql', /0001_/],
    ['12_short.sql', /12_short\.sql/],
  ] as const) {
    test(`${name} is no name for a migration`, async () => {
      const directory = await copy()
      await writeFile(join(directory, name), 'SELECT 1;')
      await assert.rejects(readMigrations(directory), {
        code: 'store_migration_failed',
        message: named,
      })
    })
  }
})
