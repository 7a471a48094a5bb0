/** What a metric is: which values it takes, and what each is worth between 0 and 1 when it makes quality. */
import type { RewardRow } from '../../adapters/index.ts'
import { serverError } from '../errors.ts'

/** Of a number or a truth value: which end is the good one. */
export type Optimize = 'max' | 'min'

export type MetricScale =
  | { readonly kind: 'boolean'; readonly optimize: Optimize }
  | { readonly kind: 'float'; readonly min: number; readonly max: number; readonly optimize: Optimize }
  | {
      readonly kind: 'categorical'
      readonly labels: readonly string[]
      /** What each label is worth, [0, 1]; undefined for labels that are counted only. */
      readonly worths: ReadonlyMap<string, number> | undefined
    }
  | { readonly kind: 'text' }

export type MetricValue = boolean | number | string

export interface Metric {
  readonly name: string
  readonly scale: MetricScale
  /** Its share in `quality` beside the other metrics that were told; 0: none. */
  readonly qualityWeight: number
  /** A value that is of a later time after the decision is kept and changes nothing. Undefined: any time will do. */
  readonly windowMs: number | undefined
  /** What is taken where nothing has come within the window. */
  readonly byDefault: { readonly value: MetricValue; readonly source: 'default' | 'outcome' } | undefined
}
export type Metrics = ReadonlyMap<string, Metric>

/** The metric that needs no declaration. */
export const QUALITY = 'quality'

export const PLAIN_QUALITY: Metric = {
  name: QUALITY,
  scale: { kind: 'float', min: 0, max: 1, optimize: 'max' },
  qualityWeight: 1,
  windowMs: undefined,
  byDefault: undefined,
}

export const NO_METRICS: Metrics = new Map()

/** The declared metric of a name; `quality` also where it is not declared. */
export function metricNamed(metrics: Metrics, name: string): Metric | undefined {
  return metrics.get(name) ?? (name === QUALITY ? PLAIN_QUALITY : undefined)
}

/** A value as it is stored. */
export type StoredValue = Pick<RewardRow, 'valueNumber' | 'valueText'>

export const TAKEN_BACK: StoredValue = { valueNumber: undefined, valueText: '' }

/**
 * @param metric undefined where metrics are not declared at all: then any value is kept
 * @throws {ServerError} 422 `invalid_feedback_value` naming the range or the labels
 */
export function readValue(metric: Metric | undefined, value: MetricValue | null): StoredValue {
  if (value === null) return TAKEN_BACK
  // It would be kept as what takes a value back.
  if (value === '') {
    throw serverError(
      'invalid_feedback_value',
      'value: an empty text says nothing; send null to take back what was said.',
      { param: 'value' },
    )
  }
  const stored: StoredValue = {
    valueNumber: typeof value === 'boolean' ? Number(value) : typeof value === 'number' ? value : undefined,
    valueText: typeof value === 'string' ? value : '',
  }
  const wanted =
    metric === undefined
      ? undefined
      : (truthOutOfPlace(metric.scale, value) ?? whatIsMissing(metric.scale, stored))
  if (wanted === undefined) return stored
  throw serverError(
    'invalid_feedback_value',
    `value: for metric "${metric?.name}" it must be ${wanted}, got ${JSON.stringify(value)}.`,
    { param: 'value' },
  )
}

/** A truth value is a number only where the range is that of one: a rating from 1 to 5 is never `true`. */
function truthOutOfPlace(scale: MetricScale, value: MetricValue): string | undefined {
  if (typeof value !== 'boolean' || scale.kind !== 'float' || (scale.min === 0 && scale.max === 1))
    return undefined
  return `a number in [${scale.min}, ${scale.max}]`
}

/** What a value would have to be; undefined when it is that. */
export function whatIsMissing(
  scale: MetricScale,
  { valueNumber, valueText }: StoredValue,
): string | undefined {
  switch (scale.kind) {
    case 'boolean':
      return valueNumber === 0 || valueNumber === 1 ? undefined : 'true or false'
    case 'float': {
      const { min, max } = scale
      if (valueNumber !== undefined && valueNumber >= min && valueNumber <= max) return undefined
      return `${min === 0 && max === 1 ? 'true, false or ' : ''}a number in [${min}, ${max}]`
    }
    case 'categorical':
      return valueNumber === undefined && scale.labels.includes(valueText)
        ? undefined
        : `one of ${scale.labels.join(', ')}`
    case 'text':
      return valueNumber === undefined ? undefined : 'text'
  }
}

/**
 * What a stored value is worth: 1 is the best that the metric knows, 0 the worst. Undefined for a value that was taken back,
 * that the metric no longer takes, or of a metric without an order.
 */
export function worthOf({ scale }: Metric, value: StoredValue): number | undefined {
  const { valueNumber, valueText } = value
  if (valueNumber === undefined && valueText === '') return undefined
  if (whatIsMissing(scale, value) !== undefined) return undefined
  switch (scale.kind) {
    case 'boolean':
      return flipped(scale.optimize, valueNumber ?? 0)
    case 'float':
      return flipped(scale.optimize, ((valueNumber ?? 0) - scale.min) / (scale.max - scale.min))
    case 'categorical':
      return scale.worths?.get(valueText)
    case 'text':
      return undefined
  }
}

/** The value of a numeric metric that is worth so much: the inverse of {@link worthOf}, a truth value at its nearer end. */
export function valueWorth({ scale }: Metric, worth: number): MetricValue | undefined {
  if (scale.kind === 'boolean') return flipped(scale.optimize, worth) >= 0.5
  if (scale.kind === 'float') return scale.min + flipped(scale.optimize, worth) * (scale.max - scale.min)
  return undefined
}

function flipped(optimize: Optimize, worth: number): number {
  return optimize === 'max' ? worth : 1 - worth
}
