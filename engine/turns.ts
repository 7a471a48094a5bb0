/** Whose turn it is: when round-robin last took each arm. */
import type { ArmId } from './types.ts'

/** Arms in the order of their last turns, the longest ago first. */
export type TurnsState = readonly ArmId[]

export class Turns {
  readonly #last = new Map<ArmId, number>()
  #next = 0

  /** Same order as `arms`; −1 for an arm that never had a turn. */
  lastOf(arms: readonly ArmId[]): Float64Array {
    const last = new Float64Array(arms.length).fill(-1)
    if (this.#last.size > 0) for (let i = 0; i < arms.length; i++) last[i] = this.#last.get(arms[i]!) ?? -1
    return last
  }

  take(arm: ArmId): void {
    this.#last.set(arm, this.#next++)
  }

  /** Only the order matters to anyone. */
  state(): TurnsState {
    return [...this.#last].sort(([, a], [, b]) => a - b).map(([arm]) => arm)
  }

  restore(state: TurnsState): void {
    this.#last.clear()
    this.#next = 0
    for (const arm of state) this.take(arm)
  }
}
