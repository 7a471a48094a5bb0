/**
 * Notices that what a head predicts has changed: a model that silently got worse, a provider that got slower.
 *
 * Beside the head with its long memory runs a rival that starts from the head's coefficients with the prior's freedom to move
 * and sees only the newest examples, so that it can follow what the head cannot. The log of how much better the rival foretold each
 * example is summed, and never lets the sum fall below 0 (Page 1954, "Continuous inspection schemes"). Under no change the
 * likelihood ratios of the rival's predictions have mean 1, so that from any moment on the sum reaches h with a probability
 * of at most e^−h (Ville's inequality): false alarms come less than once in e^h examples. Half the log ratio is counted, not all
 * of it: that bound then holds for outcomes that are no Gaussians and whose variance differs twofold between contexts.
 *
 * It is a test of the coefficients, not of the residuals' mean or spread: coefficients that changed places leave the mean
 * as it was, and a shift of traffic towards requests of higher variance changes the spread when no arm changed.
 */
import { addScaledOuter, dot, multiply, packedLength, shrinkInverse } from './linalg.ts'

/** Of the head that is watched, for one context. */
export interface Incumbent {
  /** Length d. */
  readonly coefficients: Float64Array
  /** x·β. */
  readonly mean: number
  /** xᵀΛ⁻¹x: variance of x·β over the noise variance. */
  readonly spread: number
  readonly noiseVariance: number
}

/** What the rival has seen since it began: the memory to keep when it was right. */
export interface RecentSums {
  readonly n: number
  readonly c: number
  readonly A: Float64Array
  readonly b: Float64Array
  /** Time of the first of these examples. */
  readonly sinceMs: number
  /** Mean of what the examples were above the head's prediction, on the head's scale. */
  readonly shift: number
}

/** e^14: one false alarm in a million examples at most; on every data set tried there was none. */
const ALARM = 14
const TEMPER = 0.5
/**
 * What one example adds at most; the mean of the ratios only sinks by that. Of an arm that is right nearly always, or writes nearly
 * always the same, one exception is beyond all that a Gaussian allows for, and whoever was less certain foretold it better.
 */
const MOST_OF_ONE_EXAMPLE = ALARM / 4
/** A rival begins anew after so many examples: one that is older has learned too much of the time before a change … */
const RIVAL_EXAMPLES = 100
/**
 * … unless it is gathering evidence: a quarter off the right-or-wrong answers of an arm takes 300 to 400 of them to show. The bound
 * on false alarms does not ask when a rival began.
 */
const ON_A_TRAIL = 2
const MOST_RIVAL_EXAMPLES = 1_000
/** Examples that the head's noise counts as, beside what the rival is off by. */
const SCATTER_STRENGTH = 10
const FIRST_CAPACITY = 16

export class DriftWatch {
  readonly #precision: Float64Array
  readonly #mean: Float64Array
  /** Packed, in units of the noise variance. */
  readonly #covariance: Float64Array
  readonly #gain: Float64Array
  readonly #recent: RecentExamples
  /** Examples the rival has seen. */
  #age = 0
  /** Of the rival's own predictions, over 1 + spread. */
  #rivalSquares = 0
  #sinceMs = 0
  #errors = 0
  #evidence = 0

  /** @param precision of the coefficients under the head's prior, length d: how far a rival may stray */
  constructor(precision: Float64Array) {
    const d = precision.length
    this.#precision = precision
    this.#mean = new Float64Array(d)
    this.#covariance = new Float64Array(packedLength(d))
    this.#gain = new Float64Array(d)
    this.#recent = new RecentExamples(d)
  }

  /**
   * One example that the head has not learned from yet.
   *
   * @returns the examples that the head is to go on from when it has changed, and begins anew; undefined while it has not
   */
  observe(
    x: Float64Array,
    nz: Int32Array,
    y: number,
    atMs: number,
    incumbent: Incumbent,
  ): RecentSums | undefined {
    if (this.#isSpent()) this.#begin(incumbent.coefficients)
    this.#age++
    const gain = this.#gain
    multiply(this.#covariance, x, nz, gain)
    const spread = dot(gain, x, nz)
    const error = y - incumbent.mean
    const rivalError = y - dot(this.#mean, x, nz)
    const noiseVariance = this.#noiseVariance(incumbent.noiseVariance)
    const variance = noiseVariance * (1 + incumbent.spread)
    const rivalVariance = noiseVariance * (1 + spread)
    const logRatio =
      (error ** 2 / variance - rivalError ** 2 / rivalVariance + Math.log(variance / rivalVariance)) / 2
    this.#evidence = Math.max(0, this.#evidence + Math.min(TEMPER * logRatio, MOST_OF_ONE_EXAMPLE))
    if (this.#evidence === 0) this.#forget()
    const step = rivalError / shrinkInverse(this.#covariance, gain, 1, spread)
    for (let i = 0; i < gain.length; i++) this.#mean[i]! += step * gain[i]!
    this.#rivalSquares += rivalError ** 2 / (1 + spread)
    this.#recent.add(x, y)
    if (this.#recent.count === 1) this.#sinceMs = atMs
    this.#errors += error
    if (this.#evidence < ALARM) return undefined
    const recent = {
      ...this.#recent.sums(),
      sinceMs: this.#sinceMs,
      shift: this.#errors / this.#recent.count,
    }
    this.reset()
    return recent
  }

  /** The head was changed from outside: what was compared with it means nothing any more. */
  reset(): void {
    this.#age = 0
  }

  #isSpent(): boolean {
    if (this.#age === 0 || this.#age >= MOST_RIVAL_EXAMPLES) return true
    return this.#age >= RIVAL_EXAMPLES && this.#evidence < ON_A_TRAIL
  }

  #begin(mean: Float64Array): void {
    this.#mean.set(mean)
    this.#covariance.fill(0)
    for (let i = 0; i < mean.length; i++) this.#covariance[(i * (i + 3)) / 2] = 1 / this.#precision[i]!
    this.#evidence = 0
    this.#age = 0
    this.#rivalSquares = 0
    this.#forget()
  }

  /**
   * The head's, or what even the rival has lately been off by: traffic that moves to requests of which outcomes scatter more is no change,
   * and against too small a variance whoever follows the noise looks right. From past examples alone, as the bound asks.
   */
  #noiseVariance(believed: number): number {
    return Math.max(
      believed,
      (SCATTER_STRENGTH * believed + this.#rivalSquares) / (SCATTER_STRENGTH + this.#age - 1),
    )
  }

  /** While nothing speaks for the rival, no example belongs to a time after a change. */
  #forget(): void {
    this.#recent.clear()
    this.#errors = 0
  }
}

/**
 * The examples since the evidence was last 0, at most {@link MOST_RIVAL_EXAMPLES}: their sums are wanted at an alarm only, and most runs
 * are short.
 */
class RecentExamples {
  readonly #dimension: number
  /** Copies, one after the other: what the caller does with its own afterwards is not ours to say. */
  #contexts = new Float64Array(0)
  readonly #outcomes: number[] = []

  constructor(dimension: number) {
    this.#dimension = dimension
  }

  get count(): number {
    return this.#outcomes.length
  }

  add(x: Float64Array, y: number): void {
    const start = this.count * this.#dimension
    if (start === this.#contexts.length) {
      const larger = new Float64Array(Math.max(2 * start, FIRST_CAPACITY * this.#dimension))
      larger.set(this.#contexts)
      this.#contexts = larger
    }
    this.#contexts.set(x, start)
    this.#outcomes.push(y)
  }

  clear(): void {
    this.#outcomes.length = 0
  }

  sums(): Pick<RecentSums, 'n' | 'c' | 'A' | 'b'> {
    const d = this.#dimension
    const [A, b] = [new Float64Array(packedLength(d)), new Float64Array(d)]
    let c = 0
    for (const [i, y] of this.#outcomes.entries()) {
      const x = this.#contexts.subarray(i * d, (i + 1) * d)
      addScaledOuter(A, x, 1)
      for (let j = 0; j < d; j++) b[j]! += y * x[j]!
      c += y * y
    }
    return { n: this.count, c, A, b }
  }
}
