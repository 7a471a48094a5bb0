/** The difference of two variants in one metric, with its standard error: what every test and interval starts from. */
import { beyondRounding, type Described, describe, type Moments, mergeMoments } from './moments.ts'

/** `absolute`: in the metric's unit. `relative`: as a share of the control's mean. */
export type Scale = 'absolute' | 'relative'

export interface Effect {
  readonly scale: Scale
  /** Treatment minus control, or that over |control|. */
  readonly estimate: number
  readonly se: number
  /** Units of both variants. */
  readonly n: number
  /** Welch and Satterthwaite's, of the absolute difference. */
  readonly degrees: number
  /** Mean of the control without adjustment; scales an effect from relative to absolute. */
  readonly baseline: number
  /** Share of the variance that the covariate took out; 0 without one. */
  readonly varianceReduction: number
}

/** Why there is nothing to test. `no_difference`: all values of both are the same; `no_variance`: those of each are. */
export type NoEffect = 'too_few_units' | 'no_difference' | 'no_variance' | 'baseline_zero'

/**
 * Differences of means and proportions (Welch 1947), of ratios by the delta method (Deng, Knoblich & Lu 2018), and all of them
 * adjusted by a covariate (CUPED: Deng, Xu, Kohavi & Walker 2013; θ is one for both variants, or the adjustment would differ
 * between them by chance). Relative effects by the delta method, the control's mean being a divisor that is itself estimated.
 *
 * An adjusted relative effect divides the adjusted difference by the unadjusted mean of the control; the derivative by that
 * mean takes the unadjusted means as well, as GrowthBook's does: under random assignment both are estimates of the same.
 */
export function effectOf(controlSums: Moments, treatmentSums: Moments, scale: Scale): Effect | NoEffect {
  if (!(controlSums.n >= 2 && treatmentSums.n >= 2)) return 'too_few_units'
  const control = describe(controlSums)
  const treatment = describe(treatmentSums)
  const theta = thetaOf(controlSums, treatmentSums)
  const [adjustedControl, adjustedTreatment] = [adjust(control, theta), adjust(treatment, theta)]
  const difference = adjustedTreatment.mean - adjustedControl.mean
  const [a, b] = [adjustedControl.variance / control.n, adjustedTreatment.variance / treatment.n]
  const baseline = control.mean
  const n = control.n + treatment.n
  const unadjusted = control.variance / control.n + treatment.variance / treatment.n
  if (!(beyondRounding(n, a + b, unadjusted) > 0)) return withoutVariance(n, control.mean, treatment.mean)
  const shared = {
    scale,
    n,
    degrees: (a + b) ** 2 / (a ** 2 / (control.n - 1) + b ** 2 / (treatment.n - 1)),
    baseline,
    varianceReduction: 1 - (a + b) / unadjusted,
  }
  if (scale === 'absolute') return { ...shared, estimate: difference, se: Math.sqrt(a + b) }
  if (baseline === 0) return 'baseline_zero'
  const controlShare = adjust(control, theta, treatment.mean / baseline).variance / control.n
  const se = Math.sqrt(b + controlShare) / Math.abs(baseline)
  return { ...shared, estimate: difference / Math.abs(baseline), se }
}

/** An estimate of one variant whose standard error is known. */
export interface Located {
  readonly n: number
  readonly value: number
  readonly se: number
  /** Independent values that would tell as much. */
  readonly effective: number
}

/** The difference of two independent estimates, relative to the control's by the delta method where that is asked for. */
export function differenceOf(control: Located, treatment: Located, scale: Scale): Effect | NoEffect {
  if (!(control.n >= 2 && treatment.n >= 2)) return 'too_few_units'
  const [a, b] = [control.se ** 2, treatment.se ** 2]
  const n = control.n + treatment.n
  if (!(a + b > 0)) return withoutVariance(n, control.value, treatment.value)
  const shared = {
    scale,
    n,
    degrees: (a + b) ** 2 / (a ** 2 / (control.effective - 1) + b ** 2 / (treatment.effective - 1)),
    baseline: control.value,
    varianceReduction: 0,
  }
  const difference = treatment.value - control.value
  if (scale === 'absolute') return { ...shared, estimate: difference, se: Math.sqrt(a + b) }
  if (control.value === 0) return 'baseline_zero'
  const divisor = Math.abs(control.value)
  const se = Math.sqrt(b + a * (treatment.value / control.value) ** 2) / divisor
  return { ...shared, estimate: difference / divisor, se }
}

function withoutVariance(n: number, control: number, treatment: number): NoEffect {
  const largest = Math.max(Math.abs(control), Math.abs(treatment))
  return beyondRounding(n, Math.abs(treatment - control), largest) === 0 ? 'no_difference' : 'no_variance'
}

/** θ = cov(y, x)/var(x) of all units together; 0 where there is no covariate or it does not vary. */
function thetaOf(control: Moments, treatment: Moments): number {
  const { covariate } = describe(mergeMoments(control, treatment))
  return covariate !== undefined && covariate.variance > 0 ? covariate.covariance / covariate.variance : 0
}

/** Mean and variance of `weight`·y − θ·x. */
function adjust({ mean, variance, covariate }: Described, theta: number, weight = 1) {
  if (covariate === undefined || theta === 0) return { mean, variance: weight * weight * variance }
  return {
    mean: mean - theta * covariate.mean,
    variance:
      weight * weight * variance +
      theta * theta * covariate.variance -
      2 * weight * theta * covariate.covariance,
  }
}
