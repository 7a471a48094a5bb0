/**
 * What a failed upstream call means for the caller and for failover. Classified by body first, status second: statuses lie.
 */

/**
 * `same`: may be retried on this arm after a wait; `other`: try another arm now; `key`: this arm's credential or account
 * is unusable; `never`: the request itself is at fault, answer it.
 */
export type RetryClass = 'same' | 'other' | 'key' | 'never'

/**
 * Stable codes of upstream failures, with what they mean for the caller. A request that is itself at fault (class `never`)
 * may keep the upstream's own code instead.
 */
export const UPSTREAM_ERRORS = {
  invalid_request: 'The upstream refused the request as it is; its message says why.',
  context_length_exceeded: 'The prompt is too long for every arm that was left.',
  content_filter: 'The upstream refused the content. It is not sent to another arm for that.',
  upstream_billing: 'The account at the upstream is out of credit or suspended.',
  upstream_auth:
    'The upstream did not accept the key that the gateway holds for it. The caller’s own key was fine.',
  upstream_model_not_found: 'The upstream does not have the model or deployment that the arm names.',
  upstream_error: 'The upstream failed, or answered with something that is no answer.',
  request_too_large: 'The body is larger than the upstream takes.',
  request_exceeds_rate_limit:
    'The request alone is larger than the upstream’s limit per minute: it can never fit.',
  rate_limit_exceeded:
    'The upstream’s rate limit is used up; `retry-after` says until when, where the upstream told.',
  upstream_overloaded: 'The upstream has no capacity at the moment.',
  upstream_unreachable: 'No connection to the upstream, or it broke before anything came.',
  upstream_timeout: 'A deadline of the provider passed: connect, first byte, idle or total.',
  upstream_bad_output: 'The model gave an empty answer or a malformed tool call.',
  upstream_truncated: 'The stream stopped without its end. What came until then is not the whole answer.',
  cancelled: 'The caller went away.',
} as const satisfies Readonly<Record<string, string>>

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
