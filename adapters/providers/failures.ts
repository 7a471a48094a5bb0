/** The failures that an adapter finds itself, as opposed to those an upstream tells. */
import { UpstreamError } from './errors.ts'

interface Particulars {
  readonly raw?: string | undefined
  readonly upstreamStatus?: number | undefined
  readonly cause?: unknown
}

/** Connection, DNS or TLS failed, or the connection died before any byte of an answer. */
export function unreachable(message: string, cause?: unknown): UpstreamError {
  return upstreamFailure('upstream_unreachable', message, 'other', { cause })
}

/** A deadline of ours passed. */
export function timedOut(message: string): UpstreamError {
  const code = 'upstream_timeout'
  return new UpstreamError({ message, code, type: 'timeout_error', httpStatus: 504, retry: 'other' })
}

/** The answer began and then broke off. */
export function truncated(message: string, cause?: unknown): UpstreamError {
  return upstreamFailure('upstream_truncated', message, 'other', { cause })
}

/** An answer came whole, but it is not one: not JSON, no choices, a malformed tool call, nothing in it. */
export function badOutput(message: string, particulars: Particulars = {}): UpstreamError {
  return upstreamFailure('upstream_bad_output', message, 'same', particulars)
}

/** The caller went away, or the gateway stops. */
export function cancelled(upstream: string): UpstreamError {
  return new UpstreamError({
    message: `The call to ${upstream} was cancelled`,
    code: 'cancelled',
    type: 'cancelled',
    httpStatus: 499,
    retry: 'never',
  })
}

/** The request asks for something that this dialect has no words for; another arm may. */
export function unsupported(field: string, message: string): UpstreamError {
  return new UpstreamError({
    message,
    code: 'invalid_request',
    type: 'invalid_request_error',
    httpStatus: 400,
    retry: 'other',
    param: field,
  })
}

function upstreamFailure(
  code: string,
  message: string,
  retry: 'same' | 'other',
  particulars: Particulars,
): UpstreamError {
  return new UpstreamError({ ...particulars, message, code, retry, type: 'upstream_error', httpStatus: 502 })
}
