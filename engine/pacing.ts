/**
 * Budget pacing: holds spend at a budget by a price on cost (a dual variable), and never promises money twice.
 *
 * The price λ follows dual mirror descent with the entropic regulariser (Balseiro, Lu & Mirrokni, "The best of many
 * worlds: dual mirror descent for online allocation problems", Operations Research 2023): each request moves log λ by
 * gain · (its cost − target) / allowance. Two deviations: the target is not the allowance itself but what is left of the
 * budget over what is still to come, so that a debt is paid back; and the cost is the one expected when the call is
 * reserved, corrected when it is settled, so that calls under way count at the next decision.
 *
 * Pure state: time comes in, and the same calls give the same prices. Every call is O(1); what is kept is some ten numbers
 * and one entry per call under way.
 */
import type { BudgetTerms } from './budget.ts'
import { BUDGET_PERIODS } from './calendar.ts'
import { EngineError } from './errors.ts'
import { type Ledger, PeriodLedger, RequestLedger } from './ledger.ts'
import type {
  BudgetSpec,
  BudgetStatus,
  Hold,
  Pacer,
  PacerOptions,
  PacerSnapshot,
  Reservation,
} from './pacing-types.ts'

/** How far one allowance too much moves log λ: an excess of 20 allowances makes a dollar e times as dear. */
const GAIN = 0.03
/** One call moves log λ at most by so much. */
const STEP_MOST = 1
/**
 * λ · allowance: at the start, at least and at most. At the least, an arm that is one allowance dearer must still be 0.001
 * better: an ample budget gives up no more than that, and the price does not sink so deep that it could not come back.
 */
const START_PRICE = 0.1
const LEAST_PRICE = 1e-3
const MOST_PRICE = 10
/** Share of the target that the exploration floor may cost. */
const FLOOR_SHARE = 0.02
const DEFAULT_EXPECTED_REQUESTS = 1_000

/** @throws {EngineError} `engine_bad_config` naming the field, the value and the range */
export function createPacer(spec: BudgetSpec, options: PacerOptions = {}): Pacer {
  const { expectedRequests = DEFAULT_EXPECTED_REQUESTS } = options
  validateBudget(spec)
  check('expectedRequests', expectedRequests, expectedRequests > 0, 'above 0')
  return new DualPacer(spec, expectedRequests)
}

/** @throws {EngineError} `engine_bad_config` naming the field, the value and the range */
export function validateBudget(spec: BudgetSpec): void {
  if (spec.kind === 'per-request') check('usd', spec.usd, spec.usd > 0, 'above 0')
  else {
    check('usd', spec.usd, spec.usd >= 0, 'at least 0')
    check('period', spec.period, BUDGET_PERIODS.includes(spec.period), `one of ${BUDGET_PERIODS.join(', ')}`)
  }
}

class DualPacer implements Pacer {
  readonly spec: BudgetSpec
  readonly #ledger: Ledger
  #perUsd: number
  readonly #holds = new Map<string, Hold>()

  constructor(spec: BudgetSpec, expectedRequests: number) {
    this.spec = spec
    this.#ledger =
      spec.kind === 'per-request'
        ? new RequestLedger(spec.usd)
        : new PeriodLedger(spec.usd, spec.period, expectedRequests)
    const allowanceUsd = this.#ledger.allowanceUsd(0)
    // Nothing can be bought with no money, at whatever price.
    this.#perUsd = allowanceUsd > 0 ? START_PRICE / allowanceUsd : 0
  }

  quote(nowMs: number): BudgetTerms {
    this.#ledger.advance(nowMs)
    return {
      perUsd: this.#perUsd,
      ceilingUsd: this.#ledger.remainingUsd(),
      floorUsd: FLOOR_SHARE * this.#ledger.targetUsd(nowMs),
      onExhausted: this.spec.kind === 'per-period' ? this.spec.onExhausted : 'cheapest',
    }
  }

  reserve(id: string, expectedUsd: number, nowMs: number): Reservation {
    checkAmount(id, 'expected cost', expectedUsd)
    if (this.#holds.has(id)) {
      throw new EngineError('engine_bad_reservation', `call ${id} is under way; settle or release it first`)
    }
    this.#ledger.advance(nowMs)
    const overdrawn = expectedUsd > this.#ledger.remainingUsd()
    if (overdrawn && this.spec.kind === 'per-period' && this.spec.onExhausted === 'reject') return 'refused'
    const step = this.#move(expectedUsd - this.#ledger.targetUsd(nowMs), nowMs)
    this.#ledger.book({
      requests: 1,
      spentUsd: 0,
      reservedUsd: expectedUsd,
      overdraftUsd: overdrawn ? expectedUsd : 0,
    })
    this.#holds.set(id, { usd: expectedUsd, periodStartMs: this.#ledger.periodStartMs, overdrawn, step })
    return overdrawn ? 'overdrawn' : 'reserved'
  }

  settle(id: string, actualUsd: number, nowMs: number): void {
    checkAmount(id, 'cost', actualUsd)
    const hold = this.#take(id, nowMs)
    if (hold.periodStartMs !== this.#ledger.periodStartMs) return
    this.#ledger.book({
      requests: 0,
      spentUsd: actualUsd,
      reservedUsd: -hold.usd,
      overdraftUsd: hold.overdrawn ? actualUsd - hold.usd : 0,
    })
    this.#move(actualUsd - hold.usd, nowMs)
  }

  release(id: string, nowMs: number): void {
    const hold = this.#take(id, nowMs)
    if (hold.periodStartMs !== this.#ledger.periodStartMs) return
    this.#ledger.book({
      requests: -1,
      spentUsd: 0,
      reservedUsd: -hold.usd,
      overdraftUsd: hold.overdrawn ? -hold.usd : 0,
    })
    this.#perUsd = this.#bounded(this.#perUsd * Math.exp(-hold.step), nowMs)
  }

  reprice(perUsd: number, nowMs: number): void {
    check('perUsd', perUsd, perUsd >= 0, 'at least 0')
    this.#ledger.advance(nowMs)
    this.#perUsd = this.#bounded(perUsd, nowMs)
  }

  status(nowMs: number): BudgetStatus {
    this.#ledger.advance(nowMs)
    return {
      ...this.#ledger.booked,
      perUsd: this.#perUsd,
      targetUsd: this.#ledger.targetUsd(nowMs),
      remainingUsd: this.#ledger.remainingUsd(),
      periodEndMs: this.#ledger.periodEndMs,
    }
  }

  snapshot(): PacerSnapshot {
    return {
      version: 1,
      kind: this.spec.kind,
      perUsd: this.#perUsd,
      ledger: this.#ledger.state(),
      holds: [...this.#holds],
    }
  }

  restore(snapshot: PacerSnapshot): void {
    if (snapshot.version !== 1 || snapshot.kind !== this.spec.kind) {
      throw new EngineError(
        'engine_snapshot_mismatch',
        `pacer snapshot of version ${snapshot.version}, kind ${snapshot.kind}; expected version 1, ${this.spec.kind}`,
      )
    }
    this.#perUsd = snapshot.perUsd
    this.#ledger.restore(snapshot.ledger)
    this.#holds.clear()
    for (const [id, hold] of snapshot.holds) this.#holds.set(id, hold)
  }

  #take(id: string, nowMs: number): Hold {
    const hold = this.#holds.get(id)
    if (hold === undefined) {
      throw new EngineError(
        'engine_bad_reservation',
        `call ${id} has nothing reserved: reserve it before the call, and settle or release it once`,
      )
    }
    this.#ledger.advance(nowMs)
    this.#holds.delete(id)
    return hold
  }

  /** @returns what was added to log λ */
  #move(overUsd: number, nowMs: number): number {
    const allowanceUsd = this.#ledger.allowanceUsd(nowMs)
    if (!(allowanceUsd > 0)) return 0
    const step = Math.min(Math.max((GAIN * overUsd) / allowanceUsd, -STEP_MOST), STEP_MOST)
    const before = this.#perUsd
    this.#perUsd = this.#bounded(before * Math.exp(step), nowMs)
    return Math.log(this.#perUsd / before)
  }

  #bounded(perUsd: number, nowMs: number): number {
    const allowanceUsd = this.#ledger.allowanceUsd(nowMs)
    if (!(allowanceUsd > 0)) return 0
    return Math.min(Math.max(perUsd, LEAST_PRICE / allowanceUsd), MOST_PRICE / allowanceUsd)
  }
}

function check(field: string, value: number | string, ok: boolean, range: string): void {
  if (ok && value !== Number.POSITIVE_INFINITY) return
  throw new EngineError('engine_bad_config', `budget.${field} must be ${range}, got ${value}`)
}

function checkAmount(id: string, what: string, usd: number): void {
  if (usd >= 0 && usd < Number.POSITIVE_INFINITY) return
  throw new EngineError(
    'engine_bad_reservation',
    `${what} of call ${id} must be a finite number of USD of at least 0, got ${usd}`,
  )
}
