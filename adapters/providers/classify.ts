/**
 * Says what an upstream's error means for the caller and for failover. The body decides first and the status second, because
 * statuses lie: billing arrives as 400, 403 and 429, a bad key as 400, overload as 500.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { readErrorBody, readErrorJson, type ToldError } from './error-body.ts'
import { type RetryClass, UpstreamError } from './errors.ts'
import { readRetryHints } from './retry-hints.ts'

/** Waits that are worth it on the same arm; beyond, another arm is the better answer. */
const WAIT_MS_MAX = 60_000
/** Of a body that is kept for the log. */
const RAW_LENGTH_MAX = 64 * 1024

interface Seen {
  readonly status: number
  readonly told: ToldError
}
interface Verdict {
  readonly code: string
  readonly type: string
  readonly httpStatus: number
  readonly retry: RetryClass
}
interface Rule {
  readonly when: (seen: Seen) => boolean
  readonly verdict: Verdict
}

const CONTEXT =
  /context[_ ]length|context window|maximum context|(?:prompt|input) (?:is )?too long|input token count|too[_ ]many[_ ](?:prompt[_ ])?tokens|total length of all messages|max_new_tokens.{0,40}must be <=/i
const POLICY =
  /content_filter|content_policy|ResponsibleAIPolicy|requires moderation|\bflagged\b|safety system/i
const BILLING =
  /credit balance|insufficient[_ ](?:quota|balance|credits|funds)|any credits|all available credits|spending limit|account is suspended|billing problem|requires billing|billing_(?:error|not_active|hard_limit)/i
const CREDENTIAL =
  /api[_ ]key[_ ](?:not valid|invalid|provided)|(?:invalid|incorrect) (?:x-)?api[-_ ]key|invalid_api_key|authentication_error|permission_error|PERMISSION_DENIED|FAILED_PRECONDITION/i
const CAPACITY =
  /overloaded|over capacity|capacity[_ ]exceeded|no capacity|capacity_exhausted|(?:too|server) busy/i

/** Read from the top; the first that holds decides. */
const RULES: readonly Rule[] = [
  {
    when: ({ told }) => told.code === 'tool_use_failed',
    verdict: { code: 'upstream_bad_output', type: 'upstream_error', httpStatus: 502, retry: 'same' },
  },
  {
    when: ({ status, told }) => status < 429 && POLICY.test(told.text),
    verdict: { code: 'content_filter', type: 'invalid_request_error', httpStatus: 400, retry: 'never' },
  },
  {
    when: ({ status, told }) => (status === 413 || status === 429) && canNeverFit(told.message),
    verdict: {
      code: 'request_exceeds_rate_limit',
      type: 'rate_limit_error',
      httpStatus: 429,
      retry: 'other',
    },
  },
  {
    when: ({ status, told }) => status === 402 || BILLING.test(told.text),
    verdict: { code: 'upstream_billing', type: 'upstream_error', httpStatus: 502, retry: 'key' },
  },
  {
    when: ({ status, told }) =>
      status === 401 || status === 403 || (status === 400 && CREDENTIAL.test(told.text)),
    verdict: { code: 'upstream_auth', type: 'upstream_error', httpStatus: 502, retry: 'key' },
  },
  {
    when: ({ status, told }) => [400, 413, 422].includes(status) && CONTEXT.test(told.text),
    verdict: {
      code: 'context_length_exceeded',
      type: 'invalid_request_error',
      httpStatus: 400,
      retry: 'other',
    },
  },
  {
    when: ({ status, told }) => status === 404 || /^(?:model_not_found|invalid_model)$/m.test(told.text),
    verdict: { code: 'upstream_model_not_found', type: 'upstream_error', httpStatus: 502, retry: 'other' },
  },
  {
    when: ({ status, told }) =>
      [498, 503, 529].includes(status) || (status >= 429 && CAPACITY.test(told.text)),
    verdict: { code: 'upstream_overloaded', type: 'overloaded_error', httpStatus: 503, retry: 'other' },
  },
  {
    when: ({ status }) => status === 429,
    verdict: { code: 'rate_limit_exceeded', type: 'rate_limit_error', httpStatus: 429, retry: 'same' },
  },
  {
    when: ({ status }) => status === 413,
    verdict: { code: 'request_too_large', type: 'invalid_request_error', httpStatus: 413, retry: 'other' },
  },
  {
    // The upstream gave up after its own deadline: asking it again at once would cost as long.
    when: ({ told }) => told.type === 'timeout_error' || told.type === 'DEADLINE_EXCEEDED',
    verdict: { code: 'upstream_error', type: 'upstream_error', httpStatus: 504, retry: 'other' },
  },
  {
    when: ({ status }) => [408, 504, 524].includes(status),
    verdict: { code: 'upstream_error', type: 'upstream_error', httpStatus: 504, retry: 'same' },
  },
  {
    when: ({ status }) => [409, 424, 499].includes(status) || status >= 500,
    verdict: { code: 'upstream_error', type: 'upstream_error', httpStatus: 502, retry: 'same' },
  },
  {
    // A redirect or a wrong method is a wrong base URL, not a wrong request.
    when: ({ status }) => status < 400 || status === 405,
    verdict: { code: 'upstream_error', type: 'upstream_error', httpStatus: 502, retry: 'other' },
  },
]
const REFUSED: Verdict = {
  code: 'invalid_request',
  type: 'invalid_request_error',
  httpStatus: 400,
  retry: 'never',
}

/** Statuses of errors that are told inside a stream by their code or type alone. */
const STATUS_BY_WORD: ReadonlyMap<string, number> = new Map(
  Object.entries({
    invalid_request_error: 400,
    authentication_error: 401,
    billing_error: 402,
    permission_error: 403,
    not_found_error: 404,
    request_too_large: 413,
    rate_limit_error: 429,
    api_error: 500,
    timeout_error: 504,
    overloaded_error: 529,
    rate_limit_exceeded: 429,
    context_length_exceeded: 400,
  }),
)

export interface FailedReply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** As received, capped. */
  readonly body: string
  readonly nowMs: number
}

/** Who failed, and what must never be repeated of its answer. */
export interface Blame {
  /** The provider's name, for messages. */
  readonly upstream: string
  readonly secret: string | undefined
}

/** The error for a reply whose status is not 2xx. */
export function classifyReply(blame: Blame, reply: FailedReply): UpstreamError {
  const told = readErrorBody(reply.body)
  return verdictOf(blame, { status: reply.status, told }, reply)
}

/** The error for a payload that tells of a failure inside a 200: an event of a stream, or a body. */
export function classifyPayload(blame: Blame, payload: unknown, nowMs: number): UpstreamError {
  const told = readErrorJson(payload)
  const status =
    told.status ?? STATUS_BY_WORD.get(told.code ?? '') ?? STATUS_BY_WORD.get(told.type ?? '') ?? 500
  return verdictOf(
    blame,
    { status, told },
    { status: 200, headers: {}, body: JSON.stringify(payload), nowMs },
  )
}

function verdictOf(blame: Blame, seen: Seen, reply: FailedReply): UpstreamError {
  const { status, told } = seen
  const verdict = RULES.find(({ when }) => when(seen))?.verdict ?? REFUSED
  const { retryAfterMs, shouldRetry } = readRetryHints(reply.headers, told, reply.nowMs)
  const clean = (text: string) => redact(text, blame.secret)
  return new UpstreamError({
    ...verdict,
    code: verdict === REFUSED ? (symbolic(told.code) ?? verdict.code) : verdict.code,
    message: clean(messageOf(blame.upstream, verdict, seen)),
    retry: adjusted(verdict, retryAfterMs, shouldRetry),
    upstreamStatus: reply.status === 200 ? status : reply.status,
    param: verdict.type === 'invalid_request_error' ? (told.param ?? null) : null,
    retryAfterMs,
    raw: clean(reply.body.slice(0, RAW_LENGTH_MAX)),
  })
}

function adjusted(
  { retry }: Verdict,
  retryAfterMs: number | undefined,
  shouldRetry: boolean | undefined,
): RetryClass {
  if (retry === 'same' && (shouldRetry === false || (retryAfterMs ?? 0) > WAIT_MS_MAX)) return 'other'
  if (retry === 'never' && shouldRetry === true) return 'same'
  return retry
}

/** The caller's own mistakes are told in the vendor's words; what concerns our account is not the caller's business. */
function messageOf(upstream: string, { retry, type }: Verdict, { status, told }: Seen): string {
  if (retry === 'key') return `${upstream} refused the gateway's credential or account (HTTP ${status})`
  if (type === 'invalid_request_error' && told.message !== '') return told.message
  return `${upstream} answered HTTP ${status}${told.message === '' ? '' : `: ${told.message}`}`
}

/** "Request too large … Limit 12000, Requested 14137": no waiting makes it fit. */
function canNeverFit(message: string): boolean {
  const numbers = /Limit (\d+)\b.*?\bRequested (\d+)/s.exec(message)
  return numbers !== null && Number(numbers[2]) > Number(numbers[1])
}

/** Codes that say something to a reader: words, not the vendor's numbers. */
function symbolic(code: string | undefined): string | undefined {
  return code !== undefined && /^[A-Za-z][\w.-]*$/.test(code) ? code : undefined
}

function redact(text: string, secret: string | undefined): string {
  return secret === undefined || secret.length < 4 ? text : text.replaceAll(secret, '[credential]')
}
