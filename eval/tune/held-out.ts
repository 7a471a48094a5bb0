/** The honest number: settings judged once, on rows that the search for them never saw. */
import type { Dataset } from '../../datasets/index.ts'
import type { TuningProvenance } from '../../engine/index.ts'
import { type BaselineName, runBaselines, singlePoints } from '../baselines/index.ts'
import { averageQuality } from '../curve.ts'
import { bootstrap } from '../intervals/bootstrap.ts'
import type { Interval } from '../intervals/interval.ts'
import type { Selection } from '../outcome-table.ts'
import { exchangeRate } from '../replay/prepare.ts'
import type { Pace } from '../replay/world.ts'
import type { RowOutcomes } from '../row-outcomes.ts'
import { exchangeRateGrid } from '../sweep.ts'
import type { Fidelity, Objective } from './objective.ts'
import { type Part, STEP_MS, worldOf } from './problem.ts'
import type { Candidate } from './search-space.ts'

export const HELD_OUT_FIDELITY: Fidelity = { curvePoints: 24, seeds: 3 }
const BESIDE: readonly BaselineName[] = ['random', 'bestSingleTrain', 'categoryMean']

/** Beside the same figure of the baselines, with paired bootstrap intervals over the rows. */
export async function judgeHeldOut(
  dataset: Dataset,
  outer: Part,
  candidate: Candidate,
  objective: Objective,
  costWeight: number,
  pace: Pace,
): Promise<TuningProvenance['heldOut']> {
  const { judged: table, fitted } = outer
  const world = worldOf(dataset, outer, candidate, pace, STEP_MS)
  const { curve } = await objective.judge(world, HELD_OUT_FIDELITY)
  const perUsd = exchangeRate(table, costWeight)
  const selection: Selection = {
    split: 'held out',
    evaluation: table,
    training: fitted,
    trainingSplits: ['tuning'],
    dropped: { contaminatedRows: 0, uncostedRows: 0, incompleteRows: 0, arms: [] },
  }
  const baselines = runBaselines(
    { selection, perUsd, perUsdGrid: exchangeRateGrid(table, 96) },
    Infinity,
    BESIDE,
  )
  const isCurve = objective.name === 'aiq'
  const beside = baselines.flatMap(({ name, rows, curve: points }): [string, readonly RowOutcomes[]][] => {
    if (name === 'zeroRouter') return []
    if (isCurve) return points === undefined ? [] : [[name, points]]
    return [[name, [rows]]]
  })
  const statistics = ([weights]: readonly Float64Array[]): Record<string, number> => {
    const singles = singlePoints(table, weights)
    const value = objective.figureOf(curve, singles, perUsd, weights)
    const zero = isCurve
      ? averageQuality(singles, singles)
      : Math.max(...singles.map(({ quality, costUsd }) => quality - perUsd * costUsd))
    const figures: Record<string, number> = { value, zeroRouter: zero, gain: value - zero }
    for (const [name, outcomes] of beside)
      figures[name] = objective.figureOf(outcomes, singles, perUsd, weights)
    return figures
  }
  const { value, gain, ...others } = bootstrap({ axes: [table.rowCount], statistics, seed: 1 }) as Record<
    string,
    Interval
  >
  return { rows: table.rowCount, fittedRows: fitted.rowCount, value: value!, gain: gain!, beside: others }
}
