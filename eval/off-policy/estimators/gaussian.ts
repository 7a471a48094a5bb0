/**
 * IPS with a normal interval over a log of which some rows were dropped (Vowpal Wabbit's `gaussian`): the rows that are not
 * there count as zeros, and those that are stand for 1/(1 − p). Without drops, IPS with its normal interval.
 */
import { DEFAULT_LEVEL } from '../../intervals/interval.ts'
import { normalInterval } from '../../intervals/normal.ts'
import { MOMENT_SUMS, RunningMoments } from '../../intervals/running-moments.ts'
import { checkLevel } from '../../option.ts'
import type { Estimate, Estimator, EstimatorState } from '../types.ts'
import { checkSampledRow, type SampledRow } from './sampled.ts'
import { checkMergeable } from './sums.ts'

export class Gaussian implements Estimator<SampledRow> {
  readonly name = 'gaussian'
  readonly #moments = new RunningMoments()

  add(row: SampledRow): void {
    const drop = checkSampledRow(row)
    this.#moments.add((row.weight * row.reward) / (1 - drop))
    this.#moments.addRepeated(0, drop / (1 - drop))
  }

  merge(other: Gaussian): void {
    this.mergeState(other.state())
  }

  state(): EstimatorState {
    return { name: this.name, sums: this.#moments.state() }
  }

  mergeState(state: EstimatorState): void {
    this.#moments.mergeState(checkMergeable(this.name, state, MOMENT_SUMS))
  }

  get(level = DEFAULT_LEVEL): Estimate | undefined {
    checkLevel(level)
    if (this.#moments.count === 0) return undefined
    const { mean, lo, hi } = normalInterval(this.#moments, level)
    return { value: mean, lo, hi }
  }
}
