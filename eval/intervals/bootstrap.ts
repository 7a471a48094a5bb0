/**
 * The bootstrap (Efron 1979), percentile intervals, of any statistics that can be computed from weighted rows. One set of
 * resamples serves all statistics, so that the interval of a difference is the paired one.
 *
 * With more than one axis (rows × seeds) each axis is resampled on its own and the weights multiply: the pigeonhole
 * bootstrap (Owen 2007). Of a mean over crossed factors it counts the variance of the interaction about three times, so it
 * errs to the wide side; an axis of L levels has its own part understated by (L − 1)/L, as any bootstrap has.
 */
import { EvaluationError } from '../errors.ts'
import { randomStream, resampleCounts } from '../random.ts'
import { DEFAULT_LEVEL, type Interval } from './interval.ts'

/** Named numbers; an optional one may be missing, but then in every resample. */
export type NamedStatistics = { readonly [name: string]: number | undefined }

export interface BootstrapOptions<Statistics extends NamedStatistics> {
  /** Number of levels of each axis, each ≥ 1: `[rows]` or `[rows, seeds]`. */
  readonly axes: readonly number[]
  /** Computes all statistics from one weight per level of each axis; the weights of an axis sum to its length. */
  readonly statistics: (weights: readonly Float64Array[]) => Statistics
  readonly seed: number
  /** @default 500 */
  readonly resamples?: number
  /** Of a single axis, instead of drawn ones: for each resample the levels that it is of. */
  readonly indexes?: readonly ArrayLike<number>[]
  /** @default 0.95 */
  readonly level?: number
}

export const DEFAULT_RESAMPLES = 500

/**
 * `mean` is the statistic of the sample itself, `lo` and `hi` the quantiles over the resamples. A resample in which a
 * statistic is not finite does not count for that statistic; when none counts, its bounds are NaN.
 *
 * @throws {EvaluationError} `eval_bad_option` for resamples below 2 or a level outside (0, 1)
 */
export function bootstrap<Statistics extends NamedStatistics>(
  options: BootstrapOptions<Statistics>,
): { readonly [Name in keyof Statistics]: Interval } {
  const { axes, statistics, seed, indexes, level = DEFAULT_LEVEL } = options
  const resamples = indexes?.length ?? options.resamples ?? DEFAULT_RESAMPLES
  if (!(Number.isInteger(resamples) && resamples >= 2)) {
    throw new EvaluationError(
      'eval_bad_option',
      `resamples must be a whole number of at least 2, got ${resamples}`,
    )
  }
  if (!(level > 0 && level < 1)) {
    throw new EvaluationError('eval_bad_option', `level must be in (0, 1), got ${level}`)
  }
  const weights = axes.map((length) => new Float64Array(length).fill(1))
  const sample = statistics(weights)
  const replicates = Object.entries(sample).map(([name, mean]) => ({
    name,
    mean: mean ?? Number.NaN,
    values: new Float64Array(resamples),
  }))
  const streams = axes.map((_, axis) => randomStream(`bootstrap:${axis}`, seed))
  for (let resample = 0; resample < resamples; resample++) {
    weights.forEach((counts, axis) => {
      const given = indexes?.[resample]
      if (given === undefined) resampleCounts(counts, streams[axis]!)
      else countIndexes(counts, given)
    })
    const drawn = statistics(weights)
    for (const { name, values } of replicates) values[resample] = drawn[name] ?? Number.NaN
  }
  const tail = (1 - level) / 2
  const intervals = replicates.map(({ name, mean, values }): [string, Interval] => {
    const ascending = values.filter(Number.isFinite).sort()
    return [name, { mean, lo: quantile(ascending, tail), hi: quantile(ascending, 1 - tail) }]
  })
  return Object.fromEntries(intervals) as { readonly [Name in keyof Statistics]: Interval }
}

function countIndexes(counts: Float64Array, indexes: ArrayLike<number>): void {
  counts.fill(0)
  for (let i = 0; i < indexes.length; i++) counts[indexes[i]!]! += 1
}

/** Quantile of ascending values, linear between order statistics (Hyndman & Fan's type 7); NaN for none. */
export function quantile(ascending: Float64Array, probability: number): number {
  const position = (ascending.length - 1) * probability
  const below = Math.floor(position)
  const low = ascending[below]
  if (low === undefined) return Number.NaN
  const high = ascending[below + 1] ?? low
  return low + (high - low) * (position - below)
}
