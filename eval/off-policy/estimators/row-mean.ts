/** Estimators that are means. */
import { DEFAULT_LEVEL, type IntervalOfMean } from '../../intervals/interval.ts'
import { MOMENT_SUMS, RunningMoments } from '../../intervals/running-moments.ts'
import { satterthwaiteInterval } from '../../intervals/satterthwaite.ts'
import { checkLevel } from '../../option.ts'
import { checkRow } from '../row.ts'
import type { Estimate, Estimator, EstimatorRow, EstimatorState } from '../types.ts'
import type { RowValue } from './row-value.ts'
import { checkMergeable } from './sums.ts'

/** The mean of one number per row, with the interval that the spread of these numbers gives. */
export class MeanOf<Row> implements Estimator<Row> {
  readonly name: string
  /** Of the numbers: for intervals that ask for bounds, such as Hoeffding's. */
  readonly moments = new RunningMoments()
  readonly #number: (row: Row) => number
  readonly #interval: IntervalOfMean

  /**
   * @param number of a row; throws for rows that are not to be counted
   * @param interval Student's t with the degrees of freedom of the variance, by default; or one that may be watched:
   * `asymptoticInterval(n)`
   */
  constructor(name: string, number: (row: Row) => number, interval?: IntervalOfMean) {
    this.name = name
    this.#number = number
    this.#interval = interval ?? satterthwaiteInterval
  }

  add(row: Row): void {
    this.moments.add(this.#number(row))
  }

  merge(other: MeanOf<Row>): void {
    this.mergeState(other.state())
  }

  state(): EstimatorState {
    return { name: this.name, sums: this.moments.state() }
  }

  mergeState(state: EstimatorState): void {
    this.moments.mergeState(checkMergeable(this.name, state, MOMENT_SUMS))
  }

  get(level = DEFAULT_LEVEL): Estimate | undefined {
    checkLevel(level)
    if (this.moments.count === 0) return undefined
    const { mean, lo, hi } = this.#interval(this.moments, level)
    return { value: mean, lo, hi }
  }
}

/** A {@link RowValue} over a log. */
export class RowMean extends MeanOf<EstimatorRow> {
  constructor({ name, of }: RowValue, interval?: IntervalOfMean) {
    super(
      name,
      (row) => {
        checkRow(row)
        return of(row)
      },
      interval,
    )
  }
}
