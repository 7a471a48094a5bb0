/** Where the reference data lies that some tests read: `HIGHWAYMAN_SHARED`, else `../shared` beside the repository. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

const repositoryRoot = resolve(import.meta.dirname, '..', '..')
const root = resolve(repositoryRoot, process.env['HIGHWAYMAN_SHARED'] ?? '../shared')

export function sharedPath(...segments: string[]): string {
  return join(root, ...segments)
}

/**
 * Options for a test or suite that needs reference data: skipped with a reason where it is absent, but in CI it runs, and fails.
 * Use as `test('…', needsShared('golden/bandit'), …)`.
 */
export function needsShared(...segments: string[]): { readonly skip: string | false } {
  const path = sharedPath(...segments)
  if (existsSync(path) || process.env['CI'] !== undefined) return { skip: false }
  return { skip: `reference data not found at ${path}; set HIGHWAYMAN_SHARED` }
}
