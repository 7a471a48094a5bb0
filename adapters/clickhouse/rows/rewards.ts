/** Table `rewards`: a {@link RewardRow} as one line of JSONCompactEachRow, and back. */
import type { DecisionId } from '../../../engine/index.ts'
import type { Row } from '../client.ts'
import type { RewardRow } from '../store.ts'
import {
  decisionTimeMs,
  readNumber,
  readOptionalNumber,
  readText,
  writeId,
  writeNumber,
  writeText,
  writeTimeMs,
} from './fields.ts'

export const REWARD_COLUMNS = [
  'decision_ts',
  'decision_id',
  'reward_id',
  'ts',
  'metric',
  'value_number',
  'value_text',
  'source',
  'idempotency_key',
] as const

/** @throws {TypeError | RangeError} for an id that is no UUID or a time that is none */
export function writeReward(row: RewardRow): string {
  return JSON.stringify([
    decisionTimeMs(row.decisionId),
    writeId(row.decisionId),
    writeText(row.rewardId),
    writeTimeMs(row.atMs),
    writeText(row.metric),
    writeNumber(row.valueNumber),
    writeText(row.valueText),
    writeText(row.source),
    writeText(row.idempotencyKey),
  ])
}

export const REWARD_SELECT = `
  decision_id, reward_id, toUnixTimestamp64Milli(ts) AS at_ms, metric, value_number, value_text, source, idempotency_key`

export function readReward(row: Row): RewardRow {
  return {
    rewardId: readText(row, 'reward_id'),
    decisionId: readText(row, 'decision_id') as DecisionId,
    atMs: readNumber(row, 'at_ms'),
    metric: readText(row, 'metric'),
    valueNumber: readOptionalNumber(row, 'value_number'),
    valueText: readText(row, 'value_text'),
    source: readText(row, 'source'),
    idempotencyKey: readText(row, 'idempotency_key'),
  }
}
