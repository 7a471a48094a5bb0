/** Checks of the settings of estimators. */
import { EvaluationError } from './errors.ts'

/** @throws {EvaluationError} `eval_bad_option` where `value` is NaN or below `least` */
export function atLeast(what: string, value: number, least: number): void {
  if (value >= least) return
  throw new EvaluationError('eval_bad_option', `${what} must be at least ${least}, got ${value}`)
}

/** @throws {EvaluationError} `eval_bad_option` where `value` is not in [least, most] */
export function within(what: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return
  throw new EvaluationError('eval_bad_option', `${what} must be in [${least}, ${most}], got ${value}`)
}

/** @throws {EvaluationError} `eval_bad_option` where the level of an interval is not in (0, 1) */
export function checkLevel(level: number): void {
  if (level > 0 && level < 1) return
  throw new EvaluationError('eval_bad_option', `level must be in (0, 1), got ${level}`)
}
