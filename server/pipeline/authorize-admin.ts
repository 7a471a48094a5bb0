/** Who may administrate: who has a key for it, or who sits at this machine while there are none. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import { serverError } from '../errors.ts'
import type { Registry } from '../registry.ts'
import { presentedKey } from './authenticate.ts'

/** A proxy on this machine speaks for somebody else. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'] as const

/** @throws {ServerError} 401 `missing_api_key` or `invalid_admin_key`, 403 `admin_disabled` */
export function authorizeAdmin(
  { adminKeySha256 = [], server }: Pick<Registry, 'adminKeySha256' | 'server'>,
  { headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>,
): void {
  if (adminKeySha256.length > 0) {
    const key = presentedKey(headers)
    if (key === undefined) {
      throw serverError(
        'missing_api_key',
        'No admin key was given. Send it as "authorization: Bearer <key>" or "x-api-key: <key>".',
        { shouldRetry: false },
      )
    }
    const digest = createHash('sha256').update(key).digest()
    // All of them, so that the time does not tell which one came close.
    const matches = adminKeySha256.filter((hex) => timingSafeEqual(Buffer.from(hex, 'hex'), digest))
    if (matches.length > 0) return
    throw serverError('invalid_admin_key', 'The key is not one of admin.keys.', { shouldRetry: false })
  }
  const isHere =
    isLoopback(server.host) &&
    isLoopback(socket.remoteAddress ?? '') &&
    // A page of another site that has its name point here would send that name.
    isLoopback(hostNameOf(headers.host ?? '')) &&
    FORWARDED.every((name) => headers[name] === undefined)
  if (!isHere) {
    throw serverError(
      'admin_disabled',
      'Without admin.keys in the configuration, /admin answers only requests that come straight from this machine to a server on loopback.',
      { shouldRetry: false },
    )
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(?:::ffff:)?127\.\d+\.\d+\.\d+$/.test(host)
}

function hostNameOf(header: string): string {
  const name = header.replace(/:\d+$/, '').toLowerCase()
  const bare = name.replace(/^\[(.*)\]$/, '$1')
  return isIPv6(bare) ? bare : name
}
