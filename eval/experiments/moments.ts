/**
 * What is known of a metric in one variant: sums over the units that were assigned to it. They come from one aggregate query,
 * merge by addition, and are all that the tests of means, proportions, ratios and covariate-adjusted means need.
 */

export interface Moments {
  /** Number of units. */
  readonly n: number
  /** Σ y. */
  readonly sum: number
  /** Σ y². */
  readonly sumSquares: number
  /** Of a ratio Σy/Σd: units weigh as much as their d, for example requests of a tenant. */
  readonly denominator?: Denominator
  /** A covariate that the assignment cannot have changed: y of the same unit before the start, or a feature. */
  readonly covariate?: Covariate
  /** y is 0 or 1: the variance is p(1 − p). Not for variants whose share changed on the way; there leave it out. */
  readonly binary?: boolean
}

export interface Denominator {
  readonly sum: number
  readonly sumSquares: number
  /** Σ y·d. */
  readonly products: number
}

export interface Covariate {
  readonly sum: number
  readonly sumSquares: number
  /** Σ y·x. */
  readonly products: number
  /** Σ d·x; needed for ratios. */
  readonly denominatorProducts?: number
}

/** Mean, variance and covariances of one variant (sample variances, n − 1), of a ratio those of its linearised values. */
export interface Described {
  readonly n: number
  readonly mean: number
  /** Variance of one unit's value; of a ratio of (y − R·d)/d̄, the delta method. */
  readonly variance: number
  readonly covariate?: { readonly mean: number; readonly variance: number; readonly covariance: number }
}

export function describe(moments: Moments): Described {
  const { n, sum, denominator, covariate } = moments
  const mean = denominator === undefined ? sum / n : sum / denominator.sum
  const variance = varianceOf(moments)
  if (covariate === undefined) return { n, mean, variance }
  const withY = sampleCovariance(n, sum, covariate.sum, covariate.products)
  const withD =
    denominator === undefined
      ? 0
      : sampleCovariance(n, denominator.sum, covariate.sum, covariate.denominatorProducts ?? Number.NaN)
  return {
    n,
    mean,
    variance,
    covariate: {
      mean: covariate.sum / n,
      variance: sampleCovariance(n, covariate.sum, covariate.sum, covariate.sumSquares),
      covariance: denominator === undefined ? withY : (withY - mean * withD) / (denominator.sum / n),
    },
  }
}

function varianceOf({ n, sum, sumSquares, denominator, binary }: Moments): number {
  if (denominator !== undefined) {
    const d = denominator.sum / n
    const ratio = sum / denominator.sum
    const own = sampleCovariance(n, sum, sum, sumSquares)
    const below = sampleCovariance(n, denominator.sum, denominator.sum, denominator.sumSquares)
    const both = sampleCovariance(n, sum, denominator.sum, denominator.products)
    const largest = (sumSquares + ratio * ratio * denominator.sumSquares) / (n - 1)
    return beyondRounding(n, own + ratio * ratio * below - 2 * ratio * both, largest) / (d * d)
  }
  const mean = sum / n
  if (binary === true) return mean * (1 - mean)
  return beyondRounding(n, sampleCovariance(n, sum, sum, sumSquares), sumSquares / (n - 1))
}

/**
 * A difference of sums over n units that are as large as `largest`, or 0 where it is no more than their rounding can be: values
 * that are all the same leave a variance of 1e-17 as often as one of 0, and whatever they differ by would be certain.
 */
export function beyondRounding(n: number, difference: number, largest: number): number {
  return difference <= n * Number.EPSILON * largest ? 0 : difference
}

function sampleCovariance(n: number, sumA: number, sumB: number, products: number): number {
  return (products - (sumA * sumB) / n) / (n - 1)
}

/** The moments of both groups of units taken together; either all of them have a denominator or covariate, or none. */
export function mergeMoments(a: Moments, b: Moments): Moments {
  const both = <Part extends object>(one: Part | undefined, other: Part | undefined): Part | undefined =>
    one === undefined || other === undefined ? undefined : addFields(one, other)
  const denominator = both(a.denominator, b.denominator)
  const covariate = both(a.covariate, b.covariate)
  return {
    n: a.n + b.n,
    sum: a.sum + b.sum,
    sumSquares: a.sumSquares + b.sumSquares,
    ...(denominator !== undefined && { denominator }),
    ...(covariate !== undefined && { covariate }),
    ...(a.binary === true && b.binary === true && { binary: true }),
  }
}

function addFields<Part extends object>(one: Part, other: Part): Part {
  const second = new Map<string, number>(Object.entries(other))
  const added = Object.entries(one).map(([key, value]) => [key, value + (second.get(key) ?? 0)])
  return Object.fromEntries(added) as Part
}
