/** Table `attempts`: an {@link AttemptRow} as RowBinary, and back. */
import type { DecisionId } from '../../../engine/index.ts'
import type { Row } from '../client.ts'
import type { RowBinary } from '../row-binary.ts'
import type { AttemptRow } from '../store.ts'
import { decisionTimeMs, readFlag, readNumber, readOptionalNumber, readText } from './fields.ts'

export const ATTEMPT_COLUMNS = [
  'decision_ts',
  'decision_id',
  'ts',
  'arm',
  'attempt',
  'status',
  'upstream_status',
  'error_code',
  'error_message',
  'finish_reason',
  'ttft_ms',
  'total_ms',
  'prompt_tokens',
  'cached_tokens',
  'completion_tokens',
  'reasoning_tokens',
  'cost_usd',
  'usage_estimated',
] as const

/** Writes {@link ATTEMPT_COLUMNS}. @throws {TypeError | RangeError} for an id that is no UUID or a time that is none */
export function writeAttempt(row: AttemptRow, to: RowBinary): void {
  to.timeMs(decisionTimeMs(row.decisionId))
  to.uuid(row.decisionId)
  to.timeMs(row.atMs)
  to.text(row.arm)
  to.smallCount(row.index)
  to.text(row.status)
  to.optionalSmallCount(row.upstreamStatus)
  to.text(row.errorCode)
  to.text(row.errorMessage)
  to.text(row.finishReason)
  to.optionalFloat(row.ttftMs)
  to.float(row.totalMs)
  to.optionalCount(row.promptTokens)
  to.optionalCount(row.cachedTokens)
  to.optionalCount(row.completionTokens)
  to.optionalCount(row.reasoningTokens)
  to.optionalFloat(row.costUsd)
  to.flag(row.usageEstimated)
}

export const ATTEMPT_SELECT = `
  decision_id, toUnixTimestamp64Milli(ts) AS at_ms, arm, attempt, status, upstream_status, error_code, error_message,
  finish_reason, ttft_ms, total_ms, prompt_tokens, cached_tokens, completion_tokens, reasoning_tokens, cost_usd,
  usage_estimated`

export function readAttempt(row: Row): AttemptRow {
  return {
    decisionId: readText(row, 'decision_id') as DecisionId,
    atMs: readNumber(row, 'at_ms'),
    arm: readText(row, 'arm'),
    index: readNumber(row, 'attempt'),
    status: readText(row, 'status') as AttemptRow['status'],
    upstreamStatus: readOptionalNumber(row, 'upstream_status'),
    errorCode: readText(row, 'error_code'),
    errorMessage: readText(row, 'error_message'),
    finishReason: readText(row, 'finish_reason'),
    ttftMs: readOptionalNumber(row, 'ttft_ms'),
    totalMs: readNumber(row, 'total_ms'),
    promptTokens: readOptionalNumber(row, 'prompt_tokens'),
    cachedTokens: readOptionalNumber(row, 'cached_tokens'),
    completionTokens: readOptionalNumber(row, 'completion_tokens'),
    reasoningTokens: readOptionalNumber(row, 'reasoning_tokens'),
    costUsd: readOptionalNumber(row, 'cost_usd'),
    usageEstimated: readFlag(row, 'usage_estimated'),
  }
}
