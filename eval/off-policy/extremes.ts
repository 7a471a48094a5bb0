/** What if the values that nobody told were all as low, or all as high, as can be? */
import { dr } from './estimators/dr.ts'
import { PairedDifference } from './estimators/paired-difference.ts'
import { RowMean } from './estimators/row-mean.ts'
import { assumedRow, type ScoredRow } from './paired.ts'
import type { Estimate, EstimatorState, ValueName } from './types.ts'

export interface ExtremesReport {
  /** The target's value if every untold one were the lowest, and the highest. */
  readonly lowest: Estimate
  readonly highest: Estimate
  /** The same of the difference, with each untold value at whichever end is worse, and better, for the target. */
  readonly worstDifference: Estimate
  readonly bestDifference: Estimate
}

/**
 * Bounds that hold whatever made some values untold (Manski 1989), by DR over all rows. They are as wide as the untold share:
 * where that is large they only say that all rests on the told ones being like the others.
 */
export class Extremes {
  readonly #value: ValueName
  readonly #low = new RowMean(dr())
  readonly #high = new RowMean(dr())
  readonly #worst = new PairedDifference(dr())
  readonly #best = new PairedDifference(dr())

  constructor(value: ValueName) {
    this.#value = value
  }

  add(scored: ScoredRow): void {
    const value = this.#value
    const [least, most] = this.#bounds(scored)
    const low = assumedRow(scored, value, least)
    const high = assumedRow(scored, value, most)
    this.#low.add(low.target)
    this.#high.add(high.target)
    const gains = scored.weight >= scored.againstWeight
    this.#worst.add(gains ? low : high)
    this.#best.add(gains ? high : low)
  }

  get(level: number): ExtremesReport | undefined {
    const [lowest, highest] = [this.#low.get(level), this.#high.get(level)]
    const [worstDifference, bestDifference] = [this.#worst.get(level), this.#best.get(level)]
    return lowest && highest && worstDifference && bestDifference
      ? { lowest, highest, worstDifference, bestDifference }
      : undefined
  }

  state(): readonly EstimatorState[] {
    return this.#all.map((estimator) => estimator.state())
  }

  merge(states: readonly EstimatorState[]): void {
    for (const [i, estimator] of this.#all.entries()) estimator.mergeState(states[i]!)
  }

  get #all() {
    return [this.#low, this.#high, this.#worst, this.#best] as const
  }

  /** Of utility, quality is what nobody told: the rest of the request is as expected. */
  #bounds({ expected }: ScoredRow): readonly [number, number] {
    if (this.#value !== 'utility') return [0, 1]
    const rest = (expected.utility ?? 0) - (expected.quality ?? 0)
    return [rest, 1 + rest]
  }
}
