/** How many calls each arm is working on. */
import type { ArmId } from '../../engine/index.ts'

export class ArmLoad {
  /** Without the arms that are idle. */
  readonly #running = new Map<ArmId, number>()

  /** Live: read it before the next call begins. */
  get running(): ReadonlyMap<ArmId, number> {
    return this.#running
  }

  begin(arm: ArmId): void {
    this.#running.set(arm, (this.#running.get(arm) ?? 0) + 1)
  }

  /** A stream ends when its last byte was passed on, not when it was opened. */
  end(arm: ArmId): void {
    const left = (this.#running.get(arm) ?? 0) - 1
    if (left > 0) this.#running.set(arm, left)
    else this.#running.delete(arm)
  }
}
