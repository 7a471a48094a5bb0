/** Content and reasoning of a message or delta, out of the shapes in which vendors send them. */
import { asArray, asRecord, asRecords, asString, asText, type Wire } from '../wire.ts'

/**
 * A message or delta with `content` as a string or null and reasoning under `reasoning_content`; the same object where it
 * already is so. What is no text counts as none. Some upstreams send the same reasoning under two names: one of them is taken.
 */
export function normalizeText(fields: Wire): Wire {
  if (isSound(fields)) return fields
  const { reasoning, reasoning_content, content, refusal, ...rest } = fields
  const listed = Array.isArray(content) ? readParts(content) : undefined
  const thoughts = asText(reasoning_content) ?? asText(reasoning) ?? asText(listed?.reasoning)
  return {
    ...rest,
    ...('refusal' in fields && { refusal: asString(refusal) ?? null }),
    ...('content' in fields && { content: listed?.text ?? asString(content) ?? null }),
    ...(thoughts !== undefined && { reasoning_content: thoughts }),
  }
}

function isSound({ reasoning, reasoning_content, content, refusal }: Wire): boolean {
  return (
    isTextOrNone(content) &&
    isTextOrNone(refusal) &&
    reasoning === undefined &&
    (reasoning_content === undefined || typeof reasoning_content === 'string')
  )
}

function isTextOrNone(value: unknown): boolean {
  return typeof value === 'string' || value === null || value === undefined
}

/** Mistral: `[{type: 'thinking', thinking: [{text}]}, {type: 'text', text}]`, mixed with plain strings. */
function readParts(parts: readonly unknown[]): { readonly text: string; readonly reasoning: string } {
  let text = ''
  let reasoning = ''
  for (const part of parts) {
    const fields = asRecord(part)
    if (fields?.['type'] === 'thinking') reasoning += textOf(fields['thinking'])
    else text += asString(part) ?? asString(fields?.['text']) ?? ''
  }
  return { text, reasoning }
}

function textOf(thinking: unknown): string {
  return (
    asString(thinking) ??
    asRecords(thinking)
      .map((part) => asString(part['text']) ?? '')
      .join('')
  )
}

/** True when a message or the deltas of one carry anything that a caller could use. */
export function hasSubstance(fields: Wire): boolean {
  return (
    asText(fields['content']) !== undefined ||
    asText(fields['reasoning_content']) !== undefined ||
    asText(fields['refusal']) !== undefined ||
    asArray(fields['tool_calls']).length > 0 ||
    asArray(fields['reasoning_details']).length > 0 ||
    asRecord(fields['function_call']) !== undefined ||
    asRecord(fields['audio']) !== undefined ||
    asArray(fields['images']).length > 0
  )
}
