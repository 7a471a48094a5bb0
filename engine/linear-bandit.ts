/**
 * A contextual bandit over K arms for any use: a context vector in, an arm and its exact probability out, one reward back.
 * It is made of the router's own parts (a Bayesian linear regression per arm, the policies, the floor, the draw) without
 * what is particular to language models: no registry, no prompts, no prices, one head.
 */
import { type ChoiceSettings, choose, validateChoice } from './choose.ts'
import { DriftWatch } from './drift.ts'
import { EngineError } from './errors.ts'
import { nonZeros, packedLength } from './linalg.ts'
import { LinearHead, type LinearPrior, type LinearSums } from './linear-head.ts'
import { type LinearPosterior, linearPosterior } from './linear-posterior.ts'
import type { PolicyInput } from './policies/policy.ts'
import { areFinite } from './space-guard.ts'
import type { ArmId, Belief, PolicySpec } from './types.ts'

/** The policies that need nothing but beliefs about the reward. */
export type LearningPolicySpec = Extract<
  PolicySpec,
  { name: 'thompson' | 'linucb' | 'squarecb' | 'information-directed' | 'epsilon-greedy' | 'softmax' }
>

/** What is believed of every arm before its first reward. */
export interface RewardPrior {
  /** Of the coefficients, length `dimension`. @default zeros */
  readonly mean?: Float64Array
  /** Of the coefficients: λ, noise variance over coefficient variance, above 0. @default 1 */
  readonly precision?: number
  /**
   * Of one reward around its mean: its sd, learned from the rewards as if `strength` of them had shown it, or known.
   * @default learned, sd 0.5, strength 4
   */
  readonly noise?:
    | { readonly kind: 'learned'; readonly sd: number; readonly strength: number }
    | { readonly kind: 'known'; readonly sd: number }
}

export interface LinearBanditOptions {
  /** At least one id, all different. */
  readonly arms: readonly string[]
  /** Length of every context. Nothing is added to it: a constant coordinate, where one is wanted, is the caller's. */
  readonly dimension: number
  /** @default thompson with exploration 1 */
  readonly policy?: LearningPolicySpec
  /** Total additive floor in [0, 1). @default 0 */
  readonly floor?: number
  readonly prior?: RewardPrior
  /** Age at which an example counts half, in the unit that `at` has: rounds, ms, … @default Infinity */
  readonly halfLife?: number
  /**
   * Watch every arm for a change of its rewards and forget what it was before: see `drift.ts`. Needs `at` to tell old from
   * new. @default true
   */
  readonly drift?: boolean
  /** Names the stream of draws. @default 'v1' */
  readonly salt?: string
}

export interface BanditDecision {
  readonly arm: string
  /** Position of `arm` in the bandit's `arms`. */
  readonly index: number
  /** Exact probability of `arm`. */
  readonly propensity: number
  /** In the order of the bandit's `arms`; sums to 1 within 1e-12. */
  readonly probabilities: Float64Array
}

/** The additive sums of one arm's examples: sums of replicas, hours or files are merged by {@link LinearBandit.absorb}. */
export interface ArmSums extends LinearSums {
  readonly arm: string
}

const DEFAULT_NOISE = { kind: 'learned', sd: 0.5, strength: 4 } as const
/** No number of rewards moves a variance that is believed this firmly, to the last bit. */
const CERTAIN = 1e300

/** @throws {EngineError} `engine_bad_config` for an option out of its range */
export function createLinearBandit(options: LinearBanditOptions): LinearBandit {
  return new LinearBandit(options)
}

export class LinearBandit {
  /** Ascending: ties go to the first. */
  readonly arms: readonly string[]
  readonly dimension: number
  readonly #settings: ChoiceSettings
  readonly #prior: LinearPrior
  readonly #heads: readonly LinearHead[]
  readonly #nothing: Float64Array

  constructor(options: LinearBanditOptions) {
    const { dimension, halfLife = Number.POSITIVE_INFINITY } = options
    check('dimension', dimension, Number.isInteger(dimension) && dimension > 0, 'a whole number above 0')
    check('halfLife', halfLife, halfLife > 0, 'above 0')
    this.arms = [...new Set(options.arms)].sort()
    check(
      'arms',
      options.arms.length,
      this.arms.length > 0 && this.arms.length === options.arms.length,
      'one or more different ids',
    )
    this.dimension = dimension
    this.#settings = {
      policy: options.policy ?? { name: 'thompson', exploration: 1 },
      explore: true,
      floor: options.floor ?? 0,
      salt: options.salt ?? 'v1',
    }
    validateChoice(this.#settings)
    this.#prior = linearPriorOf(options.prior ?? {}, dimension)
    const watch = () => ((options.drift ?? true) ? new DriftWatch(this.#prior.precision) : undefined)
    this.#heads = this.arms.map(() => new LinearHead(this.#prior, halfLife, watch()))
    this.#nothing = new Float64Array(this.arms.length)
  }

  /**
   * Pure: the draw is a function of `id` and the salt.
   *
   * @param x length `dimension`, finite
   * @param at time of the decision, in the unit of the half-life
   * @throws {EngineError} `engine_bad_observation` for a context of another length or not finite
   */
  decide(x: Float64Array, id: string, at = 0): BanditDecision {
    this.#checkContext(x)
    const input = this.#input(x, at)
    const { probabilities, drawn } = choose(input, id, this.#settings)
    return { arm: this.arms[drawn]!, index: drawn, propensity: probabilities[drawn]!, probabilities }
  }

  /** Mean and sd of what is believed of each arm's expected reward, in the order of `arms`. */
  beliefs(x: Float64Array, at = 0): readonly Belief[] {
    this.#checkContext(x)
    const positions = nonZeros(x, this.dimension)
    return this.#heads.map((head) => {
      const { mean, sd } = head.predict(x, positions, at)
      return { mean, sd }
    })
  }

  /**
   * @param arm an id, or its position in `arms`
   * @param weight 1 adds the example, −1 takes it back
   * @returns true when it showed that the arm has changed, and what was learned before is forgotten
   * @throws {EngineError} `engine_bad_observation` for an unknown arm, a context of another length or a number that is not
   *   finite
   */
  learn(arm: string | number, x: Float64Array, reward: number, at = 0, weight = 1): boolean {
    this.#checkContext(x)
    if (![reward, at, weight].every(Number.isFinite)) {
      throw new EngineError(
        'engine_bad_observation',
        `an example of arm ${arm} has a number that is not finite`,
      )
    }
    return this.#head(arm).observe(x, nonZeros(x, this.dimension), reward, weight, at) !== undefined
  }

  /** The whole posterior of one arm as of `at`; of the prior alone while it has no example. */
  posterior(arm: string | number, at = 0): LinearPosterior {
    const d = this.dimension
    const sums = this.#head(arm).sumsAt(at) ?? {
      asOfMs: at,
      n: 0,
      c: 0,
      A: new Float64Array(packedLength(d)),
      b: new Float64Array(d),
    }
    return linearPosterior(sums, this.#prior)
  }

  /** Copies; without the arms that have no example. */
  sums(): readonly ArmSums[] {
    return this.arms.flatMap((arm, k) => {
      const sums = this.#heads[k]!.sums()
      return sums === undefined ? [] : [{ arm, ...sums }]
    })
  }

  /** @throws {EngineError} `engine_snapshot_mismatch` for sums of an unknown arm, of another dimension or not finite */
  absorb(sums: readonly ArmSums[]): void {
    for (const entry of sums) {
      const { arm, A, b } = entry
      if (
        !this.arms.includes(arm) ||
        b.length !== this.dimension ||
        A.length !== packedLength(this.dimension)
      ) {
        throw new EngineError(
          'engine_snapshot_mismatch',
          `sums of arm ${arm} with ${b.length} coordinates; the arms are ${this.arms.join(', ')} with ${this.dimension}`,
        )
      }
      if (!areFinite(entry)) {
        throw new EngineError(
          'engine_snapshot_mismatch',
          `sums of arm ${arm} have a number that is not finite`,
        )
      }
    }
    for (const entry of sums) this.#head(entry.arm).absorb(entry)
  }

  #input(x: Float64Array, at: number): PolicyInput {
    const K = this.arms.length
    const positions = nonZeros(x, this.dimension)
    const utilityMean = new Float64Array(K)
    const utilitySd = new Float64Array(K)
    let examples = 0
    for (let k = 0; k < K; k++) {
      const head = this.#heads[k]!
      const { mean, sd } = head.predict(x, positions, at)
      utilityMean[k] = mean
      utilitySd[k] = sd
      examples += head.weightAt(at)
    }
    const nothing = this.#nothing
    return {
      arms: this.arms as readonly ArmId[],
      utilityMean,
      utilitySd,
      // The policy's exploration is meant as it is given, for strangers too.
      novelty: nothing,
      costUsd: nothing,
      latencyMs: nothing,
      inFlight: nothing,
      lastTurn: nothing,
      examples,
    }
  }

  #head(arm: string | number): LinearHead {
    const head = this.#heads[typeof arm === 'number' ? arm : this.arms.indexOf(arm)]
    if (head === undefined) {
      throw new EngineError(
        'engine_bad_observation',
        `unknown arm ${arm}; the arms are ${this.arms.join(', ')}`,
      )
    }
    return head
  }

  #checkContext(x: Float64Array): void {
    if (x.length !== this.dimension) {
      throw new EngineError(
        'engine_bad_observation',
        `a context has ${x.length} coordinates, expected ${this.dimension}`,
      )
    }
    if (!x.every(Number.isFinite)) {
      throw new EngineError('engine_bad_observation', 'a context has a number that is not finite')
    }
  }
}

function linearPriorOf(
  { mean, precision = 1, noise = DEFAULT_NOISE }: RewardPrior,
  dimension: number,
): LinearPrior {
  const isPositive = (value: number): boolean => value > 0 && Number.isFinite(value)
  check('prior.precision', precision, isPositive(precision), 'a finite number above 0')
  check('prior.noise.sd', noise.sd, isPositive(noise.sd), 'a finite number above 0')
  if (mean !== undefined) check('prior.mean.length', mean.length, mean.length === dimension, `${dimension}`)
  let shape = CERTAIN
  if (noise.kind === 'learned') {
    // With fewer there is no mean of the variance to begin with.
    check(
      'prior.noise.strength',
      noise.strength,
      noise.strength > 2 && Number.isFinite(noise.strength),
      'above 2',
    )
    shape = noise.strength / 2
  }
  return {
    mean: mean?.slice() ?? new Float64Array(dimension),
    precision: new Float64Array(dimension).fill(precision),
    shape,
    rate: (shape - 1) * noise.sd ** 2,
  }
}

function check(what: string, value: number, holds: boolean, range: string): void {
  if (!holds) throw new EngineError('engine_bad_config', `${what} must be ${range}, got ${value}`)
}
