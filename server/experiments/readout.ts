/** Everything that is measured of an experiment → what it means. Pure: what the store sums comes in as values. */
import type { ExperimentCell } from '../../adapters/index.ts'
import type {
  Alarm,
  Comparison,
  MissingComparison,
  Readout,
  SegmentReadout,
} from '../../eval/experiments/index.ts'
import {
  ADJUSTMENTS,
  effectHeterogeneity,
  furtherUnits,
  MIN_UNITS,
  MISMATCH_P_VALUE,
  minimumDetectableEffect,
  sampleRatioTest,
  sequentialRatioTest,
  shareDifference,
  welchTest,
} from '../../eval/experiments/index.ts'
import { compare, type Estimated, estimate, percent, sumsOf, WHY_NOT } from './compare.ts'
import {
  controlOf,
  type ExperimentDefinition,
  type ExperimentMetric,
  primaryOf,
  type VariantPolicy,
} from './definition.ts'
import { type ExperimentState, openVariants } from './lifecycle.ts'

const DAY_MS = 86_400_000
/** More units than this seeing two variants is no accident. */
const CROSSOVER_SHARE = 0.01
/** Segments with fewer units of a variant say nothing. */
const SEGMENT_UNITS_MIN = 30

/** What was measured, at one moment. */
export interface Measured {
  readonly atMs: number
  /** In the order of {@link meansOf}. */
  readonly cells: readonly ExperimentCell[]
  /** Of the primary metric alone, apart by segment. */
  readonly segments: readonly {
    readonly by: SegmentReadout['by']
    readonly cells: readonly ExperimentCell[]
  }[]
  /** Of metrics that are quantiles, by metric and variant. */
  readonly quantiles: ReadonlyMap<string, ReadonlyMap<string, Estimated>>
  /** Where values were cut off, by metric. */
  readonly caps: ReadonlyMap<string, number>
}

/** The metrics that are means, which one query sums. */
export function meansOf({ metrics }: ExperimentDefinition): readonly ExperimentMetric[] {
  return metrics.filter(({ statistic }) => statistic === 'mean')
}

export function readOut(state: ExperimentState, measured: Measured): Readout {
  const { definition, status, run, startedMs, conclusion } = state
  const { atMs, cells } = measured
  const days = startedMs === undefined ? 0 : (atMs - startedMs) / DAY_MS
  const { found, missing } = comparisonsOf(state, measured)
  const comparisons = adjusted(found, definition.alpha)
  const sampleRatio = sampleRatioOf(state, cells)
  const alarms = alarmsOf(state, cells, sampleRatio)
  return {
    experiment: definition.key,
    hypothesis: definition.hypothesis,
    status,
    run,
    unit: definition.unit,
    atMs,
    startedMs,
    days,
    alpha: definition.alpha,
    plannedUnits: definition.plannedUnits,
    allocation: definition.allocation,
    variants: variantsOf(state, cells),
    alarms,
    sampleRatio,
    comparisons,
    missing,
    segments: measured.segments.flatMap(({ by, cells: apart }) => segmentsOf(definition, by, apart)),
    power: powerOf(definition, comparisons, days),
    conclusion,
    verdict: verdictOf(state, comparisons, alarms),
  }
}

function variantsOf(
  { definition, stoppedVariants, periods }: ExperimentState,
  cells: readonly ExperimentCell[],
) {
  return definition.variants.map(({ key, weight, policy }, index) => {
    const own = cells.filter(({ variant, mixed }) => variant === key && !mixed)
    const sum = (field: 'units' | 'requests') => own.reduce((total, cell) => total + cell[field], 0)
    return {
      variant: key,
      policy: policyName(policy),
      weight: periods.at(-1)?.weights[index] ?? weight,
      units: sum('units'),
      requests: sum('requests'),
      stopped: stoppedVariants.find(({ variant }) => variant === key)?.reason,
    }
  })
}

/** `current`, a file's hash, `thompson`, `fixed:openai/gpt-5`. */
function policyName(policy: VariantPolicy): string {
  if (policy.kind === 'current') return 'current'
  if (policy.kind === 'file') return policy.hash
  return policy.policy.name === 'fixed' ? `fixed:${policy.policy.arm}` : policy.policy.name
}

function comparisonsOf(state: ExperimentState, measured: Measured) {
  const { definition } = state
  const control = controlOf(definition)
  const treatments = definition.variants.slice(1)
  const isWeighted = hasChangedShares(state)
  const found: Comparison[] = []
  const missing: MissingComparison[] = []
  for (const metric of definition.metrics) {
    for (const { key } of treatments) {
      const estimated =
        metric.statistic === 'mean'
          ? meanOf(measured, meansOf(definition).indexOf(metric), control.key, key, isWeighted)
          : measured.quantiles.get(metric.name)?.get(key)
      const cappedAt = measured.caps.get(metric.name)
      const comparison =
        estimated === undefined
          ? metric.statistic === 'mean'
            ? 'nothing is measured of a variant'
            : WHY_NOT.too_few_units
          : compare(definition, metric, key, { ...estimated, cappedAt }, shareOf(definition, metric))
      if (typeof comparison === 'string') missing.push({ metric: metric.name, variant: key, why: comparison })
      else found.push(comparison)
    }
  }
  return { found, missing }
}

function meanOf({ cells }: Measured, at: number, control: string, key: string, isWeighted: boolean) {
  const [a, b] = [sumsOf(cells, control, at), sumsOf(cells, key, at)]
  return a === undefined || b === undefined ? undefined : estimate(a, b, isWeighted)
}

/**
 * The part of alpha that one comparison has. The primary metric's is shared among the variants, the guardrails' among guardrails and
 * variants, so that no harmless variant is stopped more often than alpha says. Secondary metrics are corrected afterwards, for
 * false discoveries.
 */
function shareOf({ variants, metrics }: ExperimentDefinition, metric: ExperimentMetric): number {
  const treatments = Math.max(1, variants.length - 1)
  if (metric.role === 'primary') return 1 / treatments
  if (metric.role === 'secondary') return 1
  return 1 / (treatments * metrics.filter(({ role }) => role === 'guardrail').length)
}

/** Whether the ratio of two variants that took units at the same time was ever another. */
export function hasChangedShares({ periods }: Pick<ExperimentState, 'periods'>): boolean {
  const [first, ...others] = periods
  return others.some(({ weights }) =>
    weights.some((weight, index) => {
      const [own, ofControl] = [first?.weights[index] ?? 0, first?.weights[0] ?? 0]
      return weight > 0 && Math.abs(weight * ofControl - own * (weights[0] ?? 0)) > 1e-6
    }),
  )
}

/** Secondary metrics by Benjamini and Hochberg, all variants and metrics together. */
function adjusted(comparisons: readonly Comparison[], alpha: number): readonly Comparison[] {
  const secondary = comparisons.filter(({ role }) => role === 'secondary')
  const pValues = ADJUSTMENTS.benjamini_hochberg(secondary.map(({ alwaysValid }) => alwaysValid.pValue))
  const byComparison = new Map(secondary.map((comparison, index) => [comparison, pValues[index] ?? 1]))
  return comparisons.map((comparison) => {
    const adjustedPValue = byComparison.get(comparison)
    if (adjustedPValue === undefined) return comparison
    const isFound = comparison.verdict === 'better' || comparison.verdict === 'worse'
    const isLost = isFound && adjustedPValue > alpha
    return { ...comparison, adjustedPValue, ...(isLost && noDiscovery(comparison, adjustedPValue)) }
  })
}

function noDiscovery({ says }: Comparison, adjustedPValue: number): Pick<Comparison, 'verdict' | 'says'> {
  const p = adjustedPValue.toPrecision(2)
  return {
    verdict: 'no_difference_yet',
    says: `${says} Among all the secondary comparisons it is no discovery (adjusted p ${p}).`,
  }
}

/** By the first variant that a unit was given: who was moved since is not lost. */
function sampleRatioOf(
  { definition, periods }: ExperimentState,
  cells: readonly ExperimentCell[],
): Readout['sampleRatio'] {
  const counts = periods.map(({ weights }, period) => ({
    weights,
    units: definition.variants.map(({ key }) =>
      cells
        .filter((cell) => cell.variant === key && cell.period === period)
        .reduce((sum, { units }) => sum + units, 0),
    ),
  }))
  const { chi2, degrees, pValue } = sampleRatioTest(counts)
  // Evidence of the periods multiplies; a factor below 1 is no evidence against the others.
  const log = counts.reduce((sum, { units, weights }) => {
    const open = weights.flatMap((weight, index) => (weight > 0 ? [index] : []))
    const of = (values: readonly number[]) => open.map((index) => values[index] ?? 0)
    return sum + Math.max(0, sequentialRatioTest(of(units), of(weights)).logBayesFactor)
  }, 0)
  return { chi2, degrees, pValue, sequentialPValue: Math.min(1, Math.exp(-log) * Math.max(1, counts.length)) }
}

function alarmsOf(
  state: ExperimentState,
  cells: readonly ExperimentCell[],
  { pValue, sequentialPValue }: Readout['sampleRatio'],
): readonly Alarm[] {
  const alarms: Alarm[] = []
  const { definition } = state
  if (Math.min(pValue, sequentialPValue) < MISMATCH_P_VALUE) {
    alarms.push({
      code: 'sample_ratio_mismatch',
      message: `Units are not split as the weights say (p ${Math.min(pValue, sequentialPValue).toExponential(1)}): something between assignment and log loses or favours some of them. Find out what, and run it again; no other number here can be believed.`,
    })
  }
  const groups = definition.variants.map(({ key }) => {
    const own = cells.filter(({ variant, mixed }) => variant === key && !mixed)
    const sum = (field: 'exposures' | 'outcomes') => own.reduce((total, cell) => total + cell[field], 0)
    return { variant: key, count: sum('outcomes'), of: sum('exposures') }
  })
  const seen = groups.filter(({ of }) => of > 0)
  const { pValue: missing } = shareDifference(seen)
  if (missing < MISMATCH_P_VALUE) {
    const shares = seen.map(({ variant, count, of }) => `${variant} ${((100 * count) / of).toFixed(1)} %`)
    alarms.push({
      code: 'missing_outcomes',
      message: `Variants differ in how many of their exposures have an outcome on record (${shares.join(', ')}): callers give up more on one of them, or its log is incomplete.`,
    })
  }
  const units = cells.reduce((sum, cell) => sum + cell.units, 0)
  const mixed = cells.filter((cell) => cell.mixed).reduce((sum, cell) => sum + cell.units, 0)
  if (units > 0 && mixed / units > CROSSOVER_SHARE) {
    alarms.push({
      code: 'crossover',
      message: `${mixed} of ${units} units were given more than one variant; they are left out, and those left may not be like them.`,
    })
  }
  return alarms
}

function segmentsOf(
  definition: ExperimentDefinition,
  by: SegmentReadout['by'],
  cells: readonly ExperimentCell[],
): readonly SegmentReadout[] {
  const control = controlOf(definition)
  const names = [...new Set(cells.map(({ segment }) => segment))].sort((a, b) =>
    by === 'day' ? Number(a) - Number(b) : a.localeCompare(b),
  )
  return definition.variants.slice(1).flatMap(({ key }) => {
    const rows = names.flatMap((segment) => {
      const own = cells.filter((cell) => cell.segment === segment)
      const [a, b] = [sumsOf(own, control.key, 0), sumsOf(own, key, 0)]
      if (a === undefined || b === undefined) return []
      const { relative, control: left, treatment: right } = estimate(a, b, false)
      if (typeof relative === 'string' || Math.min(left.n, right.n) < SEGMENT_UNITS_MIN) return []
      const { lo, hi } = welchTest(relative, definition.alpha)
      return { segment, n: left.n + right.n, effect: relative.estimate, se: relative.se, lo, hi }
    })
    if (rows.length < 2) return []
    const { pValue } = effectHeterogeneity(rows.map(({ effect, se }) => ({ estimate: effect, se })))
    const segments = rows.map(({ se: _, ...row }) => row)
    return { by, variant: key, metric: primaryOf(definition).name, heterogeneityPValue: pValue, segments }
  })
}

function powerOf(
  { mde, plannedUnits, alpha, variants }: ExperimentDefinition,
  comparisons: readonly Comparison[],
  days: number,
): Readout['power'] {
  const primary = comparisons.find(({ role, scale }) => role === 'primary' && scale === 'relative')
  if (primary === undefined) return undefined
  const { se } = primary
  const n = primary.control.n + primary.treatment.n
  const options = {
    alpha,
    comparisons: Math.max(1, variants.length - 1),
    reading: 'always_valid',
    tunedFor: plannedUnits,
  } as const
  const factor = mde === undefined ? undefined : furtherUnits(mde, se, n, 0.8, options)
  const isReachable = factor !== undefined && Number.isFinite(factor)
  return {
    detectable: minimumDetectableEffect(se, n, 0.8, options),
    furtherUnits: isReachable ? Math.ceil(factor * n) : undefined,
    furtherDays: isReachable ? factor * days : undefined,
  }
}

function verdictOf(
  state: ExperimentState,
  comparisons: readonly Comparison[],
  alarms: readonly Alarm[],
): Readout['verdict'] {
  if (alarms.some(({ code }) => code === 'sample_ratio_mismatch')) {
    return { kind: 'blocked', says: 'Blocked: the units are not split as the weights say.' }
  }
  const open = new Set(openVariants(state))
  const own = comparisons.filter(({ variant }) => open.has(variant))
  const harmed = new Set(own.filter(({ verdict }) => verdict === 'harm').map(({ variant }) => variant))
  const primary = own.filter(({ role }) => role === 'primary')
  const winners = primary
    .filter(({ verdict, variant }) => verdict === 'better' && !harmed.has(variant))
    .sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect))
  const [winner] = winners
  if (winner !== undefined) {
    return {
      kind: 'winner',
      winner: winner.variant,
      says: `${winner.variant} is better than the control in ${winner.metric}: ${show(winner)}, and no guardrail shows harm.`,
    }
  }
  if (harmed.size > 0) return { kind: 'harm', says: `Harm is shown for ${[...harmed].join(', ')}.` }
  if (primary.length === 0 || primary.every(({ verdict }) => verdict === 'too_few_units')) {
    return { kind: 'too_early', says: `Too early: a verdict needs ${MIN_UNITS} units of each variant.` }
  }
  return {
    kind: 'undecided',
    says: 'No variant is shown to be better than the control. That is no proof that none is: see the intervals.',
  }
}

function show({ effect, scale }: Comparison): string {
  return scale === 'relative' ? percent(effect) : effect.toPrecision(3)
}
