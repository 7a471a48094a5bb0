/** How long an upstream asks to be left alone, and whether it wants to be asked again at all. */
import type { IncomingHttpHeaders } from 'node:http'
import type { ToldError } from './error-body.ts'

export interface RetryHints {
  /** ms from now, in (0, 31 days]. */
  readonly retryAfterMs: number | undefined
  /** `x-should-retry`: false forbids, true allows. */
  readonly shouldRetry: boolean | undefined
}

const MS_PER: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }
const DAY_MS = 86_400_000
/** Quotas last a month at most. */
const WAIT_MS_MAX = 31 * DAY_MS

/**
 * The first hint that says something wins: `retry-after-ms`, `retry-after` (seconds or an HTTP date), Google's RetryInfo,
 * "try again in 6.2s" in the message, OpenRouter's `x-ratelimit-reset` (epoch ms). A per-day quota of Google comes before
 * all of them, since its RetryInfo tells seconds although nothing changes before midnight in California.
 */
export function readRetryHints(headers: IncomingHttpHeaders, told: ToldError, nowMs: number): RetryHints {
  const shouldRetry = headers['x-should-retry']
  return {
    retryAfterMs:
      positive(googleDay(told, nowMs)) ??
      positive(numberIn(first(headers['retry-after-ms']))) ??
      positive(secondsOrDate(first(headers['retry-after']), nowMs)) ??
      positive(told.retryDelay === undefined ? undefined : parseDurationMs(told.retryDelay)) ??
      positive(waitInWords(told.message)) ??
      positive(resetAt(headers['x-ratelimit-reset'] ?? told.headers['x-ratelimit-reset'], nowMs)),
    shouldRetry: shouldRetry === 'true' ? true : shouldRetry === 'false' ? false : undefined,
  }
}

/** `1m2.5s`, `33m57.312s`, `6ms`, `48.9s`, `1h` in ms; undefined for anything else. */
export function parseDurationMs(text: string): number | undefined {
  if (!/^(?:[\d.]+(?:ms|h|m|s))+$/.test(text)) return undefined
  let ms = 0
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(ms|h|m|s)/g))
    ms += Number(amount) * (MS_PER[unit ?? ''] ?? 0)
  return Number.isFinite(ms) ? ms : undefined
}

function waitInWords(message: string): number | undefined {
  const words = /\b(?:try again|retry) (?:in|after) ((?:[\d.]+(?:ms|h|m|s))+|[\d.]+ seconds?)/i.exec(
    message,
  )?.[1]
  return words === undefined ? undefined : parseDurationMs(words.replace(/ seconds?$/i, 's'))
}

function secondsOrDate(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined
  const seconds = numberIn(value)
  if (seconds !== undefined) return seconds * 1_000
  const atMs = Date.parse(value)
  return Number.isNaN(atMs) ? undefined : atMs - nowMs
}

/** Only epoch ms is a time that can be trusted; other vendors put seconds, durations or plain counts under this name. */
function resetAt(value: string | readonly string[] | undefined, nowMs: number): number | undefined {
  const at = numberIn(value)
  return at !== undefined && at > 1e12 ? at - nowMs : undefined
}

function googleDay(told: ToldError, nowMs: number): number | undefined {
  if (!/PerDay/.test(told.text)) return undefined
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone: 'America/Los_Angeles',
    hour: 'numeric',
    minute: 'numeric',
    hourCycle: 'h23',
  }).formatToParts(nowMs)
  const part = (type: string) => Number(clock.find((piece) => piece.type === type)?.value)
  return DAY_MS - (part('hour') * 60 + part('minute')) * 60_000
}

/** Of a header that a proxy has sent again. */
function first(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0]
}

function numberIn(value: string | readonly string[] | undefined): number | undefined {
  return typeof value === 'string' && /^\d+(?:\.\d+)?$/.test(value.trim()) ? Number(value) : undefined
}

function positive(ms: number | undefined): number | undefined {
  return ms !== undefined && ms > 0 ? Math.min(ms, WAIT_MS_MAX) : undefined
}
