/** Every figure of a replay as a function of row and seed weights, so that one bootstrap gives all intervals, paired. */
import { type Baseline, type BaselineName, singlePoints, zeroRouterPoint } from '../baselines/index.ts'
import { averageQuality, type CurvePoint, costToReach, upperHull } from '../curve.ts'
import type { OutcomeTable } from '../outcome-table.ts'
import { pairOf, pairScores, pairStatistics } from '../pair.ts'
import { pointOf, type RowOutcomes, weightedMean } from '../row-outcomes.ts'
import type { Predictions } from '../sweep.ts'

/** A policy's outcomes: one element per seed, or a single one that no seed changes. */
export interface PolicyRuns {
  readonly main: readonly RowOutcomes[]
  readonly expected: readonly RowOutcomes[]
  readonly realised: readonly RowOutcomes[]
  /** Points of the cost–quality curve; absent for a learner that changes as it goes. */
  readonly curve?: readonly RowOutcomes[]
  /** What a frozen policy expected of every arm at the headline's exchange rate. */
  readonly predictions?: Predictions
  /** The quality that was expected of the drawn arm, per seed; absent where nothing is drawn one by one. */
  readonly foretold?: readonly Float64Array[]
  /** Arrival of each row, 0 … rowCount − 1, per seed; absent where there is no stream. */
  readonly step?: readonly Int32Array[]
  /** The budget's price when the row came, per seed; absent without a budget. */
  readonly perUsd?: readonly Float64Array[]
}

export type PolicyStatistic =
  | 'reward'
  | 'quality'
  | 'costUsd'
  | 'expectedReward'
  | 'realisedReward'
  | 'lastThird'
/** Of every router that has a curve; those of a pair only where there are two arms. */
export type CurveStatistic = 'aiq' | 'matchCost' | 'perfGain' | 'apgr' | 'cpt50' | 'cpt80'
export type StatisticName =
  | `policy.${PolicyStatistic}`
  | `${BaselineName}.${'reward' | 'quality' | 'costUsd' | 'gain'}`
  | `${BaselineName | 'policy'}.${CurveStatistic}`
  | 'aiqGain'
  | `budget.${'zeroRouter' | 'gain'}`

/** Some of the statistics: those that exist for the mode and the data at hand. */
export type Statistics = Partial<Record<StatisticName, number>>

/**
 * @param perUsd utility = quality − perUsd · cost
 * @param budgetUsd mean USD per request, where there is a budget
 * @returns statistics of (row weights, seed weights); the weights of each sum to their count
 */
export function replayStatistics(
  table: OutcomeTable,
  runs: PolicyRuns,
  baselines: readonly Baseline[],
  perUsd: number,
  budgetUsd?: number,
): (weights: readonly Float64Array[]) => Statistics {
  const utility = ({ quality, costUsd }: CurvePoint) => quality - perUsd * costUsd
  const lastThird = runs.step === undefined ? undefined : lastThirdMean(runs.main, runs.step, perUsd)
  const best =
    baselines.find(({ name }) => name === 'bestSingleTrain') ??
    baselines.find(({ name }) => name === 'bestSingle')
  const pair = pairOf(table)
  const pairsOf = new Map(
    [{ name: 'policy' as const, predictions: runs.predictions }, ...baselines].flatMap(
      ({ name, predictions }) =>
        pair === undefined || predictions === undefined
          ? []
          : [[name, pairStatistics(table, pair, pairScores(predictions.quality, pair))]],
    ),
  )
  return ([rowWeights, seedWeights]) => {
    const singles = singlePoints(table, rowWeights)
    const policy = meanPoint(runs.main, rowWeights, seedWeights)
    const result: Statistics = {
      'policy.reward': utility(policy),
      'policy.quality': policy.quality,
      'policy.costUsd': policy.costUsd,
      'policy.expectedReward': utility(meanPoint(runs.expected, rowWeights, seedWeights)),
      'policy.realisedReward': utility(meanPoint(runs.realised, rowWeights, seedWeights)),
    }
    if (lastThird !== undefined) result['policy.lastThird'] = lastThird(rowWeights, seedWeights)
    const bestPoint = best && pointOf(best.rows, rowWeights)
    const addCurve = (name: BaselineName | 'policy', points: readonly CurvePoint[]) => {
      result[`${name}.aiq`] = averageQuality(points, singles)
      if (bestPoint === undefined) return
      const hull = upperHull(points)
      // Whoever never gets there on its own can always call the best single arm. Of an arm that costs nothing there are no shares.
      if (bestPoint.costUsd > 0) {
        result[`${name}.matchCost`] = Math.min(
          (costToReach(hull, bestPoint.quality) ?? bestPoint.costUsd) / bestPoint.costUsd,
          1,
        )
      }
      result[`${name}.perfGain`] = hull.at(-1)!.quality - bestPoint.quality
    }
    const addPair = (name: BaselineName | 'policy') => {
      const figures = pairsOf.get(name)?.(rowWeights)
      if (figures === undefined) return
      result[`${name}.apgr`] = figures.apgr
      result[`${name}.cpt50`] = figures.cpt50
      result[`${name}.cpt80`] = figures.cpt80
    }
    const pointsOf = (curve: readonly RowOutcomes[]) => curve.map((outcomes) => pointOf(outcomes, rowWeights))
    for (const { name, rows, curve } of baselines) {
      const isZero = name === 'zeroRouter'
      // Rebuilt on each resample, because its mixture was chosen on these rows; a best-of-many is biased upward, so the
      // interval of the gain leans to the safe side.
      const point = isZero ? zeroRouterPoint(singles, policy.costUsd) : pointOf(rows, rowWeights)
      result[`${name}.reward`] = utility(point)
      result[`${name}.quality`] = point.quality
      result[`${name}.costUsd`] = point.costUsd
      result[`${name}.gain`] = utility(policy) - utility(point)
      if (isZero) addCurve('zeroRouter', singles)
      else if (curve !== undefined) addCurve(name, pointsOf(curve))
      addPair(name)
    }
    if (budgetUsd !== undefined) {
      const zero = utility(zeroRouterPoint(singles, budgetUsd))
      result['budget.zeroRouter'] = zero
      result['budget.gain'] = utility(policy) - zero
    }
    if (runs.curve !== undefined) {
      addCurve('policy', pointsOf(runs.curve))
      addPair('policy')
      result.aiqGain = result['policy.aiq']! - averageQuality(singles, singles)
    }
    return result
  }
}

/** Mean over rows and seeds. */
function meanPoint(
  runs: readonly RowOutcomes[],
  rowWeights?: Float64Array,
  seedWeights?: Float64Array,
): CurvePoint {
  if (runs.length === 1) return pointOf(runs[0]!, rowWeights)
  let quality = 0
  let costUsd = 0
  runs.forEach((run, index) => {
    const weight = (seedWeights?.[index] ?? 1) / runs.length
    if (weight === 0) return
    const point = pointOf(run, rowWeights)
    quality += weight * point.quality
    costUsd += weight * point.costUsd
  })
  return { costUsd, quality }
}

function lastThirdMean(
  runs: readonly RowOutcomes[],
  steps: readonly Int32Array[],
  perUsd: number,
): (rowWeights?: Float64Array, seedWeights?: Float64Array) => number {
  const masked = runs.map(({ quality, costUsd }, index) => {
    const step = steps[index]!
    const from = step.length - Math.max(1, Math.floor(step.length / 3))
    const isLate = Float64Array.from(step, (at) => (at >= from ? 1 : 0))
    return { isLate, reward: isLate.map((late, row) => late * (quality[row]! - perUsd * costUsd[row]!)) }
  })
  return (rowWeights, seedWeights) => {
    let reward = 0
    let rows = 0
    masked.forEach((run, index) => {
      const weight = seedWeights?.[index] ?? 1
      if (weight === 0) return
      reward += weight * weightedMean(run.reward, rowWeights)
      rows += weight * weightedMean(run.isLate, rowWeights)
    })
    return reward / rows
  }
}
