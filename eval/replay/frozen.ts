/**
 * A frozen policy: it learns from the training rows with full information (every arm's outcome on each of them), then
 * decides on the evaluation rows without learning.
 */
import { type Decision, draw, hash53 } from '../../engine/index.ts'
import { emptyPredictions } from '../baselines/index.ts'
import type { Fold } from '../folds.ts'
import type { OutcomeTable } from '../outcome-table.ts'
import { emptyOutcomes, outcomesOf, pointOf, type RowOutcomes } from '../row-outcomes.ts'
import type { Predictions } from '../sweep.ts'
import { refineSweep, type SweepPlan } from './refine.ts'
import { replayDecisionId } from './requests.ts'
import { type TrainedRouter, trainRouter, untrainedRouter } from './training.ts'
import { addExpectation, columnIndex, decide, preferencesFor, type World } from './world.ts'

export interface FrozenRun {
  /** Expectation under each decision's distribution. */
  readonly expected: RowOutcomes
  /** One draw of every row per seed. */
  readonly realised: readonly RowOutcomes[]
  /** Column of the drawn arm per row, one array per seed. */
  readonly drawn: readonly Int32Array[]
  /** What was expected of every arm at the headline's exchange rate. */
  readonly predictions: Predictions
  /** Expectation per row at each exchange rate of the sweep. */
  readonly curve: readonly RowOutcomes[]
}

export interface FrozenPlan {
  readonly folds: readonly Fold[]
  /** Exchange rate of the headline figures, quality per USD. */
  readonly perUsd: number
  readonly seeds: readonly number[]
  readonly sweep: SweepPlan
}

export async function runFrozen(world: World, plan: FrozenPlan): Promise<FrozenRun> {
  const judges: Judge[] = []
  for (const { training, rows } of plan.folds) {
    // With a policy file it is the file that is judged, as it is.
    const trained = world.prior === undefined ? await trainRouter(world, training) : untrainedRouter(world)
    judges.push({ ...trained, rows })
  }
  const { table } = world
  const predictions = emptyPredictions(table)
  const drawn = plan.seeds.map(() => new Int32Array(table.rowCount))
  const expected = await expectedOutcomes(world, judges, plan.perUsd, (row, decision, columnOf) => {
    for (const { arm, quality, costUsd } of decision.estimates) {
      const cell = row * table.arms.length + columnOf.get(arm)!
      predictions.quality[cell] = quality.mean
      predictions.costUsd[cell] = costUsd.mean
    }
    plan.seeds.forEach((seed, index) => {
      const id = replayDecisionId(decision.atMs, row, seed)
      const position = draw(decision.probabilities, hash53(id, world.salt))
      drawn[index]![row] = columnOf.get(decision.eligible[position]!)!
    })
  })
  const sweep = await refineSweep(plan.sweep, async (perUsd) => {
    const value = await expectedOutcomes(world, judges, perUsd)
    return { value, point: pointOf(value) }
  })
  return {
    expected,
    realised: drawn.map((columns) => outcomesOf(table, (row) => columns[row]!)),
    drawn,
    predictions,
    curve: sweep.map(({ value }) => value),
  }
}

/** A router that has learnt, and the rows it may be asked about. */
interface Judge extends TrainedRouter {
  readonly rows: Int32Array
}

async function expectedOutcomes(
  world: World,
  judges: readonly Judge[],
  perUsd: number,
  onDecision?: (row: number, decision: Decision, columnOf: ReturnType<typeof columnIndex>) => void,
): Promise<RowOutcomes> {
  const { table, facts } = world
  const candidates = world.arms.map(({ arm }) => arm.id)
  const columnOf = columnIndex(world)
  const preferences = preferencesFor(perUsd)
  const expected = emptyOutcomes(table.rowCount)
  for (const { router, rows, atMs } of judges) {
    for (const row of rows) {
      const asking = { id: replayDecisionId(atMs, row, 0), atMs, facts: facts[row]!, preferences }
      const decision = decide(world, router, candidates, asking)
      addExpectation(expected, table, decision, columnOf, row)
      onDecision?.(row, decision, columnOf)
      await world.pace.tick()
    }
  }
  return expected
}

/** Units of work that {@link runFrozen} ticks at most, for progress. */
export function frozenWork(table: OutcomeTable, plan: FrozenPlan): number {
  const trained = plan.folds.reduce((sum, { training }) => sum + training.rowCount, 0)
  return trained + table.rowCount * (1 + plan.sweep.points)
}
