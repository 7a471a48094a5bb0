/**
 * IPS with an interval as if weights were counts (Vowpal Wabbit's `clopper_pearson`): rewards scaled to [0, 1], Σ w r / w_max
 * successes in n / w_max trials. A heuristic: the largest weight seen stands for the largest there can be.
 */
import { EvaluationError } from '../../errors.ts'
import { clopperPearson } from '../../intervals/clopper-pearson.ts'
import { CompensatedSums } from '../../intervals/compensated-sums.ts'
import { DEFAULT_LEVEL } from '../../intervals/interval.ts'
import { checkLevel } from '../../option.ts'
import type { Estimate, Estimator, EstimatorState } from '../types.ts'
import { checkSampledRow, type SampledRow } from './sampled.ts'
import { checkMergeable } from './sums.ts'

const N = 0
const WR = 1
const W = 2

export class ClopperPearson implements Estimator<SampledRow> {
  readonly name: string
  readonly #least: number
  readonly #range: number
  readonly #sums = new CompensatedSums(3)
  #mostWeight = 0

  /**
   * @param rewardBounds between which rewards lie
   * @throws {EvaluationError} `eval_bad_option`
   */
  constructor([least, most]: readonly [number, number]) {
    if (!(least < most)) {
      throw new EvaluationError(
        'eval_bad_option',
        `bounds of rewards must be least < most, got [${least}, ${most}]`,
      )
    }
    this.#least = least
    this.#range = most - least
    this.name = `clopper_pearson(${least},${most})`
  }

  /** @throws {EvaluationError} `eval_bad_row` also for a reward outside the bounds */
  add(row: SampledRow): void {
    const drop = checkSampledRow(row)
    const scaled = (row.reward - this.#least) / this.#range
    if (!(scaled >= 0 && scaled <= 1)) {
      throw new EvaluationError('eval_bad_row', `a reward of ${row.reward} is outside ${this.name}`)
    }
    const weight = row.weight / (1 - drop)
    this.#sums.add(N, 1 / (1 - drop))
    this.#sums.add(WR, weight * scaled)
    this.#sums.add(W, weight)
    if (weight > this.#mostWeight) this.#mostWeight = weight
  }

  merge(other: ClopperPearson): void {
    this.mergeState(other.state())
  }

  state(): EstimatorState {
    return { name: this.name, sums: [this.#mostWeight, ...this.#sums.values()] }
  }

  mergeState(state: EstimatorState): void {
    const [mostWeight, ...sums] = checkMergeable(this.name, state, 4) as [number, number, number, number]
    for (const [index, sum] of sums.entries()) this.#sums.add(index, sum)
    this.#mostWeight = Math.max(this.#mostWeight, mostWeight)
  }

  get(level = DEFAULT_LEVEL): Estimate | undefined {
    checkLevel(level)
    const [n, weightedReward, weight] = this.#sums.values() as [number, number, number]
    if (n === 0) return undefined
    const value = this.#least * (weight / n) + this.#range * (weightedReward / n)
    const most = this.#mostWeight
    // Of rows that the target could not have had, the interval is all that rewards can be.
    const [lo, hi] = most > 0 ? clopperPearson(weightedReward / most, n / most, level) : [0, 1]
    return { value, lo: this.#least + lo * this.#range, hi: this.#least + hi * this.#range }
  }
}
