/** `finishReason` → why an answer ended. */
import type { FinishReason } from '../spec.ts'
import { asText, type Wire } from '../wire.ts'

const BLOCKED = new Set([
  ...['SAFETY', 'RECITATION', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII', 'LANGUAGE', 'MODEL_ARMOR'],
  ...['IMAGE_SAFETY', 'IMAGE_PROHIBITED_CONTENT', 'IMAGE_RECITATION'],
])
const MALFORMED = new Set(['MALFORMED_FUNCTION_CALL', 'UNEXPECTED_TOOL_CALL', 'TOO_MANY_TOOL_CALLS'])

/** Why a candidate ended; undefined while it goes on. */
export function finishReasonIn(candidate: Wire): string | undefined {
  const raw = asText(candidate['finishReason'])
  return raw === 'FINISH_REASON_UNSPECIFIED' ? undefined : raw
}

export interface Said {
  readonly hasCalls: boolean
  /** Calls to functions that were declared. */
  readonly hasValidCalls: boolean
  /** A call began of which not all pieces have come. */
  readonly hasOpenCall: boolean
  readonly hasContent: boolean
}

/**
 * Undefined when the reason, with what was said, is no answer: a malformed call, or an end without anything said.
 * @param mayBeEmpty the caller set stop sequences, and one of them may have been the first word.
 */
export function decodeFinish(raw: string, said: Said, mayBeEmpty: boolean): FinishReason | undefined {
  const normal: FinishReason = { unified: said.hasCalls ? 'tool_calls' : 'stop', raw }
  if (raw === 'MAX_TOKENS') return { unified: 'length', raw }
  if (BLOCKED.has(raw)) return { unified: 'content_filter', raw }
  if (said.hasOpenCall) return undefined
  if (MALFORMED.has(raw)) return said.hasValidCalls ? normal : undefined
  return said.hasCalls || said.hasContent || (raw === 'STOP' && mayBeEmpty) ? normal : undefined
}
