/**
 * A world whose truth is known: contexts, what every arm is worth in each, a policy that logs and one that is judged. Logs are
 * drawn from it as often as one likes, with rewards predicted by the cross-fitted regression that `evaluate` uses.
 */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { estimatorRow, type KeyedRow, RewardSums } from '../../eval/index.ts'
import { type RandomGenerator, randomStream } from '../../eval/random.ts'

export interface WorldOptions {
  readonly arms: number
  readonly reward: 'binary' | 'continuous'
  /** The logging policy is softmax(sharpness · worth), negative for one that prefers the worse arms. */
  readonly loggerSharpness: number
  /** The target is softmax(sharpness · worth). */
  readonly targetSharpness: number
  /** Of the logging policy's probability, shared equally among all arms. @default 0.05 */
  readonly uniformShare?: number
  readonly seed: number
}

export interface LoggedDraw extends KeyedRow {
  /** Σ_a π_b(a|x) q̂(x, a): of the logging policy, for paired differences. */
  readonly predictedLogged: number
}

const DIMENSION = 6
const FOLDS = 2
const TRUTH_CONTEXTS = 200_000
/** Of continuous rewards around what they are expected to be. */
const NOISE_SD = 0.5

export class LoggedWorld {
  readonly options: WorldOptions
  /** Value of the target, over {@link TRUTH_CONTEXTS} contexts. */
  readonly truth: number
  /** Value of the logging policy, over the same. */
  readonly loggedTruth: number
  /** The largest weight there can be. */
  readonly largestWeight: number
  readonly #coefficients: readonly Float64Array[]

  constructor(options: WorldOptions) {
    this.options = options
    const random = randomStream('world', options.seed)
    this.#coefficients = Array.from({ length: options.arms }, () =>
      Float64Array.from({ length: DIMENSION }, () => 0.6 * gaussian(random)),
    )
    let truth = 0
    let logged = 0
    const contexts = randomStream('truth', options.seed)
    for (let i = 0; i < TRUTH_CONTEXTS; i++) {
      const worth = this.#worth(contextOf(contexts))
      truth += dot(this.#target(worth), worth)
      logged += dot(this.#logger(worth), worth)
    }
    this.truth = truth / TRUTH_CONTEXTS
    this.loggedTruth = logged / TRUTH_CONTEXTS
    // A uniform logging policy has no smaller propensity than its only one.
    this.largestWeight = options.arms / (options.loggerSharpness === 0 ? 1 : this.#uniformShare)
  }

  /** A log of `count` decisions; the same for the same number of the repetition. */
  draw(count: number, repetition: number): readonly LoggedDraw[] {
    const random = randomStream(`log:${this.options.seed}`, repetition)
    const arms = Array.from({ length: this.options.arms }, (_, arm) => String(arm))
    const sums = new RewardSums(FOLDS)
    const decisions = Array.from({ length: count }, (_, i) => {
      const x = contextOf(random)
      const worth = this.#worth(x)
      const logger = this.#logger(worth)
      const drawn = indexAt(logger, uniformFloat64(random))
      const reward = this.#reward(worth[drawn]!, random)
      const fold = i % FOLDS
      sums.add({ space: 'world', x }, fold, arms[drawn]!, {
        quality: reward,
        costUsd: undefined,
        latencyMs: undefined,
        success: undefined,
      })
      return { x, logger, target: this.#target(worth), drawn, reward, fold }
    })
    const model = sums.fit()
    return decisions.map(({ x, logger, target, drawn, reward, fold }, i) => {
      const predictions = arms.map((arm) => model.predict({ space: 'world', x }, fold, arm).quality ?? 0)
      const row = estimatorRow({ target, drawn, propensity: logger[drawn]!, reward, predictions })
      return { ...row, key: `${repetition}:${i}`, predictedLogged: dot(logger, predictions) }
    })
  }

  get #uniformShare(): number {
    return this.options.uniformShare ?? 0.05
  }

  #worth(x: Float64Array): Float64Array {
    return Float64Array.from(this.#coefficients, (theta) => {
      const linear = dot(theta, x)
      return this.options.reward === 'binary' ? 1 / (1 + Math.exp(-linear)) : linear
    })
  }

  #logger(worth: Float64Array): Float64Array {
    const { arms, loggerSharpness } = this.options
    const share = this.#uniformShare
    return softmax(worth, loggerSharpness).map((p) => (1 - share) * p + share / arms)
  }

  #target(worth: Float64Array): Float64Array {
    return softmax(worth, this.options.targetSharpness)
  }

  #reward(worth: number, random: RandomGenerator): number {
    if (this.options.reward === 'binary') return uniformFloat64(random) < worth ? 1 : 0
    return worth + NOISE_SD * gaussian(random)
  }
}

function contextOf(random: RandomGenerator): Float64Array {
  return Float64Array.from({ length: DIMENSION }, (_, i) => (i === 0 ? 1 : 0.7 * gaussian(random)))
}

function softmax(worth: Float64Array, sharpness: number): Float64Array {
  const most = worth.reduce((best, value) => Math.max(best, sharpness * value), Number.NEGATIVE_INFINITY)
  const terms = worth.map((value) => Math.exp(sharpness * value - most))
  const sum = terms.reduce((total, term) => total + term, 0)
  return terms.map((term) => term / sum)
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

function indexAt(probabilities: Float64Array, u: number): number {
  let below = 0
  for (let i = 0; i < probabilities.length; i++) {
    below += probabilities[i]!
    if (u < below) return i
  }
  return probabilities.length - 1
}

function gaussian(random: RandomGenerator): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat64(random)))
  return radius * Math.cos(2 * Math.PI * uniformFloat64(random))
}
