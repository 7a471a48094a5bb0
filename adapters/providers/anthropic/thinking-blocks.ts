/**
 * Thinking blocks on their way through the caller: they leave as `reasoning_details` and must come back unchanged, with their
 * signature, and only to the model that signed them.
 */
import type { ChatMessage } from '../spec.ts'
import { asRecords, asString, asText, type Wire } from '../wire.ts'

/** The name under which this shape is known to clients of several gateways. */
const FORMAT = 'anthropic-claude-v1'

/** `origin`: provider and model that signed. Undefined for a block that carries nothing to be kept. */
export function toReasoningDetail(block: Wire, origin: string, index: number): Wire | undefined {
  if (block['type'] === 'redacted_thinking') {
    return { type: 'reasoning.encrypted', data: block['data'], format: FORMAT, index, origin }
  }
  const signature = asText(block['signature'])
  if (signature === undefined) return undefined
  return { type: 'reasoning.text', text: block['thinking'], signature, format: FORMAT, index, origin }
}

/** The blocks of an earlier turn that `origin` signed itself; another model would refuse them. */
export function fromReasoningDetails(message: ChatMessage, origin: string): readonly Wire[] {
  return asRecords(message['reasoning_details'])
    .filter((detail) => detail['format'] === FORMAT && detail['origin'] === origin)
    .map((detail) =>
      detail['type'] === 'reasoning.encrypted'
        ? { type: 'redacted_thinking', data: detail['data'] }
        : { type: 'thinking', thinking: asString(detail['text']) ?? '', signature: detail['signature'] },
    )
}
