import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readErrorBody } from '../../adapters/providers/error-body.ts'
import { parseDurationMs, readRetryHints } from '../../adapters/providers/retry-hints.ts'

const NOW = Date.parse('2026-11-22T12:00:00Z')

function waitOf(headers: Record<string, string>, body = ''): number | undefined {
  return readRetryHints(headers, readErrorBody(body), NOW).retryAfterMs
}

describe('how long to wait', () => {
  const cases: readonly (readonly [
    what: string,
    headers: Record<string, string>,
    body: string,
    ms: number | undefined,
  ])[] = [
    ['milliseconds come first', { 'retry-after-ms': '250', 'retry-after': '9' }, '', 250],
    ['milliseconds that say nothing do not', { 'retry-after-ms': '0', 'retry-after': '9' }, '', 9_000],
    ['seconds', { 'retry-after': '2' }, '', 2_000],
    ['seconds with a fraction', { 'retry-after': '0.5' }, '', 500],
    ['a date', { 'retry-after': 'Sun, 22 Nov 2026 12:00:30 GMT' }, '', 30_000],
    ['a date that has passed', { 'retry-after': 'Sun, 22 Nov 2026 11:00:00 GMT' }, '', undefined],
    ['a word', { 'retry-after': 'soon' }, '', undefined],
    ['a negative number', { 'retry-after': '-5' }, '', undefined],
    ['seconds beyond all measure', { 'retry-after': '9'.repeat(400) }, '', 31 * 86_400_000],
    ['seconds in the message', {}, '{"error":{"message":"Please try again in 6.2s. Visit us."}}', 6_200],
    ['minutes in the message', {}, '{"error":{"message":"Please try again in 33m57.312s."}}', 2_037_312],
    ['seconds as a word', {}, '{"error":{"message":"Please retry after 24 seconds."}}', 24_000],
    ['a header before the message', { 'retry-after': '3' }, '{"error":{"message":"try again in 9s"}}', 3_000],
    ["Google's detail", {}, '{"error":{"details":[{"retryDelay":"48.5s"}]}}', 48_500],
    ['epoch milliseconds', { 'x-ratelimit-reset': String(NOW + 5_000) }, '', 5_000],
    ['a reset in another unit', { 'x-ratelimit-reset': '60' }, '', undefined],
    [
      'epoch milliseconds inside the body',
      {},
      `{"error":{"metadata":{"headers":{"X-RateLimit-Reset":"${NOW + 7_000}"}}}}`,
      7_000,
    ],
    [
      'a quota per day lasts until midnight in California, whatever the detail says',
      {},
      '{"error":{"details":[{"violations":[{"quotaId":"RequestsPerDay"}]},{"retryDelay":"34s"}]}}',
      // 04:00 in California.
      20 * 3_600_000,
    ],
    ['nothing', {}, '', undefined],
  ]
  for (const [what, headers, body, ms] of cases) it(what, () => assert.equal(waitOf(headers, body), ms))

  it('the first of a header that was sent twice', () => {
    const headers = { 'retry-after': ['7', '9'] } as unknown as Record<string, string>
    assert.equal(waitOf(headers), 7_000)
  })
})

describe('whether to retry', () => {
  it('is told by x-should-retry and nothing else', () => {
    const told = readErrorBody('')
    const hint = (value: string) => readRetryHints({ 'x-should-retry': value }, told, NOW).shouldRetry
    assert.deepEqual([hint('true'), hint('false'), hint('perhaps')], [true, false, undefined])
    assert.equal(readRetryHints({}, told, NOW).shouldRetry, undefined)
  })
})

describe('durations', () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['6ms', 6],
    ['8.64s', 8_640],
    ['1m2.5s', 62_500],
    ['1h2m3s', 3_723_000],
    ['', undefined],
    ['12', undefined],
    ['1.2.3s', undefined],
    ['5s later', undefined],
  ]
  for (const [text, ms] of cases) it(JSON.stringify(text), () => assert.equal(parseDurationMs(text), ms))
})
