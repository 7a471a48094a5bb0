/**
 * Which buckets belong to which variant. The start of a range never moves while its coverage grows, so that ramping up takes
 * new units in and moves nobody from one variant to another; and new weights move as few as they must.
 */

/** From `start` inclusive to `end` exclusive, in [0, 1]. */
export type BucketRange = readonly [start: number, end: number]

/** Weights that are this far from adding up to 1 are a mistake. */
const SUM_TOLERANCE = 0.01
/** A range narrower than a tenth of a bucket is a rounding error. */
const NARROWEST = 1e-5

export function equalWeights(variants: number): readonly number[] {
  return variants < 1 ? [] : new Array<number>(variants).fill(1 / variants)
}

/**
 * One range for each variant: it starts where the weights of the variants before it end, and is coverage · weight wide.
 *
 * @param coverage share of the units that take part; outside [0, 1] the nearest end counts
 * @param weights equal ones stand in for weights of another number, or that do not add up to 1
 */
export function bucketRanges(
  variants: number,
  coverage = 1,
  weights?: readonly number[],
): readonly BucketRange[] {
  const share = Math.min(1, Math.max(0, coverage))
  const sum = weights?.reduce((total, weight) => total + weight, 0) ?? 0
  const isUsable = weights?.length === variants && Math.abs(sum - 1) <= SUM_TOLERANCE
  const used = isUsable ? weights : equalWeights(variants)
  let start = 0
  return used.map((weight): BucketRange => {
    const range = [start, start + share * weight] as const
    start += weight
    return range
  })
}

/** The variant whose range the bucket is in; −1 for none. */
export function chooseVariant(bucket: number, ranges: readonly BucketRange[]): number {
  return ranges.findIndex(([start, end]) => bucket >= start && bucket < end)
}

/** For each variant the ranges it has, at full coverage; together they are [0, 1). */
export type Allocation = readonly (readonly BucketRange[])[]

export function allocate(weights: readonly number[]): Allocation {
  return bucketRanges(weights.length, 1, weights).map((range) => [range])
}

/**
 * The allocation with other weights that leaves as many buckets as possible where they are: variants that shrink give up what
 * is at the end of their ranges, variants that grow take it over.
 */
export function reallocate(before: Allocation, weights: readonly number[]): Allocation {
  const released: [number, number][] = []
  const kept = before.map((ranges, variant): BucketRange[] => {
    let excess = widthOf(ranges) - (weights[variant] ?? 0)
    const left: BucketRange[] = []
    for (const [start, end] of [...ranges].reverse()) {
      const cut = Math.min(Math.max(excess, 0), end - start)
      excess -= cut
      if (cut > NARROWEST) released.push([end - cut, end])
      const to = cut > NARROWEST ? end - cut : end
      if (to - start > NARROWEST) left.unshift([start, to])
    }
    return left
  })
  released.sort(([a], [b]) => a - b)
  return kept.map((ranges, variant) => {
    let missing = (weights[variant] ?? 0) - widthOf(ranges)
    const taken: BucketRange[] = []
    for (let free = released[0]; missing > NARROWEST && free !== undefined; free = released[0]) {
      const [start, end] = free
      const to = end - start - missing > NARROWEST ? start + missing : end
      taken.push([start, to])
      missing -= to - start
      if (to === end) released.shift()
      else released[0] = [to, end]
    }
    return [...ranges, ...taken].sort(([a], [b]) => a - b)
  })
}

/** The part of each range that takes part: its first `coverage`. */
export function covered(ranges: readonly BucketRange[], coverage: number): readonly BucketRange[] {
  const share = Math.min(1, Math.max(0, coverage))
  return ranges.map(([start, end]): BucketRange => [start, start + share * (end - start)])
}

export function widthOf(ranges: readonly BucketRange[]): number {
  return ranges.reduce((sum, [start, end]) => sum + end - start, 0)
}
