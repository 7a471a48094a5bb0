/**
 * Many comparisons at once. Family-wise methods bound the chance of a single false discovery, FDR methods the share of false
 * ones among the discoveries. Adjusted p-values keep the order of the arguments: reject where one is at most alpha.
 */

/** Each takes p-values in [0, 1] and gives adjusted ones, in the same order. */
export const ADJUSTMENTS = {
  /** Any dependence; family-wise. */
  bonferroni: (p) => p.map((value) => Math.min(1, value * p.length)),
  /** Independent tests; family-wise. */
  sidak: (p) => p.map((value) => -Math.expm1(p.length * Math.log1p(-value))),
  /** Holm 1979: any dependence, family-wise, never weaker than Bonferroni. */
  holm: (p) => stepDown(p, (value, left) => value * left),
  holm_sidak: (p) => stepDown(p, (value, left) => -Math.expm1(left * Math.log1p(-value))),
  /** Hochberg 1988: independent or positively dependent tests. */
  hochberg: (p) => stepUp(p, (value, rank) => value * (p.length - rank + 1)),
  /** Hommel 1988: as Hochberg, and never weaker. */
  hommel,
  /** Benjamini & Hochberg 1995: false-discovery rate, independent or positively dependent tests. */
  benjamini_hochberg: (p) => stepUp(p, (value, rank) => (value * p.length) / rank),
  /** Benjamini & Yekutieli 2001: false-discovery rate under any dependence. */
  benjamini_yekutieli: (p) => {
    const harmonic = p.reduce((sum, _, index) => sum + 1 / (index + 1), 0)
    return stepUp(p, (value, rank) => (value * p.length * harmonic) / rank)
  },
} as const satisfies Readonly<Record<string, (p: readonly number[]) => readonly number[]>>

export type Adjustment = keyof typeof ADJUSTMENTS

/**
 * e-BH (Wang & Ramdas 2022, arXiv:2009.02824): which hypotheses to reject so that the false-discovery rate is at most alpha,
 * under any dependence, and with e-values of tests that were stopped at different times for different reasons.
 *
 * @returns the positions of the rejected ones, ascending
 */
export function eBenjaminiHochberg(eValues: readonly number[], alpha: number): readonly number[] {
  const order = ascending(eValues).reverse()
  const K = eValues.length
  let rejected = 0
  order.forEach((position, index) => {
    if (eValues[position]! >= K / (alpha * (index + 1))) rejected = index + 1
  })
  return order.slice(0, rejected).sort((a, b) => a - b)
}

/** From the smallest p-value up: each adjusted one is at least the one before. `left` counts the hypotheses not yet rejected. */
function stepDown(p: readonly number[], adjust: (value: number, left: number) => number): readonly number[] {
  const adjusted = new Array<number>(p.length)
  let most = 0
  ascending(p).forEach((position, index) => {
    most = Math.max(most, adjust(p[position]!, p.length - index))
    adjusted[position] = Math.min(1, most)
  })
  return adjusted
}

/** From the largest p-value down: each adjusted one is at most the one before. `rank` is 1 for the smallest. */
function stepUp(p: readonly number[], adjust: (value: number, rank: number) => number): readonly number[] {
  const adjusted = new Array<number>(p.length)
  let least = 1
  ascending(p)
    .reverse()
    .forEach((position, index) => {
      least = Math.min(least, adjust(p[position]!, p.length - index))
      adjusted[position] = least
    })
  return adjusted
}

function hommel(p: readonly number[]): readonly number[] {
  const order = ascending(p)
  const sorted = order.map((position) => p[position]!)
  const K = p.length
  const adjusted = [...sorted]
  for (let m = K; m > 1; m--) {
    const tail = sorted.slice(K - m)
    const least = Math.min(...tail.map((value, index) => (m * value) / (index + 1)))
    for (let k = 0; k < K; k++) {
      adjusted[k] = Math.max(adjusted[k]!, k >= K - m ? least : Math.min(m * sorted[k]!, least))
    }
  }
  const result = new Array<number>(K)
  order.forEach((position, index) => {
    result[position] = Math.min(1, adjusted[index]!)
  })
  return result
}

function ascending(values: readonly number[]): number[] {
  return values.map((_, position) => position).sort((a, b) => values[a]! - values[b]!)
}
