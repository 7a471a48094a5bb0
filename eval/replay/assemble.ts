/** Puts the figures of a replay together. */
import { type Baseline, type BaselineName, singlePoints } from '../baselines/index.ts'
import { type CurvePoint, upperHull } from '../curve.ts'
import { describeProjection } from '../feature-space.ts'
import { describeTraining } from '../folds.ts'
import { DEFAULT_LEVEL, type Interval } from '../intervals/interval.ts'
import { seedInterval, studentInterval } from '../intervals/student-t.ts'
import type { Selection } from '../outcome-table.ts'
import { policyName } from '../policy-name.ts'
import { pointOf } from '../row-outcomes.ts'
import { classFigures, planePoint, singlePlanePoints } from './breakdown.ts'
import { calibrationBins } from './calibration.ts'
import type { Settings } from './prepare.ts'
import { inOrderOfArrival, pricePath, priceRange } from './price-path.ts'
import { regretPath } from './regret-path.ts'
import type { CurveStatistic, StatisticName } from './statistics.ts'
import type { Trial } from './trial.ts'
import type { BaselineFigures, PolicyFigures, ReplayResult, RouterFigures } from './types.ts'
import { verdictOf } from './verdict.ts'

export interface Evidence {
  readonly dataset: string
  readonly settings: Settings
  readonly selection: Selection
  readonly perUsd: number
  readonly trial: Trial
  readonly baselines: readonly Baseline[]
  readonly intervals: Readonly<Partial<Record<StatisticName, Interval>>>
}

export function assembleResult(evidence: Evidence): ReplayResult {
  const { dataset, settings, selection, baselines, intervals } = evidence
  const table = selection.evaluation
  return {
    dataset,
    split: selection.split,
    mode: settings.online ? 'online' : 'frozen',
    n: table.rowCount,
    seeds: settings.seeds.length,
    arms: table.arms,
    classes: table.classes,
    dropped: selection.dropped,
    costWeight: settings.costWeight,
    training: trainingText(evidence),
    ...(settings.warmStart === undefined ? {} : { warmStart: settings.warmStart }),
    policy: policyFigures(evidence),
    baselines: Object.fromEntries(
      baselines.map(({ name, detail }) => [name, baselineFigures(name, detail, intervals)]),
    ) as ReplayResult['baselines'],
    ...(intervals.aiqGain === undefined ? {} : { aiqGain: intervals.aiqGain }),
    curves: curvesOf(evidence),
    ...detailsOf(evidence),
    method: describeMethod(settings),
    verdict: verdictOf(intervals['zeroRouter.gain']!),
  }
}

type Details = Pick<ReplayResult, 'points' | 'byClass' | 'calibration' | 'regretPath'>

function detailsOf({ selection, perUsd, trial, baselines }: Evidence): Details {
  const table = selection.evaluation
  const { main, curve, predictions, step, realised, foretold } = trial.runs
  const join = (arrays: readonly Float64Array[]) => arrays.flatMap((array) => [...array])
  return {
    points: { singles: singlePlanePoints(table), policy: (curve ?? main.slice(0, 1)).map(planePoint) },
    byClass: classFigures(table, main, trial.drawn, baselines, perUsd),
    calibration:
      foretold === undefined
        ? calibrationBins(predictions!.quality, table.quality)
        : calibrationBins(join(foretold), join(realised.map(({ quality }) => quality))),
    ...(step === undefined ? {} : { regretPath: regretPath(main, step, baselines, perUsd) }),
  }
}

function trainingText({ selection, settings }: Evidence): string {
  if (settings.startedFrom !== undefined) {
    return `policy file made from ${settings.startedFrom}; baselines ${describeTraining(selection)}`
  }
  return describeTraining(selection) + describeProjection(selection, settings.textComponents)
}

function policyFigures({ settings, selection, perUsd, trial, intervals }: Evidence): PolicyFigures {
  const arms = selection.evaluation.arms
  const rewardBySeed = trial.runs.realised.map((run) => {
    const { quality, costUsd } = pointOf(run)
    return quality - perUsd * costUsd
  })
  const overSeeds = studentInterval(rewardBySeed, DEFAULT_LEVEL)
  const lastThird = intervals['policy.lastThird']
  return {
    name: policyName(settings.policy),
    spec: settings.policy,
    reward: intervals['policy.reward']!,
    quality: intervals['policy.quality']!,
    costUsd: intervals['policy.costUsd']!,
    ...curveFigures('policy', intervals),
    expectedReward: intervals['policy.expectedReward']!,
    realisedReward: intervals['policy.realisedReward']!,
    ...(lastThird === undefined ? {} : { lastThird }),
    rewardBySeed,
    ...(overSeeds === undefined ? {} : { overSeeds }),
    ...budgetFigures(settings.budgetUsd, trial, intervals),
    armShares: Object.fromEntries(
      shareOfDraws(trial.drawn, arms.length).map((share, column) => [arms[column]!, share]),
    ),
    regret: {
      oracle: negated(intervals['oracle.gain']!),
      bestSingle: negated(intervals['bestSingle.gain']!),
      classHindsight: negated(intervals['classHindsight.gain']!),
    },
  }
}

function budgetFigures(
  budgetUsd: number | undefined,
  { runs }: Trial,
  intervals: Evidence['intervals'],
): Pick<PolicyFigures, 'budgetUsd' | 'budget'> {
  if (budgetUsd === undefined) return {}
  const prices = runs.perUsd!.map((perUsd, seed) => inOrderOfArrival(perUsd, runs.step![seed]!))
  const usedBySeed = runs.realised.map((run) => pointOf(run).costUsd / budgetUsd)
  return {
    budgetUsd,
    budget: {
      used: seedInterval(usedBySeed),
      usedBySeed,
      zeroRouter: intervals['budget.zeroRouter']!,
      gain: intervals['budget.gain']!,
      price: priceRange(prices),
      pricePath: pricePath(prices),
    },
  }
}

function baselineFigures(
  name: BaselineName,
  detail: string,
  intervals: Evidence['intervals'],
): BaselineFigures {
  return {
    reward: intervals[`${name}.reward`]!,
    quality: intervals[`${name}.quality`]!,
    costUsd: intervals[`${name}.costUsd`]!,
    ...curveFigures(name, intervals),
    detail,
    policyGain: intervals[`${name}.gain`]!,
  }
}

function curveFigures(
  name: BaselineName | 'policy',
  intervals: Evidence['intervals'],
): Pick<RouterFigures, 'aiq' | 'matchCost' | 'perfGain' | 'pair'> {
  const of = (figure: CurveStatistic) => intervals[`${name}.${figure}`]
  const [aiq, matchCost, perfGain, apgr, cpt50, cpt80] = CURVE_FIGURES.map(of)
  return {
    ...(aiq === undefined ? {} : { aiq }),
    ...(matchCost === undefined ? {} : { matchCost }),
    ...(perfGain === undefined ? {} : { perfGain }),
    ...(apgr === undefined || cpt50 === undefined || cpt80 === undefined
      ? {}
      : { pair: { apgr, cpt50, cpt80 } }),
  }
}

const CURVE_FIGURES = ['aiq', 'matchCost', 'perfGain', 'apgr', 'cpt50', 'cpt80'] as const

function curvesOf({ selection, trial, baselines }: Evidence): Record<string, readonly CurvePoint[]> {
  const curves: Record<string, readonly CurvePoint[]> = {
    zeroRouter: upperHull(singlePoints(selection.evaluation)),
  }
  for (const { name, curve } of baselines) {
    if (curve !== undefined) curves[name] = upperHull(curve.map((outcomes) => pointOf(outcomes)))
  }
  if (trial.runs.curve !== undefined) {
    curves['policy'] = upperHull(trial.runs.curve.map((outcomes) => pointOf(outcomes)))
  }
  return curves
}

function shareOfDraws(drawn: readonly Int32Array[], armCount: number): number[] {
  const counts = new Array<number>(armCount).fill(0)
  let draws = 0
  for (const columns of drawn) {
    draws += columns.length
    for (const column of columns) counts[column]! += 1
  }
  return counts.map((count) => count / draws)
}

function negated({ mean, lo, hi }: Interval): Interval {
  return { mean: 0 - mean, lo: 0 - hi, hi: 0 - lo }
}

function describeMethod({ online, seeds }: Settings): string {
  const level = `${100 * DEFAULT_LEVEL} % percentile bootstrap`
  return online && seeds.length > 1
    ? `${level}, paired, rows and seeds resampled independently (pigeonhole)`
    : `${level}, paired, rows resampled`
}
