/** Rows of the golden files of off-policy evaluation, and what is common to reading their numbers. */
import { type EstimatorRow, estimatorRow, RunningMoments } from '../../eval/index.ts'

export interface LoggedRows {
  readonly action: readonly number[]
  readonly reward: readonly number[]
  readonly pscore: readonly number[]
  /** Per row over the arms. */
  readonly pi_e: readonly (readonly number[])[]
  readonly q_hat: readonly (readonly number[])[]
}

/** With `target` in the place of pi_e, where a policy was derived from it. */
export function rowsOf(input: LoggedRows, target = input.pi_e): readonly EstimatorRow[] {
  return input.action.map((drawn, i) =>
    estimatorRow({
      target: target[i]!,
      drawn,
      propensity: input.pscore[i]!,
      reward: input.reward[i]!,
      predictions: input.q_hat[i]!,
    }),
  )
}

/** Files have infinities as strings. */
export function number(value: number | string): number {
  return Number(value)
}

/** Each row's one-hot of its largest probability, the first of equals. */
export function greedy(probabilities: readonly (readonly number[])[]): readonly (readonly number[])[] {
  return probabilities.map((row) => {
    const best = row.indexOf(Math.max(...row))
    return row.map((_, arm) => (arm === best ? 1 : 0))
  })
}

export function momentsOf(values: readonly number[]): RunningMoments {
  const moments = new RunningMoments()
  for (const value of values) moments.add(value)
  return moments
}

export function addAll<Row, Sums extends { add(row: Row): void }>(sums: Sums, rows: readonly Row[]): Sums {
  for (const row of rows) sums.add(row)
  return sums
}
