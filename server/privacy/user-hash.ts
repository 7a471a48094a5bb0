/** A person under a name that is not theirs. */
import { createHash } from 'node:crypto'

const HEX_CHARS = 32

/**
 * What the log knows the `user` of a request by: 128 bits of SHA-256 over tenant and user, so that the same name at two
 * tenants is two people. Whoever has the name can find its rows, and erase them; from the rows the name cannot be read, but a
 * guess can be tried.
 */
export function userHash(tenant: string, user: string | null | undefined): string {
  if (user === undefined || user === null || user === '') return ''
  return createHash('sha256').update(`${tenant}\n${user}`).digest('hex').slice(0, HEX_CHARS)
}
