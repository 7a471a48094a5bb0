/** Table `rewards`: a {@link RewardRow} as RowBinary, and back. */
import type { DecisionId } from '../../../engine/index.ts'
import type { Row } from '../client.ts'
import type { RowBinary } from '../row-binary.ts'
import type { RewardRow } from '../store.ts'
import { decisionTimeMs, readFlag, readNumber, readOptionalNumber, readText } from './fields.ts'

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
  'quality',
  'sets_quality',
  'position',
] as const

/** Writes {@link REWARD_COLUMNS}. @throws {TypeError | RangeError} for an id that is no UUID or a time that is none */
export function writeReward(row: RewardRow, to: RowBinary): void {
  to.timeMs(decisionTimeMs(row.decisionId))
  to.uuid(row.decisionId)
  to.text(row.rewardId)
  to.timeMs(row.atMs)
  to.text(row.metric)
  to.optionalFloat(row.valueNumber)
  to.text(row.valueText)
  to.text(row.source)
  to.text(row.idempotencyKey)
  to.optionalFloat(row.quality ?? undefined)
  to.flag(row.quality !== undefined)
  to.smallCount(row.position ?? 0)
}

/** The order of acceptance, within a decision. */
export const REWARD_ORDER = 'position, ts, reward_id'

export const REWARD_SELECT = `
  decision_id, reward_id, toUnixTimestamp64Milli(ts) AS at_ms, metric, value_number, value_text, source, idempotency_key,
  quality, sets_quality, position`

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
    ...(readNumber(row, 'position') > 0 && { position: readNumber(row, 'position') }),
    ...(readFlag(row, 'sets_quality') && { quality: readOptionalNumber(row, 'quality') ?? null }),
  }
}
