/**
 * The zero router: the best mixture of single models, chosen without looking at the request. What a router adds is its
 * distance to this line at the same cost.
 */
import { type CurvePoint, hullQuality, upperHull } from '../curve.ts'
import { armMeans, type OutcomeTable } from '../outcome-table.ts'
import type { Baseline, BaselineContext } from './baseline.ts'

/** Mean cost and quality of every arm, in the table's order; `weights` are bootstrap counts. */
export function singlePoints(table: OutcomeTable, weights?: Float64Array): CurvePoint[] {
  const quality = armMeans(table, table.quality, weights)
  const costUsd = armMeans(table, table.costUsd, weights)
  return table.arms.map((_, arm) => ({ costUsd: costUsd[arm]!, quality: quality[arm]! }))
}

/**
 * The best mixture of single models at a mean cost of at most `costUsd`: its mean cost and quality. Where nothing is as
 * cheap as that it is the cheapest end of the hull, which is dearer.
 */
export function zeroRouterPoint(singles: readonly CurvePoint[], costUsd: number): CurvePoint {
  const hull = upperHull(singles)
  const spent = Math.min(Math.max(costUsd, hull[0]!.costUsd), hull.at(-1)!.costUsd)
  return { costUsd: spent, quality: hullQuality(hull, spent) }
}

/** The mixture that {@link zeroRouterPoint} stands for, row by row. */
export function zeroRouterBaseline({ selection }: BaselineContext, costUsd: number): Baseline {
  const table = selection.evaluation
  const singles = singlePoints(table)
  const shares = mixtureShares(singles, costUsd)
  const mixed = (cells: Float64Array) =>
    Float64Array.from({ length: table.rowCount }, (_, row) =>
      shares.reduce((sum, { arm, share }) => sum + share * cells[row * table.arms.length + arm]!, 0),
    )
  return {
    name: 'zeroRouter',
    rows: { quality: mixed(table.quality), costUsd: mixed(table.costUsd) },
    detail: shares.map(({ arm, share }) => `${(100 * share).toFixed(1)} % ${table.arms[arm]}`).join(' + '),
  }
}

interface ArmShare {
  readonly arm: number
  readonly share: number
}

function mixtureShares(singles: readonly CurvePoint[], costUsd: number): readonly ArmShare[] {
  const hull = upperHull(singles)
  const armAt = (point: CurvePoint) => singles.indexOf(point)
  const right = hull.findIndex((point) => point.costUsd > costUsd)
  if (right === 0) return [{ arm: armAt(hull[0]!), share: 1 }]
  if (right < 0) return [{ arm: armAt(hull.at(-1)!), share: 1 }]
  const start = hull[right - 1]!
  const end = hull[right]!
  const share = (costUsd - start.costUsd) / (end.costUsd - start.costUsd)
  if (share === 0) return [{ arm: armAt(start), share: 1 }]
  return [
    { arm: armAt(start), share: 1 - share },
    { arm: armAt(end), share },
  ]
}
