/** Online learning: the rows as a stream in random order; of each only the drawn arm's outcome is seen and learnt from. */
import type { Preferences } from '../../engine/index.ts'
import { randomStream, shuffledIndexes } from '../random.ts'
import { emptyOutcomes, type RowOutcomes } from '../row-outcomes.ts'
import { REPLAY_STARTS_AT_MS, replayDecisionId } from './requests.ts'
import { addExpectation, columnIndex, createColdRouter, decide, teach, type World } from './world.ts'

/** One pass over all rows. Arrays are in the order of the table's rows, not of time. */
export interface OnlineRun {
  /** Of the drawn arms. */
  readonly realised: RowOutcomes
  /** Under the distribution that the arm was drawn from: the same without the luck of the draw. */
  readonly expected: RowOutcomes
  /** Column of the drawn arm. */
  readonly drawn: Int32Array
  /** When the row came: 0 … rowCount − 1. */
  readonly step: Int32Array
}

/** What may steer the wishes of the next request: how far the stream is and what it has cost. */
export interface StreamState {
  readonly step: number
  readonly spentUsd: number
}

/** @param wishes preferences of the next request */
export async function runOnline(
  world: World,
  seed: number,
  wishes: (state: StreamState) => Preferences,
): Promise<OnlineRun> {
  const { table, facts, arms, pace } = world
  const armCount = table.arms.length
  const candidates = arms.map(({ arm }) => arm.id)
  const columnOf = columnIndex(world)
  const router = createColdRouter(world)
  const order = shuffledIndexes(table.rowCount, randomStream('replay-order', seed))
  const run: OnlineRun = {
    realised: emptyOutcomes(table.rowCount),
    expected: emptyOutcomes(table.rowCount),
    drawn: new Int32Array(table.rowCount),
    step: new Int32Array(table.rowCount),
  }
  let spentUsd = 0
  for (let step = 0; step < order.length; step++) {
    const row = order[step]!
    const atMs = REPLAY_STARTS_AT_MS + step * world.stepMs
    const decision = decide(world, router, candidates, {
      id: replayDecisionId(atMs, step, seed),
      atMs,
      facts: facts[row]!,
      preferences: wishes({ step, spentUsd }),
    })
    const column = columnOf.get(decision.arm)!
    const cell = row * armCount + column
    run.drawn[row] = column
    run.step[row] = step
    run.realised.quality[row] = table.quality[cell]!
    run.realised.costUsd[row] = table.costUsd[cell]!
    addExpectation(run.expected, table, decision, columnOf, row)
    spentUsd += table.costUsd[cell]!
    teach(world, router, decision, table, row, column)
    await pace.tick()
  }
  return run
}
