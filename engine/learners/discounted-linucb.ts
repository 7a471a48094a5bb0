/**
 * D-LinUCB: Russac, Vernade, Cappé 2019 (arXiv:1909.09146), algorithm 1: LinUCB whose data fade by γ a round, with the
 * confidence width that this takes, β·√(xᵀV⁻¹ṼV⁻¹x), Ṽ being V with γ² for γ.
 *
 * Their recursion adds (1 − γ)λI every round, so that λI never fades; here the faded sums of the data are kept and λI is
 * added when they are read, which is the same and needs nothing done for rounds that belong to other arms. The router
 * forgets by wall clock and takes the plain width; this is the reference for both choices.
 */
import { choleskySolve } from '../cholesky.ts'
import { EngineError } from '../errors.ts'
import { nonZeros, quadraticForm } from '../linalg.ts'
import { LinearHead } from '../linear-head.ts'
import { type LinearPosterior, leverage, linearPosterior } from '../linear-posterior.ts'

export interface DiscountedLinUcbOptions {
  readonly dimension: number
  /** λ, above 0. @default 1 */
  readonly precision?: number
  /** γ in (0, 1): what is left of an example after one round. */
  readonly discount: number
}

export interface DiscountedEstimate {
  readonly mean: number
  /** √(xᵀV⁻¹ṼV⁻¹x), of the paper; to be multiplied by β. */
  readonly width: number
  /** √(xᵀV⁻¹x), of LinUCB. */
  readonly plainWidth: number
}

/** Faded statistics of one regression: of a shared parameter, or of one of several arms that share a clock. */
export class DiscountedLinUcb {
  readonly dimension: number
  readonly #prior: ConstructorParameters<typeof LinearHead>[0]
  readonly #data: LinearHead
  /** The same data, fading twice as fast. */
  readonly #twice: LinearHead

  /** @throws {EngineError} `engine_bad_config` for an option out of its range */
  constructor({ dimension, precision = 1, discount }: DiscountedLinUcbOptions) {
    if (!(discount > 0 && discount < 1)) {
      throw new EngineError('engine_bad_config', `discount must be in (0, 1), got ${discount}`)
    }
    if (!(precision > 0)) {
      throw new EngineError('engine_bad_config', `precision must be above 0, got ${precision}`)
    }
    this.dimension = dimension
    this.#prior = {
      mean: new Float64Array(dimension),
      precision: new Float64Array(dimension).fill(precision),
      shape: 2,
      rate: 1,
    }
    const halfLifeRounds = Math.log(0.5) / Math.log(discount)
    this.#data = new LinearHead(this.#prior, halfLifeRounds)
    this.#twice = new LinearHead(this.#prior, halfLifeRounds / 2)
  }

  /** @param round of the clock that all arms share, never falling */
  learn(x: Float64Array, reward: number, round: number): void {
    const positions = nonZeros(x, this.dimension)
    this.#data.observe(x, positions, reward, 1, round)
    this.#twice.observe(x, positions, reward, 1, round)
  }

  /** V and θ as of `round`, with the faded count Σγ^age in `shape` = 2 + count/2. */
  posterior(round: number): LinearPosterior {
    return linearPosterior(this.#sumsOf(this.#data, round), this.#prior)
  }

  /** Ṽ as of `round`, packed. */
  twiceDiscounted(round: number): Float64Array {
    return linearPosterior(this.#sumsOf(this.#twice, round), this.#prior).precision
  }

  estimate(x: Float64Array, round: number): DiscountedEstimate {
    const posterior = this.posterior(round)
    const solved = choleskySolve(posterior.factor, x)
    const positions = nonZeros(solved, this.dimension)
    let mean = 0
    for (let i = 0; i < x.length; i++) mean += x[i]! * posterior.mean[i]!
    return {
      mean,
      width: Math.sqrt(quadraticForm(this.twiceDiscounted(round), solved, positions)),
      plainWidth: Math.sqrt(leverage(posterior, x)),
    }
  }

  #sumsOf(head: LinearHead, round: number) {
    // A reading before the first example has nothing to fade.
    return (
      head.sumsAt(round) ?? {
        asOfMs: round,
        n: 0,
        c: 0,
        A: this.#zeros(),
        b: new Float64Array(this.dimension),
      }
    )
  }

  #zeros(): Float64Array {
    return new Float64Array((this.dimension * (this.dimension + 1)) / 2)
  }
}

export interface ConfidenceOptions {
  readonly dimension: number
  readonly precision: number
  readonly discount: number
  /** δ: the bound fails with this probability at most. */
  readonly delta: number
  /** σ: sub-Gaussian scale of the noise. */
  readonly noiseSd: number
  /** S and L: largest norm of the parameter and of a context. */
  readonly parameterNorm: number
  readonly contextNorm: number
}

/** β = √λ·S + σ·√(2·log(1/δ) + d·log(1 + L²(1 − γ^2t)/(λd(1 − γ²)))), after `round` rounds. */
export function discountedConfidence(options: ConfidenceOptions, round: number): number {
  const { dimension, precision, discount, delta, noiseSd, parameterNorm, contextNorm } = options
  const seen = (1 - discount ** (2 * round)) / (1 - discount ** 2)
  return (
    Math.sqrt(precision) * parameterNorm +
    noiseSd *
      Math.sqrt(
        2 * Math.log(1 / delta) + dimension * Math.log1p((contextNorm ** 2 * seen) / (precision * dimension)),
      )
  )
}
