/**
 * Conservative routing: the cumulative quality stays above (1 − α) times what one baseline arm would have had, at every
 * moment and with a stated confidence, while the rest is explored. Slack is earned by playing the baseline (α of its quality
 * each time) and by arms that do better; an arm may be played only where the slack covers it at its worst.
 *
 * After Wu et al. 2016, "Conservative Bandits", and Kazerouni et al. 2017, "Conservative Contextual Linear Bandits", with
 * three deviations: rewards that were observed enter as they were instead of by their bounds; the guarantee is of the
 * rewards that come, not of their means, so the unobserved part is given room for its noise by a bound that holds at all
 * times at once (the normal mixture of Howard et al. 2021, "Time-uniform, nonparametric, nonasymptotic confidence
 * sequences", eq. 14); and the policy's probability of an arm that is not covered goes to the baseline, which leaves the
 * distribution exact.
 */
import { EngineError } from './errors.ts'
import type { ArmEstimate, ArmId, Belief, ConservativeNote, Decision, DecisionId } from './types.ts'

export interface ConservativeTerms {
  readonly baseline: ArmId
  /** Share of the baseline's quality that may be given up, in (0, 1). */
  readonly alpha: number
  /** Of the guarantee, in (0.5, 1). @default 0.95 */
  readonly confidence?: number
}

/** All that an account knows, as JSON. */
export interface ConservativeState {
  readonly total: number
  readonly variance: number
  readonly decisions: number
  readonly open: readonly (readonly [id: string, play: Play])[]
}

/** What one decision is worth to the account: reward minus (1 − α) times the baseline's. */
interface Play {
  /** Lower bound of the part that a judgement will tell, and the variance of that part. */
  readonly own: number
  readonly ownVariance: number
  /** What a judgement q is worth: `worth · q`. */
  readonly worth: number
  /** The part that nobody will ever see: what the baseline would have got. */
  readonly missed: number
  readonly missedVariance: number
  readonly quality?: number
}

const DEFAULT_CONFIDENCE = 0.95
/** Judgements of the latest so many decisions still count; of older ones the bound stays in the account. */
const OPEN_MAX = 20_000
/** Variance at about which the time-uniform bound is tightest, in squared rewards: some decisions' worth. */
const MIXTURE_VARIANCE = 1
/** One-sided 95 % quantile of the normal distribution, for what is believed of the means. */
const Z = 1.6448536269514722

/**
 * The account of one stream of requests. Deciding reads it; whoever decides tells it what was decided
 * ({@link ConservativeAccount.commit}) and how that was judged ({@link ConservativeAccount.settle}).
 */
export class ConservativeAccount {
  readonly terms: Required<ConservativeTerms>
  readonly #open = new Map<DecisionId, Play>()
  #total = 0
  #variance = 0
  #decisions = 0

  /** @throws {EngineError} `engine_bad_config` naming the term, the value and the range */
  constructor(terms: ConservativeTerms, state?: ConservativeState) {
    const { alpha, confidence = DEFAULT_CONFIDENCE } = terms
    if (!(alpha > 0 && alpha < 1)) throw badTerm('alpha', 'between 0 and 1, both excluded', alpha)
    if (!(confidence > 0.5 && confidence < 1))
      throw badTerm('confidence', 'above 0.5 and below 1', confidence)
    this.terms = { ...terms, confidence }
    if (state === undefined) return
    this.#total = state.total
    this.#variance = state.variance
    this.#decisions = state.decisions
    for (const [id, play] of state.open) this.#open.set(id as DecisionId, play)
  }

  /** Lower bound of Σ reward − (1 − α)·Σ baseline's reward over the decisions so far. */
  get slack(): number {
    return this.#bound(0, 0)
  }

  /** Decisions so far. */
  get decisions(): number {
    return this.#decisions
  }

  /** Whether the account still holds if an arm of which this is believed is played now. */
  covers(quality: Belief, baselineQuality: Belief): boolean {
    const { own, ownVariance, missed, missedVariance } = this.#challenge(quality, baselineQuality)
    return this.#bound(own - missed, ownVariance + missedVariance) >= 0
  }

  /**
   * Enters a decision that was made under this account, with what was believed then. Decisions without a note of this
   * baseline are not entered.
   */
  commit({ id, arm, conservative, estimates }: Decision): void {
    if (conservative?.baseline !== this.terms.baseline || this.#open.has(id)) return
    const { baseline, baselineQuality } = conservative
    const quality = estimates.find((estimate) => estimate.arm === arm)?.quality ?? baselineQuality
    const play = arm === baseline ? this.#stay(baselineQuality) : this.#challenge(quality, baselineQuality)
    this.#decisions++
    this.#enter(play, 1)
    this.#open.set(id, play)
    if (this.#open.size <= OPEN_MAX) return
    const [oldest] = this.#open.keys()
    this.#open.delete(oldest!)
  }

  /** The decision's answer was judged: the judgement takes the place of its bound. `undefined` takes a judgement back. */
  settle(id: DecisionId, quality: number | undefined): void {
    const play = this.#open.get(id)
    if (play === undefined) return
    this.#enter(play, -1)
    const { quality: _, ...unjudged } = play
    const next = quality === undefined ? unjudged : { ...unjudged, quality }
    this.#enter(next, 1)
    this.#open.set(id, next)
  }

  /** The decision came to nothing (its call failed, another one follows): it is as if it had not been made. */
  withdraw(id: DecisionId): void {
    const play = this.#open.get(id)
    if (play === undefined) return
    this.#enter(play, -1)
    this.#decisions--
    this.#open.delete(id)
  }

  state(): ConservativeState {
    return {
      total: this.#total,
      variance: this.#variance,
      decisions: this.#decisions,
      open: [...this.#open],
    }
  }

  #enter({ own, ownVariance, worth, missed, missedVariance, quality }: Play, sign: 1 | -1): void {
    this.#total += sign * ((quality === undefined ? own : worth * quality) - missed)
    this.#variance += sign * ((quality === undefined ? ownVariance : 0) + missedVariance)
  }

  /** The baseline itself: whatever it gets, α of it is left over. */
  #stay(quality: Belief): Play {
    const { alpha } = this.terms
    return {
      own: alpha * lowest(quality),
      ownVariance: alpha ** 2 * outcomeVariance(quality),
      worth: alpha,
      missed: 0,
      missedVariance: 0,
    }
  }

  #challenge(quality: Belief, baselineQuality: Belief): Play {
    const kept = 1 - this.terms.alpha
    return {
      own: lowest(quality),
      ownVariance: outcomeVariance(quality),
      worth: 1,
      missed: kept * highest(baselineQuality),
      missedVariance: kept ** 2 * outcomeVariance(baselineQuality),
    }
  }

  #bound(more: number, moreVariance: number): number {
    const variance = Math.max(this.#variance + moreVariance, 0)
    // Sums that were added and taken away again leave a rounding behind.
    if (variance < 1e-9) return this.#total + more
    const spread = variance + MIXTURE_VARIANCE
    const level = 1 / (2 * (1 - this.terms.confidence))
    const room = Math.sqrt(2 * spread * Math.log(level * Math.sqrt(spread / MIXTURE_VARIANCE) + 1))
    return this.#total + more - room
  }
}

/**
 * The distribution with the probability of every arm that the account does not cover moved to the baseline. Where the
 * baseline is not eligible nothing can be moved, and without an account nothing is.
 *
 * @param estimates of the arms, in the order of `distribution`
 * @throws {EngineError} `engine_unknown_arm` for a baseline of which nothing is known
 */
export function heldBack(
  distribution: Float64Array,
  estimates: readonly ArmEstimate[],
  account: ConservativeAccount | undefined,
  qualityOf: (arm: ArmId) => Belief | undefined,
): { readonly probabilities: Float64Array; readonly note?: ConservativeNote } {
  if (account === undefined) return { probabilities: distribution }
  const { baseline, alpha } = account.terms
  const baselineQuality = qualityOf(baseline)
  if (baselineQuality === undefined) {
    throw new EngineError('engine_unknown_arm', `the baseline ${baseline} is not in the registry`)
  }
  const home = estimates.findIndex(({ arm }) => arm === baseline)
  const probabilities = distribution.slice()
  let heldMass = 0
  for (let i = 0; i < probabilities.length && home !== -1; i++) {
    if (i === home || probabilities[i] === 0) continue
    if (account.covers(estimates[i]!.quality, baselineQuality)) continue
    heldMass += probabilities[i]!
    probabilities[home]! += probabilities[i]!
    probabilities[i] = 0
  }
  return { probabilities, note: { baseline, alpha, slack: account.slack, heldMass, baselineQuality } }
}

function lowest({ mean, sd }: Belief): number {
  return clipped(mean - Z * sd)
}

function highest({ mean, sd }: Belief): number {
  return clipped(mean + Z * sd)
}

/** No outcome in [0, 1] with this mean varies more (Bhatia & Davis 2000). */
function outcomeVariance({ mean }: Belief): number {
  const m = clipped(mean)
  return m * (1 - m)
}

function clipped(value: number): number {
  return Math.min(Math.max(value, 0), 1)
}

function badTerm(field: string, range: string, value: number): EngineError {
  return new EngineError('engine_bad_config', `conservative.${field} must be ${range}, got ${value}`)
}
