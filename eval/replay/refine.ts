/** Chooses the exchange rates at which a router's cost–quality curve is worth computing. */
import type { CurvePoint } from '../curve.ts'

export interface SweepPoint<Value> {
  readonly perUsd: number
  readonly value: Value
  readonly point: CurvePoint
}

export interface SweepPlan {
  /** Smallest and largest positive exchange rate, quality per USD; undefined where nothing costs anything. */
  readonly range: { readonly low: number; readonly high: number } | undefined
  /** Points computed at most, ≥ 2. */
  readonly points: number
}

/**
 * Sweeps from 0 to `high`, halving (on a logarithmic scale) where the curve is known least: between the neighbours that
 * span the largest rectangle of cost × quality, whose half bounds the error of the area below the curve. Stops early when
 * nothing is left to know, as for a router that ignores cost.
 */
export async function refineSweep<Value>(
  { range, points }: SweepPlan,
  evaluate: (perUsd: number) => Promise<{ readonly value: Value; readonly point: CurvePoint }>,
): Promise<SweepPoint<Value>[]> {
  const at = async (perUsd: number) => ({ perUsd, ...(await evaluate(perUsd)) })
  const sweep = [await at(0)]
  if (range === undefined) return sweep
  sweep.push(await at(range.high))
  while (sweep.length < points) {
    const widest = widestGap(sweep)
    if (widest === undefined) break
    const left = sweep[widest]!.perUsd
    const right = sweep[widest + 1]!.perUsd
    const middle = left === 0 ? Math.min(range.low, right / 2) : Math.sqrt(left * right)
    sweep.splice(widest + 1, 0, await at(middle))
  }
  return sweep
}

function widestGap(sweep: readonly SweepPoint<unknown>[]): number | undefined {
  let widest: number | undefined
  let largest = 0
  for (let index = 0; index + 1 < sweep.length; index++) {
    const one = sweep[index]!.point
    const other = sweep[index + 1]!.point
    const size = Math.abs((one.costUsd - other.costUsd) * (one.quality - other.quality))
    if (size > largest && sweep[index + 1]!.perUsd > sweep[index]!.perUsd * 1.01) {
      largest = size
      widest = index
    }
  }
  return widest
}
