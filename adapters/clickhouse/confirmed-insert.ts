/** Single rows that somebody waits for: written at once and confirmed, not queued. */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ClickHouse, isRefusal, unavailable } from './client.ts'
import { RowBinary } from './row-binary.ts'

/** Pauses before an insert is tried again, ms: an embedded engine that has died is back by then. */
const RETRY_AFTER_MS = [100, 1_000, 3_000]

/**
 * An insert that failed is tried again under its token, so an answer that got lost stores nothing twice.
 * @throws {StoreError} `store_unavailable`
 */
export async function insertConfirmed(
  clickhouse: ClickHouse,
  table: string,
  columns: readonly string[],
  id: string,
  write: (to: RowBinary) => void,
): Promise<void> {
  const to = new RowBinary()
  write(to)
  const body = to.take()
  const token = `${table}:${id}:${createHash('sha256').update(body).digest('hex').slice(0, 16)}`
  for (const retryAfterMs of [...RETRY_AFTER_MS, undefined]) {
    try {
      return await clickhouse.insert({ table, columns, body, rows: 1, token })
    } catch (error) {
      if (retryAfterMs === undefined || isRefusal(error))
        throw unavailable(`a row of ${table} could not be written`, clickhouse, error)
      await sleep(retryAfterMs)
    }
  }
}
