/** The routers that every claim is made against. */
import type { Baseline, BaselineContext } from './baseline.ts'
import { bestSingleBaseline, bestSingleTrainBaseline } from './best-single.ts'
import { categoryMeanBaseline } from './category-mean.ts'
import { classHindsightBaseline } from './class-hindsight.ts'
import { oracleBaseline } from './oracle.ts'
import { randomBaseline } from './random.ts'
import { zeroRouterBaseline } from './zero-router.ts'

export { BASELINE_NAMES, type Baseline, type BaselineContext, type BaselineName } from './baseline.ts'
export { bestSingleArm } from './best-single.ts'
export { singlePoints, zeroRouterPoint } from './zero-router.ts'

/**
 * Runs every baseline on a selection.
 *
 * @param costUsd mean cost at which the zero router stands beside the policy
 */
export function runBaselines(context: BaselineContext, costUsd: number): Baseline[] {
  const bestSingleTrain = bestSingleTrainBaseline(context)
  return [
    randomBaseline(context),
    bestSingleBaseline(context),
    ...(bestSingleTrain === undefined ? [] : [bestSingleTrain]),
    zeroRouterBaseline(context, costUsd),
    categoryMeanBaseline(context),
    classHindsightBaseline(context),
    oracleBaseline(context),
  ]
}
