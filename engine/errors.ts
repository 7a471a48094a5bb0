/** Every error the engine can throw has a code of this table; messages name the input and the repair. */
export const ENGINE_ERROR_CODES = [
  'engine_bad_arm',
  'engine_bad_config',
  'engine_bad_observation',
  'engine_bad_policy_file',
  'engine_bad_reservation',
  'engine_no_eligible_arm',
  'engine_unknown_arm',
  'engine_snapshot_mismatch',
] as const
export type EngineErrorCode = (typeof ENGINE_ERROR_CODES)[number]

export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: EngineErrorCode
  constructor(code: EngineErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
