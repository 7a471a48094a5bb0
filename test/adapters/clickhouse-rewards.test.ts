/** Rewards of the version before `quality` was written down: those that are there, and those that it still writes. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { ClickHouse } from '../../adapters/clickhouse/client.ts'
import { openEmbedded } from '../../adapters/clickhouse/embedded.ts'
import { migrate, readMigrations } from '../../adapters/clickhouse/migrate.ts'
import { findDecision } from '../../adapters/clickhouse/readers/find-decision.ts'
import { RowBinary } from '../../adapters/clickhouse/row-binary.ts'
import { DECISION_COLUMNS, writeDecision } from '../../adapters/clickhouse/rows/decisions.ts'
import { taughtQuality } from '../../server/rewards/quality.ts'
import { decisionRow } from '../helpers/store-rows.ts'

let root: string
let clickhouse: ClickHouse
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'highwayman-rewards-'))
  clickhouse = await openEmbedded(join(root, 'data'))
})
after(async () => {
  await clickhouse.close(true)
  await rm(root, { recursive: true, force: true })
})

const VERSION = 5

test('what they say of quality is the quality that was taught', async () => {
  const migrations = await readMigrations()
  const decision = decisionRow()
  const { id } = decision.decision
  /** As the version before wrote it. */
  const write = (rewardId: string, metric: string, value: string, second: number) =>
    clickhouse.command(
      `INSERT INTO rewards (decision_ts, decision_id, reward_id, ts, metric, value_number, value_text, source, idempotency_key)
       VALUES (fromUnixTimestamp64Milli(${Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)}, 'UTC'), '${id}', '${rewardId}',
       fromUnixTimestamp64Milli(${decision.decision.atMs + second * 1_000}, 'UTC'), '${metric}', ${value}, '', 'x', '')`,
    )
  await migrate(
    clickhouse,
    // Later ones may have brought columns that rows of today are written with.
    migrations.filter(({ version }) => version !== VERSION),
  )
  const row = new RowBinary(1_024)
  writeDecision(decision, 'replica-1', row)
  await clickhouse.insert({
    table: 'decisions',
    columns: DECISION_COLUMNS,
    body: row.take(),
    rows: 1,
    token: 't',
  })
  await write('a', 'quality', '0.5', 1)
  await write('b', 'comment', '3', 2)
  await migrate(clickhouse, migrations)
  const rewardsOf = async () => (await findDecision(clickhouse, id))?.rewards ?? []
  assert.deepEqual(
    (await rewardsOf()).map(({ metric, quality }) => [metric, quality]),
    [
      ['quality', 0.5],
      ['comment', undefined],
    ],
  )
  assert.equal(taughtQuality(await rewardsOf()), 0.5)
  await write('c', 'quality', '0.75', 3)
  assert.equal(taughtQuality(await rewardsOf()), 0.75)
  await write('d', 'quality', 'NULL', 4)
  assert.equal(taughtQuality(await rewardsOf()), undefined, 'taken back')
})
