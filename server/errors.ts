/** Every error that the server itself answers with: one row per code. Upstream failures bring their own codes along. */
import type { Decision, Exclusion } from '../engine/index.ts'

interface ErrorRow {
  readonly status: number
  /** OpenAI's error `type`. */
  readonly type: string
  /** What it means for the caller; docs/errors.md is made from this. */
  readonly meaning: string
}

export const SERVER_ERRORS = {
  invalid_json: {
    status: 400,
    type: 'invalid_request_error',
    meaning: 'The body is not JSON; the message says where it stops being so.',
  },
  invalid_request: {
    status: 400,
    type: 'invalid_request_error',
    meaning: 'A field is missing or of the wrong type; `param` and the message name it.',
  },
  context_length_exceeded: {
    status: 400,
    type: 'invalid_request_error',
    meaning: 'The prompt and the requested answer fit into the context window of no arm.',
  },
  missing_api_key: {
    status: 401,
    type: 'authentication_error',
    meaning: 'No key came with the request; send it as `authorization: Bearer …` or `x-api-key`.',
  },
  invalid_api_key: {
    status: 401,
    type: 'authentication_error',
    meaning: 'The key belongs to no tenant.',
  },
  invalid_admin_key: {
    status: 401,
    type: 'authentication_error',
    meaning: 'The key is not one of `admin.keys`.',
  },
  admin_disabled: {
    status: 403,
    type: 'permission_error',
    meaning: 'There are no `admin.keys`, and the request did not come straight from this machine.',
  },
  stats_too_large: {
    status: 400,
    type: 'invalid_request_error',
    meaning:
      'The statistics would have too many groups; ask for a shorter span, fewer keys or longer buckets.',
  },
  model_not_found: {
    status: 404,
    type: 'invalid_request_error',
    meaning: 'No arm, virtual model or alias has this name; the message lists those there are.',
  },
  route_not_found: {
    status: 404,
    type: 'invalid_request_error',
    meaning: 'There is no such method and path.',
  },
  decision_not_found: {
    status: 404,
    type: 'invalid_request_error',
    meaning: 'No decision with this id is known to the tenant.',
  },
  session_not_found: {
    status: 404,
    type: 'invalid_request_error',
    meaning:
      'No answer of this session is known to the tenant within the metric’s window, or of the last 7 days.',
  },
  policy_not_found: {
    status: 404,
    type: 'invalid_request_error',
    meaning: 'No policy with this hash is on record.',
  },
  experiment_not_found: {
    status: 404,
    type: 'invalid_request_error',
    meaning: 'There is no experiment with this key.',
  },
  experiment_exists: {
    status: 409,
    type: 'invalid_request_error',
    meaning: 'There is an experiment with this key already, perhaps an archived one.',
  },
  experiment_state: {
    status: 409,
    type: 'invalid_request_error',
    meaning: 'The experiment is not in a state for this step; the message says which state that is.',
  },
  invalid_experiment: {
    status: 422,
    type: 'invalid_request_error',
    meaning: 'The experiment contradicts itself or the configuration; the message names the field.',
  },
  decision_running: {
    status: 409,
    type: 'invalid_request_error',
    meaning: 'The answer to this decision has not ended yet; send the feedback afterwards.',
  },
  promotion_refused: {
    status: 409,
    type: 'invalid_request_error',
    meaning: 'The gate does not let the policy through; `reasons` has each of them.',
  },
  promotion_pointless: {
    status: 409,
    type: 'invalid_request_error',
    meaning: 'The policy has this share of the traffic already.',
  },
  nothing_to_roll_back: {
    status: 409,
    type: 'invalid_request_error',
    meaning: 'The configuration’s policy serves the model, and there is no canary.',
  },
  feedback_limit: {
    status: 409,
    type: 'invalid_request_error',
    meaning: 'The decision has had as many feedback values as one may have.',
  },
  outcome_not_expected: {
    status: 409,
    type: 'invalid_request_error',
    meaning:
      'The decision’s call was made here, so its outcome is known; outcomes are for decisions of `/v1/route`.',
  },
  request_timeout: {
    status: 408,
    type: 'invalid_request_error',
    meaning: 'The request did not arrive within a minute.',
  },
  malformed_request: {
    status: 400,
    type: 'invalid_request_error',
    meaning: 'What came is not HTTP/1.1, or not as long as its headers say.',
  },
  headers_too_large: {
    status: 431,
    type: 'invalid_request_error',
    meaning: 'The headers have more than 16 KiB.',
  },
  request_too_large: {
    status: 413,
    type: 'invalid_request_error',
    meaning: 'The body is larger than `server.bodyLimitBytes`.',
  },
  unsupported_media_type: {
    status: 415,
    type: 'invalid_request_error',
    meaning: 'The body must be sent as `content-type: application/json`.',
  },
  invalid_feedback_value: {
    status: 422,
    type: 'invalid_request_error',
    meaning: 'The feedback’s value or time is outside its range; the message names the range.',
  },
  unknown_metric: {
    status: 422,
    type: 'invalid_request_error',
    meaning: 'The configuration declares metrics, and this is none of them; the message lists them.',
  },
  invalid_outcome: {
    status: 422,
    type: 'invalid_request_error',
    meaning:
      'Two fields of the outcome contradict each other, or its time is outside its range; the message names them.',
  },
  invalid_policy: {
    status: 422,
    type: 'invalid_request_error',
    meaning: 'It is no policy file, or one that this release cannot read; the message names the place.',
  },
  policy_not_servable: {
    status: 422,
    type: 'invalid_request_error',
    meaning: 'The policy names arms that the model lacks, or looks at embeddings that are not configured.',
  },
  invalid_evaluation: {
    status: 422,
    type: 'invalid_request_error',
    meaning: 'It is no evaluation as `highwayman evaluate` prints it, or one of another policy.',
  },
  invalid_promotion: {
    status: 422,
    type: 'invalid_request_error',
    meaning: 'A forced promotion has no reason, or a share lies outside its range.',
  },
  internal_error: {
    status: 500,
    type: 'server_error',
    meaning: 'A fault of the gateway; its log has the particulars under the request id.',
  },
  all_arms_failed: {
    status: 502,
    type: 'upstream_error',
    meaning: 'Every arm that was tried failed, for different reasons; `attempts` has each.',
  },
  no_eligible_arm: {
    status: 503,
    type: 'routing_error',
    meaning: 'No arm may serve this request; `exclusions` has the reason of each.',
  },
  overloaded: {
    status: 503,
    type: 'overloaded_error',
    meaning: 'More requests are running than `server.maxInFlight` allows.',
  },
  draining: {
    status: 503,
    type: 'overloaded_error',
    meaning: 'This replica is shutting down; send the request again.',
  },
  store_unavailable: {
    status: 503,
    type: 'server_error',
    meaning: 'The store does not answer; nothing was recorded or learned.',
  },
} as const satisfies Record<string, ErrorRow>
export type ServerErrorCode = keyof typeof SERVER_ERRORS

/** One upstream call that failed, as the caller sees it. */
export interface FailedAttempt {
  readonly arm: string
  /** What the upstream answered; null when nothing came. */
  readonly status: number | null
  readonly code: string
  readonly message: string
}

export interface ServerErrorInit {
  readonly status: number
  readonly type: string
  readonly code: string
  readonly message: string
  /** The field at fault: `messages[0].content`. */
  readonly param?: string | null
  /** Sent as `retry-after`. */
  readonly retryAfterMs?: number | undefined
  /** False: sent as `x-should-retry: false`, because trying again changes nothing or has been done already. */
  readonly shouldRetry?: false | undefined
  readonly decision?: Decision | undefined
  /** Of the request's time, what was spent waiting for upstreams. */
  readonly upstreamMs?: number | undefined
  readonly attempts?: readonly FailedAttempt[] | undefined
  readonly exclusions?: readonly Exclusion[] | undefined
  /** Why the promotion gate refused. */
  readonly reasons?: readonly { readonly code: string; readonly message: string }[] | undefined
  readonly cause?: unknown
}

/** An error that the caller is answered with. Its message may be shown to anyone. */
export class ServerError extends Error {
  override readonly name = 'ServerError'
  readonly status: number
  readonly type: string
  readonly code: string
  readonly param: string | null
  readonly retryAfterMs: number | undefined
  readonly shouldRetry: false | undefined
  readonly decision: Decision | undefined
  readonly upstreamMs: number
  readonly attempts: readonly FailedAttempt[] | undefined
  readonly exclusions: readonly Exclusion[] | undefined
  readonly reasons: ServerErrorInit['reasons']

  constructor(init: ServerErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause })
    this.status = init.status
    this.type = init.type
    this.code = init.code
    this.param = init.param ?? null
    this.retryAfterMs = init.retryAfterMs
    this.shouldRetry = init.shouldRetry
    this.decision = init.decision
    this.upstreamMs = init.upstreamMs ?? 0
    this.attempts = init.attempts
    this.exclusions = init.exclusions
    this.reasons = init.reasons
  }
}

/** The error of one row of the table. */
export function serverError(
  code: ServerErrorCode,
  message: string,
  particulars: Omit<ServerErrorInit, 'code' | 'message' | 'status' | 'type'> = {},
): ServerError {
  const { status, type } = SERVER_ERRORS[code]
  return new ServerError({ ...particulars, code, message, status, type })
}
