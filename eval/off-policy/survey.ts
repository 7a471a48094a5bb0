/**
 * The first pass over a log: how many decisions count and why the others do not, when they were made, and the sums that
 * the reward model and the shares of told values are made of. Of constant size, and parts add up.
 */
import type { Preferences } from '../../engine/index.ts'
import { type EvaluationRow, pointOf, ratesOf } from './evaluation-row.ts'
import { LEFT_OUT, type LeftOut, leftOut, realised } from './logged-row.ts'
import { type ResponseCell, ResponseCounts } from './response.ts'
import { DEFAULT_FOLDS, foldOf, type RewardCell, RewardSums } from './reward-model.ts'
import { VALUES, type ValueName } from './types.ts'

export interface SurveyState {
  readonly folds: number
  readonly n: number
  readonly read: number
  readonly leftOut: Readonly<Record<LeftOut, number>>
  readonly fromMs: number
  readonly toMs: number
  readonly leastProbability: number
  /** The least and the largest that was told of each value; of a value of which nothing was, [0, 0]. */
  readonly ranges: Readonly<Record<ValueName, readonly [number, number]>>
  /** That were eligible. */
  readonly arms: readonly string[]
  readonly rewards: readonly RewardCell[]
  readonly responses: readonly ResponseCell[]
}

export class Survey {
  readonly rewards: RewardSums
  readonly responses = new ResponseCounts()
  /** Decisions that count. */
  n = 0
  /** Decisions that there are. */
  read = 0
  readonly leftOut: Record<LeftOut, number>
  /** Of the decisions that count, Unix ms; infinite where there are none. */
  fromMs = Number.POSITIVE_INFINITY
  toMs = Number.NEGATIVE_INFINITY
  /** The smallest probability above 0 that an arm was drawn with, or could have been. */
  leastProbability = 1
  readonly arms = new Set<string>()
  readonly #ranges = new Map<ValueName, readonly [number, number]>()
  readonly #preferences: Preferences | undefined

  /** @param preferences what utility is measured by. @default each request's own wishes */
  constructor(preferences?: Preferences, folds = DEFAULT_FOLDS) {
    this.#preferences = preferences
    this.rewards = new RewardSums(folds)
    this.leftOut = Object.fromEntries(LEFT_OUT.map((reason) => [reason, 0])) as Record<LeftOut, number>
  }

  add(row: EvaluationRow): void {
    this.read += 1
    const reason = leftOut(row)
    if (reason !== undefined) {
      this.leftOut[reason] += 1
      return
    }
    this.n += 1
    if (row.atMs < this.fromMs) this.fromMs = row.atMs
    if (row.atMs > this.toMs) this.toMs = row.atMs
    for (const arm of row.eligible) this.arms.add(arm)
    for (const p of row.probabilities ?? [row.propensity]) {
      if (p > 0 && p < this.leastProbability) this.leastProbability = p
    }
    const values = realised(row, ratesOf(row, this.#preferences))
    for (const value of VALUES) {
      const told = values[value]
      if (told !== undefined) this.#widen(value, told, told)
    }
    this.responses.add(row.requestClass, row.arm, values)
    this.rewards.add(pointOf(row), foldOf(row.id, this.rewards.folds), row.arm, {
      quality: values.quality,
      costUsd: values.cost_usd,
      latencyMs: values.latency_ms,
      success: values.success,
    })
  }

  get ranges(): SurveyState['ranges'] {
    const range = (value: ValueName) => this.#ranges.get(value) ?? ([0, 0] as const)
    return Object.fromEntries(VALUES.map((value) => [value, range(value)])) as SurveyState['ranges']
  }

  state(): SurveyState {
    const { n, read, fromMs, toMs, leastProbability } = this
    return {
      folds: this.rewards.folds,
      n,
      read,
      leftOut: { ...this.leftOut },
      fromMs,
      toMs,
      leastProbability,
      ranges: this.ranges,
      arms: [...this.arms],
      rewards: this.rewards.state(),
      responses: this.responses.state(),
    }
  }

  merge(part: SurveyState): void {
    this.n += part.n
    this.read += part.read
    for (const reason of LEFT_OUT) this.leftOut[reason] += part.leftOut[reason]
    this.fromMs = Math.min(this.fromMs, part.fromMs)
    this.toMs = Math.max(this.toMs, part.toMs)
    this.leastProbability = Math.min(this.leastProbability, part.leastProbability)
    for (const { told } of part.responses) {
      for (const value of VALUES) if (told[value] > 0) this.#widen(value, ...part.ranges[value])
    }
    for (const arm of part.arms) this.arms.add(arm)
    this.rewards.merge(part.rewards)
    this.responses.merge(part.responses)
  }

  #widen(value: ValueName, least: number, most: number): void {
    const known = this.#ranges.get(value) ?? [least, most]
    this.#ranges.set(value, [Math.min(known[0], least), Math.max(known[1], most)])
  }
}
