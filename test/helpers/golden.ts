/** Reading golden numbers, and comparing whole structures of them. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { sharedPath } from './shared.ts'

export function golden<T>(file: string, folder: 'bandit' | 'experiments' | 'ope' = 'bandit'): T {
  return JSON.parse(readFileSync(sharedPath('golden', folder, file), 'utf8')) as T
}

export interface Tolerance {
  readonly rel: number
  readonly abs: number
}

/**
 * Every number of `expected` has its like in `actual`, within abs + rel·|expected|. Typed arrays count as arrays; where
 * `expected` has null nothing is compared.
 *
 * @returns how many numbers were compared
 */
export function assertNumbers(actual: unknown, expected: unknown, tolerance: Tolerance, at = ''): number {
  if (expected === null) return 0
  if (typeof expected === 'number') {
    assert.equal(typeof actual, 'number', `${at} is missing`)
    const allowed = tolerance.abs + tolerance.rel * Math.abs(expected)
    const difference = Math.abs((actual as number) - expected)
    assert.ok(difference <= allowed, `${at}: expected ${expected} ± ${allowed}, got ${actual}`)
    return 1
  }
  assert.ok(typeof expected === 'object', `${at}: ${JSON.stringify(expected)} is no number`)
  assert.ok(typeof actual === 'object' && actual !== null, `${at} is missing`)
  if (Array.isArray(expected)) assert.equal((actual as ArrayLike<unknown>).length, expected.length, at)
  let compared = 0
  for (const [key, value] of Object.entries(expected as object)) {
    const part = (actual as Record<string, unknown>)[key]
    compared += assertNumbers(part, value, tolerance, at === '' ? key : `${at}.${key}`)
  }
  return compared
}

/** A packed lower triangle as rows of the symmetric matrix. */
export function symmetricRows(packed: Float64Array, dimension: number): number[][] {
  return rows(
    dimension,
    (i, j) => packed[(Math.max(i, j) * (Math.max(i, j) + 1)) / 2 + Math.min(i, j)] as number,
  )
}

/** A packed lower triangle as rows of the triangular matrix. */
export function lowerRows(packed: Float64Array, dimension: number): number[][] {
  return rows(dimension, (i, j) => (j > i ? 0 : (packed[(i * (i + 1)) / 2 + j] as number)))
}

function rows(dimension: number, value: (i: number, j: number) => number): number[][] {
  return Array.from({ length: dimension }, (_, i) => Array.from({ length: dimension }, (_, j) => value(i, j)))
}
