import { createHash } from 'node:crypto'
import type { Tenant } from '../../registry.ts'
import { didYouMean } from '../nearest.ts'
import type { TenantSettings } from '../schema.ts'
import { buildConstraints } from './constraints.ts'
import { buildPreferences } from './preferences.ts'
import type { Scope } from './scope.ts'

const HASH_PREFIX = 'sha256:'
const SHA256_HEX = /^[0-9a-f]{64}$/

/** `owners` has the tenant of every key seen so far, by its hash; this tenant's keys are added. */
export function buildTenant(
  name: string,
  settings: TenantSettings,
  owners: Map<string, string>,
  scope: Scope,
): Tenant {
  const path = ['tenants', name]
  const keySha256: string[] = []
  for (const [index, key] of settings.keys.entries()) {
    const at = [...path, 'keys', index]
    const hash = keyHash(key, scope.reporter.isSubstituted(at))
    const owner = hash.hex === undefined ? undefined : owners.get(hash.hex)
    if (hash.hex === undefined) {
      scope.reporter.report(at, 'value', hash.problem)
    } else if (owner !== undefined) {
      const whose = owner === name ? 'is listed twice' : `is also a key of tenant "${owner}"`
      scope.reporter.report(at, 'value', `this key ${whose}; a key must tell one tenant`)
    } else {
      owners.set(hash.hex, name)
      keySha256.push(hash.hex)
    }
  }
  for (const list of ['allow', 'deny'] as const) reportUnknownEntries(name, list, settings, scope)
  return {
    name,
    keySha256,
    preferences: buildPreferences(settings.preferences, [...path, 'preferences'], scope),
    constraints: buildConstraints(settings.constraints, [...path, 'constraints'], scope),
    allow: settings.allow,
    deny: settings.deny,
  }
}

export function keyHash(
  key: string,
  fromEnvironment: boolean,
): { hex: string } | { hex: undefined; problem: string } {
  if (key.startsWith(HASH_PREFIX)) {
    const hex = key.slice(HASH_PREFIX.length).toLowerCase()
    return SHA256_HEX.test(hex)
      ? { hex }
      : { hex: undefined, problem: 'sha256: must be followed by 64 hex digits' }
  }
  if (!fromEnvironment) {
    return {
      hex: undefined,
      problem: `a key in clear text; write \${VARIABLE}, or sha256: and the hex SHA-256 of the key`,
    }
  }
  // A key with white space cannot be sent in a header, and is most likely a file read with its line end.
  if (/\s/.test(key)) return { hex: undefined, problem: 'the key has white space in it' }
  return { hex: createHash('sha256').update(key).digest('hex') }
}

function reportUnknownEntries(
  tenant: string,
  list: 'allow' | 'deny',
  settings: TenantSettings,
  { reporter, names }: Scope,
): void {
  const known = [...names.arms, ...names.armsByTag.keys()]
  for (const [index, entry] of (settings[list] ?? []).entries()) {
    if (names.arms.has(entry) || names.armsByTag.has(entry)) continue
    reporter.report(
      ['tenants', tenant, list, index],
      'value',
      `"${entry}" is no arm and no tag${didYouMean(entry, known)}`,
    )
  }
}
