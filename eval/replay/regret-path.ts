/** What a learner has given up by each step of the stream. */
import type { Baseline, BaselineName } from '../baselines/index.ts'
import type { Interval } from '../intervals/interval.ts'
import { seedInterval } from '../intervals/student-t.ts'
import type { RowOutcomes } from '../row-outcomes.ts'
import { inOrderOfArrival } from './price-path.ts'

/** Reward of the baseline minus that of the policy, summed over all requests up to and with this step; Student's interval over seeds. */
export interface RegretPoint {
  readonly step: number
  readonly cumulative: Readonly<Partial<Record<BaselineName, Interval>>>
}

const PATH_POINTS = 60
const AGAINST: readonly BaselineName[] = ['oracle', 'classHindsight', 'bestSingle']

/** @param steps arrival of each row, per seed */
export function regretPath(
  runs: readonly RowOutcomes[],
  steps: readonly Int32Array[],
  baselines: readonly Baseline[],
  perUsd: number,
): readonly RegretPoint[] {
  const rowCount = steps[0]!.length
  const points = Math.min(PATH_POINTS, rowCount)
  const at = Array.from({ length: points }, (_, i) => Math.round(((i + 1) * rowCount) / points) - 1)
  const reward = ({ quality, costUsd }: RowOutcomes, row: number) => quality[row]! - perUsd * costUsd[row]!
  const paths = baselines
    .filter(({ name }) => AGAINST.includes(name))
    .map(({ name, rows }) => ({
      name,
      bySeed: runs.map((run, seed) => {
        const given = Float64Array.from(
          { length: rowCount },
          (_, row) => reward(rows, row) - reward(run, row),
        )
        return cumulative(inOrderOfArrival(given, steps[seed]!))
      }),
    }))
  return at.map((step) => ({
    step,
    cumulative: Object.fromEntries(
      paths.map(({ name, bySeed }) => [name, seedInterval(bySeed.map((sums) => sums[step]!))]),
    ),
  }))
}

function cumulative(values: Float64Array): Float64Array {
  let sum = 0
  return values.map((value) => (sum += value))
}
