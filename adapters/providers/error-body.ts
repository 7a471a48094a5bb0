/** Reads what an error body says, in any of the shapes that vendors and the proxies before them use. */
import { asArray, asNumber, asRecord, asRecords, asString, asText, parseJson, type Wire } from './wire.ts'

/** An error as an upstream told it. Absent: not told. */
export interface ToldError {
  /** Its own words; empty when there are none. */
  readonly message: string
  /** Symbolic or numeric, as a string (`insufficient_quota`, `3505`, `RateLimitReached`). */
  readonly code: string | undefined
  /** `rate_limit_error`, `tokens`, Google's `RESOURCE_EXHAUSTED`. */
  readonly type: string | undefined
  readonly param: string | undefined
  /** An HTTP status inside the body. */
  readonly status: number | undefined
  /** Everything in it that a rule may look for: message, reasons and the text of an error passed on from further up. */
  readonly text: string
  /** Google's `RetryInfo.retryDelay`, `48.9s`. */
  readonly retryDelay: string | undefined
  /** Headers that a proxy passes on inside the body. Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

/** Fields in which a flat error object has its status. */
const STATUS_FIELDS = ['code', 'status', 'status_code', 'statusCode'] as const

/**
 * Whether a payload inside a 200 tells of a failure: under `error`, where null, false, "" and {} say that there is none, or as a
 * flat error object in the place of an answer.
 */
export function tellsError(payload: Wire): boolean {
  const { error, object, type, choices } = payload
  const isTold = typeof error === 'object' && error !== null ? Object.keys(error).length > 0 : Boolean(error)
  if (isTold || object === 'error' || type === 'error') return true
  return (
    choices === undefined &&
    asText(payload['message']) !== undefined &&
    STATUS_FIELDS.some((field) => statusIn(payload[field]) !== undefined)
  )
}

const MESSAGE_LENGTH_MAX = 2_000

/** Reads an error body: JSON of any known shape, plain text, HTML, or nothing. */
export function readErrorBody(body: string): ToldError {
  const json = parseJson(body)
  if (json !== undefined) return readErrorJson(json)
  const text = body.trim()
  return toldError({}, text.startsWith('<') ? htmlTitle(text) : text)
}

/** The same for JSON that is already parsed, such as an event of a stream. */
export function readErrorJson(json: unknown): ToldError {
  if (typeof json === 'string') return toldError({}, json)
  const outer = asRecord(json) ?? asRecords(json)[0] ?? {}
  const inner = asRecord(outer['error']) ?? asRecords(outer['errors'])[0]
  if (inner !== undefined) return toldError(inner, asString(inner['message']) ?? detailOf(outer))
  return toldError(outer, asText(outer['error']) ?? asText(outer['message']) ?? detailOf(outer))
}

function toldError(fields: Wire, message: string): ToldError {
  const details = asRecords(fields['details'])
  const metadata = asRecord(fields['metadata'])
  const raw = asString(metadata?.['raw'])
  const code = asText(fields['code']) ?? asNumber(fields['code'])?.toString()
  const type = asText(fields['status']) ?? asText(fields['type'])
  const reasons = details.map((detail) => asString(detail['reason']))
  const quotas = details.flatMap((detail) =>
    asRecords(detail['violations']).map((v) => asString(v['quotaId'])),
  )
  const inner = asString(asRecord(fields['innererror'])?.['code'])
  const flagged = asArray(metadata?.['reasons']).length > 0 ? 'flagged' : undefined
  return {
    message: message.slice(0, MESSAGE_LENGTH_MAX),
    code,
    type,
    param: asText(fields['param']),
    status: statusIn(fields['status_code']) ?? statusIn(fields['statusCode']) ?? statusIn(code),
    text: [message, code, type, inner, raw, flagged, ...reasons, ...quotas].filter(Boolean).join('\n'),
    retryDelay: details.map((detail) => asString(detail['retryDelay'])).find((delay) => delay !== undefined),
    headers: lowerCased(asRecord(metadata?.['headers']) ?? {}),
  }
}

/** FastAPI: `{detail: "…"}` or `{detail: [{loc, msg}]}`. */
function detailOf(outer: Wire): string {
  const told = asString(outer['detail'])
  if (told !== undefined) return told
  return asRecords(outer['detail'])
    .map((item) => `${asArray(item['loc']).join('.')}: ${asString(item['msg']) ?? 'invalid'}`)
    .join('; ')
}

function statusIn(value: unknown): number | undefined {
  const status = typeof value === 'string' ? Number(value) : value
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status < 600
    ? status
    : undefined
}

function htmlTitle(html: string): string {
  return /<title>([^<]*)<\/title>/i.exec(html)?.[1]?.trim() ?? ''
}

function lowerCased(headers: Wire): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  )
}
