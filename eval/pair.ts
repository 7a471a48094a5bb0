/**
 * Figures for a strong and a weak model, as in RouteLLM (Ong et al. 2024, section 3): how much of the gap between the two a router
 * recovers as it may send more and more of the requests to the strong one, those first for which it expects most of that.
 */
import type { OutcomeTable } from './outcome-table.ts'

export interface Pair {
  /** Columns of the table. */
  readonly strong: number
  readonly weak: number
}

export interface PairFigures {
  /** Average performance gap recovered: the mean of PGR over shares of strong calls from 0 to 1; random is 0.5. */
  readonly apgr: number
  /** Share of strong calls that recovers half of the gap, and four fifths. */
  readonly cpt50: number
  readonly cpt80: number
}

/** RouteLLM takes the area by trapezoids over eleven shares. */
const STEPS = 10
const ROUNDING = 1e-12

/** Of a table with two arms, the one with the higher mean quality is the strong one; undefined for other tables. */
export function pairOf(table: OutcomeTable): Pair | undefined {
  if (table.arms.length !== 2) return undefined
  let difference = 0
  for (let row = 0; row < table.rowCount; row++)
    difference += table.quality[2 * row]! - table.quality[2 * row + 1]!
  return difference >= 0 ? { strong: 0, weak: 1 } : { strong: 1, weak: 0 }
}

/**
 * @param score by row: what the strong model is expected to be better by; rows with equal scores are sent in random order
 * @returns the figures under row weights that sum to the row count; NaN where the strong model is no better
 */
export function pairStatistics(
  table: OutcomeTable,
  { strong, weak }: Pair,
  score: ArrayLike<number>,
): (weights?: Float64Array) => PairFigures {
  const order = Int32Array.from({ length: table.rowCount }, (_, row) => row).sort(
    (one, other) => score[other]! - score[one]! || one - other,
  )
  const gains = Float64Array.from(
    order,
    (row) => table.quality[2 * row + strong]! - table.quality[2 * row + weak]!,
  )
  return (weights) => {
    // The curve's corners: where one score ends and the next begins.
    const shares = [0]
    const recovered = [0]
    let weight = 0
    let gain = 0
    for (let at = 0; at < order.length; at++) {
      const row = order[at]!
      const w = weights === undefined ? 1 : weights[row]!
      weight += w
      gain += w * gains[at]!
      const next = order[at + 1]
      if (next !== undefined && score[next] === score[row]) continue
      shares.push(weight / table.rowCount)
      recovered.push(gain / table.rowCount)
    }
    const gap = recovered.at(-1)!
    if (!(gap > ROUNDING)) return { apgr: Number.NaN, cpt50: Number.NaN, cpt80: Number.NaN }
    let area = 0
    for (let step = 0; step <= STEPS; step++) {
      const end = step === 0 || step === STEPS
      area += ((end ? 0.5 : 1) * interpolate(shares, recovered, step / STEPS)) / STEPS
    }
    return {
      apgr: area / gap,
      cpt50: firstCrossing(shares, recovered, 0.5 * gap),
      cpt80: firstCrossing(shares, recovered, 0.8 * gap),
    }
  }
}

function interpolate(xs: readonly number[], ys: readonly number[], x: number): number {
  let low = 0
  let high = xs.length - 1
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (xs[middle]! <= x) low = middle
    else high = middle
  }
  const width = xs[high]! - xs[low]!
  return width > 0 ? ys[low]! + ((ys[high]! - ys[low]!) * (x - xs[low]!)) / width : ys[high]!
}

/** The least x at which the line reaches `level`, which its end does; what it lacks by rounding it has. */
function firstCrossing(xs: readonly number[], ys: readonly number[], level: number): number {
  for (let i = 1; i < xs.length; i++) {
    if (ys[i]! < level - ROUNDING) continue
    const rise = ys[i]! - ys[i - 1]!
    return rise > 0 ? xs[i - 1]! + (xs[i]! - xs[i - 1]!) * Math.min((level - ys[i - 1]!) / rise, 1) : xs[i]!
  }
  return xs.at(-1)!
}

/** What a router expects the strong model to be better by, row by row. */
export function pairScores(quality: Float64Array, { strong, weak }: Pair): Float64Array {
  return Float64Array.from(
    { length: quality.length / 2 },
    (_, row) => quality[2 * row + strong]! - quality[2 * row + weak]!,
  )
}
