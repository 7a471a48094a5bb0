/**
 * Is what the log tells still so? Its first third is held against its last: the mix of request classes, and by arm what the
 * answers were worth beyond what the reward model expects, so that a change of the mix is not taken for one of an arm.
 */

import { RunningMoments } from '../../intervals/running-moments.ts'
import { entryAt } from '../entry.ts'

const PARTS = 3

interface Part {
  readonly classes: Map<string, number>
  readonly residuals: Map<string, RunningMoments>
}

export interface DriftState {
  readonly classes: readonly (readonly [part: number, requestClass: string, rows: number])[]
  readonly residuals: readonly (readonly [part: number, arm: string, moments: readonly number[]])[]
}

export interface DriftReport {
  /** Total variation between the class mix of the first and the last third, [0, 1]. */
  readonly classMixDistance: number
  /** What that distance would be about, by chance alone. */
  readonly classMixNoise: number
  /** By arm: change of the mean of the objective beyond the model, last third minus first, and its z. */
  readonly arms: Readonly<Record<string, { readonly change: number; readonly z: number }>>
}

export class Drift {
  readonly #parts: readonly Part[] = Array.from({ length: PARTS }, () => ({
    classes: new Map(),
    residuals: new Map(),
  }))
  readonly #fromMs: number
  readonly #spanMs: number

  /** @param fromMs and @param toMs of the whole log */
  constructor(fromMs: number, toMs: number) {
    this.#fromMs = fromMs
    this.#spanMs = Math.max(toMs - fromMs, 1)
  }

  /** @param residual of the objective beyond what the model expects; undefined where it was not told */
  add(atMs: number, requestClass: string, arm: string, residual: number | undefined): void {
    const index = Math.floor((PARTS * (atMs - this.#fromMs)) / this.#spanMs)
    const part = this.#parts[Math.min(Math.max(index, 0), PARTS - 1)]!
    part.classes.set(requestClass, (part.classes.get(requestClass) ?? 0) + 1)
    if (residual !== undefined) entryAt(part.residuals, arm, () => new RunningMoments()).add(residual)
  }

  state(): DriftState {
    return {
      classes: this.#parts.flatMap(({ classes }, part) =>
        [...classes].map(([name, rows]) => [part, name, rows] as const),
      ),
      residuals: this.#parts.flatMap(({ residuals }, part) =>
        [...residuals].map(([arm, moments]) => [part, arm, moments.state()] as const),
      ),
    }
  }

  merge({ classes, residuals }: DriftState): void {
    for (const [part, name, rows] of classes) {
      const counts = this.#parts[part]!.classes
      counts.set(name, (counts.get(name) ?? 0) + rows)
    }
    for (const [part, arm, state] of residuals) {
      entryAt(this.#parts[part]!.residuals, arm, () => new RunningMoments()).mergeState(state)
    }
  }

  get(): DriftReport {
    const [first, last] = [this.#parts[0]!, this.#parts[PARTS - 1]!]
    const [n, m] = [total(first.classes), total(last.classes)]
    let distance = 0
    let noise = 0
    for (const name of new Set([...first.classes.keys(), ...last.classes.keys()])) {
      const [a, b] = [first.classes.get(name) ?? 0, last.classes.get(name) ?? 0]
      distance += Math.abs(a / Math.max(n, 1) - b / Math.max(m, 1)) / 2
      // Mean of |N(0, s²)| is s·√(2/π).
      const p = (a + b) / Math.max(n + m, 1)
      noise += Math.sqrt((2 / Math.PI) * p * (1 - p) * (1 / Math.max(n, 1) + 1 / Math.max(m, 1))) / 2
    }
    const arms: (readonly [string, { readonly change: number; readonly z: number }])[] = []
    for (const [arm, before] of first.residuals) {
      const after = last.residuals.get(arm)
      if (after === undefined || before.count < 2 || after.count < 2) continue
      const change = after.mean - before.mean
      const se = Math.hypot(before.standardError, after.standardError)
      arms.push([arm, { change, z: se === 0 ? 0 : change / se }])
    }
    return {
      classMixDistance: n === 0 || m === 0 ? 0 : distance,
      classMixNoise: noise,
      arms: Object.fromEntries(arms),
    }
  }
}

function total(counts: ReadonlyMap<string, number>): number {
  let sum = 0
  for (const count of counts.values()) sum += count
  return sum
}
