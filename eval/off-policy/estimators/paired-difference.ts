/**
 * How much better the target is than the incumbent, on the same rows: the number that a promotion needs. What moves both
 * alike (a hard hour, a generous judge) is not in it, so that its interval is narrower than those of the two values tell.
 */
import type { IntervalOfMean } from '../../intervals/interval.ts'
import { checkRow } from '../row.ts'
import type { EstimatorRow } from '../types.ts'
import { MeanOf } from './row-mean.ts'
import type { RowValue } from './row-value.ts'
import { RatioOf, type RatioValue } from './self-normalised.ts'

/** One logged decision under both policies. */
export interface PairedRow {
  readonly target: EstimatorRow
  /** Of the logging policy itself: weight 1, and its own `predictedTarget`. */
  readonly incumbent: EstimatorRow
}

/** Mean of x_target − x_incumbent, the same estimator for both; its interval is that of the differences. */
export class PairedDifference extends MeanOf<PairedRow> {
  constructor({ name, of }: RowValue, interval?: IntervalOfMean) {
    super(
      `difference(${name})`,
      (row) => {
        checkPair(row)
        return of(row.target) - of(row.incumbent)
      },
      interval,
    )
  }
}

/**
 * The value of the target by a self-normalised estimator minus that of the incumbent by a mean of row values (its own rewards,
 * where it is the logging policy), with the delta-method standard error of the difference.
 */
export class PairedRatioDifference extends RatioOf<PairedRow> {
  constructor({ name, base, gain }: RatioValue, incumbent: RowValue, interval?: IntervalOfMean) {
    super(
      `difference(${name},${incumbent.name})`,
      {
        check: checkPair,
        base: (row) => base(row.target) - incumbent.of(row.incumbent),
        weight: ({ target }) => target.weight,
        gain: ({ target }) => gain(target),
      },
      interval,
    )
  }
}

function checkPair({ target, incumbent }: PairedRow): void {
  checkRow(target)
  checkRow(incumbent)
}
