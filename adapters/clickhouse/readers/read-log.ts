/**
 * The log in the order of time, a page after the other: what is held is one page, however long the log is. Each decision
 * comes with the calls and the feedback of its request from there on, failovers included.
 */
import type { ArmId, DecisionId, LoggedAttempt, LoggedDecision, LoggedReward } from '../../../engine/index.ts'
import type { ClickHouse, QueryParams } from '../client.ts'
import { ATTEMPT_SELECT, readAttempt } from '../rows/attempts.ts'
import { DECISION_SELECT, NO_ID, readDecision } from '../rows/decisions.ts'
import { decisionTimeMs } from '../rows/fields.ts'
import { REWARD_SELECT, readReward } from '../rows/rewards.ts'
import type { AttemptRow, DecisionRow, LogQuery, RewardRow } from '../store.ts'

/** Decisions at a time: a few megabytes of rows. */
const PAGE_ROWS = 1_000
/** A failover follows the decision it replaces within the longest time a request may take. */
const REQUEST_MS_MAX = 15 * 60_000

/** Where the next page begins: after this row. */
interface Cursor {
  readonly ms: number
  readonly id: string
}

const TIME = (name: string): string => `fromUnixTimestamp64Milli({${name}:Int64}, 'UTC')`
const WANTED = `({tenant:String} = '' OR tenant = {tenant:String})
  AND ({shards:UInt32} = 1 OR sipHash64(decision_id) % {shards:UInt32} = {shard:UInt32})`
const PAGE = `decision_ts >= ${TIME('after_ms')} AND decision_ts < ${TIME('to')}
  AND (decision_ts, decision_id) > (${TIME('after_ms')}, {after_id:UUID}) AND ${WANTED}`
const SPAN = `decision_ts >= ${TIME('first')} AND decision_ts <= ${TIME('last')}`
const LATE = `decision_ts >= ${TIME('first')} AND decision_ts <= ${TIME('late')}`
/** The page's own decisions and every failover that may belong to them. GLOBAL: asked once, also on a cluster. */
const OF_PAGE = `${LATE} AND decision_id GLOBAL IN
  (SELECT decision_id FROM decisions WHERE (${SPAN} AND ${WANTED}) OR (${LATE} AND parent_id != '${NO_ID}'))`

/** @param pageRows decisions read at a time */
export async function* readLog(
  clickhouse: Pick<ClickHouse, 'query'>,
  query: LogQuery,
  pageRows = PAGE_ROWS,
): AsyncGenerator<LoggedDecision> {
  const { tenant = '', shard = { index: 0, of: 1 } } = query
  const fixed = { tenant, shards: shard.of, shard: shard.index, to: Math.ceil(query.toMs) }
  let cursor: Cursor = { ms: Math.ceil(query.fromMs) - 1, id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' }
  for (;;) {
    const page = await readPage(clickhouse, fixed, cursor, pageRows)
    yield* await joinPage(clickhouse, fixed, page)
    const last = page.at(-1)
    if (last === undefined || page.length < pageRows) return
    cursor = { ms: decisionTimeMs(last.decision.id), id: last.decision.id }
  }
}

async function readPage(
  clickhouse: Pick<ClickHouse, 'query'>,
  fixed: QueryParams,
  after: Cursor,
  limit: number,
): Promise<DecisionRow[]> {
  const rows = await clickhouse.query(
    `SELECT ${DECISION_SELECT} FROM decisions WHERE ${PAGE} ORDER BY decision_ts, decision_id LIMIT {limit:UInt32}`,
    { ...fixed, after_ms: after.ms, after_id: after.id, limit },
  )
  return rows.map(readDecision)
}

async function joinPage(
  clickhouse: Pick<ClickHouse, 'query'>,
  fixed: QueryParams,
  page: readonly DecisionRow[],
): Promise<LoggedDecision[]> {
  const [first, last] = [page[0], page.at(-1)]
  if (first === undefined || last === undefined) return []
  const lastMs = decisionTimeMs(last.decision.id)
  const params = {
    ...fixed,
    first: decisionTimeMs(first.decision.id),
    last: lastMs,
    late: lastMs + REQUEST_MS_MAX,
  }
  const [failovers, attempts, rewards] = await Promise.all([
    clickhouse.query(
      `SELECT decision_id, parent_id FROM decisions WHERE ${LATE} AND parent_id != '${NO_ID}'`,
      params,
    ),
    clickhouse.query(`SELECT ${ATTEMPT_SELECT} FROM attempts WHERE ${OF_PAGE} ORDER BY attempt, ts`, params),
    clickhouse.query(
      `SELECT ${REWARD_SELECT} FROM rewards WHERE ${OF_PAGE} ORDER BY ts, reward_id LIMIT 1 BY reward_id`,
      params,
    ),
  ])
  const next = new Map(failovers.map((row) => [String(row['parent_id']), String(row['decision_id'])]))
  const calls = Map.groupBy(attempts.map(readAttempt), ({ decisionId }) => String(decisionId))
  const values = Map.groupBy(rewards.map(readReward), ({ decisionId }) => String(decisionId))
  return page.map((row) => {
    const ids = requestFrom(row.decision.id, next)
    return loggedDecision(
      row,
      ids.flatMap((id) => calls.get(id) ?? []),
      ids.flatMap((id) => values.get(id) ?? []),
    )
  })
}

/** The decision and those that replaced it, one after the other. */
function requestFrom(id: string, next: ReadonlyMap<string, string>): string[] {
  const ids = [id]
  for (let at = next.get(id); at !== undefined && !ids.includes(at); at = next.get(at)) ids.push(at)
  return ids
}

/** @param attempts of the request from this decision on, in order; likewise the rewards */
export function loggedDecision(
  row: DecisionRow,
  attempts: readonly AttemptRow[],
  rewards: readonly RewardRow[],
): LoggedDecision {
  const { decision, also: _, ...surroundings } = row
  const answer = attempts.findLast(({ status }) => status === 'answered' || status === 'cut')
  const costs = attempts.flatMap(({ costUsd }) => costUsd ?? [])
  const waitedMs = attempts
    .slice(0, answer && attempts.indexOf(answer))
    .reduce((ms, call) => ms + call.totalMs, 0)
  return {
    ...decision,
    ...surroundings,
    ...served(row, answer),
    attempts: attempts.map(loggedAttempt),
    costUsd: costs.length === 0 ? undefined : costs.reduce((sum, cost) => sum + cost, 0),
    ttftMs: answer?.ttftMs === undefined ? undefined : waitedMs + answer.ttftMs,
    totalMs: attempts.length === 0 ? undefined : attempts.reduce((ms, { totalMs }) => ms + totalMs, 0),
    completionTokens: answer?.completionTokens,
    finishReason: answer?.finishReason ?? '',
    rewards: rewards.toSorted(byAcceptance).map(loggedReward),
  }
}

function served(
  { decision, surface }: DecisionRow,
  answer: AttemptRow | undefined,
): Pick<LoggedDecision, 'servedArm' | 'servedReason'> {
  if (answer !== undefined) {
    const servedReason = answer.decisionId === decision.id ? 'drawn' : 'failover'
    return { servedArm: answer.arm as ArmId, servedReason }
  }
  if (surface === 'route') return { servedArm: decision.arm, servedReason: 'caller' }
  return { servedArm: undefined, servedReason: 'unanswered' }
}

function loggedAttempt({ errorMessage: _, ...row }: AttemptRow): LoggedAttempt {
  return { ...row, arm: row.arm as ArmId }
}

/** Within a decision; a request's failovers seldom have values of their own. */
function byAcceptance(a: RewardRow, b: RewardRow): number {
  return (a.position ?? 0) - (b.position ?? 0) || a.atMs - b.atMs
}

function loggedReward({ valueNumber, valueText, ...row }: RewardRow): LoggedReward {
  return { ...row, decisionId: row.decisionId as DecisionId, value: valueNumber ?? (valueText || undefined) }
}
