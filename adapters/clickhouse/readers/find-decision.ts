/** Everything known of one decision. The time inside its id is the key that the three tables are sorted by. */
import type { ClickHouse } from '../client.ts'
import { isUuid } from '../row-binary.ts'
import { ATTEMPT_SELECT, readAttempt } from '../rows/attempts.ts'
import { DECISION_SELECT, readDecision } from '../rows/decisions.ts'
import { decisionTimeMs } from '../rows/fields.ts'
import { REWARD_ORDER, REWARD_SELECT, readReward } from '../rows/rewards.ts'
import type { DecisionRecord } from '../store.ts'

const BY_ID = "decision_ts = fromUnixTimestamp64Milli({time:Int64}, 'UTC') AND decision_id = {id:UUID}"

export async function findDecision(clickhouse: ClickHouse, id: string): Promise<DecisionRecord | undefined> {
  if (!isUuid(id)) return undefined
  const params = { id, time: decisionTimeMs(id) }
  const [[decision], attempts, rewards] = await Promise.all([
    clickhouse.query(`SELECT ${DECISION_SELECT} FROM decisions WHERE ${BY_ID} LIMIT 1`, params),
    clickhouse.query(`SELECT ${ATTEMPT_SELECT} FROM attempts WHERE ${BY_ID} ORDER BY attempt, ts`, params),
    clickhouse.query(
      `SELECT ${REWARD_SELECT} FROM rewards WHERE ${BY_ID} ORDER BY ${REWARD_ORDER} LIMIT 1 BY reward_id`,
      params,
    ),
  ])
  if (decision === undefined) return undefined
  return {
    row: readDecision(decision),
    attempts: attempts.map(readAttempt),
    rewards: rewards.map(readReward),
  }
}
