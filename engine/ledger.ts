/** The two ways to count money against a budget: a mean over requests, or so much in each period. Pure state. */
import { type BudgetPeriod, periodAt, type TimeSpan } from './calendar.ts'

/** Changes to what is counted. */
export interface Booking {
  readonly requests: number
  readonly spentUsd: number
  readonly reservedUsd: number
  /** The part of both that goes beyond the limit. */
  readonly overdraftUsd: number
}

export interface Ledger {
  /** Ends periods that are over. Time that runs backwards does not bring one back. */
  advance(nowMs: number): void
  /** Which period pays for what is booked now; null where there are none. */
  readonly periodStartMs: number | null
  /** Where the current period ends; `Infinity` where there are none. */
  readonly periodEndMs: number
  readonly booked: Booking
  /** What may still be promised, at least 0. */
  remainingUsd(): number
  /** The budget per request that is foreseen: the yardstick for prices. */
  allowanceUsd(nowMs: number): number
  /** What the next request may cost in expectation for spend to end on plan. */
  targetUsd(nowMs: number): number
  book(change: Booking): void
  state(): LedgerState
  restore(state: LedgerState): void
}

/** Plain JSON; each ledger reads what it keeps. */
export interface LedgerState {
  readonly booked: Booking
  /** Of a budget per request: unspent allowances, below 0 a debt. */
  readonly carryUsd: number
  /** Of a budget per period. */
  readonly periodStartMs: number | null
  readonly activeFromMs: number
  readonly expectedRequests: number
}

const NOTHING: Booking = { requests: 0, spentUsd: 0, reservedUsd: 0, overdraftUsd: 0 }

/** A debt of a budget per request is paid back over so many requests. */
const CARRY_REQUESTS = 500
/** So many unspent allowances are kept at most: what a cheap stretch left over is no licence for a spree after it. */
const SAVED_ALLOWANCES = 10
/** However deep the debt, requests are given so many allowances. */
const TARGET_LEAST = 0.5
/** What a period has left over makes the target at most so many allowances. */
const TARGET_MOST = 2

export class RequestLedger implements Ledger {
  readonly periodStartMs = null
  readonly periodEndMs = Number.POSITIVE_INFINITY
  readonly #usd: number
  #booked = NOTHING
  #carryUsd = 0

  constructor(usd: number) {
    this.#usd = usd
  }

  get booked(): Booking {
    return this.#booked
  }

  advance(): void {}

  remainingUsd(): number {
    return Number.POSITIVE_INFINITY
  }

  allowanceUsd(): number {
    return this.#usd
  }

  targetUsd(): number {
    return Math.max(this.#usd + this.#carryUsd / CARRY_REQUESTS, TARGET_LEAST * this.#usd)
  }

  book(change: Booking): void {
    this.#booked = add(this.#booked, change)
    const carryUsd = this.#carryUsd + change.requests * this.#usd - change.spentUsd - change.reservedUsd
    this.#carryUsd = Math.min(carryUsd, SAVED_ALLOWANCES * this.#usd)
  }

  state(): LedgerState {
    return {
      booked: this.#booked,
      carryUsd: this.#carryUsd,
      periodStartMs: null,
      activeFromMs: 0,
      expectedRequests: 0,
    }
  }

  restore({ booked, carryUsd }: LedgerState): void {
    this.#booked = booked
    this.#carryUsd = carryUsd
  }
}

/** What was expected of a period weighs as much as so large a share of it that was seen. */
const EXPECTATION_PERIODS = 0.05

export class PeriodLedger implements Ledger {
  readonly #usd: number
  readonly #period: BudgetPeriod
  #expectedRequests: number
  #span: TimeSpan | undefined
  /** Since when the period's requests are counted: its start, or the first call of all. */
  #activeFromMs = 0
  #booked = NOTHING

  constructor(usd: number, period: BudgetPeriod, expectedRequests: number) {
    this.#usd = usd
    this.#period = period
    this.#expectedRequests = expectedRequests
  }

  get booked(): Booking {
    return this.#booked
  }

  get periodStartMs(): number | null {
    return this.#span?.startMs ?? null
  }

  get periodEndMs(): number {
    return this.#span?.endMs ?? Number.POSITIVE_INFINITY
  }

  advance(nowMs: number): void {
    const ended = this.#span
    if (ended !== undefined && nowMs < ended.endMs) return
    const span = periodAt(this.#period, nowMs)
    if (ended !== undefined && this.#booked.requests > 0) {
      this.#expectedRequests = this.#requestsPerPeriod(ended, ended.endMs)
    }
    this.#activeFromMs = ended === undefined ? nowMs : span.startMs
    this.#span = span
    this.#booked = NOTHING
  }

  remainingUsd(): number {
    return Math.max(this.#usd - this.#booked.spentUsd - this.#booked.reservedUsd, 0)
  }

  allowanceUsd(nowMs: number): number {
    const requests =
      this.#span === undefined ? this.#expectedRequests : this.#requestsPerPeriod(this.#span, nowMs)
    return this.#usd / requests
  }

  targetUsd(nowMs: number): number {
    const span = this.#span
    const allowanceUsd = this.allowanceUsd(nowMs)
    if (span === undefined) return allowanceUsd
    const toCome = (this.#requestsPerPeriod(span, nowMs) * (span.endMs - nowMs)) / (span.endMs - span.startMs)
    return Math.min(this.remainingUsd() / Math.max(toCome, 1), TARGET_MOST * allowanceUsd)
  }

  book(change: Booking): void {
    this.#booked = add(this.#booked, change)
  }

  state(): LedgerState {
    return {
      booked: this.#booked,
      carryUsd: 0,
      periodStartMs: this.periodStartMs,
      activeFromMs: this.#activeFromMs,
      expectedRequests: this.#expectedRequests,
    }
  }

  /** A period that began under another calendar is over at the next call. */
  restore({ booked, periodStartMs, activeFromMs, expectedRequests }: LedgerState): void {
    const span = periodStartMs === null ? undefined : periodAt(this.#period, periodStartMs)
    this.#span = span?.startMs === periodStartMs ? span : undefined
    this.#booked = this.#span === undefined ? NOTHING : booked
    this.#activeFromMs = activeFromMs
    this.#expectedRequests = expectedRequests
  }

  /** Requests in a whole period: the mean of a Gamma posterior over their rate, what was expected being its prior. */
  #requestsPerPeriod({ startMs, endMs }: TimeSpan, nowMs: number): number {
    const seen = Math.max(nowMs - this.#activeFromMs, 0) / (endMs - startMs)
    return (
      (EXPECTATION_PERIODS * this.#expectedRequests + this.#booked.requests) / (EXPECTATION_PERIODS + seen)
    )
  }
}

function add(one: Booking, other: Booking): Booking {
  return {
    requests: one.requests + other.requests,
    spentUsd: one.spentUsd + other.spentUsd,
    reservedUsd: one.reservedUsd + other.reservedUsd,
    overdraftUsd: one.overdraftUsd + other.overdraftUsd,
  }
}
