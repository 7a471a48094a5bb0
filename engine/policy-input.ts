/** What a live decision tells its policy. */
import type { Forecast } from './estimate.ts'
import { column } from './linalg.ts'
import type { PolicyInput } from './policies/policy.ts'
import type { Turns } from './turns.ts'
import type { ArmEstimate, ArmId } from './types.ts'

/** What is known of the arms besides beliefs. */
export interface Surroundings {
  readonly inFlight: ReadonlyMap<ArmId, number> | undefined
  readonly turns: Turns
  /** Of one arm. */
  readonly examplesOf: (arm: ArmId) => number
}

/** Most policies look at few of the columns: what only some ask for is made when they do. */
export class LiveInput implements PolicyInput {
  readonly arms: readonly ArmId[]
  readonly utilityMean: Float64Array
  readonly #forecasts: readonly Forecast[]
  readonly #estimates: readonly ArmEstimate[]
  readonly #surroundings: Surroundings

  /** @param utilityMean as the policy is to see it; all in the order of `arms` */
  constructor(
    arms: readonly ArmId[],
    utilityMean: Float64Array,
    forecasts: readonly Forecast[],
    estimates: readonly ArmEstimate[],
    surroundings: Surroundings,
  ) {
    this.arms = arms
    this.utilityMean = utilityMean
    this.#forecasts = forecasts
    this.#estimates = estimates
    this.#surroundings = surroundings
  }

  get utilitySd(): Float64Array {
    return column(this.#estimates, ({ utility }) => utility.sd)
  }

  get novelty(): Float64Array {
    return column(this.#forecasts, ({ novelty }) => novelty)
  }

  get costUsd(): Float64Array {
    return column(this.#estimates, ({ costUsd }) => costUsd.mean)
  }

  get latencyMs(): Float64Array {
    return column(this.#estimates, ({ latencyMs }) => latencyMs.mean)
  }

  get inFlight(): Float64Array {
    return column(this.arms, (arm) => this.#surroundings.inFlight?.get(arm) ?? 0)
  }

  get lastTurn(): Float64Array {
    return this.#surroundings.turns.lastOf(this.arms)
  }

  get examples(): number {
    return this.arms.reduce((sum, arm) => sum + this.#surroundings.examplesOf(arm), 0)
  }
}
