/**
 * What a failed upstream call means for the caller and for failover. Classified by body first, status second: statuses lie.
 */

/**
 * `same`: may be retried on this arm after a wait; `other`: try another arm now; `key`: this arm's credential or account
 * is unusable; `never`: the request itself is at fault, answer it.
 */
export type RetryClass = 'same' | 'other' | 'key' | 'never'

/** Stable codes we give to the caller (PROVIDERS table 2); for class `never` the upstream's own code may be kept in `code`. */
export const UPSTREAM_ERROR_CODES = [
  'invalid_request',
  'context_length_exceeded',
  'content_filter',
  'upstream_billing',
  'upstream_auth',
  'upstream_model_not_found',
  'upstream_error',
  'request_too_large',
  'request_exceeds_rate_limit',
  'rate_limit_exceeded',
  'upstream_overloaded',
  'upstream_unreachable',
  'upstream_timeout',
  'upstream_bad_output',
  'upstream_truncated',
  'cancelled',
] as const

export interface UpstreamErrorInit {
  readonly message: string
  readonly code: string
  /** OpenAI error `type` for the caller. */
  readonly type: string
  /** HTTP status for the caller when no arm is left. */
  readonly httpStatus: number
  readonly retry: RetryClass
  /** Status the upstream sent; undefined when none arrived. */
  readonly upstreamStatus?: number | undefined
  readonly param?: string | null
  readonly retryAfterMs?: number | undefined
  /** Beginning of the body as received, at most 64 kB, without credentials. */
  readonly raw?: string | undefined
  readonly cause?: unknown
}

export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly code: string
  readonly type: string
  readonly httpStatus: number
  readonly retry: RetryClass
  readonly upstreamStatus: number | undefined
  readonly param: string | null
  readonly retryAfterMs: number | undefined
  readonly raw: string | undefined
  constructor(init: UpstreamErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause })
    this.code = init.code
    this.type = init.type
    this.httpStatus = init.httpStatus
    this.retry = init.retry
    this.upstreamStatus = init.upstreamStatus
    this.param = init.param ?? null
    this.retryAfterMs = init.retryAfterMs
    this.raw = init.raw
  }
}
