/** A log that was kept elsewhere, into the tables: decisions by their id once, with their own calls and feedback. */
import type { LoggedAttempt, LoggedDecision, LoggedReward } from '../../engine/index.ts'
import { type ClickHouse, unavailable } from './client.ts'
import { decisionTimeMs } from './rows/fields.ts'
import type { AttemptRow, DecisionRow, LogImport, RewardRow } from './store.ts'
import type { Writer } from './writer.ts'

/** Decisions at a time. */
const CHUNK_ROWS = 1_000
/** Bounds the question for known ids, which travels in a URL. */
const IDS_PER_QUESTION = 100

type Target = Pick<Writer, 'appendDecision' | 'appendAttempt' | 'writeReward' | 'flush' | 'stats'>

/** @throws {StoreError} `store_unavailable` when rows were not taken; and what `rows` throws */
export async function importLog(
  clickhouse: ClickHouse,
  writer: Target,
  rows: AsyncIterable<LoggedDecision>,
): Promise<LogImport> {
  const total = { imported: 0, known: 0 }
  let chunk: LoggedDecision[] = []
  const store = async (): Promise<void> => {
    const known = await knownIds(clickhouse, chunk)
    // Twice in one file is as good as there already.
    const news = [...new Map(chunk.map((row) => [row.id, row])).values()].filter(({ id }) => !known.has(id))
    await storeRows(clickhouse, writer, news)
    total.imported += news.length
    total.known += chunk.length - news.length
    chunk = []
  }
  for await (const row of rows) {
    if (chunk.push(row) >= CHUNK_ROWS) await store()
  }
  await store()
  return total
}

async function storeRows(
  clickhouse: ClickHouse,
  writer: Target,
  rows: readonly LoggedDecision[],
): Promise<void> {
  const before = writer.stats()
  // A failover's calls and feedback come with its own record.
  const own = <T extends { readonly decisionId: string }>({ id }: LoggedDecision, all: readonly T[]): T[] =>
    all.filter(({ decisionId }) => decisionId === id)
  for (const row of rows) {
    for (const attempt of own(row, row.attempts)) writer.appendAttempt(attemptRow(attempt))
  }
  await Promise.all(
    rows.flatMap((row) => own(row, row.rewards).map((reward) => writer.writeReward(rewardRow(reward), []))),
  )
  // Decisions last: they are what says that an import got so far.
  await writer.flush()
  for (const row of rows) writer.appendDecision(decisionRow(row))
  await writer.flush()
  const after = writer.stats()
  const lost = after.droppedRows - before.droppedRows + after.queuedRows
  if (lost > 0) throw unavailable(`${lost} imported rows are not stored`, clickhouse, new Error('not taken'))
}

async function knownIds(clickhouse: ClickHouse, rows: readonly LoggedDecision[]): Promise<Set<string>> {
  const known = new Set<string>()
  for (let at = 0; at < rows.length; at += IDS_PER_QUESTION) {
    const ids = rows.slice(at, at + IDS_PER_QUESTION).map(({ id }) => id)
    const times = [...new Set(ids.map(decisionTimeMs))]
    const found = await clickhouse.query(
      `SELECT decision_id FROM decisions
       WHERE decision_ts IN (SELECT fromUnixTimestamp64Milli(arrayJoin({times:Array(Int64)}), 'UTC'))
         AND decision_id IN {ids:Array(UUID)}`,
      { times, ids },
    )
    for (const row of found) known.add(String(row['decision_id']))
  }
  return known
}

function decisionRow(decision: LoggedDecision): DecisionRow {
  const { parentId, requestId, tenant, session, userHash, requestedModel, surface } = decision
  const { stream, promptTokens, metadata } = decision
  return {
    decision,
    parentId,
    requestId,
    tenant,
    session,
    userHash,
    requestedModel,
    surface,
    stream,
    promptTokens,
    metadata,
  }
}

function attemptRow(attempt: LoggedAttempt): AttemptRow {
  return { ...attempt, errorMessage: '' }
}

function rewardRow({ value, ...reward }: LoggedReward): RewardRow {
  return {
    ...reward,
    valueNumber: typeof value === 'number' ? value : undefined,
    valueText: typeof value === 'string' ? value : '',
  }
}
