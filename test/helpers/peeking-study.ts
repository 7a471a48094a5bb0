/**
 * Experiments whose truth is known, assigned by the server's own hash and read as the server reads them: how often each reading
 * finds an effect, looked at once at the planned size and looked at all the way.
 */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import {
  alwaysValidTest,
  effectOf,
  type Moments,
  msprt,
  sampleSize,
  sequentialRatioTest,
  welchTest,
} from '../../eval/index.ts'
import { type RandomGenerator, randomStream } from '../../eval/random.ts'
import { bucketOf } from '../../server/experiments/bucket-hash.ts'

/** A metric by how its values are drawn; `shift` is what the treatment adds to its mean. */
export interface SimulatedMetric {
  readonly name: string
  /** Of a unit of the control. */
  readonly variance: number
  /** Of a unit of the treatment; of one that is 0 or 1 the shift changes it too. */
  readonly shiftedVariance: (shift: number) => number
  readonly draw: (random: RandomGenerator, shift: number) => number
}

/** Of the exponential of a normal with sd 0.8. */
const LATENCY_VARIANCE = (Math.exp(0.64) - 1) * Math.exp(0.64)

export const SIMULATED_METRICS: readonly SimulatedMetric[] = [
  {
    name: 'quality, 0 or 1, mean 0.7',
    variance: 0.21,
    shiftedVariance: (shift) => (0.7 + shift) * (0.3 - shift),
    draw: (random, shift) => (uniformFloat64(random) < 0.7 + shift ? 1 : 0),
  },
  {
    name: 'errors, 0 or 1, mean 0.05',
    variance: 0.0475,
    shiftedVariance: (shift) => (0.05 + shift) * (0.95 - shift),
    draw: (random, shift) => (uniformFloat64(random) < 0.05 + shift ? 1 : 0),
  },
  {
    name: 'latency, log-normal, log sd 0.8',
    variance: LATENCY_VARIANCE,
    shiftedVariance: () => LATENCY_VARIANCE,
    draw: (random, shift) => Math.exp(0.8 * normal(random)) + shift,
  },
]

export interface StudyOptions {
  readonly metric: SimulatedMetric
  readonly experiments: number
  /** Of both variants; the always-valid test is tuned for it, the fixed one is read at it. */
  readonly units: number
  /** Units between two looks. */
  readonly every: number
  readonly shift: number
  readonly alpha: number
  readonly seed: number
}

/** Of how many experiments each reading found an effect. */
export interface Found {
  /** Welch's test at the planned size. */
  fixed: number
  /** Welch's test at any of the looks. */
  fixedPeeking: number
  alwaysValid: number
  /** At the planned size only. */
  alwaysValidAtEnd: number
  /** "The treatment is worse", one-sided: the guardrail. */
  harm: number
  msprt: number
  /** The split that is as planned is called a mismatch, at 0.001. */
  mismatch: number
}

/** Looks begin here: the server speaks no verdict before. */
const MIN_UNITS = 100

export function peekingStudy(options: StudyOptions): Found {
  const found: Found = {
    fixed: 0,
    fixedPeeking: 0,
    alwaysValid: 0,
    alwaysValidAtEnd: 0,
    harm: 0,
    msprt: 0,
    mismatch: 0,
  }
  for (let experiment = 0; experiment < options.experiments; experiment++) {
    const one = runOne(options, experiment)
    for (const key of Object.keys(found) as (keyof Found)[]) found[key] += one[key] ? 1 : 0
  }
  return found
}

function runOne(options: StudyOptions, experiment: number): Record<keyof Found, boolean> {
  const { metric, units, every, shift, alpha, seed } = options
  const random = randomStream(`peeking ${metric.name} ${experiment}`, seed)
  const nothing = () => ({ n: 0, sum: 0, sumSquares: 0 })
  const sums = [nothing(), nothing()] as const
  const one = {
    fixed: false,
    fixedPeeking: false,
    alwaysValid: false,
    alwaysValidAtEnd: false,
    harm: false,
    msprt: false,
    mismatch: false,
  }
  for (let unit = 1; unit <= units; unit++) {
    const variant = bucketOf(`study-${seed}-${experiment}`, `unit-${unit}`) < 0.5 ? 0 : 1
    const value = metric.draw(random, variant === 1 ? shift : 0)
    const moments = sums[variant]
    moments.n += 1
    moments.sum += value
    moments.sumSquares += value * value
    if (unit % every === 0 || unit === units) look(sums[0], sums[1], unit === units)
  }
  return one

  function look(control: Moments, treatment: Moments, isLast: boolean) {
    if (sequentialRatioTest([control.n, treatment.n], [1, 1]).pValue < 0.001) one.mismatch = true
    if (control.n < MIN_UNITS || treatment.n < MIN_UNITS) return
    const effect = effectOf(control, treatment, 'absolute')
    if (typeof effect === 'string') return
    const isFixed = welchTest(effect, alpha).pValue <= alpha
    const isAlways = alwaysValidTest(effect, alpha, 'two-sided', units).pValue <= alpha
    const perArm = Math.min(control.n, treatment.n)
    // Of effects half as large as the planned size can see.
    const tau2 = (metric.variance * 8 * 2) / units
    if (isFixed) one.fixedPeeking = true
    if (isAlways) one.alwaysValid = true
    if (alwaysValidTest(effect, alpha, 'lesser', units).pValue <= alpha) one.harm = true
    if (msprt(perArm, effect.estimate, metric.variance, tau2, alpha).pValue <= alpha) one.msprt = true
    if (isLast) {
      one.fixed = isFixed
      one.alwaysValidAtEnd = isAlways
    }
  }
}

/** Units of both variants for `power` at an effect of `share` standard deviations. */
export function plannedUnits(share: number, power: number): number {
  return 2 * Math.ceil(sampleSize(share, power))
}

/** Standard error of the difference of the means of two equal groups, `units` together. */
export function differenceError(metric: SimulatedMetric, units: number, shift: number): number {
  return Math.sqrt((2 * (metric.variance + metric.shiftedVariance(shift))) / units)
}

/** Standard error of a rate that is p, from n experiments. */
export function rateError(p: number, n: number): number {
  return Math.sqrt((p * (1 - p)) / n)
}

function normal(random: RandomGenerator): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat64(random)))
  return radius * Math.cos(2 * Math.PI * uniformFloat64(random))
}
