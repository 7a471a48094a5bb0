/** The figures of a scenario: by the stretch between events, and along the stream. */
import type { Scenario } from '../../datasets/index.ts'
import { singlePoints, zeroRouterPoint } from '../baselines/index.ts'
import type { CurvePoint } from '../curve.ts'
import type { Interval } from '../intervals/interval.ts'
import { seedInterval } from '../intervals/student-t.ts'
import type { OutcomeTable, Selection } from '../outcome-table.ts'
import { policyName } from '../policy-name.ts'
import type { RowOutcomes } from '../row-outcomes.ts'
import type { OnlineRun } from './online.ts'
import type { Settings } from './prepare.ts'
import { inOrderOfArrival, type PriceRange, priceRange } from './price-path.ts'
import { eventText, type Stage, tableAt } from './stages.ts'

/** A policy has recovered when over so many requests it lacks at most so much reward to the informed run. */
export const RECOVERY = { window: 50, gap: 0.005 } as const
const SERIES_WINDOWS = 45

/** Of one stretch; intervals are Student's over the seeds. Rewards are realised, gaps are of expected rewards. */
export interface StretchFigures {
  readonly fromStep: number
  /** The first step after it. */
  readonly toStep: number
  /** What happened at `fromStep`. */
  readonly events: readonly string[]
  readonly reward: Interval
  /** USD per request. */
  readonly costUsd: Interval
  /** Mean cost ÷ budget; with a budget. */
  readonly used?: Interval
  readonly price?: PriceRange
  readonly armShares: Readonly<Record<string, number>>
  /** On the same rows in the same order: had nothing ever happened, and had it always been so. */
  readonly control: Interval
  readonly informed: Interval
  readonly informedShares: Readonly<Record<string, number>>
  /** Reward of the best mixture of the stretch's arms, at the budget or else at the policy's cost. */
  readonly zeroRouter: number
  /** Reward that the informed run has ahead over the first {@link RECOVERY} window, and over the stretch. */
  readonly gapAtFirst: Interval
  readonly gap: Interval
  /**
   * Steps after `fromStep` until the mean gap over the next {@link RECOVERY} window is small enough; null: not within the
   * stretch. 0: the change did no such harm.
   */
  readonly recoveredAfterSteps: number | null
}

/** Means over the seeds and over a window of steps. */
export interface SeriesPoint {
  /** Middle of the window. */
  readonly step: number
  readonly reward: number
  readonly control: number
  readonly informed: number
  readonly costUsd: number
  readonly perUsd: number
  readonly armShares: Readonly<Record<string, number>>
}

export interface ScenarioResult {
  readonly dataset: string
  readonly split: string
  readonly n: number
  readonly seeds: number
  readonly arms: readonly string[]
  readonly costWeight: number
  readonly warmStart?: readonly string[]
  readonly scenario: { readonly name: string; readonly description: string }
  readonly policy: {
    readonly name: string
    readonly reward: Interval
    readonly costUsd: Interval
    readonly budgetUsd?: number
    readonly used?: Interval
    readonly usedBySeed?: readonly number[]
  }
  readonly stretches: readonly StretchFigures[]
  readonly series: readonly SeriesPoint[]
}

export interface ScenarioEvidence {
  readonly dataset: string
  readonly scenario: Scenario
  readonly settings: Settings
  readonly selection: Selection
  readonly perUsd: number
  readonly stages: readonly Stage[]
  /** One run per seed. */
  readonly live: readonly OnlineRun[]
  readonly control: readonly OnlineRun[]
  /** Of each stage: the runs in whose world it has always been so. */
  readonly informed: readonly (readonly OnlineRun[])[]
}

/** A run by time. */
interface Stream {
  readonly reward: Float64Array
  readonly expectedReward: Float64Array
  readonly costUsd: Float64Array
  readonly perUsd: Float64Array
  readonly drawn: Int32Array
}

export function scenarioFigures(evidence: ScenarioEvidence): ScenarioResult {
  const { dataset, scenario, settings, selection, stages } = evidence
  const table = selection.evaluation
  const { budgetUsd } = settings
  const toStreams = (runs: readonly OnlineRun[]) => runs.map((run) => streamOf(run, evidence.perUsd))
  const live = toStreams(evidence.live)
  const control = toStreams(evidence.control)
  const informed = evidence.informed.map(toStreams)
  const usedBySeed = budgetUsd && live.map(({ costUsd }) => mean(costUsd) / budgetUsd)
  return {
    dataset,
    split: selection.split,
    n: table.rowCount,
    seeds: settings.seeds.length,
    arms: table.arms,
    costWeight: settings.costWeight,
    ...(settings.warmStart === undefined ? {} : { warmStart: settings.warmStart }),
    scenario: { name: scenario.name, description: scenario.description },
    policy: {
      name: policyName(settings.policy),
      reward: seedInterval(live.map(({ reward }) => mean(reward))),
      costUsd: seedInterval(live.map(({ costUsd }) => mean(costUsd))),
      ...(budgetUsd && usedBySeed ? { budgetUsd, used: seedInterval(usedBySeed), usedBySeed } : {}),
    },
    stretches: stages.map((stage, index) =>
      stretchFigures(evidence, stage, stages[index + 1]?.fromStep ?? table.rowCount, {
        live,
        control,
        informed: informed[index]!,
      }),
    ),
    series: seriesOf(table, stages, { live, control, informed }),
  }
}

function stretchFigures(
  { scenario, settings: { budgetUsd }, selection: { evaluation: table }, perUsd }: ScenarioEvidence,
  stage: Stage,
  toStep: number,
  streams: Readonly<Record<'live' | 'control' | 'informed', readonly Stream[]>>,
): StretchFigures {
  const { fromStep } = stage
  const bySeed = (of: readonly Stream[], values: (stream: Stream) => Float64Array) =>
    seedInterval(of.map((stream) => mean(values(stream).subarray(fromStep, toStep))))
  const costUsd = bySeed(streams.live, (stream) => stream.costUsd)
  const gaps = streams.live.map((stream, seed) =>
    streams.informed[seed]!.expectedReward.map((reward, step) => reward - stream.expectedReward[step]!),
  )
  const gapUntil = (end: number) => seedInterval(gaps.map((gap) => mean(gap.subarray(fromStep, end))))
  return {
    fromStep,
    toStep,
    events: scenario.events.filter(({ atStep }) => atStep === fromStep).map(eventText),
    reward: bySeed(streams.live, (stream) => stream.reward),
    costUsd,
    ...(budgetUsd === undefined
      ? {}
      : {
          used: bySeed(streams.live, (stream) => stream.costUsd.map((usd) => usd / budgetUsd)),
          price: priceRange(streams.live.map((stream) => stream.perUsd.subarray(fromStep, toStep))),
        }),
    armShares: sharesOf(table.arms, streams.live, fromStep, toStep),
    control: bySeed(streams.control, (stream) => stream.reward),
    informed: bySeed(streams.informed, (stream) => stream.reward),
    informedShares: sharesOf(table.arms, streams.informed, fromStep, toStep),
    zeroRouter: utility(zeroRouterPoint(presentSingles(table, stage), budgetUsd ?? costUsd.mean), perUsd),
    gapAtFirst: gapUntil(Math.min(fromStep + RECOVERY.window, toStep)),
    gap: gapUntil(toStep),
    recoveredAfterSteps: recoveredAfter(gaps, fromStep, toStep),
  }
}

/** The single arms of a stage, in its world. */
function presentSingles(table: OutcomeTable, stage: Stage): CurvePoint[] {
  return singlePoints(tableAt(table, stage)).filter((_, column) => stage.present[column])
}

function recoveredAfter(gaps: readonly Float64Array[], fromStep: number, toStep: number): number | null {
  for (let step = fromStep; step + RECOVERY.window <= toStep; step++) {
    let sum = 0
    for (const gap of gaps) sum += mean(gap.subarray(step, step + RECOVERY.window))
    if (sum / gaps.length <= RECOVERY.gap) return step - fromStep
  }
  return null
}

function seriesOf(
  table: OutcomeTable,
  stages: readonly Stage[],
  streams: {
    readonly live: readonly Stream[]
    readonly control: readonly Stream[]
    readonly informed: readonly (readonly Stream[])[]
  },
): SeriesPoint[] {
  const width = Math.max(Math.floor(table.rowCount / SERIES_WINDOWS), 1)
  const points: SeriesPoint[] = []
  stages.forEach(({ fromStep }, index) => {
    const end = stages[index + 1]?.fromStep ?? table.rowCount
    const windows = Math.max(Math.round((end - fromStep) / width), 1)
    for (let window = 0; window < windows; window++) {
      const from = fromStep + Math.floor(((end - fromStep) * window) / windows)
      const to = fromStep + Math.floor(((end - fromStep) * (window + 1)) / windows)
      const over = (of: readonly Stream[], values: (stream: Stream) => Float64Array) =>
        of.reduce((sum, stream) => sum + mean(values(stream).subarray(from, to)), 0) / of.length
      points.push({
        step: (from + to - 1) / 2,
        reward: over(streams.live, (stream) => stream.expectedReward),
        control: over(streams.control, (stream) => stream.expectedReward),
        informed: over(streams.informed[index]!, (stream) => stream.expectedReward),
        costUsd: over(streams.live, (stream) => stream.costUsd),
        perUsd: over(streams.live, (stream) => stream.perUsd),
        armShares: sharesOf(table.arms, streams.live, from, to),
      })
    }
  })
  return points
}

function streamOf({ realised, expected, perUsd, drawn, step }: OnlineRun, ratePerUsd: number): Stream {
  const rewards = ({ quality, costUsd }: RowOutcomes) =>
    inOrderOfArrival(
      quality.map((value, row) => utility({ quality: value, costUsd: costUsd[row]! }, ratePerUsd)),
      step,
    )
  const columns = new Int32Array(drawn.length)
  for (let row = 0; row < drawn.length; row++) columns[step[row]!] = drawn[row]!
  return {
    reward: rewards(realised),
    expectedReward: rewards(expected),
    costUsd: inOrderOfArrival(realised.costUsd, step),
    perUsd: inOrderOfArrival(perUsd, step),
    drawn: columns,
  }
}

function sharesOf(
  arms: readonly string[],
  streams: readonly Stream[],
  from: number,
  to: number,
): Record<string, number> {
  const counts = arms.map(() => 0)
  for (const { drawn } of streams) for (const column of drawn.subarray(from, to)) counts[column]! += 1
  return Object.fromEntries(
    arms.map((arm, column) => [arm, counts[column]! / (streams.length * (to - from))]),
  )
}

function utility({ quality, costUsd }: CurvePoint, perUsd: number): number {
  return quality - perUsd * costUsd
}

function mean(values: Float64Array): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return sum / values.length
}
