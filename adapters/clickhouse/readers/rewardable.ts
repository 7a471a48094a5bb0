/** Answered decisions that can be judged, many at once: by session, or because nothing was said of them. */
import type { ArmId, DecisionId, FeatureSpaceId } from '../../../engine/index.ts'
import type { ClickHouse, QueryParams, Row } from '../client.ts'
import { ALSO_SELECT, readAlso } from '../rows/decisions.ts'
import { decisionTimeMs, readNumber, readOptionalNumber, readText, readVector } from '../rows/fields.ts'
import { REWARD_ORDER, REWARD_SELECT, readReward } from '../rows/rewards.ts'
import type { RewardableDecision, RewardRow, Store } from '../store.ts'

const FROM = "decision_ts >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')"
const UNTIL = "decision_ts <= fromUnixTimestamp64Milli({to:Int64}, 'UTC')"

/**
 * A call that answered; or nothing told of a call that somebody else makes. The place of `ttft_ms` among the 13 estimates of an
 * arm is in migration 0001.
 */
const ANSWERED = `
SELECT decision_id, at_ms, feature_space, x, ${ALSO_SELECT}, tenant, surface, drawn, expected_ttft_ms,
    if(answered = '', drawn, answered) AS answered_arm, calls
FROM
(
    SELECT decision_id, toUnixTimestamp64Milli(ts) AS at_ms, feature_space, x, ${ALSO_SELECT}, tenant, session, surface, arm AS drawn, replica,
        decision_ts, estimates[13 * indexOf(eligible, arm) - 8] AS expected_ttft_ms
    FROM decisions WHERE $span
) AS d
LEFT JOIN
(
    SELECT decision_id, anyLastIf(arm, status = 'answered') AS answered, groupArray(attempt) AS calls
    FROM attempts WHERE $span GROUP BY decision_id
) AS a USING (decision_id)
WHERE (answered != '' OR (surface = 'route' AND empty(calls)))`

export async function findSession(
  clickhouse: ClickHouse,
  query: Parameters<Store['findSession']>[0],
): Promise<RewardableDecision[]> {
  const { tenant, session, limit } = query
  // By time and id, as both tables are sorted: few granules are read, whatever the span.
  const span = `(decision_ts, decision_id) IN (SELECT decision_ts, decision_id FROM decisions
    WHERE ${FROM} AND ${UNTIL} AND session = {session:String} AND tenant = {tenant:String})`
  const rows = await clickhouse.query(
    `${ANSWERED.replaceAll('$span', span)} ORDER BY decision_ts DESC, decision_id DESC LIMIT {limit:UInt32}`,
    { tenant, session, limit, ...spanParams(query) },
  )
  return await withRewards(clickhouse, rows.reverse())
}

export async function findUnrewarded(
  clickhouse: ClickHouse,
  query: Parameters<Store['findUnrewarded']>[0],
): Promise<RewardableDecision[]> {
  const { metric, replica, limit } = query
  const span = `${FROM} AND ${UNTIL}`
  const rows = await clickhouse.query(
    `${ANSWERED.replaceAll('$span', span)}
     AND surface IN ('chat', 'route')
     AND (replica = {replica:String} OR decision_ts < fromUnixTimestamp64Milli({others:Int64}, 'UTC'))
     AND decision_id NOT IN (SELECT decision_id FROM rewards WHERE ${span} AND metric = {metric:String})
     ORDER BY decision_ts, decision_id LIMIT {limit:UInt32}`,
    { metric, replica, limit, others: Math.round(query.othersToMs), ...spanParams(query) },
  )
  return await withRewards(clickhouse, rows)
}

export async function findRewards(
  clickhouse: ClickHouse,
  query: Parameters<Store['findRewards']>[0],
): Promise<RewardRow[]> {
  const { tenant, source, limit } = query
  const rows = await clickhouse.query(
    `SELECT ${REWARD_SELECT} FROM rewards
     WHERE ${FROM} AND decision_id IN
     (
         SELECT decision_id FROM rewards
         WHERE ${FROM} AND startsWith(source, {source:String})
           AND decision_id IN (SELECT decision_id FROM decisions WHERE ${FROM} AND tenant = {tenant:String})
         GROUP BY decision_id ORDER BY max(decision_ts) DESC LIMIT {limit:UInt32}
     )
     ORDER BY decision_ts, decision_id, ${REWARD_ORDER} LIMIT 1 BY decision_id, reward_id`,
    { tenant, source, limit, from: Math.round(query.fromMs) },
  )
  return rows.map(readReward)
}

export async function spentUsd(
  clickhouse: ClickHouse,
  query: Parameters<Store['spentUsd']>[0],
): Promise<number> {
  const [row] = await clickhouse.query(
    `SELECT sum(ifNull(cost_usd, 0.)) AS usd FROM attempts
     WHERE ${FROM} AND decision_id IN (SELECT decision_id FROM decisions WHERE ${FROM} AND tenant = {tenant:String})`,
    { tenant: query.tenant, from: Math.round(query.fromMs) },
  )
  return row === undefined ? 0 : readNumber(row, 'usd')
}

function spanParams({ fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): QueryParams {
  return { from: Math.max(Math.floor(fromMs), 0), to: Math.floor(toMs) }
}

async function withRewards(clickhouse: ClickHouse, rows: readonly Row[]): Promise<RewardableDecision[]> {
  if (rows.length === 0) return []
  const ids = rows.map((row) => readText(row, 'decision_id'))
  const found = await clickhouse.query(
    `SELECT ${REWARD_SELECT} FROM rewards
     WHERE decision_ts IN (SELECT fromUnixTimestamp64Milli(arrayJoin({times:Array(Int64)}), 'UTC'))
       AND decision_id IN {ids:Array(UUID)}
     ORDER BY decision_id, ${REWARD_ORDER} LIMIT 1 BY decision_id, reward_id`,
    { ids, times: [...new Set(ids.map(decisionTimeMs))] },
  )
  const rewards = Map.groupBy(found.map(readReward), ({ decisionId }) => decisionId)
  return rows.map((row) => rewardable(row, rewards.get(readText(row, 'decision_id') as DecisionId) ?? []))
}

function rewardable(row: Row, rewards: readonly RewardRow[]): RewardableDecision {
  return {
    id: readText(row, 'decision_id') as DecisionId,
    atMs: readNumber(row, 'at_ms'),
    featureSpace: readText(row, 'feature_space') as FeatureSpaceId,
    x: readVector(row, 'x'),
    ...readAlso(row),
    tenant: readText(row, 'tenant'),
    surface: readText(row, 'surface'),
    drawnArm: readText(row, 'drawn') as ArmId,
    arm: readText(row, 'answered_arm') as ArmId,
    expectedTtftMs: readOptionalNumber(row, 'expected_ttft_ms'),
    outcomes: (row['calls'] as unknown[]).map(Number),
    rewards,
  }
}
