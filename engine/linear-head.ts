/**
 * Bayesian linear regression of one head of one arm: y | x ~ N(x·β, σ²), β | σ² ~ N(m₀, σ²Λ₀⁻¹), σ² ~ IG(a₀, b₀).
 *
 * What is kept are the additive sums of the data; the prior is added when the posterior is formed, so that sums from
 * replicas, hours and files merge by addition and forgetting is a multiplication. Between formations the posterior
 * follows each example by a rank-one (Sherman–Morrison) step.
 * Formulas: Bishop, "Pattern Recognition and Machine Learning" (2006), 3.3 and exercise 3.12.
 */
import type { DriftWatch, Incumbent, RecentSums } from './drift.ts'
import { type Cut, HeadMemory, type LinearSums } from './head-memory.ts'
import { dot, invertWithDiagonal, multiply, quadraticForm, shrinkInverse } from './linalg.ts'

export type { LinearSums } from './head-memory.ts'

export interface LinearPrior {
  /** m₀, length d. */
  readonly mean: Float64Array
  /** Diagonal of Λ₀, length d, all > 0: noise variance over coefficient variance. */
  readonly precision: Float64Array
  /** a₀ > 1 and b₀: an outcome's variance is believed to be near b₀/(a₀ − 1), as if seen 2·a₀ times. */
  readonly shape: number
  readonly rate: number
}

/** Sums of other data that stand for what is believed beforehand. */
export type LentSums = Readonly<Omit<LinearSums, 'asOfMs'>>

/** Of one context: mean and sd of x·β, and the variance of a single outcome around it. */
export interface LinearPrediction {
  readonly mean: number
  readonly sd: number
  readonly noiseVariance: number
  /** How much of what could be unknown about x·β still is: √(xᵀΛ⁻¹x / xᵀΛ₀⁻¹x), in [0, 1], 1 before any data. */
  readonly novelty: number
}

/** A posterior, the prior and the sums it was made from. */
export interface Evidence {
  readonly n: number
  readonly c: number
  readonly b: Float64Array
  /** Of the coefficients, and their covariance over the noise variance (packed). */
  readonly mean: Float64Array
  readonly covariance: Float64Array
  /** Posterior means of σ² and of 1/σ². */
  readonly noiseVariance: number
  readonly meanPrecision: number
  readonly priorMean: Float64Array
  /** Diagonal of Λ₀. */
  readonly precision: Float64Array
}

/** Rank-one steps lose about one bit per thousand; refactoring that often keeps the posterior at full precision. */
const STEPS_BETWEEN_REFRESHES = 1_000
/** A posterior formed from sums that have since decayed by less than 1 % is as good as new. */
const DECAY_TOLERATED = 0.99
/**
 * Outcomes that are none: far below the rounding of what they would be added to. Sums that have faded for a thousand half-lives
 * stay at the smallest of numbers, where nothing divided by their weight is finite.
 */
const NEGLIGIBLE = 1e-30
/** A head that has seen less knows too little to tell a change from its own learning. */
const EXAMPLES_BEFORE_WATCHING = 50

interface Posterior {
  /** Packed Λ⁻¹. */
  readonly covariance: Float64Array
  readonly mean: Float64Array
  shape: number
  rate: number
  steps: number
  formedAtMs: number
  /** Made from all that is remembered: what is overdrawn is left out, and the next example may make up for it. */
  readonly isWhole: boolean
}

export class LinearHead {
  readonly dimension: number
  #prior: LinearPrior
  /** Diagonal of Λ₀⁻¹: a product is quicker than a quotient. */
  #priorVariance: Float64Array
  readonly #memory: HeadMemory
  #lent: LentSums | undefined
  #posterior: Posterior | undefined
  readonly #gain: Float64Array
  readonly #watch: DriftWatch | undefined

  /**
   * @param watch shortens the memory when what is predicted has changed; absent: only the half-life does
   * @param bucketMs width of the time buckets from whose start examples age; 0: each from its own time
   */
  constructor(prior: LinearPrior, halfLifeMs: number, watch?: DriftWatch, bucketMs = 0) {
    this.#watch = watch
    this.#prior = prior
    this.#priorVariance = reciprocal(prior.precision)
    this.dimension = prior.mean.length
    this.#memory = new HeadMemory(this.dimension, halfLifeMs, bucketMs)
    this.#gain = new Float64Array(this.dimension)
  }

  /**
   * Adds one example seen at `atMs`; an example older than the sums enters as decayed as they are, and one from before a
   * change not at all.
   *
   * @returns what the head has gone on from, when this example showed that it had changed
   */
  observe(x: Float64Array, nz: Int32Array, y: number, weight: number, atMs: number): RecentSums | undefined {
    if (!this.#memory.counts(atMs)) return undefined
    const isWatched = weight === 1 && this.#memory.weightAt(atMs) >= EXAMPLES_BEFORE_WATCHING
    const watch = isWatched ? this.#watch : undefined
    const posterior = watch === undefined ? this.#posterior : this.#freshPosterior(atMs)
    const foretold = posterior && weight > 0 ? this.#foretell(posterior, x, nz) : undefined
    const recent = foretold && watch?.observe(x, nz, y, atMs, foretold)
    if (recent !== undefined) {
      this.#memory.restart(recent, atMs, recent.sinceMs)
      this.#posterior = undefined
      return recent
    }
    const w = this.#memory.add(x, nz, y, weight, atMs)
    if (posterior?.isWhole && foretold !== undefined && w > 0) this.#step(posterior, foretold, y, w)
    else this.#posterior = undefined
    return undefined
  }

  /** What the posterior says of x, leaving Λ⁻¹x in the gain: the watch and the step that follow need both. */
  #foretell(posterior: Posterior, x: Float64Array, nz: Int32Array): Incumbent {
    multiply(posterior.covariance, x, nz, this.#gain)
    return {
      coefficients: posterior.mean,
      mean: dot(posterior.mean, x, nz),
      spread: Math.max(dot(this.#gain, x, nz), 0),
      noiseVariance: outcomeVariance(posterior),
    }
  }

  predict(x: Float64Array, nz: Int32Array, nowMs: number): LinearPrediction {
    if (this.#memory.isEmpty && this.#lent === undefined) return this.#predictFromPrior(x, nz)
    const posterior = this.#freshPosterior(nowMs)
    const noiseVariance = outcomeVariance(posterior)
    const spread = Math.max(quadraticForm(posterior.covariance, x, nz), 0)
    return {
      mean: dot(posterior.mean, x, nz),
      sd: Math.sqrt(noiseVariance * spread),
      noiseVariance,
      novelty: Math.min(Math.sqrt(spread / this.#priorSpread(x, nz)), 1),
    }
  }

  /** Σw of the examples, as far as they are remembered at `nowMs`; never below 0. */
  weightAt(nowMs: number): number {
    return this.#memory.weightAt(nowMs)
  }

  /** What the posterior is formed from, brought to `nowMs`, lent sums included; undefined for nothing. Read only. */
  sumsAt(nowMs: number): Readonly<LinearSums> | undefined {
    return this.#memory.isEmpty && this.#lent === undefined ? undefined : this.#data(nowMs)
  }

  /** Makes these sums part of the prior, instead of those that were lent before: they do not fade, and are not observed. */
  lend(sums: LentSums | undefined): void {
    if (sums === undefined && this.#lent === undefined) return
    this.#lent = sums
    this.#posterior = undefined
  }

  /** A copy of the observed sums, here and elsewhere, as they are at their own `asOfMs`; undefined when there are none. */
  sums(): LinearSums | undefined {
    return this.#memory.copy()
  }

  /** Exchanges what is believed before any data, of the same dimension; the data stay. */
  setPrior(prior: LinearPrior): void {
    this.#prior = prior
    this.#priorVariance = reciprocal(prior.precision)
    this.#posterior = undefined
  }

  /** The posterior with what it was made from; undefined when the data weigh nothing. Read only. */
  evidence(nowMs: number): Evidence | undefined {
    const sums = this.sumsAt(nowMs)
    if (sums === undefined || !(sums.n > NEGLIGIBLE)) return undefined
    const { mean, covariance, shape, rate } = this.#freshPosterior(nowMs)
    return {
      n: sums.n,
      c: sums.c,
      b: sums.b,
      mean,
      covariance,
      noiseVariance: outcomeVariance({ shape, rate }),
      meanPrecision: shape / rate,
      priorMean: this.#prior.mean,
      precision: this.#prior.precision,
    }
  }

  /** Adds sums of other data, bringing both to the later of the two times. */
  absorb(other: Readonly<LinearSums>): void {
    this.#memory.absorb(other)
    this.#posterior = undefined
    this.#watch?.reset()
  }

  /** See {@link HeadMemory.handOver}. What is believed stays as it is. */
  handOver(): void {
    this.#memory.handOver()
  }

  /**
   * See {@link HeadMemory.replaceElsewhere}. The watch goes on: whether a rival foretells better what comes next may be asked of
   * a head that has learned from others in the meantime too. Not after a cut, as the rival began from what that forgets.
   */
  replaceElsewhere(
    sums: Readonly<LinearSums> | undefined,
    cut: Cut | undefined,
    withHandedOver: boolean,
  ): boolean {
    const wasCutApart = this.#memory.needsHandOver
    const changed = this.#memory.replaceElsewhere(sums, cut, withHandedOver)
    if (changed || withHandedOver) this.#posterior = undefined
    if (this.#memory.needsHandOver && !wasCutApart) this.#watch?.reset()
    return changed
  }

  get needsHandOver(): boolean {
    return this.#memory.needsHandOver
  }

  /** A change noticed here of which the last sums from elsewhere did not know yet: since when, Unix ms. */
  get unheardChangeMs(): number | undefined {
    return this.#memory.unheardChangeMs
  }

  /** The next prediction forms the posterior from the sums; the watch for changes begins anew. */
  forgetPosterior(): void {
    this.#posterior = undefined
    this.#watch?.reset()
  }

  #predictFromPrior(x: Float64Array, nz: Int32Array): LinearPrediction {
    const noiseVariance = outcomeVariance(this.#prior)
    const sd = Math.sqrt(noiseVariance * this.#priorSpread(x, nz))
    return { mean: dot(this.#prior.mean, x, nz), sd, noiseVariance, novelty: 1 }
  }

  /** xᵀΛ₀⁻¹x. */
  #priorSpread(x: Float64Array, nz: Int32Array): number {
    const variance = this.#priorVariance
    let spread = 0
    for (let p = 0; p < nz.length; p++) {
      const xi = x[nz[p]!]!
      spread += xi * xi * variance[nz[p]!]!
    }
    return spread
  }

  #freshPosterior(nowMs: number): Posterior {
    const current = this.#posterior
    if (
      current !== undefined &&
      current.steps < STEPS_BETWEEN_REFRESHES &&
      this.#memory.decay(nowMs - current.formedAtMs) > DECAY_TOLERATED
    ) {
      return current
    }
    this.#posterior = this.#formPosterior(this.#data(nowMs))
    return this.#posterior
  }

  #data(nowMs: number): Readonly<LinearSums> {
    const lent = this.#lent
    if (lent === undefined) return this.#memory.total(nowMs)
    if (this.#memory.isEmpty) return { ...lent, asOfMs: nowMs }
    const { asOfMs, n, c, A, b } = this.#memory.total(nowMs)
    return {
      asOfMs,
      n: n + lent.n,
      c: c + lent.c,
      A: A.map((value, i) => value + lent.A[i]!),
      b: b.map((value, i) => value + lent.b[i]!),
    }
  }

  #formPosterior(sums: Readonly<LinearSums>): Posterior {
    const posterior: Posterior = {
      covariance: invertWithDiagonal(sums.A, this.#prior.precision),
      mean: new Float64Array(this.dimension),
      shape: this.#prior.shape,
      rate: this.#prior.rate,
      steps: 0,
      formedAtMs: sums.asOfMs,
      isWhole: !this.#memory.isOverdrawnAt(sums.asOfMs),
    }
    this.#locate(posterior, sums)
    return posterior
  }

  /** Mean, shape and rate of a posterior whose covariance is right. */
  #locate(posterior: Posterior, sums: Readonly<LinearSums>): void {
    const { precision, shape, rate, mean: m0 } = this.#prior
    const d = this.dimension
    const everywhere = Int32Array.from({ length: d }, (_, i) => i)
    const target = new Float64Array(d)
    for (let i = 0; i < d; i++) target[i] = sums.b[i]! + precision[i]! * m0[i]!
    multiply(posterior.covariance, target, everywhere, posterior.mean)
    // Where contexts are collinear the inverse cancels most of the target, and its rounding is left. One step of iterative refinement
    // takes that away (Higham 2002, "Accuracy and Stability of Numerical Algorithms", chapter 12).
    const missing = new Float64Array(d)
    multiply(sums.A, posterior.mean, everywhere, missing)
    for (let i = 0; i < d; i++) missing[i] = target[i]! - missing[i]! - precision[i]! * posterior.mean[i]!
    const correction = new Float64Array(d)
    multiply(posterior.covariance, missing, everywhere, correction)
    for (let i = 0; i < d; i++) posterior.mean[i]! += correction[i]!
    // Residual sum of squares around the posterior mean, prior included: c + m₀ᵀΛ₀m₀ − mᵀΛm.
    let residual = sums.c
    for (let i = 0; i < d; i++) residual += precision[i]! * m0[i]! ** 2 - posterior.mean[i]! * target[i]!
    posterior.shape = shape + sums.n / 2
    posterior.rate = rate + Math.max(residual, 0) / 2
  }

  #step(posterior: Posterior, { mean, spread }: Incumbent, y: number, w: number): void {
    const gain = this.#gain
    const growth = shrinkInverse(posterior.covariance, gain, w, spread)
    const error = y - mean
    const step = (w * error) / growth
    for (let i = 0; i < gain.length; i++) posterior.mean[i]! += step * gain[i]!
    posterior.shape += w / 2
    posterior.rate += (w * error * error) / (2 * growth)
    posterior.steps++
  }
}

/**
 * Variance of one outcome: the mean of IG(a, b). It is what makes x·β, a Student t with 2a degrees of freedom, have the
 * variance that a Gaussian stand-in must have; b/a would understate it just when little is known.
 */
function outcomeVariance({ shape, rate }: { readonly shape: number; readonly rate: number }): number {
  return rate / (shape - 1)
}

function reciprocal(values: Float64Array): Float64Array {
  return values.map((value) => 1 / value)
}
