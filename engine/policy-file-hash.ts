/** The name of a policy file: what it says, whatever the order or spacing in which it was written down. */
import { sha256Hex } from './hash.ts'
import type { PolicyFile } from './policy-file.ts'

/**
 * Lower-case hex SHA-256 of the file's canonical text: JSON without spaces, the keys of every map in the order of their code
 * units, numbers as JavaScript writes them. Keys that `readPolicyFile` does not know are no part of it.
 */
export function policyFileHash(file: PolicyFile): string {
  return sha256Hex(JSON.stringify(file, sortedKeys))
}

function sortedKeys(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
