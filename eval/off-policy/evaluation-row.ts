/** A decision as an evaluation takes it: one of our own log, or a round of a logged bandit from elsewhere. */
import type { LoggedDecision, Preferences, UtilityRates } from '../../engine/index.ts'
import { pastRates } from '../../engine/index.ts'
import type { Point } from './reward-model.ts'

/** A {@link LoggedDecision}; of a log from elsewhere the probabilities of the other arms may be unknown. */
export type EvaluationRow = Omit<LoggedDecision, 'probabilities'> & {
  readonly probabilities: Float64Array | undefined
}

const NO_CONTEXT: Point = { space: '', x: Float64Array.of(1) }

/** Where a reward model looks. A context with a number missing is none. */
export function pointOf({ featureSpace, x }: EvaluationRow): Point {
  for (const value of x) if (!Number.isFinite(value)) return NO_CONTEXT
  return x.length === 0 ? NO_CONTEXT : { space: `${featureSpace} ${x.length}`, x }
}

/** What the other goods cost in utility: by stated wishes, else by those of the request. */
export function ratesOf(row: EvaluationRow, preferences: Preferences | undefined): UtilityRates {
  return pastRates(row, preferences)
}
