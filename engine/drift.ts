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
import { addOuter, dot, packedLength, quadraticForm, shermanMorrison } from './linalg.ts'

/** Of the head that is watched, for one context. */
export interface Incumbent {
  /** Coefficients, length d. */
  readonly mean: Float64Array
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
/** A rival begins anew after so many examples: one that is older has learned too much of the time before a change. */
const RIVAL_EXAMPLES = 200

export class DriftWatch {
  readonly #precision: Float64Array
  readonly #mean: Float64Array
  /** Packed, in units of the noise variance. */
  readonly #covariance: Float64Array
  readonly #gain: Float64Array
  readonly #A: Float64Array
  readonly #b: Float64Array
  /** Examples the rival has seen. */
  #age = 0
  #n = 0
  #c = 0
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
    this.#A = new Float64Array(packedLength(d))
    this.#b = new Float64Array(d)
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
    if (this.#age === 0 || this.#age >= RIVAL_EXAMPLES) this.#begin(incumbent.mean)
    this.#age++
    const error = y - dot(incumbent.mean, x, nz)
    const rivalError = y - dot(this.#mean, x, nz)
    const variance = incumbent.noiseVariance * (1 + incumbent.spread)
    const rivalVariance = incumbent.noiseVariance * (1 + quadraticForm(this.#covariance, x, nz))
    const logRatio =
      (error ** 2 / variance - rivalError ** 2 / rivalVariance + Math.log(variance / rivalVariance)) / 2
    this.#evidence = Math.max(0, this.#evidence + TEMPER * logRatio)
    if (this.#evidence === 0) this.#forget()
    this.#learn(x, nz, y, rivalError)
    if (this.#n === 1) this.#sinceMs = atMs
    this.#errors += error
    if (this.#evidence < ALARM) return undefined
    const recent = {
      n: this.#n,
      c: this.#c,
      A: this.#A.slice(),
      b: this.#b.slice(),
      sinceMs: this.#sinceMs,
      shift: this.#errors / this.#n,
    }
    this.reset()
    return recent
  }

  /** The head was changed from outside: what was compared with it means nothing any more. */
  reset(): void {
    this.#age = 0
  }

  #begin(mean: Float64Array): void {
    this.#mean.set(mean)
    this.#covariance.fill(0)
    for (let i = 0; i < mean.length; i++) this.#covariance[(i * (i + 3)) / 2] = 1 / this.#precision[i]!
    this.#evidence = 0
    this.#age = 0
    this.#forget()
  }

  /** While nothing speaks for the rival, no example belongs to a time after a change. */
  #forget(): void {
    this.#A.fill(0)
    this.#b.fill(0)
    this.#n = 0
    this.#c = 0
    this.#errors = 0
  }

  #learn(x: Float64Array, nz: Int32Array, y: number, error: number): void {
    const step = error / shermanMorrison(this.#covariance, x, nz, 1, this.#gain)
    for (let i = 0; i < this.#gain.length; i++) this.#mean[i]! += step * this.#gain[i]!
    addOuter(this.#A, x, nz, 1)
    for (let p = 0; p < nz.length; p++) this.#b[nz[p]!]! += y * x[nz[p]!]!
    this.#c += y * y
    this.#n++
  }
}
