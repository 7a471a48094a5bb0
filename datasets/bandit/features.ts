/** Names of features, and features as a dense vector. */
import { hash } from 'node:crypto'
import type { BanditFeatures } from './row.ts'

/** Between the namespace and the name, as Vowpal Wabbit's audit writes them. */
const BETWEEN = '^'

export function featureName(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}${BETWEEN}${name}`
}

/** Features by namespace, in the order of their first ones; the namespace of plain names is empty. */
export function byNamespace(
  features: BanditFeatures,
): ReadonlyMap<string, ReadonlyMap<string, number | string>> {
  const spaces = new Map<string, Map<string, number | string>>()
  for (const [full, value] of features) {
    const cut = full.indexOf(BETWEEN)
    const space = cut === -1 ? '' : full.slice(0, cut)
    const names = spaces.get(space) ?? new Map()
    names.set(full.slice(cut + 1), value)
    spaces.set(space, names)
  }
  return spaces
}

/**
 * A vector of `dimensions` numbers that begins with 1: each feature is added with a sign to one of the others, both told by SHA-256 of
 * its name, and of its category where it is one.
 *
 * @see Weinberger et al. 2009, "Feature hashing for large scale multitask learning"
 */
export function hashedVector(features: BanditFeatures, dimensions: number): Float64Array {
  const x = new Float64Array(dimensions)
  x[0] = 1
  for (const [name, value] of features) {
    const [text, size] = typeof value === 'number' ? [name, value] : [`${name}=${value}`, 1]
    const bits = Number.parseInt(hash('sha256', text).slice(0, 8), 16)
    const at = 1 + ((bits >>> 1) % (dimensions - 1))
    x[at] = (x[at] ?? 0) + (bits % 2 === 0 ? size : -size)
  }
  return x
}
