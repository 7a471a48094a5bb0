/** Adaptive allocation of variants that are all the same: what plain and what weighted means find. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import {
  alwaysValidTest,
  chancesToBeBest,
  effectOf,
  meanBelief,
  topTwoShares,
  type WeightedMoments,
  weightedEffect,
  weightedMean,
  welchTest,
  withShareFloor,
} from '../../eval/index.ts'
import { randomStream } from '../../eval/random.ts'

export interface AdaptiveOptions {
  readonly experiments: number
  readonly units: number
  /** Units between two changes of the weights. */
  readonly every: number
  readonly alpha: number
  readonly seed: number
}

export interface AdaptiveFound {
  /** Of how many experiments the always-valid test of weighted means found a difference at any look. */
  alwaysValid: number
  /** Welch's test of weighted means, at the end. */
  weightedOnce: number
  /** Welch's test of plain means, at the end. */
  plainOnce: number
  /** Mean over the experiments of the control's mean less the truth: plain, and weighted. */
  plainBias: number
  weightedBias: number
}

const P = 0.5
const MIN_SHARE = 0.05
const MIN_UNITS = 100

interface Arm {
  n: number
  sum: number
  readonly weighted: { -readonly [Key in keyof WeightedMoments]: number }
}

export function adaptiveStudy(options: AdaptiveOptions): AdaptiveFound {
  const found: AdaptiveFound = {
    alwaysValid: 0,
    weightedOnce: 0,
    plainOnce: 0,
    plainBias: 0,
    weightedBias: 0,
  }
  for (let experiment = 0; experiment < options.experiments; experiment++) runOne(options, experiment, found)
  found.plainBias /= options.experiments
  found.weightedBias /= options.experiments
  return found
}

function runOne(
  { units, every, alpha, seed, experiments: _ }: AdaptiveOptions,
  experiment: number,
  found: AdaptiveFound,
) {
  const random = randomStream(`adaptive ${experiment}`, seed)
  const arms = [newArm(), newArm()] as const
  let shares: readonly number[] = [0.5, 0.5]
  let isFound = false
  for (let unit = 1; unit <= units; unit++) {
    const variant = uniformFloat64(random) < shares[0]! ? 0 : 1
    add(arms[variant], uniformFloat64(random) < P ? 1 : 0, shares[variant]!)
    if (unit % every !== 0) continue
    if (arms.some(({ n }) => n < MIN_UNITS)) continue
    const effect = weightedEffect(arms[0].weighted, arms[1].weighted, 'absolute')
    if (typeof effect === 'object') {
      if (alwaysValidTest(effect, alpha, 'two-sided', units).pValue <= alpha) isFound = true
      if (unit === units && welchTest(effect, alpha).pValue <= alpha) found.weightedOnce += 1
    }
    const beliefs = arms.map(({ weighted }) => {
      const { n, mean, se } = weightedMean(weighted)
      return meanBelief({ n, mean, variance: se * se * n })
    })
    shares = withShareFloor(topTwoShares(chancesToBeBest(beliefs), 0.9), MIN_SHARE)
  }
  if (isFound) found.alwaysValid += 1
  const [control, treatment] = arms.map(({ n, sum }) => ({ n, sum, sumSquares: sum }))
  const plain = effectOf(control!, treatment!, 'absolute')
  if (typeof plain === 'object' && welchTest(plain, alpha).pValue <= alpha) found.plainOnce += 1
  found.plainBias += control!.sum / control!.n - P
  found.weightedBias += weightedMean(arms[0].weighted).mean - P
}

function newArm(): Arm {
  const weighted = { n: 0, weight: 0, weightSquares: 0, sum: 0, sumOverSquares: 0, squaresOverSquares: 0 }
  return { n: 0, sum: 0, weighted }
}

function add(arm: Arm, value: number, share: number) {
  arm.n += 1
  arm.sum += value
  const { weighted } = arm
  weighted.n += 1
  weighted.weight += 1 / share
  weighted.weightSquares += 1 / share ** 2
  weighted.sum += value / share
  weighted.sumOverSquares += value / share ** 2
  weighted.squaresOverSquares += (value * value) / share ** 2
}
