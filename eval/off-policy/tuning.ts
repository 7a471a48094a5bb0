/**
 * Choosing how much to shrink weights from the log itself. Whatever is chosen has a bias, and no interval of it has that bias
 * in it: after a choice by SLOPE 95 % intervals have covered from 2 % to 93 %. So every choice comes with the estimate of its
 * bias, θ_∞ − θ_λ on the same rows, and a sensitivity table is the better report.
 */
import { EvaluationError } from '../errors.ts'
import { DEFAULT_LEVEL } from '../intervals/interval.ts'
import { MOMENT_SUMS, RunningMoments } from '../intervals/running-moments.ts'
import { satterthwaiteInterval } from '../intervals/satterthwaite.ts'
import { studentQuantile } from '../intervals/student-t.ts'
import { checkLevel } from '../option.ts'
import { clippedIps } from './estimators/clipped-ips.ts'
import { dr } from './estimators/dr.ts'
import { drOs } from './estimators/dr-os.ts'
import type { RowValue } from './estimators/row-value.ts'
import { subGaussianDr, subGaussianIps } from './estimators/sub-gaussian.ts'
import { checkMergeable } from './estimators/sums.ts'
import { switchDr } from './estimators/switch-dr.ts'
import { checkRow } from './row.ts'
import type { Estimate, EstimatorRow, EstimatorState } from './types.ts'

/** Estimators with one setting, and whether weights are shrunk less by larger ones. */
export const SHRINKAGE_FAMILIES = {
  clipped_ips: { of: clippedIps, startsAt: 'largest' },
  clipped_dr: { of: dr, startsAt: 'largest' },
  switch_dr: { of: switchDr, startsAt: 'largest' },
  dr_os: { of: drOs, startsAt: 'smallest' },
  sg_ips: { of: subGaussianIps, startsAt: 'smallest' },
  sg_dr: { of: subGaussianDr, startsAt: 'smallest' },
} as const satisfies Readonly<
  Record<string, { readonly of: (setting: number) => RowValue; readonly startsAt: 'largest' | 'smallest' }>
>
export type ShrinkageFamily = keyof typeof SHRINKAGE_FAMILIES

/** τ of the sensitivity table of switch-DR. */
export const SWITCH_THRESHOLDS = [10, 30, 100] as const

/** One setting: what it estimates, and what it is off by as far as the log can tell. */
export interface Candidate {
  readonly setting: number
  /** Its interval is for the biased value. */
  readonly estimate: Estimate
  /** mean((ŵ − w)(r − q̂)), the value of the setting minus that without shrinkage on the same rows, with its interval. */
  readonly bias: Estimate
}

export interface SlopeChoice extends Candidate {
  /** In the order of half-widths, widest first; `accepted` ends with the choice. */
  readonly table: readonly (Candidate & { readonly halfWidth: number; readonly accepted: boolean })[]
}

export interface MseChoice extends Candidate {
  readonly table: readonly (Candidate & { readonly score: number })[]
}

interface Tracked {
  readonly setting: number
  readonly value: RowValue
  readonly values: RunningMoments
  readonly biases: RunningMoments
}

/** All settings of a family over one log; merges as estimators do. */
export class Tuning {
  readonly name: string
  /** From the one that the family starts at: ties go by it. */
  readonly #tracked: readonly Tracked[]
  readonly #weights = new RunningMoments()

  /**
   * @param settings at least one
   * @throws {EvaluationError} `eval_bad_option`
   */
  constructor(family: ShrinkageFamily, settings: readonly number[]) {
    if (settings.length === 0) {
      throw new EvaluationError('eval_bad_option', `give at least one setting of ${family} to choose from`)
    }
    const { of, startsAt } = SHRINKAGE_FAMILIES[family]
    const order = startsAt === 'largest' ? -1 : 1
    this.name = `tuning(${family},${settings.join(',')})`
    this.#tracked = settings
      .toSorted((a, b) => order * (a < b ? -1 : Number(a > b)))
      .map((setting) => ({
        setting,
        value: of(setting),
        values: new RunningMoments(),
        biases: new RunningMoments(),
      }))
  }

  /** @throws {EvaluationError} `eval_bad_row` */
  add(row: EstimatorRow): void {
    checkRow(row)
    const { weight, reward, predicted } = row
    this.#weights.add(weight)
    for (const { value, values, biases } of this.#tracked) {
      values.add(value.of(row))
      biases.add((value.shrink(weight) - weight) * (value.usesModel ? reward - predicted : reward))
    }
  }

  merge(other: Tuning): void {
    this.mergeState(other.state())
  }

  state(): EstimatorState {
    const all = [this.#weights, ...this.#tracked.flatMap(({ values, biases }) => [values, biases])]
    return { name: this.name, sums: all.flatMap((moments) => moments.state()) }
  }

  /** @throws {EvaluationError} `eval_bad_option` where the state is of another family or other settings */
  mergeState(state: EstimatorState): void {
    const all = [this.#weights, ...this.#tracked.flatMap(({ values, biases }) => [values, biases])]
    const sums = checkMergeable(this.name, state, MOMENT_SUMS * all.length)
    for (const [index, moments] of all.entries()) {
      moments.mergeState(sums.slice(MOMENT_SUMS * index, MOMENT_SUMS * (index + 1)))
    }
  }

  /** The sensitivity table: all settings with their bias, none chosen; the most shrunk first. Empty without rows. */
  candidates(level = DEFAULT_LEVEL): readonly Candidate[] {
    checkLevel(level)
    if (this.#weights.count === 0) return []
    return this.#tracked.map((tracked) => candidateOf(tracked, level)).sort((a, b) => a.setting - b.setting)
  }

  /**
   * SLOPE++: the narrowest setting whose value agrees with those of all wider ones, within their half-widths.
   *
   * Su, Srinath & Krishnamurthy 2020 (arXiv:2002.07729); Tucker & Lee 2021. Half-widths are one-sided Student t's at 1 − δ, as in
   * the Open Bandit Pipeline, and far too sure of themselves.
   *
   * @param delta in (0, 1)
   * @returns undefined for fewer than two rows
   */
  slope({ delta = 0.1, level = DEFAULT_LEVEL } = {}): SlopeChoice | undefined {
    checkLevel(1 - delta)
    checkLevel(level)
    const { count } = this.#weights
    if (count < 2) return undefined
    const t = studentQuantile(1 - 2 * delta, count - 1)
    // Reversed after a stable sort, ties go to what comes later, as in the reference.
    const byWidth = this.#tracked
      .map((tracked) => ({ tracked, halfWidth: tracked.values.standardError * t }))
      .sort((a, b) => a.halfWidth - b.halfWidth)
      .reverse()
    const slack = Math.sqrt(6) - 1
    const rejectedAt = byWidth.findIndex(({ tracked, halfWidth }, index) =>
      byWidth
        .slice(0, index)
        .some(
          (wider) =>
            Math.abs(wider.tracked.values.mean - tracked.values.mean) > halfWidth + slack * wider.halfWidth,
        ),
    )
    const acceptedCount = rejectedAt === -1 ? byWidth.length : rejectedAt
    const table = byWidth.map(({ tracked, halfWidth }, index) => ({
      ...candidateOf(tracked, level),
      halfWidth,
      accepted: index < acceptedCount,
    }))
    const { setting, estimate, bias } = table[acceptedCount - 1]!
    return { setting, estimate, bias, table }
  }

  /**
   * The setting of the least estimated squared error: variance of the mean plus the square of the bias, or of an upper bound
   * on it by Bernstein's inequality.
   *
   * Su, Dimakopoulou, Krishnamurthy & Dudík 2020 (arXiv:1907.09623), section 5.
   *
   * @param biasBound `direct`: the estimate itself; `upper`: what it is below with probability 1 − δ
   * @param delta in (0, 1)
   * @returns undefined without rows
   */
  mse({ biasBound = 'upper', delta = 0.1, level = DEFAULT_LEVEL }: MseOptions = {}): MseChoice | undefined {
    checkLevel(1 - delta)
    checkLevel(level)
    const { count, mean, squares, most } = this.#weights
    if (count === 0) return undefined
    const log = Math.log(2 / delta)
    const meanSquare = squares / count + mean * mean
    const slack = Math.sqrt((2 * meanSquare * log) / count) + (2 * most * log) / (3 * count)
    const table = this.#tracked.map((tracked) => {
      const bias = Math.abs(tracked.biases.mean) + (biasBound === 'upper' ? slack : 0)
      const variance = tracked.values.squares / count / count
      return { ...candidateOf(tracked, level), score: variance + bias * bias }
    })
    const { setting, estimate, bias } = table.reduce((best, next) => (next.score < best.score ? next : best))
    return { setting, estimate, bias, table }
  }
}

export interface MseOptions {
  readonly biasBound?: 'direct' | 'upper'
  readonly delta?: number
  readonly level?: number
}

function candidateOf({ setting, values, biases }: Tracked, level: number): Candidate {
  return { setting, estimate: estimateOf(values, level), bias: estimateOf(biases, level) }
}

/** The mean with its interval. */
export function estimateOf(moments: RunningMoments, level: number): Estimate {
  const { mean, lo, hi } = satterthwaiteInterval(moments, level)
  return { value: mean, lo, hi }
}
