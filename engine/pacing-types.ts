/** A pacer: what it is told, what it says, and the state it can be restored from. */
import type { BudgetTerms, OnExhausted } from './budget.ts'
import type { BudgetPeriod } from './calendar.ts'
import type { LedgerState } from './ledger.ts'

export type BudgetSpec =
  | {
      /** A mean cost over requests: no limit on any one of them, and none on their number. */
      readonly kind: 'per-request'
      /** USD per request, above 0. */
      readonly usd: number
    }
  | {
      /** So much in each hour, day or month (UTC), and no more. */
      readonly kind: 'per-period'
      /** USD per period, at least 0. */
      readonly usd: number
      readonly period: BudgetPeriod
      /** At the limit: the cheapest arm all the same, counted as overdraft; or nothing. */
      readonly onExhausted: OnExhausted
    }

/** `overdrawn`: granted beyond the limit, for the cheapest arm. `refused`: nothing was reserved, the call must not be made. */
export type Reservation = 'reserved' | 'overdrawn' | 'refused'

export interface BudgetStatus {
  /** λ, quality per USD. */
  readonly perUsd: number
  /** What the next request may cost in expectation for spend to end on plan, USD. */
  readonly targetUsd: number
  /** Settled: in the current period; of a budget per request, since its start. */
  readonly spentUsd: number
  /** Set aside for calls under way. */
  readonly reservedUsd: number
  /** The part of both that goes beyond the limit by `cheapest`. */
  readonly overdraftUsd: number
  /** What may still be promised, at least 0; `Infinity` for a budget per request. */
  readonly remainingUsd: number
  readonly requests: number
  /** `Infinity` for a budget per request. */
  readonly periodEndMs: number
}

/** Money set aside for one call. */
export interface Hold {
  readonly usd: number
  /** The period that pays. */
  readonly periodStartMs: number | null
  readonly overdrawn: boolean
  /** What reserving it did to log λ. */
  readonly step: number
}

/** Plain JSON. */
export interface PacerSnapshot {
  readonly version: 1
  readonly kind: BudgetSpec['kind']
  readonly perUsd: number
  readonly ledger: LedgerState
  readonly holds: readonly (readonly [id: string, hold: Hold])[]
}

/** All of these throw {@link EngineError} `engine_bad_reservation` for an amount below 0, or an id that does not fit. */
export interface Pacer {
  readonly spec: BudgetSpec
  /** The terms of a decision that is taken now. */
  quote(nowMs: number): BudgetTerms
  /**
   * Sets money aside for a call that is about to be made. Whenever money is granted, all that is spent and reserved is
   * within the limit, overdrafts apart; so spend ends over it at most by what the calls under way then, and calls granted
   * as free, cost beyond their reservations.
   *
   * @param id of the call; no other one under way may have it
   * @param expectedUsd reserve an upper bound instead of an expectation, and the limit is strict
   */
  reserve(id: string, expectedUsd: number, nowMs: number): Reservation
  /** The call ended. The period that it was reserved in pays, whichever it is by now. */
  settle(id: string, actualUsd: number, nowMs: number): void
  /** The call was not made after all: as if it had not been reserved. */
  release(id: string, nowMs: number): void
  /** Sets λ, within its bounds: to the `dualPrice` of choices like those to come. */
  reprice(perUsd: number, nowMs: number): void
  status(nowMs: number): BudgetStatus
  snapshot(): PacerSnapshot
  /** Takes over a state, calls under way included. @throws {EngineError} `engine_snapshot_mismatch` for another kind of budget */
  restore(snapshot: PacerSnapshot): void
}

export interface PacerOptions {
  /** Requests in a whole period, above 0; from the second period on, what was seen. @default 1000 */
  readonly expectedRequests?: number
}
