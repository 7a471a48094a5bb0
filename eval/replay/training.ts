/** Full information: a router that is taught every arm's outcome on the training rows before it is asked anything. */
import { type Alternatives, alternativesOf, type Router, type RouterSnapshot } from '../../engine/index.ts'
import type { OutcomeTable } from '../outcome-table.ts'
import { randomStream, shuffledIndexes } from '../random.ts'
import { describeRows, REPLAY_STARTS_AT_MS, replayDecisionId } from './requests.ts'
import { plainStage, type Stage, tableAt } from './stages.ts'
import { createRouterAt, decide, preferencesFor, teach, type World } from './world.ts'

export interface TrainedRouter {
  readonly router: Router
  /** When the last of the rows has been learnt. */
  readonly atMs: number
}

/** @param stage the arms that are there, and their outcomes */
export async function trainRouter(
  world: World,
  training: OutcomeTable,
  stage: Stage = plainStage(training.arms.length),
): Promise<TrainedRouter> {
  const router = createRouterAt(world, stage)
  const candidates = [...router.arms.keys()]
  const { quality } = tableAt(training, stage)
  const facts = describeRows(training, world.featureSpace.text)
  const preferences = preferencesFor(0)
  // A file's order is no time: sorted by subject it would look like an arm that changes.
  const order = shuffledIndexes(training.rowCount, randomStream('training-order', 1))
  for (const [step, row] of order.entries()) {
    const atMs = REPLAY_STARTS_AT_MS + step * world.stepMs
    const asking = { id: replayDecisionId(atMs, row, 0), atMs, facts: facts[row]!, preferences }
    const decision = decide(world, router, candidates, asking)
    for (let column = 0; column < stage.present.length; column++) {
      if (!stage.present[column]) continue
      teach(world, router, decision, training, row, column, quality[row * training.arms.length + column]!)
    }
    await world.pace.tick()
  }
  return { router, atMs: REPLAY_STARTS_AT_MS + training.rowCount * world.stepMs }
}

/** What the policy file says and nothing else. */
export function untrainedRouter(world: World): TrainedRouter {
  return { router: createRouterAt(world, plainStage(world.arms.length)), atMs: REPLAY_STARTS_AT_MS }
}

/** What an online run starts from. */
export interface WarmStart extends Omit<TrainedRouter, 'router'> {
  readonly snapshot: RouterSnapshot
  /** What the trained router sees in each training row: a forecast of the choices to come. */
  readonly choices: readonly Alternatives[]
}

export async function warmStart(world: World, training: OutcomeTable, stage: Stage): Promise<WarmStart> {
  const { router, atMs } = await trainRouter(world, training, stage)
  const candidates = [...router.arms.keys()]
  const preferences = preferencesFor(0)
  const choices = describeRows(training, world.featureSpace.text).map((facts, row) =>
    alternativesOf(
      decide(world, router, candidates, { id: replayDecisionId(atMs, row, 0), atMs, facts, preferences }),
    ),
  )
  return { snapshot: router.snapshot(), atMs, choices }
}
