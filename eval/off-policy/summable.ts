/**
 * Numbers of a log that no sum holds: estimators add up squares of products, in which one of 1e300 overflows long after anybody could
 * say which row it was in.
 */
import { qualityOf } from '../../datasets/index.ts'
import { EvaluationError } from '../errors.ts'
import type { EvaluationRow } from './evaluation-row.ts'

const MOST = 1e30
/** Of the arm that was drawn; its inverse is a weight. */
const LEAST_PROPENSITY = 1e-30

/**
 * @param where `file:line`, or which decision
 * @throws {EvaluationError} `eval_bad_row` naming it, the field and what to do. Contexts without numbers (NaN) are none, and pass.
 */
export function checkSummable(row: EvaluationRow, where: string): void {
  const { propensity, rates, x } = row
  if (propensity < LEAST_PROPENSITY) {
    const what = `propensity: expected at least ${LEAST_PROPENSITY} of an arm that was drawn, got ${propensity}`
    throw bad(where, `${what}; log the probability that it was drawn with`)
  }
  const numbers: readonly (readonly [string, number | undefined])[] = [
    ['cost_usd', row.costUsd],
    ['total_ms', row.totalMs],
    ['the value of quality', qualityOf(row.rewards)],
    ['rates.per_usd', rates.perUsd],
    ['rates.per_second', rates.perSecond],
    ['rates.per_failure', rates.perFailure],
  ]
  for (const [field, value] of numbers) if (value !== undefined) check(where, field, value)
  for (let i = 0; i < x.length; i++) if (Math.abs(x[i]!) > MOST) check(where, `x.${i}`, x[i]!)
}

function check(where: string, field: string, value: number): void {
  if (Math.abs(value) <= MOST) return
  throw bad(
    where,
    `${field}: expected a number of at most ${MOST} either way, got ${value}; mend it, or leave the row out`,
  )
}

function bad(where: string, what: string): EvaluationError {
  return new EvaluationError('eval_bad_row', `${where}: ${what}`)
}
