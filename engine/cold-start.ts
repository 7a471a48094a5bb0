/**
 * What an arm starts from when others know something of it: sums from a policy file, or from a sibling. They belong to the
 * prior, at a capped weight, and are discounted when what is observed here disagrees (a power prior: Ibrahim & Chen 2000;
 * Ibrahim et al. 2015, "The power prior: theory and applications").
 *
 * The discount is a predictive check. From the lent sums alone, the mean outcome at the live data's mean context is
 * predicted with variance v, the live mean has variance σ²/n around the truth, and D lies between the two. The weight is
 * the largest at which D is within two standard deviations: v grows as 1/weight, so
 *
 *     weight = v / (D²/4 − σ²/n), and 1 where that is no stricter.
 *
 * It depends on sums alone, hence neither on the order of the data nor on chance.
 */
import { type ArmModel, type LinearHeadName, linearHeadOf } from './arm-model.ts'
import { EngineError } from './errors.ts'
import type { LentSums, LinearHead } from './linear-head.ts'
import type { PriorSums } from './router-types.ts'
import type { ArmId } from './types.ts'

/** Of a policy file, which was made for these arms. More costs little where it is wrong, as it is discounted (decision 0013). */
export const DEFAULT_EFFECTIVE_SAMPLES = 2_000
/** Of a sibling, which is another arm: it lends as soon as it has so many. */
const SIBLING_SAMPLES = 50
/** Standard deviations between prediction and data that are no disagreement yet. */
const TOLERATED = 2
/** A weight that moved by less than this share of the largest stays: the posterior need not be formed anew. */
const WEIGHT_STEP = 0.01

interface Loan {
  /** Undefined: a policy file. */
  readonly sibling: ArmId | undefined
  /** At their full weight. */
  readonly sums: LentSums
  /** Weight at most. */
  readonly cap: number
  /** A head that knows the sums at `cap` and nothing else. */
  readonly witness: LinearHead
  weight: number
  /** The head that has it at this weight. */
  holder: LinearHead | undefined
}

export class ColdStart {
  readonly #createHead: (head: LinearHeadName) => LinearHead
  readonly #loans = new Map<ArmId, Map<LinearHeadName, Loan>>()

  /** @param createHead makes a head that knows nothing */
  constructor(createHead: (head: LinearHeadName) => LinearHead) {
    this.#createHead = createHead
  }

  /**
   * Replaces what policy files have lent.
   *
   * @throws {EngineError} `engine_bad_config` for a number of samples that is not above 0: then nothing changed
   */
  startFrom({ sums, effectiveSamples = DEFAULT_EFFECTIVE_SAMPLES }: PriorSums): void {
    if (!(effectiveSamples > 0)) {
      throw new EngineError('engine_bad_config', `effectiveSamples must be above 0, got ${effectiveSamples}`)
    }
    for (const loans of this.#loans.values()) {
      for (const [head, { sibling }] of loans) if (sibling === undefined) loans.delete(head)
    }
    for (const { arm, head, ...lent } of sums) {
      if (head !== 'success' && lent.n > 0) this.#lend(arm, head, lent, effectiveSamples, undefined)
    }
  }

  /**
   * Takes from the sibling what it knows by now, up to its samples' worth, for the heads that no policy file lent to.
   *
   * @param sibling undefined: the arm has none, or it is not known yet
   */
  borrow(
    arm: ArmId,
    sibling: { readonly id: ArmId; readonly model: ArmModel } | undefined,
    head: LinearHeadName,
  ): void {
    const known = this.#loans.get(arm)?.get(head)
    if (known !== undefined && known.sibling === undefined) return
    if (known !== undefined) this.#loans.get(arm)?.delete(head)
    const sums = sibling && linearHeadOf(sibling.model, head).sums()
    if (sums !== undefined && sums.n > 0) this.#lend(arm, head, sums, SIBLING_SAMPLES, sibling?.id)
  }

  /** Weighs what one head was lent by what the arm has shown itself, and hands it over. */
  review(arm: ArmId, model: ArmModel, head: LinearHeadName): void {
    const target = linearHeadOf(model, head)
    const loan = this.#loans.get(arm)?.get(head)
    if (loan === undefined) {
      target.lend(undefined)
      return
    }
    const weight = loan.cap * agreement(loan.witness, target)
    // The posterior need not be formed anew for less.
    if (loan.holder === target && Math.abs(weight - loan.weight) < WEIGHT_STEP * loan.cap) return
    loan.weight = weight
    loan.holder = target
    target.lend(scaled(loan.sums, weight))
  }

  /** The next review hands over every loan at its exact weight. */
  release(): void {
    for (const loans of this.#loans.values()) for (const loan of loans.values()) loan.holder = undefined
  }

  #lend(arm: ArmId, head: LinearHeadName, sums: LentSums, samples: number, sibling: ArmId | undefined): void {
    const cap = Math.min(1, samples / sums.n)
    const witness = this.#createHead(head)
    witness.lend(scaled(sums, cap))
    const loans = this.#loans.get(arm) ?? new Map<LinearHeadName, Loan>()
    loans.set(head, { sibling, sums, cap, witness, weight: 0, holder: undefined })
    this.#loans.set(arm, loans)
  }
}

/** In (0, 1]: the share of its weight that the lent knowledge keeps beside what `target` has observed. */
function agreement(witness: LinearHead, target: LinearHead): number {
  const live = target.sums()
  if (live === undefined || live.n < 1) return 1
  const { n, A, b } = live
  // Column 0 of A is Σw·x, because x[0] = 1.
  const context = Float64Array.from(b, (_, i) => A[(i * (i + 1)) / 2]! / n)
  const all = Int32Array.from(b, (_, i) => i)
  const predicted = witness.predict(context, all, 0)
  const distance = b[0]! / n - predicted.mean
  const unexplained = (distance / TOLERATED) ** 2 - predicted.noiseVariance / n
  const variance = predicted.sd ** 2
  return unexplained <= variance ? 1 : variance / unexplained
}

function scaled({ n, c, A, b }: LentSums, weight: number): LentSums {
  return {
    n: weight * n,
    c: weight * c,
    A: A.map((value) => weight * value),
    b: b.map((value) => weight * value),
  }
}
