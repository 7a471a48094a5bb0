/**
 * Cost–quality curves. A router that can trade cost for quality is a set of points (mean cost, mean quality); choosing
 * between two of its points at random gives every point of the line between them, so what it can reach is the upper
 * hull. Definitions as in RouterBench (Hu et al. 2024), with the hull made non-decreasing: spending less is always allowed.
 */

export interface CurvePoint {
  /** Mean over requests, USD. */
  readonly costUsd: number
  /** Mean over requests, [0, 1]. */
  readonly quality: number
}

/**
 * The non-decreasing concave upper hull, by rising cost: from the best of the cheapest points to the cheapest of the best.
 * Slopes are positive and strictly fall. Empty for no points.
 */
export function upperHull(points: readonly CurvePoint[]): CurvePoint[] {
  const byCost = [...points].sort((one, other) => one.costUsd - other.costUsd || other.quality - one.quality)
  const hull: CurvePoint[] = []
  for (const point of byCost) {
    const top = hull.at(-1)
    if (top !== undefined && point.quality <= top.quality) continue
    while (hull.length >= 2 && isBelow(hull.at(-2)!, hull.at(-1)!, point)) hull.pop()
    hull.push(point)
  }
  return hull
}

/** Best quality at a mean cost of at most `costUsd`; left of the hull the quality of its first point. */
export function hullQuality(hull: readonly CurvePoint[], costUsd: number): number {
  const first = hull[0]
  if (first === undefined) return Number.NaN
  if (costUsd <= first.costUsd) return first.quality
  for (let right = 1; right < hull.length; right++) {
    const end = hull[right]!
    if (costUsd < end.costUsd) {
      const start = hull[right - 1]!
      return start.quality + slope(start, end) * (costUsd - start.costUsd)
    }
  }
  return hull.at(-1)!.quality
}

/**
 * Average improvement in quality: the mean height of a router's hull between the mean costs of the cheapest and of the
 * dearest single model, in [0, 1]. Every router can be mixed with the cheapest model, so that model is a point of each.
 *
 * @param points the router's points
 * @param singles one point per single model, at least one
 */
export function averageQuality(points: readonly CurvePoint[], singles: readonly CurvePoint[]): number {
  const cheapest = singles.reduce((best, single) => (isCheaper(single, best) ? single : best))
  const from = cheapest.costUsd
  const to = Math.max(...singles.map((single) => single.costUsd))
  const hull = upperHull([...points, cheapest])
  if (to === from) return hullQuality(hull, from)
  const stops = [from, ...hull.map((point) => point.costUsd).filter((cost) => cost > from && cost < to), to]
  let area = 0
  for (let right = 1; right < stops.length; right++) {
    const left = stops[right - 1]!
    const end = stops[right]!
    area += ((hullQuality(hull, left) + hullQuality(hull, end)) / 2) * (end - left)
  }
  return area / (to - from)
}

/**
 * The least mean cost at which a hull reaches `quality`; undefined where it never does.
 *
 * @param hull as {@link upperHull} gives it
 */
export function costToReach(hull: readonly CurvePoint[], quality: number): number | undefined {
  const right = hull.findIndex((point) => point.quality >= quality)
  if (right < 0) return undefined
  const end = hull[right]!
  const start = hull[right - 1]
  return start === undefined ? end.costUsd : start.costUsd + (quality - start.quality) / slope(start, end)
}

function isCheaper(one: CurvePoint, other: CurvePoint): boolean {
  return one.costUsd < other.costUsd || (one.costUsd === other.costUsd && one.quality > other.quality)
}

function isBelow(start: CurvePoint, middle: CurvePoint, end: CurvePoint): boolean {
  return slope(start, middle) <= slope(middle, end)
}

function slope(start: CurvePoint, end: CurvePoint): number {
  return (end.quality - start.quality) / (end.costUsd - start.costUsd)
}
