/** What a budget does to one decision: a price on cost, arms it cannot pay for, and a floor it can. */
import { EngineError } from './errors.ts'
import type { Forecast } from './estimate.ts'
import type { ArmEstimate, Exclusion, UtilityRates } from './types.ts'

/** What happens when the budget can pay for no arm. */
export type OnExhausted = 'cheapest' | 'reject'

/** A budget's terms for one request; a pacer gives them (`Pacer.quote`). */
export interface BudgetTerms {
  /** Dual price: quality that a dollar is worth, on top of what the preferences say. ≥ 0. */
  readonly perUsd: number
  /** An arm expected to cost more is not eligible (`over_budget`). ≥ 0, `Infinity` for no limit. */
  readonly ceilingUsd: number
  /** USD that the exploration floor of this request may be expected to cost. ≥ 0. */
  readonly floorUsd: number
  readonly onExhausted: OnExhausted
}

/** @throws {EngineError} `engine_bad_config` for a negative number or one that is not a number */
export function validateTerms(terms: BudgetTerms): void {
  for (const field of ['perUsd', 'ceilingUsd', 'floorUsd'] as const) {
    if (!(terms[field] >= 0) || (field === 'perUsd' && terms[field] === Number.POSITIVE_INFINITY)) {
      throw new EngineError('engine_bad_config', `budget.${field} must be at least 0, got ${terms[field]}`)
    }
  }
}

/**
 * The Lagrangian of "best utility at a mean cost of at most B" is utility − λ·cost: the budget's price adds to the price
 * that the preferences put on cost already.
 */
export function withBudgetPrice(rates: UtilityRates, terms: BudgetTerms | undefined): UtilityRates {
  return terms === undefined ? rates : { ...rates, perUsd: rates.perUsd + terms.perUsd }
}

/**
 * The arms that the budget can still pay for, and why not the others. When it can pay for none: with `cheapest` the one
 * arm that is expected to cost least (ties: the first), with `reject` none.
 */
export function withinBudget(
  open: readonly Forecast[],
  terms: BudgetTerms | undefined,
): { readonly affordable: readonly Forecast[]; readonly exclusions: readonly Exclusion[] } {
  if (terms === undefined || open.every(({ costUsd }) => costUsd.mean <= terms.ceilingUsd)) {
    return { affordable: open, exclusions: [] }
  }
  let affordable = open.filter(({ costUsd }) => costUsd.mean <= terms.ceilingUsd)
  if (affordable.length === 0 && terms.onExhausted === 'cheapest') {
    affordable = [open.reduce((least, next) => (next.costUsd.mean < least.costUsd.mean ? next : least))]
  }
  const exclusions = open
    .filter((forecast) => !affordable.includes(forecast))
    .map(({ arm, costUsd }): Exclusion => {
      const detail = `${costUsd.mean.toPrecision(3)} > ${terms.ceilingUsd.toPrecision(3)} USD left`
      return { arm, reason: 'over_budget', detail }
    })
  return { affordable, exclusions }
}

/** The largest floor, at most `floor`, whose even spread over `estimates` is expected to cost at most `terms.floorUsd`. */
export function affordableFloor(
  floor: number,
  estimates: readonly ArmEstimate[],
  terms: BudgetTerms | undefined,
): number {
  if (terms === undefined) return floor
  let total = 0
  for (const { costUsd } of estimates) total += costUsd.mean
  const evenUsd = total / estimates.length
  return evenUsd * floor > terms.floorUsd ? terms.floorUsd / evenUsd : floor
}
