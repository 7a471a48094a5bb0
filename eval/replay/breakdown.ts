/** A replay by request class, and its points in the cost–quality plane. */
import { type Baseline, type BaselineName, bestSingleArm } from '../baselines/index.ts'
import { DEFAULT_LEVEL, type Interval } from '../intervals/interval.ts'
import { studentInterval } from '../intervals/student-t.ts'
import { type OutcomeTable, subsetTable } from '../outcome-table.ts'
import { outcomesOf, type RowOutcomes, weightedMean } from '../row-outcomes.ts'

/** Intervals are Student's over the rows of the class, each on its own: of twenty classes one gain is expected to look significant by chance. */
export interface ClassFigures {
  readonly n: number
  readonly reward: Interval
  readonly costUsd: number
  /** Reward of the policy minus that of a baseline, on the same rows. */
  readonly gain: Readonly<Partial<Record<BaselineName, Interval>>>
  /** The arm that is drawn most often, and how often. */
  readonly mostDrawn: string
  readonly share: number
  /** The best arm of the class in hindsight. */
  readonly bestArm: string
}

const COMPARED: readonly BaselineName[] = ['bestSingle', 'categoryMean', 'classHindsight']

/** By class, of those that have rows. */
export function classFigures(
  table: OutcomeTable,
  runs: readonly RowOutcomes[],
  drawn: readonly Int32Array[],
  baselines: readonly Baseline[],
  perUsd: number,
): Readonly<Record<string, ClassFigures>> {
  const reward = ({ quality, costUsd }: RowOutcomes) =>
    quality.map((value, row) => value - perUsd * costUsd[row]!)
  const mean = meanOverRuns(runs)
  const policy = reward(mean)
  const compared = baselines.filter(({ name }) => COMPARED.includes(name))
  const others = compared.map(({ name, rows }) => ({ name, reward: reward(rows) }))
  return Object.fromEntries(
    table.classes.flatMap((name, label): [string, ClassFigures][] => {
      const rows = [...table.classOf.keys()].filter((row) => table.classOf[row] === label)
      if (rows.length === 0) return []
      const counts = table.arms.map(() => 0)
      for (const columns of drawn) for (const row of rows) counts[columns[row]!]! += 1
      const most = counts.indexOf(Math.max(...counts))
      const over = (value: (row: number) => number) => intervalOf(rows.map(value))
      return [
        [
          name,
          {
            n: rows.length,
            reward: over((row) => policy[row]!),
            costUsd: rows.reduce((sum, row) => sum + mean.costUsd[row]!, 0) / rows.length,
            gain: Object.fromEntries(
              others.map((other) => [other.name, over((row) => policy[row]! - other.reward[row]!)]),
            ),
            mostDrawn: table.arms[most]!,
            share: counts[most]! / (rows.length * drawn.length),
            bestArm: table.arms[bestSingleArm(subsetTable(table, rows), perUsd)]!,
          },
        ],
      ]
    }),
  )
}

/** A point in the cost–quality plane; the interval is Student's over rows. */
export interface PlanePoint {
  /** USD per request, the mean. */
  readonly costUsd: number
  readonly quality: Interval
}

export function planePoint({ quality, costUsd }: RowOutcomes): PlanePoint {
  return { costUsd: weightedMean(costUsd), quality: intervalOf(quality) }
}

/** Of every arm alone. */
export function singlePlanePoints(table: OutcomeTable): Readonly<Record<string, PlanePoint>> {
  return Object.fromEntries(
    table.arms.map((arm, column) => [arm, planePoint(outcomesOf(table, () => column))]),
  )
}

function meanOverRuns(runs: readonly RowOutcomes[]): RowOutcomes {
  const mean = (of: (run: RowOutcomes) => Float64Array) =>
    of(runs[0]!).map((_, row) => runs.reduce((sum, run) => sum + of(run)[row]!, 0) / runs.length)
  return { quality: mean((run) => run.quality), costUsd: mean((run) => run.costUsd) }
}

/** One value has no spread that anybody knows. */
function intervalOf(values: ArrayLike<number>): Interval {
  const unknown = { mean: values[0] ?? Number.NaN, lo: Number.NaN, hi: Number.NaN }
  return studentInterval(values, DEFAULT_LEVEL) ?? unknown
}
