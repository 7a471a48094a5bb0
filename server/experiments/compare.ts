/** Sums of two variants → one comparison of one metric, in both readings and in words. */
import type { ExperimentCell, MeasureSums } from '../../adapters/index.ts'
import type { Comparison } from '../../eval/experiments/index.ts'
import {
  alwaysValidTest,
  beliefOf,
  type Effect,
  effectOf,
  MIN_UNITS,
  type Moments,
  mergeMoments,
  type NoEffect,
  type Side,
  type WeightedMoments,
  weightedEffect,
  weightedMean,
  welchTest,
} from '../../eval/experiments/index.ts'
import type { ExperimentDefinition, ExperimentMetric } from './definition.ts'

/** One variant's sums of one metric, periods taken together. */
export interface VariantSums {
  readonly moments: Moments
  readonly weighted: WeightedMoments
}

export interface Estimated {
  readonly control: { readonly n: number; readonly value: number }
  readonly treatment: { readonly n: number; readonly value: number }
  readonly relative: Effect | NoEffect
  readonly absolute: Effect | NoEffect
  readonly weighting: Comparison['weighting']
  readonly cappedAt?: number | undefined
}

export const WHY_NOT: Readonly<Record<NoEffect, string>> = {
  too_few_units: 'fewer than two units of a variant have a value',
  no_difference: 'all values are the same',
  no_variance:
    'all values of either variant are the same, and nothing tells how far they would scatter about another’s',
  baseline_zero: 'the control’s value is 0, and nothing is relative to that',
}

export function sumsOf(
  cells: readonly ExperimentCell[],
  variant: string,
  at: number,
): VariantSums | undefined {
  const own = cells.filter((cell) => cell.variant === variant && !cell.mixed)
  const sums = own.flatMap((cell) => cell.sums[at] ?? [])
  if (sums.length === 0) return undefined
  return {
    moments: sums.map(momentsOf).reduce((all, each) => mergeMoments(all, each)),
    weighted: sums.map(weightedOf).reduce((all, each) => ({
      n: all.n + each.n,
      weight: all.weight + each.weight,
      weightSquares: all.weightSquares + each.weightSquares,
      sum: all.sum + each.sum,
      sumOverSquares: all.sumOverSquares + each.sumOverSquares,
      squaresOverSquares: all.squaresOverSquares + each.squaresOverSquares,
    })),
  }
}

function momentsOf({ n, y, yy, d, dd, yd, x, xx, yx, dx }: MeasureSums): Moments {
  return {
    n,
    sum: y,
    sumSquares: yy,
    denominator: { sum: d, sumSquares: dd, products: yd },
    ...(xx > 0 && { covariate: { sum: x, sumSquares: xx, products: yx, denominatorProducts: dx } }),
  }
}

function weightedOf({ n, w, ww, wv, wwv, wwvv }: MeasureSums): WeightedMoments {
  return { n, weight: w, weightSquares: ww, sum: wv, sumOverSquares: wwv, squaresOverSquares: wwvv }
}

/** @param isWeighted probabilities changed on the way */
export function estimate(control: VariantSums, treatment: VariantSums, isWeighted: boolean): Estimated {
  if (isWeighted) {
    const [a, b] = [weightedMean(control.weighted), weightedMean(treatment.weighted)]
    return {
      control: { n: a.n, value: a.mean },
      treatment: { n: b.n, value: b.mean },
      relative: weightedEffect(control.weighted, treatment.weighted, 'relative'),
      absolute: weightedEffect(control.weighted, treatment.weighted, 'absolute'),
      weighting: 'inverse_propensity',
    }
  }
  return {
    control: { n: control.moments.n, value: valueOfSums(control.moments) },
    treatment: { n: treatment.moments.n, value: valueOfSums(treatment.moments) },
    relative: effectOf(control.moments, treatment.moments, 'relative'),
    absolute: effectOf(control.moments, treatment.moments, 'absolute'),
    weighting: 'none',
  }
}

function valueOfSums({ sum, denominator }: Moments): number {
  return denominator === undefined || denominator.sum === 0 ? 0 : sum / denominator.sum
}

/**
 * @param share part of alpha that this comparison has
 * @returns why there is none, as text, where there is none
 */
export function compare(
  definition: ExperimentDefinition,
  metric: ExperimentMetric,
  variant: string,
  estimated: Estimated,
  share: number,
): Comparison | string {
  const { relative, absolute } = estimated
  const effect = typeof relative === 'string' ? absolute : relative
  if (typeof effect === 'string') return WHY_NOT[effect]
  const { alpha, plannedUnits, prior } = definition
  const lowerIsBetter = metric.better === 'lower'
  const own = alpha * share
  const test = metric.role === 'guardrail' ? harmTest(metric, effect, own, plannedUnits) : undefined
  const alwaysValid = test ?? alwaysValidTest(effect, own, 'two-sided', plannedUnits)
  const given =
    prior === undefined || metric.role !== 'primary'
      ? undefined
      : ({ mean: prior.mean, variance: prior.sd ** 2, scale: 'relative' } as const)
  const belief = beliefOf(effect, alpha, given, lowerIsBetter)
  const { control, treatment, weighting, cappedAt } = estimated
  const isEnough = control.n >= MIN_UNITS && treatment.n >= MIN_UNITS
  const verdict = isEnough ? verdictOf(metric, effect.estimate, alwaysValid.pValue <= own) : 'too_few_units'
  return {
    metric: metric.name,
    role: metric.role,
    better: metric.better,
    variant,
    control,
    treatment,
    scale: effect.scale,
    effect: effect.estimate,
    se: effect.se,
    difference: treatment.value - control.value,
    alwaysValid: pick(alwaysValid),
    fixed: welch(effect, own),
    adjustedPValue: Math.min(1, alwaysValid.pValue / share),
    bayes: {
      chanceToBeBetter: belief.chanceToWin,
      expectedLoss: belief.expectedLossOfTreatment,
      lo: belief.lo,
      hi: belief.hi,
    },
    varianceReduction: effect.varianceReduction,
    weighting,
    cappedAt,
    verdict,
    says: inWords(metric, variant, effect, alwaysValid, own, verdict),
  }
}

/** One-sided: whether the variant is worse than the margin allows. */
function harmTest(metric: ExperimentMetric, effect: Effect, alpha: number, plannedUnits: number) {
  const margin = metric.margin * (effect.scale === 'relative' ? 1 : Math.abs(effect.baseline))
  const side: Side = metric.better === 'higher' ? 'lesser' : 'greater'
  const shift = metric.better === 'higher' ? margin : -margin
  const test = alwaysValidTest({ ...effect, estimate: effect.estimate + shift }, alpha, side, plannedUnits)
  return { ...test, lo: test.lo - shift, hi: test.hi - shift }
}

function welch(effect: Effect, alpha: number) {
  const { pValue, lo, hi } = welchTest(effect, alpha)
  return { pValue, lo, hi }
}

function pick({ pValue, eValue, lo, hi }: Comparison['alwaysValid']): Comparison['alwaysValid'] {
  return { pValue, eValue, lo, hi }
}

function verdictOf(metric: ExperimentMetric, estimate: number, isSure: boolean): Comparison['verdict'] {
  if (!isSure) return 'no_difference_yet'
  if (metric.role === 'guardrail') return 'harm'
  return estimate > 0 === (metric.better === 'higher') ? 'better' : 'worse'
}

function inWords(
  metric: ExperimentMetric,
  variant: string,
  { estimate, scale }: Effect,
  { lo, hi }: { readonly lo: number; readonly hi: number },
  alpha: number,
  verdict: Comparison['verdict'],
): string {
  const level = `${Number((100 * (1 - alpha)).toFixed(2))} %`
  const show = (value: number): string => (scale === 'relative' ? percent(value) : value.toPrecision(3))
  const range =
    Number.isFinite(lo) && Number.isFinite(hi)
      ? `between ${show(lo)} and ${show(hi)}`
      : Number.isFinite(lo)
        ? `at least ${show(lo)}`
        : `at most ${show(hi)}`
  const seen = `${metric.name} of ${variant} differs from the control’s by ${show(estimate)}; the difference is ${range} (${level} confidence sequence, valid at any look)`
  switch (verdict) {
    case 'too_few_units':
      return `${seen}. Fewer than ${MIN_UNITS} units of a variant: too early for any verdict.`
    case 'harm':
      return `${seen}. It is worse than the margin of ${percent(metric.margin)} allows.`
    case 'no_difference_yet':
      return metric.role === 'guardrail'
        ? `${seen}. No harm beyond the margin of ${percent(metric.margin)} is shown; that is not proof that there is none.`
        : `${seen}. No difference is shown yet; that is not proof that there is none.`
    default:
      return `${seen}. ${variant} is ${verdict}.`
  }
}

export function percent(value: number): string {
  return `${value >= 0 ? '+' : '−'}${(100 * Math.abs(value)).toFixed(1)} %`
}
