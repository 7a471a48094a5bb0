/** Periods of a budget, in UTC. Written out because the engine has no clock, and so no `Date`. */

export const BUDGET_PERIODS = ['hour', 'day', 'month'] as const
export type BudgetPeriod = (typeof BUDGET_PERIODS)[number]

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Unix ms, `startMs` within and `endMs` the first after. */
export interface TimeSpan {
  readonly startMs: number
  readonly endMs: number
}

/** The period that `atMs` lies in. */
export function periodAt(period: BudgetPeriod, atMs: number): TimeSpan {
  if (period === 'month') return monthAt(atMs)
  const lengthMs = period === 'hour' ? HOUR_MS : DAY_MS
  const startMs = Math.floor(atMs / lengthMs) * lengthMs
  return { startMs, endMs: startMs + lengthMs }
}

function monthAt(atMs: number): TimeSpan {
  const { year, month } = civilMonth(Math.floor(atMs / DAY_MS))
  const next = month === 12 ? { year: year + 1, month: 1 } : { year, month: month + 1 }
  return { startMs: firstDay(year, month) * DAY_MS, endMs: firstDay(next.year, next.month) * DAY_MS }
}

/**
 * Gregorian year and month (1 … 12) of a day counted from 1970-01-01, and back. Years are counted from March, so that a
 * leap day is a year's last, and months by the line (153·m + 2)/5 through their first days; Richards in "Explanatory
 * Supplement to the Astronomical Almanac" (2013), 15.11.
 */
function civilMonth(day: number): { readonly year: number; readonly month: number } {
  const sinceMarch0 = day + DAYS_TO_EPOCH
  const era = Math.floor(sinceMarch0 / DAYS_PER_ERA)
  const dayOfEra = sinceMarch0 - era * DAYS_PER_ERA
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month }
}

/** Day, from 1970-01-01, of the first of a month. */
function firstDay(year: number, month: number): number {
  const marchYear = month <= 2 ? year - 1 : year
  const era = Math.floor(marchYear / 400)
  const yearOfEra = marchYear - era * 400
  const marchMonth = month > 2 ? month - 3 : month + 9
  const dayOfYear = Math.floor((153 * marchMonth + 2) / 5)
  const dayOfEra = 365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * DAYS_PER_ERA + dayOfEra - DAYS_TO_EPOCH
}

/** 400 years; and from 0000-03-01 to 1970-01-01. */
const DAYS_PER_ERA = 146_097
const DAYS_TO_EPOCH = 719_468
