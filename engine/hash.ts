/**
 * The engine's one hash is SHA-256, so that anyone can recompute an id or a draw with standard tools; MD5 is for other
 * systems' draws. They are the only `node:` import of the engine, and pure functions.
 */
import { hash } from 'node:crypto'

/** Lower-case hex SHA-256 of the UTF-8 text. */
export function sha256Hex(text: string): string {
  return hash('sha256', text, 'hex')
}

/** Lower-case hex MD5 of the UTF-8 text. */
export function md5Hex(text: string): string {
  return hash('md5', text, 'hex')
}
