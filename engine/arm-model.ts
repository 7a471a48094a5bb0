/** Everything that is learned about one arm: its heads, and the priors they start from. */
import { CountHead } from './count-head.ts'
import { DriftWatch } from './drift.ts'
import { EngineError } from './errors.ts'
import type { FeatureSpace } from './feature-space.ts'
import type { Cut } from './head-memory.ts'
import { LinearHead, type LinearSums } from './linear-head.ts'
import { AS_ESTIMATED, type NoisePooling, type PriorScales, SharedPrior } from './pooling.ts'
import type { BucketWidths, HalfLives, PriorScale } from './router-types.ts'
import type { ArmPrior, HeadName } from './types.ts'

export type LinearHeadName = Exclude<HeadName, 'success'>

/**
 * Where the structured prior starts (partial pooling): a loose intercept, tighter deviations by class, tighter still the
 * rest; without it one table per class learns too slowly. The data of all arms then move it ({@link SharedPrior}). Quality is
 * on [0, 1]; the others are logarithms, so 0.7 is "a factor of two". Its class scale is the typical size of what full-information
 * data sets show (docs/learning.md).
 */
const SCALES: Readonly<Record<LinearHeadName, PriorScales>> = {
  quality: {
    coefficientSd: { intercept: 0.3, class: 0.06, structure: 0.03, text: 0.03 },
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

/**
 * Right-or-wrong outcomes scatter alike, and a few that agree do not make an arm noiseless. Of speeds and lengths, arms have sds
 * that lie a factor of a hundred apart: what is typical is their geometric mean, and an arm's own soon counts for more.
 */
const NOISE: Readonly<Record<LinearHeadName, NoisePooling>> = {
  quality: { strength: 20, mean: 'arithmetic' },
  ttft: { strength: 6, mean: 'geometric' },
  tpot: { strength: 6, mean: 'geometric' },
  output_tokens: { strength: 6, mean: 'geometric' },
}

/** An arm that changes may move further than arms differ. */
const CHANGE_SD_FACTOR = 2

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

/**
 * Heads with a long memory, which a change would spoil for days. Speeds go up and down with the load of the hour: their own short
 * memory follows, and outcomes that hang together from one to the next would raise one alarm after the other.
 */
const WATCHED: ReadonlySet<LinearHeadName> = new Set(['quality', 'output_tokens'])

export function createArmModel(
  prior: ArmPrior,
  halfLifeMs: HalfLives,
  shared: (head: LinearHeadName) => SharedPrior,
  bucketMs: BucketWidths = {},
): ArmModel {
  const linear = (head: LinearHeadName): LinearHead => {
    const pool = shared(head)
    // Not by what is estimated at the moment: a router that is restored must notice what this one does.
    const freedom = pool.startPrecision.map((precision) => precision / CHANGE_SD_FACTOR ** 2)
    const watch = WATCHED.has(head) ? new DriftWatch(freedom) : undefined
    return new LinearHead(pool.priorOf(interceptMean(prior, head)), halfLifeMs[head], watch, bucketMs[head])
  }
  return {
    prior,
    quality: linear('quality'),
    ttft: linear('ttft'),
    tpot: linear('tpot'),
    outputTokens: linear('output_tokens'),
    success: new CountHead(SUCCESS_PRIOR, halfLifeMs.success, bucketMs.success),
  }
}

/** What a registration says of a head's intercept, on the head's scale. */
export function interceptMean(prior: ArmPrior, head: LinearHeadName): number {
  switch (head) {
    case 'quality':
      return prior.quality
    case 'ttft':
      return Math.log(prior.ttftMs)
    case 'tpot':
      return Math.log(prior.tpotMs)
    case 'output_tokens':
      return Math.log(prior.outputTokens)
  }
}

/** @param priorScale of the quality head; the others are as they are */
export function createSharedPrior(
  head: LinearHeadName,
  space: FeatureSpace,
  priorScale: PriorScale = {},
): SharedPrior {
  if (head !== 'quality')
    return new SharedPrior(SCALES[head], NOISE[head], space.blocks.slice(0, space.servingDimension))
  const factors = { ...AS_ESTIMATED, ...priorScale }
  for (const [block, factor] of Object.entries(factors)) {
    if (factor > 0 && factor < Infinity) continue
    throw new EngineError('engine_bad_config', `priorScale.${block} must be above 0, got ${factor}`)
  }
  return new SharedPrior(SCALES[head], NOISE[head], space.blocks, factors)
}

/** The part of a head that learning from elsewhere needs, the same for linear and counted heads. */
export interface AbsorbingHead {
  absorb(sums: LinearSums): void
  sums(): LinearSums | undefined
  handOver(): void
  replaceElsewhere(
    sums: Readonly<LinearSums> | undefined,
    cut: Cut | undefined,
    withHandedOver: boolean,
  ): boolean
  readonly needsHandOver: boolean
  readonly unheardChangeMs: number | undefined
}

/** The head's object; `output_tokens` is its name outside, in logs and tables. */
export function linearHeadOf(model: ArmModel, head: LinearHeadName): LinearHead {
  return head === 'output_tokens' ? model.outputTokens : model[head]
}

export function headOf(model: ArmModel, head: HeadName): AbsorbingHead {
  return head === 'success' ? model.success : linearHeadOf(model, head)
}

/**
 * An arm is tried for its own sake until so many of its answers have been judged, or, where few are, so many have come; after that it
 * has to be good. Over 40 orders of mmlu-pro 200 earn as much as no bound, and 100 a little less.
 */
export const TRIAL_JUDGEMENTS = 200
export const TRIAL_ANSWERS = 1_000

/** Whether what is unknown of the arm is still explored in full. Forgetting can bring it back there. */
export function isOnTrial({ quality, outputTokens }: ArmModel, nowMs: number): boolean {
  return quality.weightAt(nowMs) < TRIAL_JUDGEMENTS && outputTokens.weightAt(nowMs) < TRIAL_ANSWERS
}

/** How many outcomes of this arm its beliefs rest on: of the head that has seen most, less what is forgotten. */
export function examplesOf({ quality, outputTokens }: ArmModel, nowMs: number): number {
  return Math.max(quality.weightAt(nowMs), outputTokens.weightAt(nowMs))
}
