/** Ids for tool calls that came without one. */
import { randomUUID } from 'node:crypto'

/** Unique: the same function may be called twice in one turn. */
export function newToolCallId(): string {
  return `call_${randomUUID().replaceAll('-', '').slice(0, 24)}`
}
