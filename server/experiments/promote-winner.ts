/** A winner on its way to all traffic: what the experiment shows becomes an evaluation on record, which the promotion gate judges. */
import { AGAINST } from '../../adapters/index.ts'
import { alwaysValidTest, type Comparison, type Readout } from '../../eval/experiments/index.ts'
import type { EvaluationJson, ValueName } from '../../eval/gate/index.ts'
import { ServerError, serverError } from '../errors.ts'
import type { PolicyDesk } from '../policies/desk.ts'
import type { RolloutReply } from '../routes/schemas/policies.ts'
import { WHY_NOT } from './compare.ts'
import { controlOf, type ExperimentMetric, primaryOf } from './definition.ts'
import type { ExperimentRecord, Experiments } from './experiments.ts'

export interface PromoteWinner {
  /** Undefined: the winner. */
  readonly variant?: string | undefined
  /** Undefined: the only one that the experiment is about. */
  readonly model?: string | undefined
  readonly share?: number | undefined
  readonly force: boolean
  readonly actor: string
  readonly reason: string
}

/** What the gate calls the values that an experiment measures. */
const VALUE_NAMES: Readonly<Partial<Record<ExperimentMetric['measure'], ValueName>>> = {
  quality: 'quality',
  utility: 'utility',
  cost_usd: 'cost_usd',
  total_ms: 'latency_ms',
  // Failures are counted, and successes judged: see {@link mirrored}.
  error_rate: 'success',
}

/**
 * @throws {ServerError} 409 `experiment_state` unless it has ended, 422 `invalid_experiment` where the variant is no policy file,
 *   and whatever the gate refuses with
 */
export async function promoteWinner(
  experiments: Pick<Experiments, 'get' | 'report' | 'step'>,
  desk: Pick<PolicyDesk, 'record' | 'promote' | 'rollouts'>,
  key: string,
  order: PromoteWinner,
): Promise<RolloutReply> {
  const record = await experiments.get(key)
  const { definition, status, conclusion } = record.state
  if (status !== 'stopped') {
    throw serverError(
      'experiment_state',
      `experiment ${key} is ${status}; stop it before its winner is promoted.`,
      {
        shouldRetry: false,
      },
    )
  }
  const readout = await experiments.report(key)
  const variant = order.variant ?? conclusion?.winner ?? readout.verdict.winner
  const policy = definition.variants.find((each) => each.key === variant)?.policy
  if (variant === undefined || policy === undefined) {
    throw invalid('variant', `experiment ${key} has no winner; name the variant to promote`)
  }
  if (policy.kind !== 'file') {
    throw invalid(
      'variant',
      `${variant} is no policy file, and only those can be promoted; put its settings into the configuration, or into a file`,
    )
  }
  const [only, ...others] = definition.targeting.models ?? []
  const model = order.model ?? (others.length === 0 ? only : undefined)
  if (model === undefined) throw invalid('model', `experiment ${key} is about several models; name one`)
  const { hash } = policy
  const { actor, force } = order
  const evaluation = evaluationOf(record, readout, variant, hash)
  await desk.record(hash, { evaluation, against: incumbentOf(record), actor })
  const reason =
    order.reason === '' ? `${variant} of experiment ${key}: ${readout.verdict.says}` : order.reason
  const rollout = await desk
    .promote({ hash, model, share: order.share, force, reason, actor })
    .catch((error: unknown) => unlessHalfDone(error, record, desk, model, hash))
  await experiments.step(key, { action: 'promoted' }, actor, reason)
  return rollout
}

/**
 * A first try may have ended between the promotion and its note in the experiment: then this one completes it.
 *
 * @throws what the promotion was refused with, in all other cases
 */
async function unlessHalfDone(
  error: unknown,
  { step }: ExperimentRecord,
  desk: Pick<PolicyDesk, 'rollouts'>,
  model: string,
  hash: string,
): Promise<RolloutReply> {
  const isDone = error instanceof ServerError && error.code === 'promotion_pointless'
  if (!isDone || step.action === 'promoted') throw error
  const { data } = await desk.rollouts(model)
  const latest = data.findLast((rollout) => rollout.outcome === 'done')
  if (latest?.hash !== hash || latest.at_ms < step.atMs) throw error
  return latest
}

function incumbentOf({ state }: ExperimentRecord): string {
  const { policy } = controlOf(state.definition)
  return policy.kind === 'file' ? policy.hash : AGAINST.logged
}

/** The differences as the gate reads them: absolute, with the confidence sequence's bounds on both sides. */
function evaluationOf(
  { state }: ExperimentRecord,
  readout: Readout,
  variant: string,
  targetHash: string,
): EvaluationJson {
  const { definition, startedMs = readout.atMs } = state
  const own = readout.comparisons.filter((comparison) => comparison.variant === variant)
  const values: Partial<Record<ValueName, GateValue>> = {}
  for (const metric of definition.metrics) {
    const name = VALUE_NAMES[metric.measure]
    const comparison = own.find((each) => each.metric === metric.name)
    if (name === undefined || metric.statistic !== 'mean') continue
    const value =
      comparison === undefined
        ? sameEverywhere(readout, metric.name, variant)
        : gateValue(comparison, definition.alpha, definition.plannedUnits)
    if (value !== undefined) values[name] ??= name === 'success' ? mirrored(value) : value
  }
  const primary = own.find(({ role }) => role === 'primary')
  const units = (primary?.control.n ?? 0) + (primary?.treatment.n ?? 0)
  const objective = VALUE_NAMES[primaryOf(definition).measure] ?? 'quality'
  const headline = values[objective]
  return {
    target: `${definition.key}/${variant}`,
    targetHash,
    logged: {
      n: units,
      from: new Date(startedMs).toISOString(),
      to: new Date(readout.conclusion?.atMs ?? readout.atMs).toISOString(),
    },
    refused: readout.alarms.length > 0,
    reasons: readout.alarms.map(({ code, message }) => ({ code, message })),
    estimates: headline === undefined ? {} : { experiment: headline.target },
    objective,
    values,
    // Units were assigned at random with equal weight within a variant: nothing is weighted.
    diagnostics: { ess: units, maxWeightShare: units > 0 ? 1 / units : 0, meanWeightZ: 0 },
  }
}

type GateValue = NonNullable<EvaluationJson['values'][ValueName]>

/** Where no value of either variant differs from another, as of failures that there are none of, there is no difference. */
function sameEverywhere({ missing }: Readout, metric: string, variant: string): GateValue | undefined {
  const isSame = missing.some(
    (each) => each.metric === metric && each.variant === variant && each.why === WHY_NOT.no_difference,
  )
  const none = { value: 0, lo: 0, hi: 0 }
  return isSame ? { target: none, logged: none, difference: none } : undefined
}

/** 1 − v: of calls that fail, those that succeed. */
function mirrored({ target, logged, difference }: GateValue): GateValue {
  const from = (base: number, { value, lo, hi }: GateValue['target']) => ({
    value: base - value,
    lo: base - hi,
    hi: base - lo,
  })
  return { target: from(1, target), logged: from(1, logged), difference: from(0, difference) }
}

function gateValue(comparison: Comparison, alpha: number, plannedUnits: number) {
  const { control, treatment, effect, se, scale, difference } = comparison
  const unit = scale === 'relative' ? Math.abs(control.value) : 1
  const n = control.n + treatment.n
  const { lo, hi } = alwaysValidTest({ estimate: effect, se, n }, alpha, 'two-sided', plannedUnits)
  const at = (value: number) => ({ value, lo: value, hi: value })
  return {
    target: { value: treatment.value, lo: control.value + lo * unit, hi: control.value + hi * unit },
    logged: at(control.value),
    difference: { value: difference, lo: lo * unit, hi: hi * unit },
  }
}

function invalid(param: string, message: string) {
  return serverError('invalid_experiment', `${param}: ${message}.`, { param, shouldRetry: false })
}
