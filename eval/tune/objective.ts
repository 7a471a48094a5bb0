/** What a search maximises. A new one (off-policy estimates from a log, say) is an object of this shape. */

import { singlePoints } from '../baselines/index.ts'
import { averageQuality, type CurvePoint } from '../curve.ts'
import { runFrozen } from '../replay/frozen.ts'
import { runOnline } from '../replay/online.ts'
import { exchangeRate } from '../replay/prepare.ts'
import { plainStage } from '../replay/stages.ts'
import { preferencesFor, type World } from '../replay/world.ts'
import type { RowOutcomes } from '../row-outcomes.ts'
import { pointOf } from '../row-outcomes.ts'
import { exchangeRateRange } from '../sweep.ts'

/** How closely it is looked at: more costs more. */
export interface Fidelity {
  /** Exchange rates of a cost–quality curve, ≥ 2. */
  readonly curvePoints: number
  /** Orders of an online stream. */
  readonly seeds: number
}

/** What a policy file did on rows that it was not fitted on. */
export interface Judged {
  /** Of the objective; higher is better. */
  readonly score: number
  /** By row, at every exchange rate that was looked at: enough to resample. */
  readonly curve: readonly RowOutcomes[]
}

export interface Objective {
  readonly name: string
  /** The figure that it maximises, in words, for reports. */
  readonly title: string
  /** @param world the rows to judge on, and a policy file's sums as what the router starts from */
  judge(world: World, fidelity: Fidelity): Promise<Judged>
  /** The same figure of any router from its outcomes by row, under row weights that sum to the row count. */
  figureOf(
    curve: readonly RowOutcomes[],
    singles: readonly CurvePoint[],
    perUsd: number,
    weights?: Float64Array,
  ): number
}

export const OBJECTIVE_NAMES = ['aiq', 'reward', 'online'] as const
export type ObjectiveName = (typeof OBJECTIVE_NAMES)[number]

const DRAW_SEED = 1

/** @param costWeight w in utility = quality − w · cost / (mean cost of the dearest arm) */
export function objectiveOf(name: ObjectiveName, costWeight: number): Objective {
  if (name === 'aiq') {
    return {
      name,
      title: 'AIQ',
      async judge(world, { curvePoints }) {
        const range = exchangeRateRange(world.table)
        const { curve } = await runFrozen(world, {
          folds: [wholeOf(world)],
          perUsd: 0,
          seeds: [DRAW_SEED],
          sweep: { range, points: curvePoints },
        })
        return { score: this.figureOf(curve, singlePoints(world.table), 0), curve }
      },
      figureOf: (curve, singles, _perUsd, weights) =>
        averageQuality(
          curve.map((outcomes) => pointOf(outcomes, weights)),
          singles,
        ),
    }
  }
  const figureOf: Objective['figureOf'] = (curve, _singles, perUsd, weights) =>
    curve.reduce((sum, outcomes) => {
      const { quality, costUsd } = pointOf(outcomes, weights)
      return sum + (quality - perUsd * costUsd) / curve.length
    }, 0)
  return {
    name,
    title: name === 'online' ? 'reward while learning' : 'reward',
    async judge(world, { seeds }) {
      const perUsd = exchangeRate(world.table, costWeight)
      const curve: RowOutcomes[] = []
      if (name === 'reward') {
        const sweep = { range: undefined, points: 2 }
        const run = await runFrozen(world, { folds: [wholeOf(world)], perUsd, seeds: [DRAW_SEED], sweep })
        curve.push(run.expected)
      } else {
        const stages = [plainStage(world.arms.length)]
        const plan = { preferences: preferencesFor(perUsd), budgetUsd: undefined, stages, start: undefined }
        for (let seed = 1; seed <= seeds; seed++) curve.push((await runOnline(world, seed, plan)).expected)
      }
      return { score: figureOf(curve, [], perUsd), curve }
    },
    figureOf,
  }
}

/** What is judged starts from its file: nothing is learnt from these rows beforehand. */
function wholeOf({ table }: World) {
  return { training: table, rows: Int32Array.from({ length: table.rowCount }, (_, row) => row) }
}
