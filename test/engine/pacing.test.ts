import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type BudgetSpec, createPacer, EngineError, type Pacer } from '../../engine/index.ts'
import { seeded } from '../helpers/engine.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const MIDNIGHT = Date.UTC(2026, 2, 1)
const PER_REQUEST: BudgetSpec = { kind: 'per-request', usd: 1e-3 }
const perDay = (usd: number, onExhausted: 'cheapest' | 'reject' = 'reject'): BudgetSpec => ({
  kind: 'per-period',
  usd,
  period: 'day',
  onExhausted,
})
const thrown = (code: string) => (error: unknown) => error instanceof EngineError && error.code === code

/**
 * A market of two arms: `usd[0]` for sure, or `usd[1]` with a quality advantage drawn evenly from [0, 0.2), taken where
 * the advantage is worth its price. The mean cost thus falls evenly with the price.
 */
function demand(perUsd: number, usd: readonly [number, number], uniform: () => number): number {
  return 0.2 * uniform() > perUsd * (usd[1] - usd[0]) ? usd[1] : usd[0]
}

let calls = 0
/** One request from quote to settlement. @returns what it cost; undefined when it was refused */
function serve(pacer: Pacer, atMs: number, choose: (perUsd: number) => number): number | undefined {
  const terms = pacer.quote(atMs)
  let costUsd = choose(terms.perUsd)
  if (costUsd > terms.ceilingUsd) costUsd = choose(Number.POSITIVE_INFINITY)
  const id = `call-${calls++}`
  if (pacer.reserve(id, costUsd, atMs) === 'refused') return undefined
  pacer.settle(id, costUsd, atMs)
  return costUsd
}

function serveMany(pacer: Pacer, count: number, usd: readonly [number, number], seed: number): number {
  const uniform = seeded(seed)
  let total = 0
  for (let n = 0; n < count; n++) total += serve(pacer, n, (perUsd) => demand(perUsd, usd, uniform)) ?? 0
  return total / count
}

suite('a budget per request', () => {
  test('starts at a price of a tenth of quality per allowance, or where it is put', () => {
    const pacer = createPacer(PER_REQUEST)
    const { perUsd, ceilingUsd } = pacer.quote(0)
    assert.equal(perUsd, 100)
    assert.equal(ceilingUsd, Number.POSITIVE_INFINITY)
    pacer.reprice(33, 0)
    assert.equal(pacer.quote(0).perUsd, 33)
  })

  test('the price stays within its bounds, whatever happens', () => {
    const pacer = createPacer(PER_REQUEST)
    for (let n = 0; n < 2_000; n++) serve(pacer, n, () => 0)
    assert.equal(pacer.quote(0).perUsd, 1e-3 / PER_REQUEST.usd)
    for (let n = 0; n < 2_000; n++) serve(pacer, n, () => 1)
    assert.equal(pacer.quote(0).perUsd, 10 / PER_REQUEST.usd)
  })

  test('from a price far too low it pays the excess back', () => {
    const pacer = createPacer(PER_REQUEST)
    pacer.reprice(1, 0)
    const mean = serveMany(pacer, 3_000, [1e-4, 4e-3], 7)
    assert.ok(Math.abs(mean / PER_REQUEST.usd - 1) < 0.02, `${mean}`)
  })

  test('from a price far too high it comes to the budget, without making up for what it did not spend', () => {
    const pacer = createPacer(PER_REQUEST)
    pacer.reprice(1e4, 0)
    assert.ok(serveMany(pacer, 300, [1e-4, 4e-3], 7) < PER_REQUEST.usd)
    const mean = serveMany(pacer, 3_000, [1e-4, 4e-3], 8)
    assert.ok(Math.abs(mean / PER_REQUEST.usd - 1) < 0.02, `${mean}`)
  })

  test('follows a fall and a rise of prices, each within 2 % of the budget after 500 requests', () => {
    const pacer = createPacer(PER_REQUEST)
    const before = serveMany(pacer, 1_500, [1e-4, 4e-3], 1)
    const dear = pacer.quote(0).perUsd
    serveMany(pacer, 500, [1e-5, 2e-3], 2)
    const fallen = serveMany(pacer, 1_500, [1e-5, 2e-3], 3)
    const cheap = pacer.quote(0).perUsd
    serveMany(pacer, 500, [2e-4, 2e-2], 4)
    const risen = serveMany(pacer, 1_500, [2e-4, 2e-2], 5)
    for (const mean of [before, fallen, risen])
      assert.ok(Math.abs(mean / PER_REQUEST.usd - 1) < 0.02, `${mean}`)
    assert.ok(cheap > dear / 2 && cheap < dear * 2)
  })

  test('after a cheap stretch the price is back before 50 allowances are overspent, and no savings are squandered', () => {
    const pacer = createPacer(PER_REQUEST)
    for (let n = 0; n < 2_000; n++) serve(pacer, n, () => 2e-4)
    assert.ok(pacer.status(0).spentUsd < 0.41)
    const after = serveMany(pacer, 3_000, [2e-4, 2e-2], 9)
    assert.ok(after * 3_000 <= 3_050 * PER_REQUEST.usd, `${after}`)
  })

  test('a debt lowers the target and is paid back', () => {
    const pacer = createPacer(PER_REQUEST)
    serve(pacer, 0, () => 200 * PER_REQUEST.usd)
    assert.ok(Math.abs(pacer.status(0).targetUsd - (1 - 199 / 500) * PER_REQUEST.usd) < 1e-12)
    serveMany(pacer, 4_000, [1e-4, 4e-3], 3)
    const { spentUsd, requests } = pacer.status(0)
    assert.ok(Math.abs(spentUsd / (requests * PER_REQUEST.usd) - 1) < 0.02)
  })

  test('what is expected when a call begins, and what it cost when it ends, move the price alike', () => {
    const [atOnce, later] = [createPacer(PER_REQUEST), createPacer(PER_REQUEST)]
    atOnce.reserve('a', 3e-3, 0)
    later.reserve('a', 1e-3, 0)
    const raised = later.quote(0).perUsd
    later.settle('a', 3e-3, 0)
    assert.ok(later.quote(0).perUsd > raised)
    assert.ok(Math.abs(later.quote(0).perUsd / atOnce.quote(0).perUsd - 1) < 1e-12)
  })

  test('a call that is released leaves no trace', () => {
    const pacer = createPacer(PER_REQUEST)
    serveMany(pacer, 10, [1e-4, 4e-3], 3)
    const before = pacer.status(0)
    pacer.reserve('x', 2e-3, 0)
    assert.notEqual(pacer.quote(0).perUsd, before.perUsd)
    pacer.release('x', 0)
    const after = pacer.status(0)
    assert.equal(after.requests, before.requests)
    for (const field of ['perUsd', 'targetUsd', 'spentUsd', 'reservedUsd'] as const) {
      assert.ok(Math.abs(after[field] - before[field]) <= 1e-12 * Math.max(1, before[field]), field)
    }
  })
})

suite('a budget per period', () => {
  test('even traffic spends it evenly', () => {
    const pacer = createPacer(perDay(10), { expectedRequests: 5_000 })
    const uniform = seeded(1)
    const steps = 10_000
    const spentAt: number[] = []
    for (let n = 0; n < steps; n++) {
      const atMs = MIDNIGHT + (n * DAY) / steps
      serve(pacer, atMs, (perUsd) => demand(perUsd, [1e-4, 4e-3], uniform))
      if ((n + 1) % (steps / 4) === 0) spentAt.push(pacer.status(atMs).spentUsd)
    }
    for (const [quarter, usd] of spentAt.entries())
      assert.ok(Math.abs(usd - 2.5 * (quarter + 1)) < 0.5, `${spentAt}`)
    assert.ok(spentAt[3]! > 9.8 && spentAt[3]! <= 10)
  })

  test('in a burst a request may cost less, after an idle stretch more, and the day’s budget lasts', () => {
    const pacer = createPacer(perDay(10), { expectedRequests: 2_400 })
    const uniform = seeded(2)
    const meanUsdIn = (hour: number, count: number): number => {
      let total = 0
      for (let n = 0; n < count; n++) {
        const atMs = MIDNIGHT + hour * HOUR + (n * HOUR) / count
        total += serve(pacer, atMs, (perUsd) => demand(perUsd, [1e-4, 2e-2], uniform)) ?? 0
      }
      return total / count
    }
    for (let hour = 0; hour < 5; hour++) meanUsdIn(hour, 100)
    const calm = meanUsdIn(5, 100)
    const burst = meanUsdIn(6, 2_000)
    assert.ok(burst < 0.5 * calm, `${calm} → ${burst}`)
    const evening = [18, 19, 20, 21, 22, 23].map((hour) => meanUsdIn(hour, 100))
    assert.ok(evening.at(-1)! > 2 * burst, `${burst} → ${evening}`)
    const { spentUsd } = pacer.status(MIDNIGHT + DAY - 1)
    assert.ok(spentUsd <= 10 && spentUsd > 8, `${spentUsd}`)
  })

  test('rolls over: spend begins anew, the price stays, and the next period expects what this one had', () => {
    const pacer = createPacer(perDay(1), { expectedRequests: 10 })
    const uniform = seeded(3)
    for (let n = 0; n < 1_000; n++) {
      serve(pacer, MIDNIGHT + (n * DAY) / 1_000, (perUsd) => demand(perUsd, [1e-4, 4e-3], uniform))
    }
    const last = MIDNIGHT + DAY - 1
    const { perUsd } = pacer.quote(last)
    assert.ok(pacer.status(last).spentUsd > 0.9)
    const next = pacer.status(MIDNIGHT + DAY)
    assert.equal(next.spentUsd, 0)
    assert.equal(next.requests, 0)
    assert.equal(next.perUsd, perUsd)
    assert.equal(next.periodEndMs, MIDNIGHT + 2 * DAY)
    // A thousandth, give or take the weight of the ten that were expected at first.
    assert.ok(Math.abs(next.targetUsd - 1e-3) < 6e-5, `${next.targetUsd}`)
  })

  test('idle periods teach it nothing', () => {
    const pacer = createPacer(perDay(1), { expectedRequests: 1_000 })
    pacer.quote(MIDNIGHT)
    assert.ok(Math.abs(pacer.status(MIDNIGHT + 40 * DAY).targetUsd - 1e-3) < 1e-12)
  })

  test('a call belongs to the period it was reserved in', () => {
    const pacer = createPacer(perDay(1))
    pacer.reserve('a', 0.4, MIDNIGHT)
    pacer.reserve('b', 0.4, MIDNIGHT)
    const tomorrow = MIDNIGHT + DAY
    pacer.settle('a', 0.9, tomorrow)
    pacer.release('b', tomorrow)
    const { spentUsd, reservedUsd, requests } = pacer.status(tomorrow)
    assert.deepEqual({ spentUsd, reservedUsd, requests }, { spentUsd: 0, reservedUsd: 0, requests: 0 })
  })

  test('time that runs backwards brings no period back', () => {
    const pacer = createPacer(perDay(1))
    pacer.reserve('a', 0.4, MIDNIGHT + DAY)
    assert.equal(pacer.status(MIDNIGHT).reservedUsd, 0.4)
  })

  test('what is under way is not promised again', () => {
    const pacer = createPacer(perDay(1))
    assert.equal(pacer.reserve('a', 0.6, MIDNIGHT), 'reserved')
    assert.equal(pacer.quote(MIDNIGHT).ceilingUsd, 0.4)
    assert.equal(pacer.reserve('b', 0.6, MIDNIGHT), 'refused')
    pacer.settle('a', 0.1, MIDNIGHT)
    assert.equal(pacer.reserve('b', 0.6, MIDNIGHT), 'reserved')
  })

  test('a call dearer than the whole budget is refused, or overdrawn and counted as such', () => {
    assert.equal(createPacer(perDay(1)).reserve('a', 2, MIDNIGHT), 'refused')
    const pacer = createPacer(perDay(1, 'cheapest'))
    assert.equal(pacer.reserve('a', 2, MIDNIGHT), 'overdrawn')
    pacer.settle('a', 3, MIDNIGHT)
    const { spentUsd, overdraftUsd, remainingUsd } = pacer.status(MIDNIGHT)
    assert.deepEqual(
      { spentUsd, overdraftUsd, remainingUsd },
      { spentUsd: 3, overdraftUsd: 3, remainingUsd: 0 },
    )
  })

  test('without money nothing but what is free', () => {
    const pacer = createPacer(perDay(0))
    const terms = pacer.quote(MIDNIGHT)
    assert.deepEqual(terms, { perUsd: 0, ceilingUsd: 0, floorUsd: 0, onExhausted: 'reject' })
    assert.equal(pacer.reserve('a', 0, MIDNIGHT), 'reserved')
    assert.equal(pacer.reserve('b', 1e-9, MIDNIGHT), 'refused')
    pacer.settle('a', 0, MIDNIGHT)
  })
})

suite('a pacer', () => {
  test('restored from JSON it goes on alike, calls under way included', () => {
    for (const spec of [PER_REQUEST, perDay(0.5), perDay(0.05, 'cheapest')]) {
      const [one, other] = [createPacer(spec), createPacer(spec)]
      const uniform = seeded(4)
      for (let n = 0; n < 300; n++)
        serve(one, MIDNIGHT + n * HOUR, (perUsd) => demand(perUsd, [1e-4, 4e-3], uniform))
      one.reserve('under way', 1e-3, MIDNIGHT + 300 * HOUR)
      other.restore(JSON.parse(JSON.stringify(one.snapshot())))
      for (const pacer of [one, other]) {
        pacer.settle('under way', 2e-3, MIDNIGHT + 300 * HOUR)
        const again = seeded(5)
        for (let n = 301; n < 400; n++) {
          serve(pacer, MIDNIGHT + n * HOUR, (perUsd) => demand(perUsd, [1e-4, 4e-3], again))
        }
      }
      assert.deepEqual(other.snapshot(), one.snapshot())
    }
  })

  test('takes over the state of another limit and period, but not of another kind', () => {
    const pacer = createPacer(perDay(1))
    pacer.reserve('a', 0.4, MIDNIGHT)
    const raised = createPacer(perDay(2))
    raised.restore(pacer.snapshot())
    assert.equal(raised.status(MIDNIGHT).remainingUsd, 1.6)
    const hourly = createPacer({ kind: 'per-period', usd: 1, period: 'hour', onExhausted: 'reject' })
    pacer.settle('a', 0.4, MIDNIGHT + 5 * HOUR)
    hourly.restore(pacer.snapshot())
    assert.equal(hourly.status(MIDNIGHT + 5 * HOUR).remainingUsd, 1)
    assert.throws(
      () => createPacer(PER_REQUEST).restore(pacer.snapshot()),
      thrown('engine_snapshot_mismatch'),
    )
  })

  test('refuses a budget that is none', () => {
    const wrong: BudgetSpec[] = [
      { kind: 'per-request', usd: 0 },
      { kind: 'per-request', usd: Number.NaN },
      { kind: 'per-request', usd: Number.POSITIVE_INFINITY },
      perDay(-1),
      { ...perDay(1), period: 'week' as 'day' } as BudgetSpec,
    ]
    for (const spec of wrong) assert.throws(() => createPacer(spec), thrown('engine_bad_config'))
    assert.throws(() => createPacer(PER_REQUEST, { expectedRequests: 0 }), thrown('engine_bad_config'))
    assert.throws(() => createPacer(PER_REQUEST).reprice(-1, 0), thrown('engine_bad_config'))
  })

  test('refuses amounts that are none, and ids that do not fit', () => {
    const pacer = createPacer(PER_REQUEST)
    pacer.reserve('a', 1, 0)
    const refused = thrown('engine_bad_reservation')
    assert.throws(() => pacer.reserve('a', 1, 0), refused)
    assert.throws(() => pacer.reserve('b', -1, 0), refused)
    assert.throws(() => pacer.settle('a', Number.NaN, 0), refused)
    assert.throws(() => pacer.settle('c', 1, 0), refused)
    pacer.settle('a', 1, 0)
    assert.throws(() => pacer.release('a', 0), refused)
  })
})
