/** Numbers as a reader of a report sees them: four decimals, a real minus sign. */
import type { Interval } from '../intervals/interval.ts'

export function formatNumber(value: number): string {
  return value.toFixed(4).replace('-', '−')
}

/** A difference, which has a sign even when it is a gain, and none that rounding has left of nothing. */
export function formatDifference(value: number, format = formatNumber): string {
  const shown = format(Math.abs(value))
  return value < 0 && shown !== format(0) ? `−${shown}` : `+${shown}`
}

/** `0.6913 [0.6829, 0.6997]`; the mean alone where nobody knows the bounds. */
export function formatInterval({ mean, lo, hi }: Interval, format = formatNumber): string {
  if (Number.isNaN(lo) || Number.isNaN(hi)) return format(mean)
  return `${format(mean)} [${format(lo)}, ${format(hi)}]`
}
