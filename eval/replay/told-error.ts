/** Errors from thread to thread: what is cloned loses its class and its code. */
import { EngineError, type EngineErrorCode } from '../../engine/index.ts'
import { EvaluationError, type EvaluationErrorCode } from '../errors.ts'

export interface ToldError {
  readonly name: string
  readonly message: string
  readonly code: string | undefined
}

export function toldError(error: unknown): ToldError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), code: undefined }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return { name: error.name, message: error.message, code }
}

export function errorOf({ name, message, code }: ToldError): Error {
  if (name === 'EvaluationError') return new EvaluationError(code as EvaluationErrorCode, message)
  if (name === 'EngineError') return new EngineError(code as EngineErrorCode, message)
  return Object.assign(new Error(message), { name })
}
