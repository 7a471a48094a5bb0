/** What an operator declares → a definition, or the field at fault. */
import { EngineError, type PolicySpec, QUALITY_POINT, validatePolicy } from '../../engine/index.ts'
import { nearest } from '../config/nearest.ts'
import { serverError } from '../errors.ts'
import { whyForeign } from '../policies/arms-of-policy.ts'
import type { Registry } from '../registry.ts'
import type { ExperimentBody, MetricBody } from '../routes/schemas/experiments.ts'
import type { ExperimentDefinition, ExperimentMetric, Variant, VariantPolicy } from './definition.ts'

const HOUR_MS = 3_600_000
const WEIGHTS_TOLERANCE = 1e-6
const HIGHER: ReadonlySet<string> = new Set(['quality', 'reward', 'utility'])
const TIMED: ReadonlySet<string> = new Set(['ttft_ms', 'total_ms', 'cost_usd'])

/** @throws {ServerError} 422 `invalid_experiment` */
export function definitionOf(body: ExperimentBody, registry: Registry): ExperimentDefinition {
  const variants = variantsOf(body)
  const metrics = body.metrics.map((metric, index) => metricOf(metric, `metrics[${index}]`))
  const definition: ExperimentDefinition = {
    key: body.key,
    hypothesis: body.hypothesis,
    unit: body.unit,
    variants,
    targeting: { models: body.models, classes: body.classes, tenants: body.tenants },
    coverage: body.coverage,
    ramp: rampOf(body),
    namespace: body.namespace,
    holdout: body.holdout,
    metrics,
    alpha: body.alpha,
    plannedUnits: body.planned_units,
    mde: body.mde,
    maxDays: body.max_days,
    stopOnSuccess: body.stop_on_success,
    allocation: body.allocation,
    minShare: body.min_share,
    covariate: body.covariate,
    prior: body.prior,
  }
  refuseContradictions(definition)
  refuseUnknown(definition, registry)
  // Absent and undefined are the same once it has been stored.
  return JSON.parse(JSON.stringify(definition)) as ExperimentDefinition
}

function variantsOf({ variants }: ExperimentBody): readonly Variant[] {
  const given = variants.filter(({ weight }) => weight !== undefined)
  if (given.length !== 0 && given.length !== variants.length) {
    throw invalid('variants', 'give a weight to all of them, or to none')
  }
  const sum = given.reduce((total, { weight = 0 }) => total + weight, 0)
  if (given.length > 0 && Math.abs(sum - 1) > WEIGHTS_TOLERANCE) {
    throw invalid('variants', `weights have to add up to 1, not to ${sum}`)
  }
  const keys = new Set(variants.map(({ key }) => key))
  if (keys.size < variants.length) throw invalid('variants', 'every variant needs a key of its own')
  return variants.map(({ key, weight = 1 / variants.length, policy, floor }, index) => ({
    key,
    weight,
    policy: policyOf(policy, floor, `variants[${index}]`),
  }))
}

function policyOf(
  policy: ExperimentBody['variants'][number]['policy'],
  floor: number | undefined,
  path: string,
): VariantPolicy {
  if (policy === 'current') return { kind: 'current' }
  if ('file' in policy) return { kind: 'file', hash: policy.file }
  const settings = policy as PolicySpec
  // What the engine refuses, it would refuse at every request of the variant's.
  if (floor === 1) throw invalid(`${path}.floor`, 'has to be below 1')
  try {
    validatePolicy(settings)
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    throw invalid(`${path}.policy`, error.message)
  }
  return { kind: 'settings', policy: settings, floor }
}

export function metricOf(body: MetricBody, path: string): ExperimentMetric {
  const { measure, reward, statistic, role, margin } = body
  if ((measure === 'reward') !== (reward !== undefined)) {
    throw invalid(`${path}.reward`, 'names the reward where the measure is `reward`, and only there')
  }
  if (statistic !== 'mean' && !TIMED.has(measure)) {
    throw invalid(`${path}.statistic`, `quantiles are of ttft_ms, total_ms and cost_usd, not of ${measure}`)
  }
  if (body.winsorize_at !== undefined && !(TIMED.has(measure) && statistic === 'mean')) {
    throw invalid(`${path}.winsorize_at`, 'is for means of ttft_ms, total_ms and cost_usd')
  }
  const {
    usd_per_quality_point: usd,
    seconds_per_quality_point: seconds,
    quality_per_failure: failure,
  } = body
  if (measure === 'utility' && usd === undefined && seconds === undefined) {
    throw invalid(`${path}.usd_per_quality_point`, 'utility needs what a point of quality may cost or take')
  }
  const suffix = statistic === 'mean' ? '' : `_${statistic}`
  return {
    name: body.name ?? `${reward ?? measure}${suffix}`,
    measure,
    reward,
    rates:
      measure === 'utility'
        ? {
            perUsd: usd === undefined ? 0 : QUALITY_POINT / usd,
            perSecond: seconds === undefined ? 0 : QUALITY_POINT / seconds,
            perFailure: failure,
          }
        : undefined,
    statistic,
    better: body.better ?? (HIGHER.has(measure) ? 'higher' : 'lower'),
    role,
    margin,
    winsorizeAt: body.winsorize_at,
  }
}

function rampOf({ ramp }: ExperimentBody): ExperimentDefinition['ramp'] {
  for (const [index, { after_hours: after, coverage }] of ramp.entries()) {
    const before = ramp[index - 1]
    if (before === undefined) continue
    if (after <= before.after_hours)
      throw invalid(`ramp[${index}].after_hours`, 'has to be later than the step before')
    if (coverage < before.coverage)
      throw invalid(`ramp[${index}].coverage`, 'may only grow: nobody is put out again')
  }
  return ramp.map(({ after_hours, coverage }) => ({ afterMs: after_hours * HOUR_MS, coverage }))
}

function refuseContradictions(definition: ExperimentDefinition): void {
  const { metrics, unit, allocation, covariate, namespace, variants, minShare } = definition
  const primary = metrics.filter(({ role }) => role === 'primary')
  if (primary.length !== 1) throw invalid('metrics', `one is primary; here ${primary.length} are`)
  if (new Set(metrics.map(({ name }) => name)).size < metrics.length) {
    throw invalid('metrics', 'every metric needs a name of its own')
  }
  if (namespace !== undefined && namespace.from >= namespace.to) {
    throw invalid('namespace.from', 'has to be below `to`')
  }
  if (covariate === 'before' && unit !== 'tenant' && unit !== 'user') {
    throw invalid(
      'covariate',
      `a ${unit} has no time before the experiment; take \`prompt\`, or tenants or users as units`,
    )
  }
  if (allocation === 'fixed') return
  if (unit !== 'request' && unit !== 'session') {
    throw invalid(
      'allocation',
      `moves weights, and would move ${unit}s between variants; take requests or sessions as units`,
    )
  }
  if (primary[0]?.statistic !== 'mean')
    throw invalid('allocation', 'follows a mean; the primary metric is none')
  if (minShare * variants.length >= 1) {
    throw invalid(
      'min_share',
      `leaves nothing to move among ${variants.length} variants; it has to be below ${1 / variants.length}`,
    )
  }
}

function refuseUnknown({ targeting, variants }: ExperimentDefinition, registry: Registry): void {
  const models = targeting.models ?? [...registry.models.keys()]
  for (const [index, name] of (targeting.models ?? []).entries()) {
    if (registry.models.has(name)) continue
    const known = [...registry.models.keys()]
    const meant = nearest(name, known)
    throw invalid(
      `models[${index}]`,
      `there is no virtual model "${name}"${meant === undefined ? `; there are ${known.join(', ')}` : `; did you mean "${meant}"?`}`,
    )
  }
  for (const [index, { policy }] of variants.entries()) {
    if (policy.kind !== 'settings') continue
    for (const name of models) {
      const model = registry.models.get(name)
      const foreign = model && whyForeign(policy.policy, model)
      if (foreign !== undefined) throw invalid(`variants[${index}].policy`, foreign)
    }
  }
}

function invalid(param: string, message: string) {
  return serverError('invalid_experiment', `${param}: ${message}.`, { param, shouldRetry: false })
}
