import { EngineError } from '../errors.ts'
import type { PolicyName, PolicySpec } from '../types.ts'
import { POLICIES } from './index.ts'

interface Range {
  readonly words: string
  readonly holds: (value: number) => boolean
}

const ABOVE_ZERO: Range = { words: 'a finite number above 0', holds: (v) => v > 0 && Number.isFinite(v) }
const AT_LEAST_ZERO: Range = {
  words: 'a finite number of at least 0',
  holds: (v) => v >= 0 && Number.isFinite(v),
}
/** Of factors on what is believed. More would run out of digits where utilities are compared, and mean no more. */
export const FACTOR_MAX = 1e9
const FACTOR: Range = { words: 'above 0 and at most 1e9', holds: (v) => v > 0 && v <= FACTOR_MAX }
const WIDTH: Range = { words: 'in [0, 1e9]', holds: (v) => v >= 0 && v <= FACTOR_MAX }
const SHARE: Range = { words: 'in [0, 1]', holds: (v) => v >= 0 && v <= 1 }

/** Every setting that is a number, with its range; all but `epsilon` may be left out. */
const RANGES: { readonly [Name in PolicyName]?: readonly (readonly [setting: string, range: Range])[] } = {
  thompson: [['exploration', FACTOR]],
  linucb: [['alpha', WIDTH]],
  squarecb: [
    ['gammaScale', FACTOR],
    ['gammaExponent', SHARE],
  ],
  'epsilon-greedy': [['epsilon', SHARE]],
  softmax: [['temperature', ABOVE_ZERO]],
}

/** Checks a spec's settings. @throws {EngineError} `engine_bad_config` naming the setting, the value and the range. */
export function validatePolicy(spec: PolicySpec): void {
  if (!Object.hasOwn(POLICIES, spec.name)) {
    throw new EngineError(
      'engine_bad_config',
      `unknown policy "${spec.name}"; known are ${Object.keys(POLICIES).join(', ')}`,
    )
  }
  const settings: { readonly [setting: string]: unknown } = spec
  for (const [setting, range] of RANGES[spec.name] ?? []) {
    const value = settings[setting]
    if (value !== undefined || setting === 'epsilon') verify(setting, value, range)
  }
  if (spec.name === 'fixed') verifyArm('arm', spec.arm)
  if (spec.name === 'priority') {
    if (!Array.isArray(spec.order)) throw refused('order', 'a list of arms', spec.order)
    for (const arm of spec.order) verifyArm('order', arm)
  }
  if (spec.name === 'weighted') {
    if (!isMap(spec.weights)) throw refused('weights', 'a map from arms to numbers', spec.weights)
    let total = 0
    for (const [arm, weight] of Object.entries(spec.weights)) {
      verify(`the weight of ${arm}`, weight, AT_LEAST_ZERO)
      total += weight
    }
    verify('the sum of the weights', total, AT_LEAST_ZERO)
  }
}

function verify(what: string, value: unknown, range: Range): void {
  if (typeof value !== 'number' || !range.holds(value)) throw refused(what, range.words, value)
}

function verifyArm(what: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') throw refused(what, 'the id of an arm', value)
}

function isMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refused(what: string, wanted: string, value: unknown): EngineError {
  return new EngineError('engine_bad_config', `${what} must be ${wanted}, got ${value}`)
}
