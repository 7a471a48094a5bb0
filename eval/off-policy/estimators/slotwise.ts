/**
 * Decisions that fill several slots one after the other (retries, cascades, conditional contextual bandits): the weight of a
 * slot is that of all choices up to it, Π_{t ≤ s} π_e/π_b, and each slot has a {@link CressieRead} of its own.
 *
 * Per-decision importance sampling (Precup, Sutton & Singh 2000), as Vowpal Wabbit's `pdis_cressieread` has it. The weights of
 * later slots are products, so that their bounds are 0 and ∞.
 */
import { clopperPearson } from '../../intervals/clopper-pearson.ts'
import { DEFAULT_LEVEL } from '../../intervals/interval.ts'
import { checkLevel } from '../../option.ts'
import type { Estimate, EstimatorState } from '../types.ts'
import { CressieRead, type CressieReadOptions } from './cressie-read.ts'
import { checkMergeable } from './sums.ts'

export interface Slot {
  /** π_e/π_b of this slot's choice alone. */
  readonly weight: number
  readonly reward: number
}

export interface SlotEstimates {
  /** Share of decisions that have the slot. */
  readonly impression: Estimate
  /** Of those that have it. */
  readonly rewardGivenImpression: Estimate
  /** Per decision: the product of the two above, and of their bounds. */
  readonly reward: Estimate
}

export class SlotwiseCressieRead {
  readonly name: string
  readonly #options: CressieReadOptions
  readonly #slots: CressieRead[] = []
  readonly #impressions: number[] = []
  #decisions = 0

  constructor(options: Pick<CressieReadOptions, 'rewardBounds'> = {}) {
    this.#options = options
    this.name = `slotwise_${new CressieRead(options).name}`
  }

  /** @throws {EvaluationError} `eval_bad_row`; nothing was added then */
  add(slots: readonly Slot[]): void {
    let weight = 1
    const rows = slots.map((slot) => {
      weight *= slot.weight
      return { weight, reward: slot.reward, predicted: 0, predictedTarget: 0 }
    })
    for (const [index, row] of rows.entries()) this.#slot(index).check(row)
    this.#decisions += 1
    for (const [index, row] of rows.entries()) {
      this.#slot(index).add(row)
      this.#impressions[index]! += 1
    }
  }

  merge(other: SlotwiseCressieRead): void {
    for (const state of other.states()) this.mergeState(state)
  }

  /** One state per slot, each with its index and the number of decisions of all. */
  states(): readonly EstimatorState[] {
    return this.#slots.map((slot, index) => ({
      name: this.name,
      // The decisions go with the first slot, which every decision has.
      sums: [index, index === 0 ? this.#decisions : 0, this.#impressions[index]!, ...slot.state().sums],
    }))
  }

  mergeState(state: EstimatorState): void {
    const [index, decisions, impressions, ...sums] = checkMergeable(this.name, state) as number[]
    const slot = this.#slot(index!)
    slot.mergeState({ name: slot.name, sums })
    this.#impressions[index!]! += impressions!
    this.#decisions += decisions!
  }

  /** Of each slot, in order. */
  slots(level = DEFAULT_LEVEL): readonly SlotEstimates[] {
    checkLevel(level)
    return this.#slots.flatMap((slot, index) => {
      const rewardGivenImpression = slot.get(level)
      // A slot is made for the checks before anything is added to it.
      if (rewardGivenImpression === undefined) return []
      const shown = this.#impressions[index]!
      const [lo, hi] = clopperPearson(shown, this.#decisions, level)
      const impression = { value: shown / this.#decisions, lo, hi }
      const corners = [lo, hi].flatMap((share) => [
        share * rewardGivenImpression.lo,
        share * rewardGivenImpression.hi,
      ])
      const reward = {
        value: impression.value * rewardGivenImpression.value,
        lo: Math.min(...corners),
        hi: Math.max(...corners),
      }
      return [{ impression, rewardGivenImpression, reward }]
    })
  }

  /** Per slot that was filled, over all slots. */
  overall(level = DEFAULT_LEVEL): Estimate | undefined {
    const all = new CressieRead(this.#options)
    for (const slot of this.#slots) all.merge(slot)
    return all.get(level)
  }

  #slot(index: number): CressieRead {
    for (let next = this.#slots.length; next <= index; next++) {
      this.#slots.push(new CressieRead(this.#options))
      this.#impressions.push(0)
    }
    return this.#slots[index]!
  }
}
