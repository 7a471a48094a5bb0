/** What a judge may cost in a day, over all replicas. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DailySpend } from '../../server/judges/daily-spend.ts'

describe('what a judge may spend in a day', () => {
  const DAY_MS = 86_400_000

  it('is held by reservations, settled by what was spent, and begins anew at midnight', async () => {
    const spend = new DailySpend(async () => 0)
    const first = await spend.reserve(0.6, 1, 10)
    assert.ok(first)
    assert.equal(await spend.reserve(0.6, 1, 11), undefined)
    first(0.1)
    first(5)
    assert.ok(Math.abs(spend.spentUsd(12) - 0.1) < 1e-12, 'settled once')
    assert.ok(await spend.reserve(0.6, 1, 13))
    assert.equal(await spend.reserve(0.6, 1, 14), undefined)
    assert.ok(await spend.reserve(0.3, 1, DAY_MS + 1), 'what is still reserved counts on')
  })

  it('counts what other replicas have spent, and its own not twice for good', async () => {
    let stored = 0.5
    const spend = new DailySpend(async () => stored)
    const settle = await spend.reserve(0.2, 1, 1)
    settle?.(0.2)
    stored = 0.9
    const later = 2 * 60_000
    assert.equal(await spend.reserve(0.2, 1, later), undefined, 'own 0.2 may be in the 0.9 or not')
    assert.ok(await spend.reserve(0.05, 1, 2 * later), 'by now it is')
  })

  it('is asked of the day that has begun, also by who waits for a reading of the one before', async () => {
    const readings: { readonly fromMs: number; readonly tell: (usd: number) => void }[] = []
    const spend = new DailySpend((fromMs) => new Promise((tell) => readings.push({ fromMs, tell })))
    const before = spend.reserve(0.1, 1, DAY_MS - 1)
    const after = spend.reserve(0.1, 1, DAY_MS + 1)
    readings[0]?.tell(0)
    for (let i = 0; i < 10; i++) await null
    readings[1]?.tell(5)
    assert.deepEqual(
      readings.map(({ fromMs }) => fromMs),
      [0, DAY_MS],
    )
    assert.equal(await after, undefined, 'others have spent it already')
    await before
    assert.equal(await spend.reserve(0.1, 1, DAY_MS - 1), undefined, 'who came late is of today')
  })

  it('is nothing when nothing was spent', async () => {
    const spend = new DailySpend(async () => 0)
    const settles = await Promise.all([0.1, 0.2, 0.3].map((usd) => spend.reserve(usd, 1, 1)))
    for (const settle of settles) settle?.(0)
    assert.equal(spend.spentUsd(1), 0)
  })

  it('many at once cannot overspend', async () => {
    const spend = new DailySpend(async () => 0)
    const granted = await Promise.all(Array.from({ length: 50 }, () => spend.reserve(0.1, 1, 1)))
    assert.equal(granted.filter((each) => each !== undefined).length, 10)
  })
})
