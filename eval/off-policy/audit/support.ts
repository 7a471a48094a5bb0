/**
 * Whether the log can tell of the target at all: what the weights allow to be estimated, whether propensities are those of the
 * draws, and what of the target lies where nothing was drawn, or where nobody told the objective.
 */
import {
  PropensityDiagnostics,
  type PropensityFigures,
  type PropensityState,
} from '../diagnostics/propensities.ts'
import { WeightDiagnostics, type WeightFigures, type WeightState, zOf } from '../diagnostics/weights.ts'
import type { ScoredRow } from '../paired.ts'

/** Classes that are told apart; further ones are counted together. */
const CLASSES_MAX = 200
const OTHERS = '(others)'

export interface SupportState {
  readonly weights: WeightState
  readonly effective: WeightState
  readonly propensities: PropensityState
  readonly rows: number
  readonly known: number
  readonly weightVariance: number
  readonly untold: number
  readonly outside: readonly (readonly [requestClass: string, rows: number, mass: number])[]
  readonly untoldArms: readonly (readonly [arm: string, mass: number])[]
}

export interface Support {
  /** Of w, over all rows; undefined without rows. */
  readonly weights: WeightFigures | undefined
  /**
   * z of mean weight = 1 by the spread that the propensities foretell, Σ_a π_e²/π_b − 1, of the draws that did not come as well. A mean
   * that is far off by the spread of the weights seen, and not by this, lacks heavy ones. Undefined where not all are known.
   */
  readonly meanZByPropensities: number | undefined
  /** Of the weights that carry the objective: 0 where it was not told, more where it was. */
  readonly effective: WeightFigures | undefined
  /** Undefined where the log tells only the drawn arm's probability. */
  readonly propensities: PropensityFigures | undefined
  /** Share of the target's probability on arms that could not have been drawn; in all, and by class where there is any. */
  readonly outsideSupport: number
  readonly outsideByClass: Readonly<Record<string, number>>
  /** Share of the target's probability on arms of which, in the request's class, nobody told the objective; in all and by arm. */
  readonly untold: number
  readonly untoldByArm: Readonly<Record<string, number>>
}

export class SupportAudit {
  readonly #weights = new WeightDiagnostics()
  readonly #effective = new WeightDiagnostics()
  readonly #propensities = new PropensityDiagnostics()
  #rows = 0
  /** Rows whose whole distribution is known. */
  #known = 0
  #weightVariance = 0
  #untold = 0
  readonly #outside = new Map<string, { rows: number; mass: number }>()
  readonly #untoldArms = new Map<string, number>()

  /** @param effectiveWeight in the estimators of the objective @param isSilent whether nobody ever tells it of the arm in this class */
  add(
    { row, drawn, target, weight }: ScoredRow,
    effectiveWeight: number,
    isSilent: (arm: string) => boolean,
  ): void {
    this.#rows += 1
    this.#weights.add({ weight, reward: 0, predicted: 0, predictedTarget: 0 })
    this.#effective.add({ weight: effectiveWeight, reward: 0, predicted: 0, predictedTarget: 0 })
    const { eligible, probabilities, requestClass } = row
    let outside = 0
    for (const [k, arm] of eligible.entries()) {
      const p = target[k] ?? 0
      if (p === 0) continue
      if (probabilities?.[k] === 0) outside += p
      else if (isSilent(arm)) {
        this.#untold += p
        this.#untoldArms.set(arm, (this.#untoldArms.get(arm) ?? 0) + p)
      }
    }
    if (probabilities === undefined) return
    this.#known += 1
    this.#weightVariance += varianceOfWeight(target, probabilities)
    this.#countOutside(requestClass, 1, outside)
    this.#propensities.add({ arms: eligible, logged: probabilities, target, drawn })
  }

  state(): SupportState {
    return {
      weights: this.#weights.state(),
      effective: this.#effective.state(),
      propensities: this.#propensities.state(),
      rows: this.#rows,
      known: this.#known,
      weightVariance: this.#weightVariance,
      untold: this.#untold,
      outside: [...this.#outside].map(([name, { rows, mass }]) => [name, rows, mass]),
      untoldArms: [...this.#untoldArms],
    }
  }

  merge(part: SupportState): void {
    this.#weights.mergeState(part.weights)
    this.#effective.mergeState(part.effective)
    this.#propensities.mergeState(part.propensities)
    this.#rows += part.rows
    this.#known += part.known
    this.#weightVariance += part.weightVariance
    this.#untold += part.untold
    for (const [name, rows, mass] of part.outside) this.#countOutside(name, rows, mass)
    for (const [arm, mass] of part.untoldArms) {
      this.#untoldArms.set(arm, (this.#untoldArms.get(arm) ?? 0) + mass)
    }
  }

  get(): Support {
    const rows = Math.max(this.#rows, 1)
    const weights = this.#weights.get()
    return {
      weights,
      meanZByPropensities:
        weights !== undefined && this.#known === this.#rows
          ? zOf(weights.mean - 1, Math.sqrt(this.#weightVariance) / rows)
          : undefined,
      effective: this.#effective.get(),
      propensities: this.#known === 0 ? undefined : this.#propensities.get(),
      outsideSupport: this.#known === 0 ? 0 : (this.#propensities.get()?.outsideSupport ?? 0),
      outsideByClass: Object.fromEntries(
        [...this.#outside]
          .filter(([, { mass }]) => mass > 0)
          .map(([name, { rows: ofClass, mass }]) => [name, mass / ofClass]),
      ),
      untold: this.#untold / rows,
      untoldByArm: Object.fromEntries([...this.#untoldArms].map(([arm, mass]) => [arm, mass / rows])),
    }
  }

  #countOutside(requestClass: string, rows: number, mass: number): void {
    const isNew = !this.#outside.has(requestClass)
    const key = isNew && this.#outside.size >= CLASSES_MAX ? OTHERS : requestClass
    const counts = this.#outside.get(key)
    if (counts === undefined) this.#outside.set(key, { rows, mass })
    else {
      counts.rows += rows
      counts.mass += mass
    }
  }
}

/** Of one draw's weight, which has mean 1 where nothing of the target is outside the support; ≥ 0. */
function varianceOfWeight(target: ArrayLike<number>, logged: ArrayLike<number>): number {
  let square = 0
  for (let k = 0; k < logged.length; k++) {
    if (logged[k]! > 0) square += (target[k] ?? 0) ** 2 / logged[k]!
  }
  return Math.max(square - 1, 0)
}
