/** The routers that every claim is made against. */
import { canBeForetold } from '../folds.ts'
import { BASELINE_NAMES, type Baseline, type BaselineContext, type BaselineName } from './baseline.ts'
import { bestSingleBaseline, bestSingleTrainBaseline } from './best-single.ts'
import { categoryMeanBaseline } from './category-mean.ts'
import { classHindsightBaseline } from './class-hindsight.ts'
import { knnBaseline } from './knn.ts'
import { oracleBaseline } from './oracle.ts'
import { randomBaseline } from './random.ts'
import { ridgeBaseline } from './ridge.ts'
import { zeroRouterBaseline } from './zero-router.ts'

export { BASELINE_NAMES, type Baseline, type BaselineContext, type BaselineName } from './baseline.ts'
export { bestSingleArm } from './best-single.ts'
export { emptyPredictions } from './predicted.ts'
export { singlePoints, zeroRouterPoint } from './zero-router.ts'

/** Those that a report cannot do without. */
export const NEEDED_BASELINES: readonly BaselineName[] = [
  'bestSingle',
  'zeroRouter',
  'classHindsight',
  'oracle',
]

/**
 * Runs baselines on a selection, in the order of {@link BASELINE_NAMES}.
 *
 * @param costUsd mean cost at which the zero router stands beside the policy
 * @param wanted names; {@link NEEDED_BASELINES} are run in any case
 */
export function runBaselines(
  context: BaselineContext,
  costUsd: number,
  wanted: readonly BaselineName[] = BASELINE_NAMES,
): Baseline[] {
  // Without other rows to learn from there is no such router.
  const foretold = (make: (context: BaselineContext) => Baseline) =>
    canBeForetold(context.selection) ? make(context) : undefined
  const makers: Readonly<Record<BaselineName, () => Baseline | undefined>> = {
    random: () => randomBaseline(context),
    bestSingle: () => bestSingleBaseline(context),
    bestSingleTrain: () => bestSingleTrainBaseline(context),
    zeroRouter: () => zeroRouterBaseline(context, costUsd),
    categoryMean: () => foretold(categoryMeanBaseline),
    knn: () => foretold(knnBaseline),
    ridge: () => foretold(ridgeBaseline),
    classHindsight: () => classHindsightBaseline(context),
    oracle: () => oracleBaseline(context),
  }
  return BASELINE_NAMES.filter((name) => wanted.includes(name) || NEEDED_BASELINES.includes(name)).flatMap(
    (name) => makers[name]() ?? [],
  )
}
