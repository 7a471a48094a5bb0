/** Everything that is learned about one arm: its heads, and the priors they start from. */
import { CountHead } from './count-head.ts'
import { DriftWatch } from './drift.ts'
import type { FeatureBlock, FeatureSpace } from './feature-space.ts'
import { LinearHead, type LinearPrior, type LinearSums } from './linear-head.ts'
import type { HalfLives } from './router-types.ts'
import type { ArmPrior, HeadName } from './types.ts'

export type LinearHeadName = Exclude<HeadName, 'success'>

/** Prior of a linear head: sd of the coefficients of each block and of a single outcome, on the head's own scale. */
interface HeadScales {
  readonly coefficientSd: Readonly<Record<FeatureBlock, number>>
  readonly outcomeSd: number
}
/** Weight of `outcomeSd`, in observations: enough that an arm whose first answers agree is not taken to be noiseless. */
const OUTCOME_SD_STRENGTH = 4
/** What arms share is looser than what one arm adds to it. */
const SHARED_SD_FACTOR = 2

/**
 * The structured prior (partial pooling): a loose intercept, tighter deviations by class, tighter still the rest. Without
 * it one table per class learns too slowly. Quality is on [0, 1]; the others are logarithms, so 0.7 is "a factor of two".
 */
const SCALES: Readonly<Record<LinearHeadName, HeadScales>> = {
  quality: {
    coefficientSd: { intercept: 1, class: 0.11, structure: 0.03, text: 0.03 },
    outcomeSd: 0.5,
  },
  ttft: {
    coefficientSd: { intercept: 1, class: 0.15, structure: 0.4, text: 0.05 },
    outcomeSd: 0.5,
  },
  tpot: {
    coefficientSd: { intercept: 0.7, class: 0.15, structure: 0.15, text: 0.05 },
    outcomeSd: 0.4,
  },
  output_tokens: {
    coefficientSd: { intercept: 1, class: 0.7, structure: 0.5, text: 0.2 },
    outcomeSd: 0.7,
  },
}

/** A new arm is believed to answer 98 % of calls, as firmly as after 20 of them. */
const SUCCESS_PRIOR = { successes: 19.6, failures: 0.4 }

export interface ArmModel {
  /** What the heads' priors were made from. */
  readonly prior: ArmPrior
  readonly quality: LinearHead
  readonly ttft: LinearHead
  readonly tpot: LinearHead
  readonly outputTokens: LinearHead
  readonly success: CountHead
}

export function createArmModel(prior: ArmPrior, space: FeatureSpace, halfLifeMs: HalfLives): ArmModel {
  const linear = (head: LinearHeadName, interceptMean: number, dimension: number): LinearHead =>
    watchedHead(linearPrior(SCALES[head], interceptMean, space, dimension), halfLifeMs[head])
  return {
    prior,
    quality: linear('quality', prior.quality, space.dimension),
    ttft: linear('ttft', Math.log(prior.ttftMs), space.servingDimension),
    tpot: linear('tpot', Math.log(prior.tpotMs), space.servingDimension),
    outputTokens: linear('output_tokens', Math.log(prior.outputTokens), space.servingDimension),
    success: new CountHead(SUCCESS_PRIOR, halfLifeMs.success),
  }
}

function watchedHead(prior: LinearPrior, halfLifeMs: number): LinearHead {
  return new LinearHead(prior, halfLifeMs, new DriftWatch(prior.precision))
}

function linearPrior(
  scales: HeadScales,
  interceptMean: number,
  space: FeatureSpace,
  dimension: number,
): LinearPrior {
  const mean = new Float64Array(dimension)
  mean[0] = interceptMean
  const shape = OUTCOME_SD_STRENGTH / 2
  return {
    mean,
    precision: precisions(scales, space, dimension, 1),
    shape,
    rate: (shape - 1) * scales.outcomeSd ** 2,
  }
}

/** Precision of the coefficients that all arms of a head share. */
export function sharedPrecision(head: LinearHeadName, space: FeatureSpace): Float64Array {
  const dimension = head === 'quality' ? space.dimension : space.servingDimension
  return precisions(SCALES[head], space, dimension, SHARED_SD_FACTOR)
}

function precisions(
  scales: HeadScales,
  space: FeatureSpace,
  dimension: number,
  looser: number,
): Float64Array {
  return Float64Array.from(
    { length: dimension },
    (_, i) => (scales.outcomeSd / (looser * scales.coefficientSd[space.blocks[i]!])) ** 2,
  )
}

/** The part of a head that learning from elsewhere needs, the same for linear and counted heads. */
export interface AbsorbingHead {
  absorb(sums: LinearSums): void
  sums(): LinearSums | undefined
}

/** The head's object; `output_tokens` is its name outside, in logs and tables. */
export function linearHeadOf(model: ArmModel, head: LinearHeadName): LinearHead {
  return head === 'output_tokens' ? model.outputTokens : model[head]
}

export function headOf(model: ArmModel, head: HeadName): AbsorbingHead {
  return head === 'success' ? model.success : linearHeadOf(model, head)
}

/** How many outcomes of this arm its beliefs rest on: of the head that has seen most, less what is forgotten. */
export function examplesOf({ quality, outputTokens }: ArmModel, nowMs: number): number {
  return Math.max(quality.weightAt(nowMs), outputTokens.weightAt(nowMs))
}
