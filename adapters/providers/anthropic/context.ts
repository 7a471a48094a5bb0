/** What the reader of an answer has to know of the call. */
import type { Blame } from '../classify.ts'

export interface ReadingContext extends Blame {
  /** Provider and model: whose signatures these are. */
  readonly origin: string
  /** A tool of our own making: its input is the answer's text. */
  readonly answerTool: string | undefined
}
