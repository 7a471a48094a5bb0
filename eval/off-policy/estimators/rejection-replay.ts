/**
 * Rejection replay of a policy that learns: it sees, and learns from, only the rows in which it would have done what the log
 * did, so that what it sees is a history it might have had. The one valid way to evaluate a learner such as LinUCB itself; a
 * log of n rows over K arms gives about n/K of them.
 *
 * Li, Chu, Langford & Wang 2011 (arXiv:1003.5956), algorithm 2, for uniform logs. For others a match of propensity p is kept with
 * probability floor/p (rejection sampling, Dudík, Erhan, Langford & Li 2012, arXiv:1210.4862), where no propensity is below floor.
 */
import { hash53 } from '../../../engine/index.ts'
import { EvaluationError } from '../../errors.ts'
import { DEFAULT_LEVEL } from '../../intervals/interval.ts'
import { RunningMoments } from '../../intervals/running-moments.ts'
import { satterthwaiteInterval } from '../../intervals/satterthwaite.ts'
import { checkLevel } from '../../option.ts'
import type { Estimate } from '../types.ts'

export interface RejectionReplayOptions {
  /** The smallest propensity in the log: 1/K for a uniform one over K arms. In (0, 1]. */
  readonly floor: number
  /** With the id of a row decides whether it is kept, where its propensity is above the floor. */
  readonly seed: number
}

export interface OfferedRow {
  readonly id: string
  /** Whether the learner, as it is now, would choose the logged arm. */
  readonly matched: boolean
  /** Of the logged arm, in [floor, 1]. */
  readonly propensity: number
  readonly reward: number
}

/** In the order of the log, which is what makes a history: parts of a log do not merge. */
export class RejectionReplay {
  readonly #options: RejectionReplayOptions
  readonly #accepted = new RunningMoments()
  #offered = 0

  /** @throws {EvaluationError} `eval_bad_option` for a floor outside (0, 1] */
  constructor(options: RejectionReplayOptions) {
    if (!(options.floor > 0 && options.floor <= 1)) {
      throw new EvaluationError(
        'eval_bad_option',
        `the smallest propensity of the log must be in (0, 1], got ${options.floor}`,
      )
    }
    this.#options = options
  }

  /**
   * @returns whether the row is part of the learner's history: it is to learn from it, and from no other
   * @throws {EvaluationError} `eval_bad_propensity` below the floor or above 1; `eval_bad_row` for a reward that is not finite
   */
  offer({ id, matched, propensity, reward }: OfferedRow): boolean {
    const { floor, seed } = this.#options
    // Files give 1/K with a few decimals.
    if (!(propensity >= floor * (1 - 1e-6) && propensity <= 1)) {
      throw new EvaluationError(
        'eval_bad_propensity',
        `a propensity of ${propensity} is not in [${floor}, 1]; give the smallest of the log as the floor`,
      )
    }
    if (!Number.isFinite(reward)) {
      throw new EvaluationError('eval_bad_row', `reward must be a finite number, got ${reward}`)
    }
    this.#offered += 1
    if (!matched || hash53(id, `rejection-replay:${seed}`) >= floor / propensity) return false
    this.#accepted.add(reward)
    return true
  }

  get offered(): number {
    return this.#offered
  }

  get accepted(): number {
    return this.#accepted.count
  }

  /**
   * Mean reward of the history. The interval is that of independent rewards: it takes the learner as it was over the history,
   * not as it would be after another.
   */
  get(level = DEFAULT_LEVEL): Estimate | undefined {
    checkLevel(level)
    if (this.#accepted.count === 0) return undefined
    const { mean, lo, hi } = satterthwaiteInterval(this.#accepted, level)
    return { value: mean, lo, hi }
  }
}
