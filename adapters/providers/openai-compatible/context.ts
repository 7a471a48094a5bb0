/** What the reader of an answer has to know of the call. */
import type { Blame } from '../classify.ts'

export interface ReadingContext extends Blame {
  /** `stop` after tool calls is told as `tool_calls`. */
  readonly repairStopAfterTools: boolean
  /** Choices that were asked for. */
  readonly choices: number
  /** The caller set stop sequences: an answer without a word is one. */
  readonly mayBeEmpty: boolean
}
