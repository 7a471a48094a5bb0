/** Values in the units that people read them in: cost per thousand requests, latency in whole milliseconds. */
import type { Estimate, ValueName } from '../off-policy/types.ts'
import { formatDifference, formatInterval, formatNumber } from './format.ts'

const TITLES: Readonly<Record<ValueName, string>> = {
  utility: 'utility',
  quality: 'quality',
  cost_usd: '$/1k',
  latency_ms: 'latency ms',
  success: 'success',
}
const FACTORS: { readonly [Value in ValueName]?: number } = { cost_usd: 1_000 }

export function titleIn(value: ValueName): string {
  return TITLES[value]
}

/** `0.6913 [0.6829, 0.6997]`. */
export function amountIn(value: ValueName, estimate: Estimate): string {
  return shown(value, estimate, value === 'latency_ms' ? whole : formatNumber)
}

/** The same with a sign. */
export function gainIn(value: ValueName, estimate: Estimate): string {
  const format = value === 'latency_ms' ? whole : formatNumber
  return shown(value, estimate, (difference) => formatDifference(difference, format))
}

function shown(
  value: ValueName,
  { value: mean, lo, hi }: Estimate,
  format: (number: number) => string,
): string {
  const factor = FACTORS[value] ?? 1
  return formatInterval({ mean: mean * factor, lo: lo * factor, hi: hi * factor }, format)
}

function whole(ms: number): string {
  return ms.toFixed(0).replace('-', '−')
}
