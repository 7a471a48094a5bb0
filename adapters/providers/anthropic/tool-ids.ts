/** Anthropic takes tool ids of letters, digits, `_` and `-` only; ids of other vendors travel in a conversation too. */
import { createHash } from 'node:crypto'

/** The id itself where it is allowed, else a stable one of its own, so that a call and its result still agree. */
export function encodeToolId(id: string): string {
  if (/^[a-zA-Z0-9_-]{1,128}$/.test(id)) return id
  return `toolu_${createHash('sha256').update(id).digest('hex').slice(0, 24)}`
}
