/**
 * After a crash: makes `posterior` the sums of `observations` again. The embedded engine dies with the process, and a death
 * between the two inserts of one batch (the rows, then the view's sums) leaves examples that nobody learned from. A server
 * outlives us, and is sent the batch again.
 */
import type { ClickHouse } from './client.ts'
import { reasonOf } from './client.ts'
import { StoreError } from './store.ts'

const KEY = 'feature_space, heads, arm, replica, slot'
const SLOT = "toDateTime(intDiv(toUnixTimestamp(ts), 21600) * 21600, 'UTC')"

/**
 * Keys whose number of summed rows is not the number of stored ones. Slots whose observations are no longer kept, or before
 * the first stored one, are left alone: there the sums are all that is left.
 */
const mismatched = (observationsDays: number | undefined): string => `
SELECT ${KEY}
FROM
(
    SELECT feature_space, heads, arm, replica, ${SLOT} AS slot, toInt64(count()) AS difference FROM observations GROUP BY ${KEY}
    UNION ALL
    SELECT ${KEY}, -toInt64(sum(rows)) FROM posterior GROUP BY ${KEY}
)
WHERE slot >= (SELECT minOrNull(${SLOT}) FROM observations)
    AND ${observationsDays === undefined ? '1' : `slot > now() - toIntervalDay(${observationsDays})`}
GROUP BY ${KEY}
HAVING sum(difference) != 0`

/**
 * {@link reconcilePosterior} after a death. An erasure that it interrupted is run again, and subtracts what it finds: a deletion that went
 * on by itself would leave it nothing.
 */
export async function recoverPosterior(clickhouse: ClickHouse, observationsDays?: number): Promise<number> {
  await clickhouse.command(
    "KILL MUTATION WHERE database = currentDatabase() AND table = 'observations' AND NOT is_done AND command LIKE '%DELETE WHERE%' SYNC",
  )
  return await reconcilePosterior(clickhouse, observationsDays)
}

/**
 * Sums the mismatched slots anew; how many there were. Interrupted, it can run again.
 * @param observationsDays how long observations are kept; undefined: for good
 * @throws {StoreError} `store_unavailable`
 */
export async function reconcilePosterior(clickhouse: ClickHouse, observationsDays?: number): Promise<number> {
  const MISMATCHED = mismatched(observationsDays)
  try {
    const [span] = await clickhouse.query(
      `SELECT count() AS slots, toUnixTimestamp(min(slot)) AS first, toUnixTimestamp(max(slot)) AS last FROM (${MISMATCHED})`,
    )
    const slots = Number(span?.['slots'])
    if (slots === 0) return 0
    const first = Number(span?.['first'])
    const end = Number(span?.['last']) + 21_600
    await clickhouse.command(
      `ALTER TABLE posterior DELETE WHERE slot >= ${first} AND slot < ${end} AND (${KEY}) IN (${MISMATCHED})
       SETTINGS mutations_sync = 2`,
    )
    // Emptied keys are mismatched still. The filter spares reading all history for a few slots.
    await clickhouse.command(
      `INSERT INTO posterior SELECT * FROM (${await viewSelect(clickhouse)}) WHERE (${KEY}) IN (${MISMATCHED})
       SETTINGS additional_table_filters = {'observations': 'ts >= ${first} AND ts < ${end}'}`,
    )
    return slots
  } catch (error) {
    throw new StoreError(
      'store_unavailable',
      `the sums of ${clickhouse.location} could not be checked after a crash (${reasonOf(error)}); see that the disk is ` +
        'writable and has room, and start again',
      { cause: error },
    )
  }
}

/** What the view computes, as ClickHouse keeps it: stated once, in the migration. */
async function viewSelect(clickhouse: ClickHouse): Promise<string> {
  const [view] = await clickhouse.query(
    "SELECT as_select FROM system.tables WHERE database = currentDatabase() AND name = 'observations_to_posterior'",
  )
  return String(view?.['as_select'])
}
