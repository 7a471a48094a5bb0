/** Table `prompts`: a {@link PromptRow} as RowBinary. */
import type { RowBinary } from '../row-binary.ts'
import type { PromptRow } from '../store.ts'
import { decisionTimeMs } from './fields.ts'

export const PROMPT_COLUMNS = [
  'decision_ts',
  'decision_id',
  'tenant',
  'messages',
  'truncated',
  'redactions',
] as const

/** Writes {@link PROMPT_COLUMNS}. @throws {TypeError | RangeError} for an id that is no UUID or a time that is none */
export function writePrompt(row: PromptRow, to: RowBinary): void {
  to.timeMs(decisionTimeMs(row.decisionId))
  to.uuid(row.decisionId)
  to.text(row.tenant)
  to.text(JSON.stringify(row.messages))
  to.flag(row.truncated)
  to.count(row.redactions)
}
