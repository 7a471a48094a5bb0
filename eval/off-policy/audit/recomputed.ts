/**
 * Does the log say what happened? The drawn arm is a function of (probabilities, id, salt), and the probabilities one of what is
 * logged beside them: both are computed again. An arm that its own probabilities do not draw means that the propensity is not the
 * one that was sampled from, the commonest fault of routers' logs.
 */
import {
  DEFAULT_EXPLORATION,
  distributionOver,
  draw,
  hash53,
  validatePastChoice,
} from '../../../engine/index.ts'
import type { EvaluationRow } from '../evaluation-row.ts'

/** Distributions are computed again for about so many rows. */
const SAMPLED_ROWS = 20_000
/** Total variation below which two distributions are the same but for rounding. */
const SAME = 1e-9

export interface RecomputedState {
  readonly drawn: number
  readonly drawnOtherwise: number
  readonly computed: number
  readonly computedAlike: number
  readonly undetermined: number
  readonly distance: number
  readonly farthest: number
}

export class Recomputed {
  #drawn = 0
  #drawnOtherwise = 0
  #computed = 0
  #computedAlike = 0
  #undetermined = 0
  #distance = 0
  #farthest = 0
  readonly #share: number

  /** @param rows of the whole log: of a long one, distributions are computed again for a sample */
  constructor(rows: number) {
    this.#share = SAMPLED_ROWS / Math.max(rows, 1)
  }

  add(row: EvaluationRow): void {
    const { probabilities, id, salt, eligible, arm } = row
    // Logs from elsewhere do not say how they draw.
    if (probabilities === undefined || salt === '') return
    this.#drawn += 1
    if (eligible[draw(probabilities, hash53(id, salt))] !== arm) this.#drawnOtherwise += 1
    if (hash53(id, 'recomputed') >= this.#share) return
    const again = distributionAgain(row)
    if (again === undefined) return
    let distance = 0
    for (let k = 0; k < probabilities.length; k++) distance += Math.abs(again[k]! - probabilities[k]!) / 2
    if (distance >= SAME && goesByTrials(row)) {
      this.#undetermined += 1
      return
    }
    this.#computed += 1
    if (distance < SAME) this.#computedAlike += 1
    this.#distance += distance
    this.#farthest = Math.max(this.#farthest, distance)
  }

  state(): RecomputedState {
    return {
      drawn: this.#drawn,
      drawnOtherwise: this.#drawnOtherwise,
      computed: this.#computed,
      computedAlike: this.#computedAlike,
      undetermined: this.#undetermined,
      distance: this.#distance,
      farthest: this.#farthest,
    }
  }

  merge(part: RecomputedState): void {
    this.#drawn += part.drawn
    this.#drawnOtherwise += part.drawnOtherwise
    this.#computed += part.computed
    this.#computedAlike += part.computedAlike
    this.#undetermined += part.undetermined
    this.#distance += part.distance
    this.#farthest = Math.max(this.#farthest, part.farthest)
  }

  get(): RecomputedReport {
    return {
      redrawn: this.#drawn,
      redrawnOtherwise: this.#drawnOtherwise,
      recomputed: this.#computed,
      recomputedAlike: this.#computedAlike,
      undetermined: this.#undetermined,
      meanDistance: this.#computed === 0 ? 0 : this.#distance / this.#computed,
      farthest: this.#farthest,
    }
  }
}

export interface RecomputedReport {
  /** Rows whose draw was repeated, and of how many it gave another arm than the logged one. */
  readonly redrawn: number
  readonly redrawnOtherwise: number
  /** Rows whose distribution was computed again from the logged estimates, and of how many it was the logged one. */
  readonly recomputed: number
  readonly recomputedAlike: number
  /** Rows whose distribution also goes by how new arms were at the time, which is not in the log: no sign of anything. */
  readonly undetermined: number
  /** Total variation between the two, [0, 1]. */
  readonly meanDistance: number
  readonly farthest: number
}

/** Thompson sampling explores an arm on trial by more than its `exploration`, where that is below 1. */
function goesByTrials({ policy, explore }: EvaluationRow): boolean {
  return explore && policy.name === 'thompson' && (policy.exploration ?? DEFAULT_EXPLORATION) < 1
}

/** Undefined where the policy goes by what is not in the log. */
function distributionAgain(row: EvaluationRow): Float64Array | undefined {
  const { policy, explore, floor, estimates } = row
  if (estimates.length === 0) return undefined
  try {
    const choice = { policy, explore, floor }
    validatePastChoice(choice, false)
    return distributionOver(row, estimates, choice)
  } catch {
    return undefined
  }
}
