/**
 * Whether the logged propensities are the ones that arms were drawn by. Two checks per arm: as many draws as the
 * propensities add up to, and mean 1 of 1[a = k] / π_b(k). They catch the commonest bug of routers, which stamp a row with
 * something else than the probability it was drawn with; and with the target's distribution they tell what of it the log
 * does not reach.
 */
import { EvaluationError } from '../../errors.ts'
import { RunningMoments } from '../../intervals/running-moments.ts'
import { zOf } from './weights.ts'

export interface PropensityRow {
  /** Ids of the arms that were eligible. */
  readonly arms: readonly string[]
  /** π_b(·|x) over `arms`, summing to 1. */
  readonly logged: ArrayLike<number>
  /** π_e(·|x) over `arms`. */
  readonly target?: ArrayLike<number>
  /** Index of the drawn arm in `arms`. */
  readonly drawn: number
}

export interface ArmPropensities {
  readonly arm: string
  /** Rows in which it could have been drawn. */
  readonly offered: number
  /** Rows in which it was drawn. */
  readonly drawn: number
  /** Σ π_b: how often it should have been. */
  readonly expected: number
  /** (drawn − Σ π_b) / √Σ π_b (1 − π_b). Beyond ±4 the propensities are not those of the draws. */
  readonly calibrationZ: number
  /** Mean of 1[a = k] / π_b(k) over the rows in which it could have been drawn: 1, within its standard error. */
  readonly meanInverse: number
  readonly meanInverseSe: number
  readonly meanInverseZ: number
  readonly smallest: number
  /** Means over all rows, those in which the arm was not eligible as 0. */
  readonly meanLogged: number
  readonly meanTarget: number
}

export interface PropensityFigures {
  readonly n: number
  /** By id. */
  readonly arms: readonly ArmPropensities[]
  /** The smallest propensity of a drawn arm. */
  readonly smallestDrawn: number
  /** Mean of Σ_a π_e(a|x) 1[π_b(a|x) = 0]: what of the target the log cannot tell about. */
  readonly outsideSupport: number
  /** Mean of ½ Σ_a |π_e − π_b|. */
  readonly meanTotalVariation: number
  /** Mean of Σ_a π_e ln(π_e/π_b), over the arms that could have been drawn. */
  readonly meanKl: number
  /** Mean of Σ_a π_e²/π_b over these: the expected square of a weight, known before any reward. */
  readonly weightSecondMoment: number
}

interface ArmSums {
  readonly inverse: RunningMoments
  expected: number
  variance: number
  drawn: number
  target: number
  smallest: number
}

const OUTSIDE = 0
const VARIATION = 1
const KL = 2
const SECOND = 3

interface ArmState {
  readonly inverse: readonly number[]
  readonly sums: readonly number[]
  readonly smallest: number
}

export interface PropensityState {
  readonly n: number
  readonly smallestDrawn: number
  readonly sums: readonly number[]
  readonly arms: Readonly<Record<string, ArmState>>
}

export class PropensityDiagnostics {
  readonly #arms = new Map<string, ArmSums>()
  readonly #sums = new Float64Array(4)
  #n = 0
  #smallestDrawn = 1

  /** @throws {EvaluationError} `eval_bad_propensity` for a probability outside [0, 1], or an arm drawn with 0 */
  add({ arms, logged, target, drawn }: PropensityRow): void {
    const ofDrawn = logged[drawn]
    if (!(ofDrawn !== undefined && ofDrawn > 0)) {
      throw new EvaluationError(
        'eval_bad_propensity',
        `arm ${arms[drawn] ?? drawn} was drawn with propensity ${ofDrawn}; it must be above 0`,
      )
    }
    for (let k = 0; k < arms.length; k++) {
      if (logged[k]! >= 0 && logged[k]! <= 1 && (target === undefined || target[k]! >= 0)) continue
      throw new EvaluationError(
        'eval_bad_propensity',
        `probabilities must be in [0, 1], got ${logged[k]} logged and ${target?.[k]} of the target for ${arms[k]}`,
      )
    }
    this.#n += 1
    if (ofDrawn < this.#smallestDrawn) this.#smallestDrawn = ofDrawn
    const sums = this.#sums
    for (let k = 0; k < arms.length; k++) {
      const p = logged[k]!
      const e = target?.[k] ?? 0
      sums[VARIATION]! += 0.5 * Math.abs(e - p)
      const of = this.#arm(arms[k]!)
      of.target += e
      if (p === 0) {
        sums[OUTSIDE]! += e
        continue
      }
      if (e > 0) sums[KL]! += e * Math.log(e / p)
      sums[SECOND]! += (e * e) / p
      of.inverse.add(k === drawn ? 1 / p : 0)
      of.expected += p
      of.variance += p * (1 - p)
      of.drawn += k === drawn ? 1 : 0
      if (p < of.smallest) of.smallest = p
    }
  }

  merge(other: PropensityDiagnostics): void {
    this.mergeState(other.state())
  }

  state(): PropensityState {
    const arms = [...this.#arms].map(([arm, { inverse, expected, variance, drawn, target, smallest }]) => [
      arm,
      { inverse: inverse.state(), sums: [expected, variance, drawn, target], smallest },
    ])
    return {
      n: this.#n,
      smallestDrawn: this.#smallestDrawn,
      sums: Array.from(this.#sums),
      arms: Object.fromEntries(arms),
    }
  }

  mergeState({ n, smallestDrawn, sums: totals, arms }: PropensityState): void {
    this.#n += n
    this.#smallestDrawn = Math.min(this.#smallestDrawn, smallestDrawn)
    for (const [index, sum] of totals.entries()) this.#sums[index]! += sum
    for (const [arm, { inverse, sums, smallest }] of Object.entries(arms)) {
      const of = this.#arm(arm)
      const [expected, variance, drawn, target] = sums as [number, number, number, number]
      of.inverse.mergeState(inverse)
      of.expected += expected
      of.variance += variance
      of.drawn += drawn
      of.target += target
      of.smallest = Math.min(of.smallest, smallest)
    }
  }

  /** @returns undefined where no row was added; figures of the target are 0 where rows came without */
  get(): PropensityFigures | undefined {
    const n = this.#n
    if (n === 0) return undefined
    const mean = (index: number) => this.#sums[index]! / n
    return {
      n,
      smallestDrawn: this.#smallestDrawn,
      outsideSupport: mean(OUTSIDE),
      meanTotalVariation: mean(VARIATION),
      meanKl: mean(KL),
      weightSecondMoment: mean(SECOND),
      arms: [...this.#arms]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([arm, { inverse, expected, variance, drawn, target, smallest }]) => ({
          arm,
          offered: inverse.count,
          drawn,
          expected,
          calibrationZ: zOf(drawn - expected, Math.sqrt(variance)),
          meanInverse: inverse.mean,
          meanInverseSe: inverse.standardError,
          meanInverseZ: zOf(inverse.mean - 1, inverse.standardError),
          smallest,
          meanLogged: expected / n,
          meanTarget: target / n,
        })),
    }
  }

  #arm(id: string): ArmSums {
    let sums = this.#arms.get(id)
    if (sums === undefined) {
      sums = { inverse: new RunningMoments(), expected: 0, variance: 0, drawn: 0, target: 0, smallest: 1 }
      this.#arms.set(id, sums)
    }
    return sums
  }
}
