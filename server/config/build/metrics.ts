import { SIGNALS, type Signal, type SignalSettings } from '../../registry.ts'
import {
  type Metric,
  type MetricScale,
  type Metrics,
  type MetricValue,
  metricNamed,
  QUALITY,
  whatIsMissing,
} from '../../rewards/metric.ts'
import { didYouMean } from '../nearest.ts'
import type { Config, MetricSettings } from '../schema.ts'
import type { Path } from '../yaml.ts'
import type { Scope } from './scope.ts'

const MS_PER_HOUR = 3_600_000

/** The metrics that make sense; what does not is reported. */
export function buildMetrics(settings: Config['metrics'], scope: Scope): Metrics {
  const metrics = new Map<string, Metric>()
  for (const [name, each] of Object.entries(settings)) {
    const path = ['metrics', name]
    const scale = scaleOf(each, path, scope)
    if (scale === undefined) continue
    const qualityWeight = each.qualityWeight ?? (name === QUALITY ? 1 : 0)
    if (qualityWeight > 0 && !hasWorths(scale)) {
      const at = each.qualityWeight === undefined ? path : [...path, 'qualityWeight']
      const repair = scale.kind === 'text' ? 'text is worth nothing' : 'give values instead of labels'
      scope.reporter.report(at, 'key', `makes no quality: ${repair}`)
    }
    const windowMs = each.windowHours === undefined ? undefined : each.windowHours * MS_PER_HOUR
    const byDefault = defaultOf(each, scale, path, scope)
    metrics.set(name, { name, scale, qualityWeight, windowMs, byDefault })
  }
  return metrics
}

function scaleOf(settings: MetricSettings, path: Path, { reporter }: Scope): MetricScale | undefined {
  const { type, min, max, optimize, values, labels } = settings
  const forbid = (keys: readonly (keyof MetricSettings)[]) => {
    for (const key of keys) {
      if (reporter.has([...path, key]))
        reporter.report([...path, key], 'key', `does not go with type ${type}`)
    }
  }
  switch (type) {
    case 'boolean':
      forbid(['min', 'max', 'values', 'labels'])
      return { kind: 'boolean', optimize }
    case 'float':
      forbid(['values', 'labels'])
      if (min === undefined || max === undefined || min >= max) {
        reporter.report(path, 'key', 'type float needs min and max, min below max')
        return undefined
      }
      return { kind: 'float', min, max, optimize }
    case 'categorical':
      forbid(['min', 'max', 'optimize'])
      if ((values === undefined) === (labels === undefined)) {
        reporter.report(
          path,
          'key',
          'type categorical needs values (what each label is worth) or labels, not both',
        )
        return undefined
      }
      return {
        kind: 'categorical',
        labels: labels ?? Object.keys(values ?? {}),
        worths: values && new Map(Object.entries(values)),
      }
    case 'text':
      forbid(['min', 'max', 'optimize', 'values', 'labels'])
      return { kind: 'text' }
  }
}

function hasWorths(scale: MetricScale): boolean {
  return scale.kind === 'categorical' ? scale.worths !== undefined : scale.kind !== 'text'
}

function defaultOf(
  settings: MetricSettings,
  scale: MetricScale,
  path: Path,
  { reporter }: Scope,
): Metric['byDefault'] {
  const { default: value, defaultSource: source, windowHours } = settings
  const at = [...path, 'default']
  if (value === undefined) {
    if (reporter.has([...path, 'defaultSource'])) {
      reporter.report([...path, 'defaultSource'], 'key', 'needs default')
    }
    return undefined
  }
  if (windowHours === undefined) {
    reporter.report(at, 'key', 'needs windowHours: a default is what is taken when that time is over')
    return undefined
  }
  const missing = whatIsMissing(scale, storedForm(value))
  if (missing !== undefined) reporter.report(at, 'value', `must be ${missing}`)
  return { value, source }
}

function storedForm(value: MetricValue): { valueNumber: number | undefined; valueText: string } {
  return typeof value === 'string'
    ? { valueNumber: undefined, valueText: value }
    : { valueNumber: Number(value), valueText: '' }
}

/** Undefined where none is on. */
export function buildSignals(
  settings: Config['signals'],
  metrics: Metrics,
  scope: Scope,
): SignalSettings | undefined {
  const worths = new Map<Signal, number>()
  for (const signal of SIGNALS) {
    const worth = settings[signal]?.worth
    if (worth !== undefined) worths.set(signal, worth)
  }
  const metric = knownMetric(settings.metric, metrics, ['signals', 'metric'], scope)
  if (metric === undefined || worths.size === 0) return undefined
  if (metric.scale.kind !== 'boolean' && metric.scale.kind !== 'float') {
    scope.reporter.report(['signals', 'metric'], 'value', `metric "${metric.name}" must be boolean or float`)
  }
  const { share, passedWorth } = settings
  return { metric, share, passedWorth, worths }
}

export function knownMetric(name: string, metrics: Metrics, at: Path, scope: Scope): Metric | undefined {
  const metric = metricNamed(metrics, name)
  if (metric === undefined && !scope.reporter.has(['metrics', name])) {
    const hint = didYouMean(name, [QUALITY, ...metrics.keys()])
    scope.reporter.report(at, 'value', `unknown metric "${name}"; declare it under metrics${hint}`)
  }
  return metric
}
