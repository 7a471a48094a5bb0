/**
 * The Poisson bootstrap of an estimator itself: in each of B resamples a row counts Poisson(1) times, and the estimator is
 * computed anew from the sums of the resample; the interval is between their quantiles. One pass, memory of B sums, and since
 * a row's counts are a function of its key, any split of the log over shards gives the same numbers.
 *
 * Hanley & MacGibbon 2006; Chamandy, Muralidharan, Najmi & Naidu, "Estimating uncertainty for massive data streams", 2012.
 * (The Open Bandit Pipeline resamples row values with the mean weight held fixed, which is another estimator: zr-obp#187.)
 */
import { EvaluationError } from '../../errors.ts'
import { DEFAULT_RESAMPLES, quantile } from '../../intervals/bootstrap.ts'
import { DEFAULT_LEVEL } from '../../intervals/interval.ts'
import { checkLevel } from '../../option.ts'
import { randomStream } from '../../random.ts'
import { checkRow } from '../row.ts'
import type { Estimate, Estimator, EstimatorRow, EstimatorState } from '../types.ts'
import type { RowValue } from './row-value.ts'
import type { RatioValue } from './self-normalised.ts'
import { checkMergeable } from './sums.ts'

export interface KeyedRow extends EstimatorRow {
  /** Of the decision, or of whatever else is drawn independently: rows of one key are resampled together. */
  readonly key: string
}

export interface StreamingBootstrapOptions {
  readonly seed: number
  /** B, ≥ 2. @default 500 */
  readonly resamples?: number
}

/** Per resample, and once for the sample itself: rows, Σ base, Σ w, Σ w g. */
const COLUMNS = 4

/** P(Poisson(1) ≤ k) in parts of 2³². */
const POISSON = new Float64Array(13)
let probability = Math.exp(-1)
let below = 0
for (let k = 0; k < POISSON.length; k++) {
  below += probability
  POISSON[k] = below * 0x1_0000_0000
  probability /= k + 1
}

export class StreamingBootstrap implements Estimator<KeyedRow> {
  readonly name: string
  readonly #base: (row: EstimatorRow) => number
  readonly #gain: ((row: EstimatorRow) => number) | undefined
  readonly #seed: number
  readonly #sums: Float64Array

  /**
   * @param value a mean of row values, or a self-normalised estimator
   * @throws {EvaluationError} `eval_bad_option` for fewer than 2 resamples
   */
  constructor(value: RowValue | RatioValue, { seed, resamples }: StreamingBootstrapOptions) {
    const count = resamples ?? DEFAULT_RESAMPLES
    if (!(Number.isInteger(count) && count >= 2)) {
      throw new EvaluationError(
        'eval_bad_option',
        `resamples must be a whole number of at least 2, got ${count}`,
      )
    }
    this.name = `bootstrap(${value.name},${count},${seed})`
    this.#base = 'of' in value ? value.of : value.base
    this.#gain = 'of' in value ? undefined : value.gain
    this.#seed = seed
    this.#sums = new Float64Array((count + 1) * COLUMNS)
  }

  add(row: KeyedRow): void {
    checkRow(row)
    const base = this.#base(row)
    const weight = this.#gain === undefined ? 0 : row.weight
    const product = this.#gain === undefined ? 0 : row.weight * this.#gain(row)
    const random = randomStream(`poisson:${row.key}`, this.#seed)
    const sums = this.#sums
    for (let at = 0; at < sums.length; at += COLUMNS) {
      const times = at === 0 ? 1 : poisson(random.next() >>> 0)
      if (times === 0) continue
      sums[at]! += times
      sums[at + 1]! += times * base
      sums[at + 2]! += times * weight
      sums[at + 3]! += times * product
    }
  }

  merge(other: StreamingBootstrap): void {
    this.mergeState(other.state())
  }

  state(): EstimatorState {
    return { name: this.name, sums: Array.from(this.#sums) }
  }

  mergeState(state: EstimatorState): void {
    const sums = checkMergeable(this.name, state, this.#sums.length)
    for (const [index, sum] of sums.entries()) this.#sums[index]! += sum
  }

  /** Resamples without an estimate do not count; where none has one, there are no bounds. */
  get(level = DEFAULT_LEVEL): Estimate | undefined {
    checkLevel(level)
    const value = this.#estimate(0)
    if (!Number.isFinite(value)) return undefined
    const replicates = Float64Array.from({ length: this.#sums.length / COLUMNS - 1 }, (_, resample) =>
      this.#estimate((resample + 1) * COLUMNS),
    )
    const ascending = replicates.filter(Number.isFinite).sort()
    if (ascending.length === 0) {
      return { value, lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY }
    }
    const tail = (1 - level) / 2
    return { value, lo: quantile(ascending, tail), hi: quantile(ascending, 1 - tail) }
  }

  #estimate(at: number): number {
    const [rows, base, weight, product] = this.#sums.subarray(at, at + COLUMNS) as unknown as Four
    return base / rows + (this.#gain === undefined ? 0 : product / weight)
  }
}

/** @param uniform a whole number below 2³² */
function poisson(uniform: number): number {
  let times = 0
  while (times < POISSON.length && uniform >= POISSON[times]!) times++
  return times
}

type Four = readonly [number, number, number, number]
