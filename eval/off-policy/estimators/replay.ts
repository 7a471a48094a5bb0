/**
 * Replay, or matching: the mean reward of the rows in which a deterministic target would have chosen the logged arm. Right
 * where arms were drawn uniformly; where they were not, use SNIPS, which is this with the propensities counted.
 *
 * Li, Chu, Langford & Wang 2011, "Unbiased offline evaluation of contextual-bandit-based news article recommendation
 * algorithms" (arXiv:1003.5956).
 */
import { EvaluationError } from '../../errors.ts'
import type { IntervalOfMean } from '../../intervals/interval.ts'
import { RatioOf } from './self-normalised.ts'

export interface MatchRow {
  /** Whether the target would have chosen the logged arm, for certain. */
  readonly matched: boolean
  readonly reward: number
}

/** No estimate where nothing matched. */
export class Replay extends RatioOf<MatchRow> {
  constructor(interval?: IntervalOfMean) {
    super(
      'replay',
      {
        check: ({ reward }) => {
          if (Number.isFinite(reward)) return
          throw new EvaluationError('eval_bad_row', `reward must be a finite number, got ${reward}`)
        },
        base: () => 0,
        weight: ({ matched }) => (matched ? 1 : 0),
        gain: ({ reward }) => reward,
      },
      interval,
    )
  }
}
