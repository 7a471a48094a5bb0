/** Messages as this upstream takes them. A conversation may have been answered by several: what one of them left behind must not trip the next. */
import { createHash } from 'node:crypto'
import type { ChatMessage, ToolCall } from '../spec.ts'
import type { Quirks } from './quirks.ts'

/** Fields of an assistant message that carry its reasoning. */
const REASONING_FIELDS = ['reasoning_content', 'reasoning', 'reasoning_details'] as const
/** `extra_content`: Google's place for thought signatures on a call; no other upstream knows it. */
const FOREIGN_CALL_FIELD = 'extra_content'
const BASE62 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const SHORT_ID_LENGTH = 9

/** The same list where nothing has to change. */
export function encodeMessages(messages: readonly ChatMessage[], quirks: Quirks): readonly ChatMessage[] {
  const turnStart = messages.findLastIndex(({ role }) => role === 'user')
  let changed = false
  const sent = messages.map((message, index) => {
    const isPrefix = quirks.marksPrefix && index === messages.length - 1 && message.role === 'assistant'
    const encoded = encodeMessage(message, quirks, index > turnStart)
    const result = isPrefix ? { ...encoded, prefix: true } : encoded
    changed ||= result !== message
    return result
  })
  return changed ? sent : messages
}

function encodeMessage(message: ChatMessage, quirks: Quirks, inCurrentTurn: boolean): ChatMessage {
  let result = message
  if (result.role === 'developer' && quirks.developerRole === 'system') result = { ...result, role: 'system' }
  if (result.role === 'assistant') result = encodeAssistant(result, quirks, inCurrentTurn)
  if (result.tool_call_id !== undefined && quirks.toolIdFormat !== 'any') {
    result = { ...result, tool_call_id: shortId(result.tool_call_id) }
  }
  return result
}

function encodeAssistant(message: ChatMessage, quirks: Quirks, inCurrentTurn: boolean): ChatMessage {
  const keepsReasoning =
    quirks.pastReasoning === 'keep' || (quirks.pastReasoning === 'current-turn' && inCurrentTurn)
  let result = message
  if (!keepsReasoning && REASONING_FIELDS.some((field) => field in message)) {
    const { reasoning_content: _1, reasoning: _2, reasoning_details: _3, ...rest } = message
    result = rest
  }
  const calls = result.tool_calls?.map((call) => encodeCall(call, quirks))
  if (calls?.some((call, index) => call !== message.tool_calls?.[index]))
    result = { ...result, tool_calls: calls }
  return result
}

function encodeCall(call: ToolCall, quirks: Quirks): ToolCall {
  let result = call
  if (FOREIGN_CALL_FIELD in call) {
    const { [FOREIGN_CALL_FIELD]: _, ...rest } = call
    result = rest as ToolCall
  }
  return quirks.toolIdFormat === 'any' ? result : { ...result, id: shortId(result.id) }
}

/**
 * Nine letters and digits for an id of another vendor. A hash, so that a call and its result, and the same conversation in
 * the next turn, get the same one without anything being remembered.
 */
function shortId(id: string): string {
  if (/^[A-Za-z0-9]{9}$/.test(id)) return id
  const digest = createHash('sha256').update(id).digest()
  return Array.from(digest.subarray(0, SHORT_ID_LENGTH), (byte) => BASE62.charAt(byte % BASE62.length)).join(
    '',
  )
}
