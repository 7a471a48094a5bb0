/**
 * What is believed of a head before an arm's own data, estimated from the data of all arms (empirical Bayes for a
 * hierarchical linear model; Gelman & Hill 2007, chapter 12). With arm k's own expectation m_k (from its registration) as
 * the mean of its intercept,
 *
 *     β_k = m_k·e₀ + μ + δ_k,   δ_kj ~ N(0, τ²_block(j)·σ_k²/σ²),   σ_k² around σ².
 *
 * μ is common to all arms: some requests are hard, or long, or slow, for every arm, and all registrations may be too
 * hopeful. τ says how much arms differ in a block of features, σ² how much outcomes scatter. All enter an arm's prior: an
 * arm's deviations are shrunk towards its fellows instead of towards zero, and as much as deviations have turned out small.
 *
 * μ is the generalised least squares fit with the δ integrated out and each arm's intercept free. τ² and σ² follow the marginal likelihood by one step of
 * expectation–maximisation per refit (Dempster, Laird & Rubin 1977), each step under an inverse-gamma hyperprior centred at
 * a starting scale, so that with few data the start rules and no step can leave the positive numbers.
 */
import type { FeatureBlock } from './feature-space.ts'
import { column, invertWithDiagonal, multiply, packedLength } from './linalg.ts'
import type { Evidence, LinearHead, LinearPrior } from './linear-head.ts'

/** A refit costs O(arms·d² + d³) and makes every posterior be formed anew: once every 5 % more data, … */
const GROWTH_BETWEEN_REFITS = 1.05
const FIRST_REFIT = 30
/** … and at least once in so many observations. */
const MOST_BETWEEN_REFITS = 5_000
/** Expectation–maximisation steps after sums have come from elsewhere, at most; each leaves about two thirds of the distance, or less. */
const SETTLING_STEPS_MAX = 150
/** Of a step, as a share of the head's scale, that is none: far below what two replicas may differ by. */
const SETTLED_STEP = 1e-12
/**
 * Steps of expectation–maximisation become shorter, each by a like share. Such as are no shorter than one before are rounding, of which
 * arms that hardly scatter leave so much at most.
 */
const ROUNDING_STEP_MAX = 1e-5
const STALLED_STEPS = 5

/**
 * sd of what the arms share over the starting sd of what one arm adds to it. One arm that is slower than it was registered
 * says little of the others; a class that is hard for one is likely hard for all.
 */
const SHARED_SD_FACTOR: Readonly<Record<FeatureBlock, number>> = {
  intercept: 0.5,
  class: 2,
  structure: 2,
  text: 2,
}
/** How firmly the starting scales are believed: in coefficients for τ, in outcomes for σ. */
const START_STRENGTH: Readonly<Record<FeatureBlock, number>> = {
  intercept: 4,
  class: 15,
  structure: 30,
  text: 30,
}
const START_OUTCOMES = 20
/** Of the starting sd: what counts at least as an arm's own, so that one that always answers alike makes no other noiseless. */
const LEAST_NOISE = 0.01
/** Outcomes of one arm that count at most for σ²: the arm that is called most is not what an arm is like. */
const MOST_OUTCOMES_OF_ONE_ARM = 50

const BLOCKS: readonly FeatureBlock[] = ['intercept', 'class', 'structure', 'text']

/** Standard deviations on the head's own scale: of the coefficients of each block, and of a single outcome. */
export interface PriorScales {
  readonly coefficientSd: Readonly<Record<FeatureBlock, number>>
  readonly outcomeSd: number
}

/** Factors by which the coefficients of a block are believed to be smaller, or larger, than has been estimated. */
export type ScaleFactors = Readonly<Record<FeatureBlock, number>>

export const AS_ESTIMATED: ScaleFactors = { intercept: 1, class: 1, structure: 1, text: 1 }

/** What is believed of an arm's noise from that of the others. */
export interface NoisePooling {
  /** Weight of σ² in an arm's own noise variance, in outcomes; above 2. */
  readonly strength: number
  /** What σ² is of the arms' own: geometric where arms scatter by orders of magnitude unlike each other. */
  readonly mean: 'arithmetic' | 'geometric'
}

/** A head of one arm and what its registration says of the intercept. */
export interface Member {
  readonly head: LinearHead
  readonly interceptMean: number
}

export interface SharedPriorState {
  readonly observations: number
  readonly nextRefit: number
  /** μ. */
  readonly coefficients: readonly number[]
  /** τ by block and σ, as estimated. */
  readonly scales: PriorScales
}

/** The prior of one head, for all arms together, and when it is due to be fitted again. */
export class SharedPrior {
  readonly #blocks: readonly FeatureBlock[]
  readonly #start: PriorScales
  readonly #noise: NoisePooling
  readonly #factors: ScaleFactors
  #scales: PriorScales
  #coefficients: Float64Array
  #observations = 0
  #nextRefit = FIRST_REFIT
  #isSettled = false

  /**
   * @param blocks of each coordinate; the first is the intercept's
   * @param factors on the sds of coefficients, arms' own and common, whatever is estimated
   */
  constructor(
    start: PriorScales,
    noise: NoisePooling,
    blocks: readonly FeatureBlock[],
    factors: ScaleFactors = AS_ESTIMATED,
  ) {
    this.#factors = factors
    this.#start = start
    this.#noise = noise
    this.#blocks = blocks
    this.#scales = start
    this.#coefficients = new Float64Array(blocks.length)
  }

  /** Length d; coordinate 0 is what all registrations are wrong by. */
  get coefficients(): Float64Array {
    return this.#coefficients
  }

  get scales(): PriorScales {
    return this.#scales
  }

  /** The prior of an arm whose registration says `interceptMean`. */
  priorOf(interceptMean: number): LinearPrior {
    const mean = this.#coefficients.slice()
    mean[0]! += interceptMean
    const shape = this.#noise.strength / 2
    return {
      mean,
      precision: this.#precision(this.#scales),
      shape,
      rate: (shape - 1) * this.#scales.outcomeSd ** 2,
    }
  }

  /** Diagonal of every arm's Λ₀ before anything was estimated. */
  get startPrecision(): Float64Array {
    return this.#precision(this.#start)
  }

  /** Counts one observation. @returns whether a refit is due */
  count(): boolean {
    this.#isSettled = false
    return ++this.#observations >= this.#nextRefit
  }

  /** One step, after which every member has the new prior. */
  refit(members: readonly Member[], nowMs: number): void {
    this.#step(members, nowMs)
    const growth = Math.min(this.#observations * (GROWTH_BETWEEN_REFITS - 1), MOST_BETWEEN_REFITS)
    this.#nextRefit = this.#observations + Math.max(Math.ceil(growth), 1)
  }

  /** False when the data have changed since the steps were made that they call for. */
  get isSettled(): boolean {
    return this.#isSettled
  }

  unsettle(): void {
    this.#isSettled = false
  }

  /** All steps of {@link settling} at once. */
  settle(members: readonly Member[], nowMs: number): void {
    for (const _step of this.settling(() => members, nowMs));
  }

  /** Several steps, for sums that have come all at once; back to the start while they are too few for a first refit. */
  *settling(members: () => readonly Member[], nowMs: number): Generator<void> {
    this.#isSettled = true
    let weight = 0
    for (const { head } of members()) weight += head.sumsAt(nowMs)?.n ?? 0
    if (weight < FIRST_REFIT) {
      this.#scales = this.#start
      this.#coefficients = new Float64Array(this.#coefficients.length)
      this.renew(members())
      return
    }
    let shortest = Number.POSITIVE_INFINITY
    let stalled = 0
    for (let step = 0; step < SETTLING_STEPS_MAX; step++) {
      const scales = this.#scales
      const coefficients = this.#coefficients
      this.#step(members(), nowMs)
      const distance = this.#distance(scales, coefficients)
      if (distance < SETTLED_STEP) return
      stalled = distance < shortest || distance > ROUNDING_STEP_MAX ? 0 : stalled + 1
      if (stalled === STALLED_STEPS) return
      shortest = Math.min(shortest, distance)
      yield
    }
    this.#isSettled = false
  }

  renew(members: readonly Member[]): void {
    for (const { head, interceptMean } of members) head.setPrior(this.priorOf(interceptMean))
  }

  state(): SharedPriorState {
    return {
      observations: this.#observations,
      nextRefit: this.#nextRefit,
      coefficients: [...this.#coefficients],
      scales: this.#scales,
    }
  }

  restore(state: SharedPriorState): void {
    this.#observations = state.observations
    this.#nextRefit = state.nextRefit
    this.#coefficients = Float64Array.from(state.coefficients)
    this.#scales = state.scales
  }

  #step(members: readonly Member[], nowMs: number): void {
    const informed: InformedMember[] = []
    for (const { head, interceptMean } of members) {
      const evidence = head.evidence(nowMs)
      if (evidence !== undefined) informed.push({ evidence, interceptMean })
    }
    this.#scales = estimateScales(
      informed.map(({ evidence }) => evidence),
      this.#blocks,
      this.#scales,
      this.#start,
      this.#noise.mean,
    )
    this.#coefficients = sharedCoefficients(
      informed,
      this.#sharedPrecision(),
      this.#scales.outcomeSd ** 2,
      leastNoiseVariance(this.#start),
    )
    this.renew(members)
  }

  /** Of the last step: the largest move of a coefficient or scale, over the starting sd of an outcome. */
  #distance(scales: PriorScales, coefficients: Float64Array): number {
    let distance = Math.abs(this.#scales.outcomeSd - scales.outcomeSd)
    for (const block of BLOCKS) {
      const moved = this.#scales.coefficientSd[block] - scales.coefficientSd[block]
      distance = Math.max(distance, Math.abs(moved))
    }
    for (let i = 0; i < coefficients.length; i++)
      distance = Math.max(distance, Math.abs(this.#coefficients[i]! - coefficients[i]!))
    return distance / this.#start.outcomeSd
  }

  #precision({ coefficientSd, outcomeSd }: PriorScales): Float64Array {
    return column(this.#blocks, (block) => (outcomeSd / (this.#factors[block] * coefficientSd[block])) ** 2)
  }

  #sharedPrecision(): Float64Array {
    const { coefficientSd } = this.#start
    return column(
      this.#blocks,
      (block) =>
        (this.#scales.outcomeSd / (this.#factors[block] * SHARED_SD_FACTOR[block] * coefficientSd[block])) **
        2,
    )
  }
}

export interface InformedMember {
  readonly evidence: Evidence
  readonly interceptMean: number
}

/**
 * μ with the arms' own deviations integrated out. An arm's information on μ is I = σ²/σ_k²·(Λ − ΛVΛ), which is its A where that
 * is small and Λ where it is large: an arm that was called ten thousand times says no more of the others than one that was
 * called until its own coefficients were known.
 *
 * The slopes are fitted from what varies within the arms, with a free intercept of each arm swept out of I (a Schur
 * complement): which arm is called may depend on the class. What is common to the intercepts follows, given the slopes. Pure.
 *
 * @param precision length d: what shrinks μ towards zero
 * @param noiseVariance σ²
 * @param leastVariance what counts at least as an arm's σ_k²: one whose answers are all of one length would otherwise weigh more
 *   and more, until only the rounding errors of its I were left, which are then taken for slopes
 */
export function sharedCoefficients(
  members: readonly InformedMember[],
  precision: Float64Array,
  noiseVariance: number,
  leastVariance: number,
): Float64Array {
  const d = precision.length
  const everywhere = Int32Array.from({ length: d }, (_, i) => i)
  const information = new Float64Array(packedLength(d))
  const target = new Float64Array(d)
  const ofIntercepts = new Float64Array(d)
  let targetOfIntercepts = 0
  const pulled = new Float64Array(d)
  const fitted = new Float64Array(d)
  const withIntercept = new Float64Array(d)
  for (const { evidence, interceptMean } of members) {
    const { covariance, precision: own, mean, priorMean } = evidence
    const weight = noiseVariance / Math.max(evidence.noiseVariance, leastVariance)
    // I·μ̂ = ΛV·(b − A·m_k·e₀) = Λ·(m + VΛ·(m_k·e₀ − m₀) − m_k·e₀), with m the mean under the prior mean m₀, and VA = I − VΛ.
    for (let i = 0; i < d; i++) pulled[i] = -own[i]! * priorMean[i]!
    pulled[0]! += own[0]! * interceptMean
    multiply(covariance, pulled, everywhere, fitted)
    for (let i = 0; i < d; i++) fitted[i]! += mean[i]!
    fitted[0]! -= interceptMean
    for (let i = 0, row = 0; i < d; i++, row += i)
      withIntercept[i] = -weight * own[i]! * covariance[row]! * own[0]!
    withIntercept[0]! += weight * own[0]!
    const pivot = withIntercept[0]!
    if (!(pivot > 0)) continue
    const pulledIntercept = weight * own[0]! * fitted[0]!
    for (let i = 0; i < d; i++) ofIntercepts[i]! += withIntercept[i]!
    targetOfIntercepts += pulledIntercept
    for (let i = 1, k = 1; i < d; i++) {
      const wi = weight * own[i]!
      target[i]! += wi * fitted[i]! - (withIntercept[i]! * pulledIntercept) / pivot
      k++
      for (let j = 1; j <= i; j++, k++) {
        information[k]! -= wi * covariance[k]! * own[j]! + (withIntercept[i]! * withIntercept[j]!) / pivot
      }
      information[k - 1]! += wi
    }
  }
  const coefficients = new Float64Array(d)
  multiply(invertWithDiagonal(information, precision), target, everywhere, coefficients)
  let explained = 0
  for (let i = 1; i < d; i++) explained += ofIntercepts[i]! * coefficients[i]!
  coefficients[0] = (targetOfIntercepts - explained) / (ofIntercepts[0]! + precision[0]!)
  return coefficients
}

/**
 * One step of expectation–maximisation from `current`: the expected squares of the deviations and of the residuals, under the
 * posteriors of the arms, become the next variances. Pure.
 */
export function estimateScales(
  evidence: readonly Evidence[],
  blocks: readonly FeatureBlock[],
  current: PriorScales,
  start: PriorScales,
  noiseMean: NoisePooling['mean'],
): PriorScales {
  const noise = current.outcomeSd ** 2
  const squares = { intercept: 0, class: 0, structure: 0, text: 0 }
  const counts = { intercept: 0, class: 0, structure: 0, text: 0 }
  // The mean of the logarithms is the logarithm of the geometric mean.
  const [onScale, fromScale] = noiseMean === 'geometric' ? [Math.log, Math.exp] : [identity, identity]
  const least = leastNoiseVariance(start)
  let variances = START_OUTCOMES * onScale(start.outcomeSd ** 2)
  let outcomes = START_OUTCOMES
  for (const { n, c, b, mean, covariance, priorMean, precision, noiseVariance, meanPrecision } of evidence) {
    // In units of less, any deviation of an arm that always answers alike would be beyond all measure.
    const perVariance = Math.min(meanPrecision, 1 / least)
    let squaredError = c
    let fitted = blocks.length
    for (let j = 0; j < blocks.length; j++) {
      const block = blocks[j]!
      const variance = covariance[(j * (j + 3)) / 2]!
      const deviation = mean[j]! - priorMean[j]!
      squares[block] += noise * (deviation ** 2 * perVariance + variance)
      counts[block]++
      squaredError -= mean[j]! * (b[j]! + precision[j]! * deviation)
      fitted -= precision[j]! * variance
    }
    const share = Math.min(1, MOST_OUTCOMES_OF_ONE_ARM / n)
    const variance = (Math.max(squaredError, 0) + noiseVariance * fitted) / n
    variances += share * n * onScale(Math.max(variance, least))
    outcomes += share * n
  }
  const coefficientSd = { ...start.coefficientSd }
  for (const block of BLOCKS) {
    const strength = START_STRENGTH[block]
    const sum = strength * start.coefficientSd[block] ** 2 + squares[block]
    coefficientSd[block] = Math.sqrt(sum / (strength + counts[block]))
  }
  return { coefficientSd, outcomeSd: Math.sqrt(fromScale(variances / outcomes)) }
}

function leastNoiseVariance(start: PriorScales): number {
  return (LEAST_NOISE * start.outcomeSd) ** 2
}

function identity(value: number): number {
  return value
}
