/** Numbers of an experiment as reports write them, in a terminal and on a page. */
import type { Comparison, Readout } from '../experiments/index.ts'

export function valueText(value: number): string {
  return String(Number(value.toPrecision(4)))
}

export function effectText({ scale }: Pick<Comparison, 'scale'>, value: number): string {
  if (scale === 'absolute') return valueText(value)
  return `${value >= 0 ? '+' : '−'}${(100 * Math.abs(value)).toFixed(1)} %`
}

/** A bound that is missing, as JSON writes an infinite one, is none. */
export function intervalText(
  comparison: Pick<Comparison, 'scale'>,
  { lo, hi }: { readonly lo: number | null; readonly hi: number | null },
): string {
  const bound = (value: number | null): string | undefined =>
    value === null || !Number.isFinite(value) ? undefined : effectText(comparison, value)
  const [low, high] = [bound(lo), bound(hi)]
  if (low === undefined) return high === undefined ? 'unknown' : `≤ ${high}`
  return high === undefined ? `≥ ${low}` : `${low} … ${high}`
}

export function pText(value: number): string {
  return value < 1e-4 ? '< 0.0001' : value.toPrecision(2)
}

export function startText({ startedMs, days }: Pick<Readout, 'startedMs' | 'days'>): string {
  if (startedMs === undefined || startedMs === null) return ''
  return `, begun ${new Date(startedMs).toISOString().slice(0, 16).replace('T', ' ')} UTC (${days.toFixed(1)} days)`
}

/** The first digits of a policy file's hash, as other commands show it; anything else whole. */
export function policyText(policy: string): string {
  return /^[0-9a-f]{64}$/.test(policy) ? policy.slice(0, 12) : policy
}
