/** Who is calling: virtual keys are known by their SHA-256 only. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { DEFAULT_TENANT_NAME } from '../config/defaults.ts'
import { serverError } from '../errors.ts'
import type { Tenant } from '../registry.ts'

/** Who everybody is while no tenants are configured. */
export const DEFAULT_TENANT: Tenant = {
  name: DEFAULT_TENANT_NAME,
  keySha256: [],
  preferences: undefined,
  constraints: {},
  allow: undefined,
  deny: [],
}

/**
 * Keys are found by the beginning of their hash and then compared in constant time. What the lookup's timing tells is a
 * few digits of a hash, from which no key can be made.
 */
interface KeyEntry {
  readonly digest: Buffer
  readonly tenant: Tenant
}

export class Keyring {
  readonly #entries = new Map<number, KeyEntry[]>()
  readonly #isOpen: boolean

  constructor(tenants: Iterable<Tenant>) {
    let count = 0
    for (const tenant of tenants) {
      count++
      for (const hex of tenant.keySha256) this.#add({ digest: Buffer.from(hex, 'hex'), tenant })
    }
    this.#isOpen = count === 0
  }

  /** @throws {ServerError} 401 `missing_api_key` or `invalid_api_key`, unless no tenants are configured. */
  authenticate(headers: IncomingHttpHeaders): Tenant {
    if (this.#isOpen) return DEFAULT_TENANT
    const key = presentedKey(headers)
    if (key === undefined) {
      throw serverError(
        'missing_api_key',
        'No API key was given. Send it as "authorization: Bearer <key>" or "x-api-key: <key>".',
        { shouldRetry: false },
      )
    }
    const digest = createHash('sha256').update(key).digest()
    for (const entry of this.#entries.get(digest.readUInt32BE()) ?? []) {
      if (timingSafeEqual(entry.digest, digest)) return entry.tenant
    }
    throw serverError(
      'invalid_api_key',
      'The API key is not one of this gateway’s. Ask its operator for one.',
      {
        shouldRetry: false,
      },
    )
  }

  #add(entry: KeyEntry): void {
    const index = entry.digest.readUInt32BE(0)
    const bucket = this.#entries.get(index)
    if (bucket === undefined) this.#entries.set(index, [entry])
    else bucket.push(entry)
  }
}

export function presentedKey(headers: IncomingHttpHeaders): string | undefined {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1]
  const header = headers['x-api-key']
  return bearer ?? (typeof header === 'string' && header !== '' ? header : undefined)
}
