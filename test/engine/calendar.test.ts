import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { type BudgetPeriod, periodAt } from '../../engine/calendar.ts'

const bounds = (period: BudgetPeriod, at: string) => {
  const { startMs, endMs } = periodAt(period, Date.parse(at))
  return [new Date(startMs).toISOString(), new Date(endMs).toISOString()]
}

suite('periods', () => {
  test('hours, days and months of UTC', () => {
    const at = '2026-11-22T20:42:05.123Z'
    assert.deepEqual(bounds('hour', at), ['2026-11-22T20:00:00.000Z', '2026-11-22T21:00:00.000Z'])
    assert.deepEqual(bounds('day', at), ['2026-11-22T00:00:00.000Z', '2026-11-23T00:00:00.000Z'])
    assert.deepEqual(bounds('month', at), ['2026-11-01T00:00:00.000Z', '2026-12-01T00:00:00.000Z'])
  })

  test('a month ends where the next begins, over years and leap days', () => {
    assert.deepEqual(bounds('month', '2028-02-29T23:59:59.999Z'), [
      '2028-02-01T00:00:00.000Z',
      '2028-03-01T00:00:00.000Z',
    ])
    assert.deepEqual(bounds('month', '2026-12-31T00:00:00.000Z'), [
      '2026-12-01T00:00:00.000Z',
      '2027-01-01T00:00:00.000Z',
    ])
  })

  test('months agree with the platform’s calendar', () => {
    const years = { min: Date.UTC(1900, 0, 1), max: Date.UTC(2400, 0, 1) }
    fc.assert(
      fc.property(fc.integer(years), (atMs) => {
        const date = new Date(atMs)
        const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
        assert.deepEqual(periodAt('month', atMs), {
          startMs: Date.UTC(year, month, 1),
          endMs: Date.UTC(year, month + 1, 1),
        })
      }),
      { seed: 1, numRuns: 500 },
    )
  })
})
