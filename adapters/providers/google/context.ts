/** What the reader of an answer has to know of the call. */
import type { Blame } from '../classify.ts'

export interface ReadingContext extends Blame {
  /** Provider and model: whose signatures these are. */
  readonly origin: string
  /** Functions that were declared: a call to any other is malformed. */
  readonly functions: ReadonlySet<string>
  /** The caller set stop sequences: an answer without a word is one. */
  readonly mayBeEmpty: boolean
}
