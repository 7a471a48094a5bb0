/** How a budget's price moved over the stream, over all seeds. */

/** Quality per USD. `start` and `end` are means over the seeds, `least` and `most` are over all steps of all seeds. */
export interface PriceRange {
  readonly start: number
  readonly least: number
  readonly most: number
  readonly end: number
}

/** Geometric mean over the seeds at one step: prices move by factors. */
export interface PricePoint {
  readonly step: number
  readonly perUsd: number
}

const PATH_POINTS = 60

/** The rows' values in the order in which they came. */
export function inOrderOfArrival(values: Float64Array, step: Int32Array): Float64Array {
  const ordered = new Float64Array(values.length)
  for (let row = 0; row < values.length; row++) ordered[step[row]!] = values[row]!
  return ordered
}

/** @param prices per seed, in order of arrival; of equal lengths, at least one step */
export function priceRange(prices: readonly Float64Array[]): PriceRange {
  const range = { start: 0, least: Number.POSITIVE_INFINITY, most: 0, end: 0 }
  for (const path of prices) {
    range.start += path[0]! / prices.length
    range.end += path.at(-1)! / prices.length
    for (const price of path) {
      range.least = Math.min(range.least, price)
      range.most = Math.max(range.most, price)
    }
  }
  return range
}

/** At most {@link PATH_POINTS} steps, evenly spaced from the first to the last. */
export function pricePath(prices: readonly Float64Array[]): PricePoint[] {
  const last = prices[0]!.length - 1
  const points = Math.min(PATH_POINTS, last + 1)
  return Array.from({ length: points }, (_, index) => {
    const step = points === 1 ? 0 : Math.round((index * last) / (points - 1))
    const logs = prices.reduce((sum, path) => sum + Math.log(path[step]!), 0)
    return { step, perUsd: Math.exp(logs / prices.length) }
  })
}
