/** Whatever a request ended with → the error it is answered with. */
import { StoreError } from '../../adapters/index.ts'
import { ServerError, type ServerErrorCode, serverError } from '../errors.ts'

/** Errors of fastify's own that are the caller's doing. */
const FRAMEWORK_CODES: Readonly<Record<string, ServerErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'request_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid_request',
  FST_ERR_BAD_URL: 'invalid_request',
  FST_ERR_MAX_PARAM_LENGTH: 'route_not_found',
}

export interface ErrorContext {
  readonly requestId: string
  readonly bodyLimitBytes: number
  readonly contentType: string | undefined
}

/** Of faults of ours the caller learns the request id and nothing else. */
export function toServerError(error: unknown, context: ErrorContext): ServerError {
  if (error instanceof ServerError) return error
  if (error instanceof StoreError) {
    return serverError('store_unavailable', 'The store does not answer. Try again shortly.', {
      retryAfterMs: 1_000,
      cause: error,
    })
  }
  const code = error instanceof Error && 'code' in error ? FRAMEWORK_CODES[String(error.code)] : undefined
  if (error instanceof Error && code !== undefined) {
    return serverError(code, inOurWords(code, error, context), { shouldRetry: false, cause: error })
  }
  return serverError(
    'internal_error',
    `The gateway failed; its log has more under request ${context.requestId}.`,
    {
      cause: error,
    },
  )
}

function inOurWords(code: ServerErrorCode, error: Error, context: ErrorContext): string {
  if (code === 'request_too_large') {
    return `The body is larger than the ${context.bodyLimitBytes} bytes that are taken; send less, or raise server.bodyLimitBytes.`
  }
  if (code === 'unsupported_media_type') {
    return `The body must be JSON: send "content-type: application/json" instead of ${context.contentType ?? 'none'}.`
  }
  if (code === 'route_not_found') return 'What the path names is longer than any name there is; see /docs.'
  return error.message
}
