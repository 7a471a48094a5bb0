/** Mistakes in how the simulator is set up or steered. */
export const SIMULATOR_ERROR_CODES = [
  'simulator_unknown_arm',
  'simulator_bad_fault',
  'simulator_no_arms',
] as const

export class SimulatorError extends Error {
  override readonly name = 'SimulatorError'
  readonly code: (typeof SIMULATOR_ERROR_CODES)[number]
  constructor(code: (typeof SIMULATOR_ERROR_CODES)[number], message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** A request that the simulated provider refuses; each wire format tells it in its own shape. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly reason: RefusalReason
  readonly retryAfterMs: number | undefined
  constructor(status: number, reason: RefusalReason, message: string, retryAfterMs?: number) {
    super(message)
    this.status = status
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}
export type RefusalReason =
  | 'bad-request'
  | 'missing-key'
  | 'unknown-model'
  | 'unknown-path'
  | 'too-large'
  | 'fault'
