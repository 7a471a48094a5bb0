/** What an experiment does by itself: from what is known of it to the next step, or none. Pure. */
import type { ExperimentCell } from '../../adapters/index.ts'
import type { Readout } from '../../eval/experiments/index.ts'
import {
  chancesToBeBest,
  MIN_UNITS,
  meanBelief,
  optimalShares,
  stoppingOf,
  topTwoShares,
  type VariantStatistics,
  weightedMean,
  withShareFloor,
} from '../../eval/experiments/index.ts'
import { sumsOf } from './compare.ts'
import { controlOf, primaryOf } from './definition.ts'
import { type ExperimentState, openVariants, type Step } from './lifecycle.ts'
import { meansOf } from './readout.ts'

const DAY_MS = 86_400_000
/** At so many failed calls a request, and twice those of the control, a variant's arms are out of order. */
const ERRORS_PER_REQUEST = 0.5
const ERROR_REQUESTS_MIN = 50
/** Weights follow what is found no faster than this, and not for less than that. */
const REALLOCATE_EVERY_MS = 300_000
const LEAST_MOVE = 0.02
/** Of a variant whose units are all alike, over that of all: less would divide by nothing. */
const VARIANCE_MIN = 1e-12

export interface Conduct {
  readonly step: Step
  readonly reason: string
}

/** @param errors failed calls and requests by variant */
export function nextStep(
  state: ExperimentState,
  readout: Readout,
  errors: ReadonlyMap<string, { readonly failed: number; readonly requests: number }>,
  cells: readonly ExperimentCell[],
): Conduct | undefined {
  if (state.status !== 'running') return undefined
  const { atMs } = readout
  const outOfOrder = armErrors(state, errors)
  if (outOfOrder !== undefined) return stopVariant(state, outOfOrder.variant, outOfOrder.reason, atMs)
  const { definition, startedMs = atMs } = state
  const isOver = atMs - startedMs >= definition.maxDays * DAY_MS
  if (readout.verdict.kind === 'blocked') {
    return isOver
      ? stop(atMs, 'expired', `${definition.maxDays} days are over. ${readout.verdict.says}`)
      : undefined
  }
  const open = new Set(openVariants(state))
  const harm = readout.comparisons.find(({ verdict, variant }) => verdict === 'harm' && open.has(variant))
  if (harm !== undefined) return stopVariant(state, harm.variant, harm.says, atMs)
  const { winner } = readout.verdict
  if (definition.stopOnSuccess && winner !== undefined) {
    return stop(atMs, 'success', readout.verdict.says, winner)
  }
  if (isOver) {
    const says = `${definition.maxDays} days are over. ${readout.verdict.says}`
    return winner === undefined ? stop(atMs, 'expired', says) : stop(atMs, 'success', says, winner)
  }
  return definition.allocation === 'fixed' ? undefined : adapt(state, cells, atMs)
}

function stop(
  atMs: number,
  kind: 'success' | 'expired' | 'harm' | 'no_winner',
  reason: string,
  winner?: string,
): Conduct {
  return { step: { action: 'stopped', conclusion: { atMs, kind, reason, winner } }, reason }
}

function stopVariant(state: ExperimentState, variant: string, reason: string, atMs: number): Conduct {
  const isLast = openVariants(state).filter((key) => key !== controlOf(state.definition).key).length <= 1
  return isLast
    ? stop(atMs, 'harm', reason)
    : { step: { action: 'variant_stopped', variant, reason }, reason }
}

function armErrors(
  state: ExperimentState,
  errors: ReadonlyMap<string, { readonly failed: number; readonly requests: number }>,
) {
  const rate = (variant: string): number => {
    const { failed = 0, requests = 0 } = errors.get(variant) ?? {}
    return requests < ERROR_REQUESTS_MIN ? 0 : failed / requests
  }
  const control = rate(controlOf(state.definition).key)
  const [, ...treatments] = openVariants(state)
  const worst = treatments.find((key) => rate(key) >= ERRORS_PER_REQUEST && rate(key) >= 2 * control)
  if (worst === undefined) return undefined
  const reason = `Calls of ${worst} fail: ${rate(worst).toFixed(2)} a request, ${control.toFixed(2)} of the control.`
  return { variant: worst, reason }
}

/** Weights by what was found, of the variants that are open; the others' stay 0. */
function adapt(state: ExperimentState, cells: readonly ExperimentCell[], atMs: number): Conduct | undefined {
  const { definition, periods } = state
  const current = periods.at(-1)
  if (current === undefined || state.stoppedVariants.length > 0) return undefined
  const statistics = statisticsOf(state, cells)
  if (statistics === undefined || statistics.some(({ n }) => n < MIN_UNITS)) return undefined
  if (definition.allocation === 'track_and_stop') {
    const { stop: isCertain, leader } = stoppingOf(statistics, {
      delta: definition.alpha,
      minUnits: MIN_UNITS,
    })
    if (isCertain) return bestFound(state, leader, atMs)
  }
  if (atMs - current.fromMs < REALLOCATE_EVERY_MS) return undefined
  const { minShare } = definition
  const weights =
    definition.allocation === 'top_two'
      ? withShareFloor(topTwoShares(chancesToBeBest(statistics.map(meanBelief))), minShare)
      : optimalShares(statistics, { minShare })
  const moved = weights.some(
    (weight, index) => Math.abs(weight - (current.weights[index] ?? 0)) >= LEAST_MOVE,
  )
  if (!moved) return undefined
  const shown = weights.map((weight, index) => `${definition.variants[index]?.key} ${weight.toFixed(3)}`)
  return { step: { action: 'reallocated', weights }, reason: `${definition.allocation}: ${shown.join(', ')}` }
}

function bestFound(state: ExperimentState, leader: number, atMs: number): Conduct {
  const { definition } = state
  const best = definition.variants[leader]?.key ?? controlOf(definition).key
  const reason = `${best} is the best variant in ${primaryOf(definition).name}, at an error of ${definition.alpha} (track-and-stop).`
  return leader === 0 ? stop(atMs, 'no_winner', reason) : stop(atMs, 'success', reason, best)
}

/** Of the primary metric, larger being better, each unit weighted by the inverse of its probability; in sds of a unit. */
function statisticsOf(
  { definition }: ExperimentState,
  cells: readonly ExperimentCell[],
): readonly VariantStatistics[] | undefined {
  const primary = primaryOf(definition)
  const at = meansOf(definition).indexOf(primary)
  const sign = primary.better === 'higher' ? 1 : -1
  const statistics = definition.variants.flatMap(({ key }): VariantStatistics[] => {
    const sums = sumsOf(cells, key, at)
    if (sums === undefined) return []
    const { n, mean, se } = weightedMean(sums.weighted)
    return [{ n, mean: sign * mean, variance: se * se * n }]
  })
  return statistics.length === definition.variants.length ? standardised(statistics) : undefined
}

/**
 * In sds of a unit about the mean of all: the allocations have a prior, a least gap and a least variance as numbers, which would
 * say nothing of dollars and drown milliseconds.
 */
function standardised(statistics: readonly VariantStatistics[]): readonly VariantStatistics[] {
  const units = statistics.reduce((sum, { n }) => sum + n, 0)
  const centre = statistics.reduce((sum, { n, mean }) => sum + n * mean, 0) / units
  const pooled = Math.sqrt(statistics.reduce((sum, { n, variance }) => sum + n * variance, 0) / units)
  // Of variants that are each all alike, how far they are apart.
  const unit = pooled || Math.max(...statistics.map(({ mean }) => Math.abs(mean - centre))) || 1
  return statistics.map(({ n, mean, variance }) => ({
    n,
    mean: (mean - centre) / unit,
    variance: Math.max(variance / (unit * unit), VARIANCE_MIN),
  }))
}
