/** Fields of a policy file: read as what they must be, or refused with their path. */
import { EngineError } from './errors.ts'

export type PlainMap = Readonly<Record<string, unknown>>

export function mapAt(path: string, value: unknown): PlainMap {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw bad(path, 'must be an object', value)
  return value as PlainMap
}

export function listAt(path: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw bad(path, 'must be a list', value)
  return value
}

export function textAt(path: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw bad(path, 'must be a text', value)
  return value
}

export function numberAt(
  path: string,
  value: unknown,
  isAllowed: (x: number) => boolean,
  range: string,
): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || !isAllowed(value)) {
    throw bad(path, `must be a finite number ${range}`, value)
  }
  return value
}

export function countAt(path: string, value: unknown, least: number): number {
  return numberAt(
    path,
    value,
    (x) => Number.isInteger(x) && x >= least,
    `without a fraction, at least ${least}`,
  )
}

export function vectorAt(path: string, value: unknown, length: number): readonly number[] {
  const list = listAt(path, value)
  if (list.length !== length) throw bad(path, `must have ${length} numbers`, `${list.length} of them`)
  return list.map((entry, i) => numberAt(`${path}[${i}]`, entry, () => true, 'like all others'))
}

const SHOWN_CHARS = 60

export function bad(path: string, rule: string, value: unknown): EngineError {
  const shown = (typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')).slice(
    0,
    SHOWN_CHARS,
  )
  return new EngineError(
    'engine_bad_policy_file',
    `policy file: ${path === '' ? 'it' : path} ${rule}, got ${shown}`,
  )
}
