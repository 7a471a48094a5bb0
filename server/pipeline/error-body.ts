/** Errors in OpenAI's shape. */
import type { ServerError } from '../errors.ts'
import { decisionHeadersByName, ownMs } from './respond.ts'

/** `{ error: { message, type, code, param, … } }` */
export function errorBody(error: ServerError): object {
  const { message, type, code, param, decision, attempts, exclusions, reasons } = error
  return {
    error: {
      message,
      type,
      code,
      param,
      ...(decision !== undefined && { decision_id: decision.id }),
      ...(attempts !== undefined && attempts.length > 0 && { attempts }),
      ...(exclusions !== undefined && exclusions.length > 0 && { exclusions }),
      ...(reasons !== undefined && { reasons }),
    },
  }
}

/** @param elapsedMs since all of the request was here */
export function errorHeaders(error: ServerError, elapsedMs: number): Record<string, string> {
  const { status, decision, attempts, upstreamMs, retryAfterMs, shouldRetry } = error
  return {
    ...(decision !== undefined && {
      ...decisionHeadersByName(decision, attempts?.length ?? 0),
      'x-highwayman-overhead-ms': ownMs(elapsedMs, upstreamMs).toFixed(3),
    }),
    ...(retryAfterMs !== undefined && {
      'retry-after': String(Math.ceil(retryAfterMs / 1_000)),
      'retry-after-ms': String(Math.ceil(retryAfterMs)),
    }),
    ...(shouldRetry === false && { 'x-should-retry': 'false' }),
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
  }
}
