/** Online learning: the rows as a stream in random order; of each only the drawn arm's outcome is seen and learnt from. */
import {
  alternativesOf,
  createPacer,
  dualPrice,
  type Pacer,
  type Preferences,
  type Router,
} from '../../engine/index.ts'
import { emptyOutcomes, type RowOutcomes } from '../row-outcomes.ts'
import { arrivalOrder, type ClassMix } from './arrivals.ts'
import { REPLAY_STARTS_AT_MS, replayDecisionId } from './requests.ts'
import { armsAt, type Stage, sameRegistry, tableAt } from './stages.ts'
import type { WarmStart } from './training.ts'
import { addExpectation, columnIndex, createRouterAt, decide, teach, type World } from './world.ts'

/** The newest requests that stand for those to come when the registry has changed. */
const REQUESTS_TO_PRICE_BY = 200

export interface OnlinePlan {
  readonly preferences: Preferences
  /** Mean USD per request to keep to. */
  readonly budgetUsd: number | undefined
  /** What happens on the way; the first begins at step 0. */
  readonly stages: readonly Stage[]
  /** Which classes come when; absent: all rows as readily at every step. */
  readonly mixes?: readonly ClassMix[]
  /** What is known before the first request; absent: nothing. */
  readonly start: WarmStart | undefined
}

/** One pass over all rows. Arrays are in the order of the table's rows, not of time. */
export interface OnlineRun {
  /** Of the drawn arms. */
  readonly realised: RowOutcomes
  /** Under the distribution that the arm was drawn from: the same without the luck of the draw. */
  readonly expected: RowOutcomes
  /** Column of the drawn arm. */
  readonly drawn: Int32Array
  /** The quality that was expected of it. */
  readonly foretold: Float64Array
  /** When the row came: 0 … rowCount − 1. */
  readonly step: Int32Array
  /** The budget's price at that time, quality per USD; 0 where there is no budget. */
  readonly perUsd: Float64Array
}

export async function runOnline(world: World, seed: number, plan: OnlinePlan): Promise<OnlineRun> {
  const { table, facts, arms, pace } = world
  const armCount = table.arms.length
  const columnOf = columnIndex(world)
  const stages = plan.stages.map((stage) => ({
    ...stage,
    table: tableAt(table, stage),
    arms: armsAt(arms, stage),
  }))
  const router = createRouterAt(world, stages[0]!)
  if (plan.start !== undefined) router.restore(plan.start.snapshot)
  const startsAtMs = plan.start?.atMs ?? REPLAY_STARTS_AT_MS
  const pacer = pacerFor(plan, startsAtMs)
  const order = arrivalOrder(table, plan.mixes ?? [], seed)
  const run: OnlineRun = {
    realised: emptyOutcomes(table.rowCount),
    expected: emptyOutcomes(table.rowCount),
    drawn: new Int32Array(table.rowCount),
    foretold: new Float64Array(table.rowCount),
    step: new Int32Array(table.rowCount),
    perUsd: new Float64Array(table.rowCount),
  }
  let at = 0
  for (let step = 0; step < order.length; step++) {
    const atMs = startsAtMs + step * world.stepMs
    const next = stages[at + 1]
    if (next?.fromStep === step) {
      router.replaceArms(next.arms)
      if (pacer !== undefined && !sameRegistry(stages[at]!, next)) {
        const recent = order.subarray(Math.max(step - REQUESTS_TO_PRICE_BY, 0), step)
        repriceBy(world, router, recent, pacer, plan, atMs)
      }
      at++
    }
    const stage = stages[at]!
    const row = order[step]!
    const budget = pacer?.quote(atMs)
    const decision = decide(world, router, [...router.arms.keys()], {
      id: replayDecisionId(atMs, step, seed),
      atMs,
      facts: facts[row]!,
      preferences: plan.preferences,
      ...(budget === undefined ? {} : { budget }),
    })
    const column = columnOf.get(decision.arm)!
    const cell = row * armCount + column
    run.drawn[row] = column
    run.step[row] = step
    run.perUsd[row] = budget?.perUsd ?? 0
    run.realised.quality[row] = stage.table.quality[cell]!
    run.realised.costUsd[row] = stage.table.costUsd[cell]!
    addExpectation(run.expected, stage.table, decision, columnOf, row)
    const drawn = decision.estimates.find(({ arm }) => arm === decision.arm)!
    run.foretold[row] = drawn.quality.mean
    pacer?.reserve(decision.id, drawn.costUsd.mean, atMs)
    pacer?.settle(decision.id, stage.table.costUsd[cell]!, atMs)
    teach(world, router, decision, table, row, column, stage.table.quality[cell]!)
    await pace.tick()
  }
  return run
}

/** Prices and arms are known from the registry, so the budget's price need not find out by spending. */
function repriceBy(
  world: World,
  router: Router,
  rows: Int32Array,
  pacer: Pacer,
  { budgetUsd, preferences }: OnlinePlan,
  atMs: number,
): void {
  if (budgetUsd === undefined || rows.length === 0) return
  const candidates = [...router.arms.keys()]
  const choices = Array.from(rows, (row) =>
    alternativesOf(
      decide(world, router, candidates, {
        id: replayDecisionId(atMs, row, 0),
        atMs,
        facts: world.facts[row]!,
        preferences,
      }),
    ),
  )
  pacer.reprice(dualPrice(choices, budgetUsd), atMs)
}

/** With a forecast of the choices to come, the price starts where it would have to go. */
function pacerFor({ budgetUsd, start }: OnlinePlan, nowMs: number): Pacer | undefined {
  if (budgetUsd === undefined) return undefined
  const pacer = createPacer({ kind: 'per-request', usd: budgetUsd })
  if (start !== undefined) pacer.reprice(dualPrice(start.choices, budgetUsd), nowMs)
  return pacer
}
