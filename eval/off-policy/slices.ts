/** The objective by request class, tenant and arm. */
import { entryAt } from './entry.ts'
import { dr } from './estimators/dr.ts'
import { PairedDifference, type PairedRow } from './estimators/paired-difference.ts'
import { RowMean } from './estimators/row-mean.ts'
import { SelfNormalised } from './estimators/self-normalised.ts'
import { snips } from './estimators/snips.ts'
import type { ScoredRow } from './paired.ts'
import { widenedByRounding } from './rounding.ts'
import type { Estimate, EstimatorState } from './types.ts'

/** Further classes or tenants are counted together. */
const KEYS_MAX = 200
export const OTHERS = '(others)'

/** A part of the traffic: the value of the target on it, and its difference to what it is compared with. */
export interface SliceReport {
  readonly rows: number
  readonly target: Estimate
  readonly difference: Estimate
}

/** What the target would send to an arm, and what that would be worth. */
export interface ArmReport {
  /** Times the arm was drawn. */
  readonly drawn: number
  /** Share of the traffic in the log, and under the target. */
  readonly loggedShare: number
  readonly targetShare: number
  /** Mean of the objective over what the target would send there; undefined where it was never drawn. */
  readonly value: Estimate | undefined
}

interface Slice {
  rows: number
  readonly target: RowMean
  readonly difference: PairedDifference
}

interface OfArm {
  drawn: number
  logged: number
  target: number
  readonly value: SelfNormalised
}

export interface SlicesState {
  readonly parts: readonly (readonly [
    by: 'class' | 'tenant',
    key: string,
    rows: number,
    target: EstimatorState,
    difference: EstimatorState,
  ])[]
  readonly arms: readonly (readonly [
    arm: string,
    drawn: number,
    logged: number,
    target: number,
    value: EstimatorState,
  ])[]
  readonly rows: number
}

export class Slices {
  readonly #by = { class: new Map<string, Slice>(), tenant: new Map<string, Slice>() }
  readonly #arms = new Map<string, OfArm>()
  readonly #rounding: number
  #rows = 0

  /** @param rounding of the differences, see `roundingOf` */
  constructor(rounding: number) {
    this.#rounding = rounding
  }

  add({ row, drawn, target }: ScoredRow, pair: PairedRow): void {
    this.#rows += 1
    for (const [by, key] of [
      ['class', row.requestClass],
      ['tenant', row.tenant],
    ] as const) {
      const slice = this.#slice(by, key)
      slice.rows += 1
      slice.target.add(pair.target)
      slice.difference.add(pair)
    }
    for (const [k, arm] of row.eligible.entries()) {
      const ofArm = this.#arm(arm)
      ofArm.target += target[k] ?? 0
      ofArm.logged += row.probabilities?.[k] ?? (k === drawn ? 1 : 0)
    }
    const ofDrawn = this.#arm(row.arm)
    ofDrawn.drawn += 1
    ofDrawn.value.add(pair.target)
  }

  state(): SlicesState {
    return {
      rows: this.#rows,
      parts: (['class', 'tenant'] as const).flatMap((by) =>
        [...this.#by[by]].map(
          ([key, { rows, target, difference }]) =>
            [by, key, rows, target.state(), difference.state()] as const,
        ),
      ),
      arms: [...this.#arms].map(
        ([arm, { drawn, logged, target, value }]) => [arm, drawn, logged, target, value.state()] as const,
      ),
    }
  }

  merge(state: SlicesState): void {
    this.#rows += state.rows
    for (const [by, key, rows, target, difference] of state.parts) {
      const slice = this.#slice(by, key)
      slice.rows += rows
      slice.target.mergeState(target)
      slice.difference.mergeState(difference)
    }
    for (const [arm, drawn, logged, target, value] of state.arms) {
      const ofArm = this.#arm(arm)
      ofArm.drawn += drawn
      ofArm.logged += logged
      ofArm.target += target
      ofArm.value.mergeState(value)
    }
  }

  /** Intervals hold all at once with probability `level` (Bonferroni over the slices of a kind). */
  get(by: 'class' | 'tenant', level: number): Readonly<Record<string, SliceReport>> {
    const slices = [...this.#by[by]].sort(([a], [b]) => (a < b ? -1 : 1))
    const each = 1 - (1 - level) / Math.max(slices.length, 1)
    return Object.fromEntries(
      slices.flatMap(([key, { rows, target, difference }]) => {
        const [value, gain] = [target.get(each), difference.get(each)]
        return value && gain
          ? [[key, { rows, target: value, difference: widenedByRounding(gain, this.#rounding) }]]
          : []
      }),
    )
  }

  arms(level: number): Readonly<Record<string, ArmReport>> {
    const each = 1 - (1 - level) / Math.max(this.#arms.size, 1)
    const rows = Math.max(this.#rows, 1)
    return Object.fromEntries(
      [...this.#arms]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([arm, { drawn, logged, target, value }]) => [
          arm,
          { drawn, loggedShare: logged / rows, targetShare: target / rows, value: value.get(each) },
        ]),
    )
  }

  #slice(by: 'class' | 'tenant', key: string): Slice {
    const slices = this.#by[by]
    const create = (): Slice => ({
      rows: 0,
      target: new RowMean(dr()),
      difference: new PairedDifference(dr()),
    })
    return entryAt(slices, slices.has(key) || slices.size < KEYS_MAX ? key : OTHERS, create)
  }

  #arm(arm: string): OfArm {
    return entryAt(this.#arms, arm, () => ({
      drawn: 0,
      logged: 0,
      target: 0,
      value: new SelfNormalised(snips),
    }))
  }
}
