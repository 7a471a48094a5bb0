/**
 * q̂(x, a), what an arm is expected to bring, from the engine's own Bayesian regression; cross-fitted, so that no row is predicted
 * from its own outcome. The sums are additive: a first pass over the log fills them by fold and arm, the model of a fold is
 * made of the sums of the others, and shards of a log add theirs together. Memory is folds × arms × values × d², whatever
 * the length of the log.
 *
 * Each arm's coefficients are shrunk towards those of all arms together, as hard as is most probable for the data.
 *
 * Chernozhukov et al., "Double/debiased machine learning" (2018), 3.1: cross-fitting.
 */
import {
  type ArmSums,
  createLinearBandit,
  hash53,
  type LinearBandit,
  type LinearPosterior,
} from '../../engine/index.ts'
import { entryAt } from './entry.ts'
import type { Goods } from './logged-row.ts'

export const DEFAULT_FOLDS = 5

/** What is regressed; utility is made of these. */
export const GOODS = ['quality', 'costUsd', 'latencyMs', 'success'] as const
export type Good = (typeof GOODS)[number]

/** Prior precisions of an arm's deviation, in units of the noise: the data choose one for each value. */
const PRECISIONS = [1, 10, 100, 1_000, 10_000]
/** Of the coefficients that all arms share, on coordinates within [−1, 1]. */
const POOLED_PRECISION = 1
const NOISE_STRENGTH = 4

/** A context: the vector and its feature space. */
export interface Point {
  readonly space: string
  readonly x: Float64Array
}

/** Fold of a decision, 0 … folds − 1: a hash of its id, the same on every machine. */
export function foldOf(id: string, folds: number): number {
  return Math.floor(hash53(id, 'evaluation-fold') * folds)
}

/** Sums of one fold, feature space, arm and value. */
export interface RewardCell {
  readonly fold: number
  readonly space: string
  readonly good: Good
  readonly sums: ArmSums
}

/** One arm's sums, by fold. */
type Folds = (LinearBandit | undefined)[]

export class RewardSums {
  readonly folds: number
  /** By space, good, arm, fold. */
  readonly #cells = new Map<string, Map<Good, Map<string, Folds>>>()

  constructor(folds = DEFAULT_FOLDS) {
    this.folds = folds
  }

  add({ space, x }: Point, fold: number, arm: string, goods: Goods): void {
    for (const good of GOODS) {
      const value = goods[good]
      if (value !== undefined) this.#cell(space, good, arm, fold, x.length).learn(0, x, value)
    }
  }

  /** Copies, for another thread. */
  state(): readonly RewardCell[] {
    const state: RewardCell[] = []
    for (const [space, goods] of this.#cells) {
      for (const [good, arms] of goods) {
        for (const folds of arms.values()) {
          for (const [fold, cell] of folds.entries()) {
            for (const sums of cell?.sums() ?? []) state.push({ fold, space, good, sums })
          }
        }
      }
    }
    return state
  }

  merge(cells: readonly RewardCell[]): void {
    for (const { space, good, fold, sums } of cells) {
      this.#cell(space, good, sums.arm, fold, sums.b.length).absorb([sums])
    }
  }

  fit(): RewardModel {
    const fits = new Map<string, Map<Good, readonly FoldFit[]>>()
    for (const [space, goods] of this.#cells) {
      const byGood = new Map<Good, readonly FoldFit[]>()
      for (const [good, arms] of goods) {
        byGood.set(
          good,
          Array.from({ length: this.folds }, (_, fold) => fitWithout(fold, arms)),
        )
      }
      fits.set(space, byGood)
    }
    return new RewardModel(fits)
  }

  #cell(space: string, good: Good, arm: string, fold: number, dimension: number): LinearBandit {
    const goods = entryAt(this.#cells, space, () => new Map<Good, Map<string, Folds>>())
    const arms = entryAt(goods, good, () => new Map<string, Folds>())
    const folds = entryAt(arms, arm, (): Folds => [])
    folds[fold] ??= createLinearBandit({ arms: [arm], dimension, drift: false })
    return folds[fold]
  }
}

/** Coefficients that were learned without one fold. */
interface FoldFit {
  readonly pooled: Float64Array
  readonly byArm: ReadonlyMap<string, Float64Array>
}

export class RewardModel {
  readonly #fits: ReadonlyMap<string, ReadonlyMap<Good, readonly FoldFit[]>>

  constructor(fits: ReadonlyMap<string, ReadonlyMap<Good, readonly FoldFit[]>>) {
    this.#fits = fits
  }

  /** What is expected of an arm by the rows of the other folds; undefined for a good of which the space has none. */
  predict({ space, x }: Point, fold: number, arm: string): Goods {
    const fits = this.#fits.get(space)
    return {
      quality: valueAt(fits?.get('quality')?.[fold], arm, x),
      costUsd: valueAt(fits?.get('costUsd')?.[fold], arm, x),
      latencyMs: valueAt(fits?.get('latencyMs')?.[fold], arm, x),
      success: valueAt(fits?.get('success')?.[fold], arm, x),
    }
  }
}

function valueAt(fit: FoldFit | undefined, arm: string, x: Float64Array): number | undefined {
  if (fit === undefined) return undefined
  const coefficients = fit.byArm.get(arm) ?? fit.pooled
  let value = 0
  for (let i = 0; i < x.length; i++) value += coefficients[i]! * x[i]!
  return value
}

function fitWithout(fold: number, arms: ReadonlyMap<string, readonly (LinearBandit | undefined)[]>): FoldFit {
  const training = new Map<string, ArmSums[]>()
  let dimension = 0
  for (const [arm, folds] of arms) {
    for (const cell of folds) dimension = cell?.dimension ?? dimension
    training.set(
      arm,
      folds.flatMap((cell, other) => (other === fold ? [] : (cell?.sums() ?? []))),
    )
  }
  const all = [...training.values()].flat()
  const { mean, sd } = spreadOf(all)
  const noise = { kind: 'learned', sd, strength: NOISE_STRENGTH } as const
  const start = new Float64Array(dimension)
  start[0] = mean
  const whole = posteriorOf(all, { mean: start, precision: POOLED_PRECISION, noise })
  const pooled = whole.mean
  // As firmly as all arms together tell it: an arm that by chance was all alike is not without noise.
  const spread = Math.max(Math.sqrt(whole.rate / (whole.shape - 1)), leastSd(mean))
  const common = { kind: 'learned', sd: spread, strength: Math.max(2 * whole.shape, NOISE_STRENGTH) } as const
  let best = { evidence: Number.NEGATIVE_INFINITY, byArm: new Map<string, Float64Array>() }
  for (const precision of PRECISIONS) {
    let evidence = 0
    const byArm = new Map<string, Float64Array>()
    for (const [arm, sums] of training) {
      if (sums.length === 0) continue
      const posterior = posteriorOf(sums, { mean: pooled, precision, noise: common })
      evidence += posterior.logEvidence
      byArm.set(arm, posterior.mean)
    }
    if (evidence > best.evidence) best = { evidence, byArm }
  }
  return { pooled, byArm: best.byArm }
}

type Prior = NonNullable<Parameters<typeof createLinearBandit>[0]['prior']>

function posteriorOf(sums: readonly ArmSums[], prior: Prior): LinearPosterior {
  const bandit = createLinearBandit({ arms: [''], dimension: prior.mean?.length ?? 0, drift: false, prior })
  bandit.absorb(sums.map((entry) => ({ ...entry, arm: '' })))
  return bandit.posterior(0)
}

/** Mean and sd of the value over all rows, from the constant coordinate; an sd that a regression can start from. */
function spreadOf(sums: readonly ArmSums[]): { mean: number; sd: number } {
  let n = 0
  let total = 0
  let squares = 0
  for (const entry of sums) {
    n += entry.n
    total += entry.b[0]!
    squares += entry.c
  }
  if (n === 0) return { mean: 0, sd: 1 }
  const mean = total / n
  const variance = Math.max(squares / n - mean * mean, 0)
  return { mean, sd: Math.max(Math.sqrt(variance), leastSd(mean)) }
}

/** Of values that are all the same, rounding. */
function leastSd(mean: number): number {
  return 1e-9 * Math.max(Math.abs(mean), 1e-9)
}
