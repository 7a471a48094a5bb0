/**
 * The engine's one hash: SHA-256, so that anyone can recompute an id or a draw with standard tools. It is the only
 * `node:` import of the engine, and a pure function.
 */
import { hash } from 'node:crypto'

/** Lower-case hex SHA-256 of the UTF-8 text. */
export function sha256Hex(text: string): string {
  return hash('sha256', text, 'hex')
}
