/** Every error that eval can throw has a code of this table; messages name the input and the repair. */
export const EVALUATION_ERROR_CODES = [
  'eval_bad_evaluation',
  'eval_bad_option',
  'eval_bad_part',
  'eval_bad_propensity',
  'eval_bad_row',
  'eval_bad_scenario',
  'eval_bad_target',
  'eval_no_common_arm',
  'eval_no_eligible_arm',
  'eval_no_rows',
  'eval_repeated_decision',
  'eval_unknown_arm',
  'eval_unknown_class',
  'eval_unknown_policy',
  'eval_unknown_split',
] as const
export type EvaluationErrorCode = (typeof EVALUATION_ERROR_CODES)[number]

export class EvaluationError extends Error {
  override readonly name = 'EvaluationError'
  readonly code: EvaluationErrorCode
  constructor(code: EvaluationErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
