/**
 * Confidence sequences of the mean of values in [0, 1], without asymptotics: they hold from the first value on. They need the
 * values in their order and not only sums; for what is logged by the million take the asymptotic one.
 *
 * Predictable mixtures and betting: Waudby-Smith & Ramdas 2024, arXiv:2010.09686. Conjugate mixtures: Howard et al. 2021.
 */
import { gammaExponentialMixture, twoSidedNormalMixture } from './mixtures.ts'

/** lo[t−1] and hi[t−1] after t values. */
export interface Sequence {
  readonly lo: Float64Array
  readonly hi: Float64Array
}

/** The interval that all looks so far agree on; it can be empty when the values are not what was assumed. */
export function runningIntersection({ lo, hi }: Sequence): Sequence {
  const best = { lo: lo.slice(), hi: hi.slice() }
  for (let t = 1; t < lo.length; t++) {
    best.lo[t] = Math.max(best.lo[t]!, best.lo[t - 1]!)
    best.hi[t] = Math.min(best.hi[t]!, best.hi[t - 1]!)
  }
  return best
}

/** Hoeffding's by a predictable mixture; alpha/2 a side. */
export function hoeffdingSequence(x: Float64Array, alpha: number): Sequence {
  const log = Math.log(2 / alpha)
  const bet = (t: number) => Math.min(1, Math.sqrt((8 * log) / (t * Math.log(1 + t))))
  return bothSides(x, (values) => {
    let [margin, bets, weighted] = [log, 0, 0]
    return values.map((value, index) => {
      const lambda = bet(index + 1)
      margin += (lambda * lambda) / 8
      bets += lambda
      weighted += lambda * value
      return clip((weighted - margin) / bets)
    })
  })
}

/** Empirical Bernstein's by a predictable mixture; alpha/2 a side. */
export function empiricalBernsteinSequence(x: Float64Array, alpha: number): Sequence {
  return bothSides(x, (values) => {
    const lambdas = predictableBets(values, alpha / 2)
    let [margin, bets, weighted, sum] = [Math.log(2 / alpha), 0, 0, 0]
    return values.map((value, index) => {
      const lambda = Math.min(0.5, lambdas[index]!)
      const before = index === 0 ? 0 : sum / index
      margin += (value - before) ** 2 * (-Math.log1p(-lambda) - lambda)
      bets += lambda
      weighted += lambda * value
      sum += value
      return clip((weighted - margin) / bets)
    })
  })
}

/** Hoeffding's by a conjugate mixture, tightest after `tOpt` values. */
export function conjugateHoeffdingSequence(x: Float64Array, alpha: number, tOpt: number): Sequence {
  const mixture = twoSidedNormalMixture(tOpt / 4, alpha)
  let sum = 0
  const lo = new Float64Array(x.length)
  const hi = new Float64Array(x.length)
  x.forEach((value, index) => {
    sum += value
    const t = index + 1
    const half = mixture.bound(t / 4, alpha) / t
    lo[index] = Math.max(0, sum / t - half)
    hi[index] = Math.min(1, sum / t + half)
  })
  return { lo, hi }
}

/** Lower bounds by the empirical Bernstein conjugate mixture, alpha for this one side; tightest at accumulated variance `vOpt`. */
export function conjugateBernsteinLower(x: Float64Array, alpha: number, vOpt: number): Float64Array {
  const mixture = gammaExponentialMixture(vOpt, 1, alpha)
  let [sum, v] = [0, 0]
  return x.map((value, index) => {
    const before = index === 0 ? PRIOR_MEAN : sum / index
    v += (value - before) ** 2
    sum += value
    const t = index + 1
    return v === 0 ? 0 : Math.max(0, sum / t - mixture.bound(v, alpha) / t)
  })
}

/** {@link conjugateBernsteinLower} from both sides, alpha/2 each. */
export function conjugateBernsteinSequence(x: Float64Array, alpha: number, vOpt: number): Sequence {
  return bothSides(x, (values) => conjugateBernsteinLower(values, alpha / 2, vOpt))
}

/**
 * The hedged capital after each value: the larger of two fortunes that bet for and against "the mean is m", each from 1/2. Under
 * that null it is a martingale's maximum, and reaching 1/alpha has probability at most alpha.
 */
export function bettingCapital(x: Float64Array, m: number, alpha: number): Float64Array {
  // Each fortune has to double what it would need alone: bets are sized for alpha/2.
  const lambdas = predictableBets(x, alpha / 2)
  let [up, down] = [0.5, 0.5]
  return x.map((value, index) => {
    up *= 1 + Math.min(lambdas[index]!, 0.5 / m) * (value - m)
    down *= 1 - Math.min(lambdas[index]!, 0.5 / (1 - m)) * (value - m)
    return Math.max(up, down)
  })
}

/** The means that {@link bettingCapital} has not ruled out, on a grid of `breaks` cells: the tightest of the sequences here. */
export function bettingSequence(x: Float64Array, alpha: number, breaks = 1_000): Sequence {
  const lo = new Float64Array(x.length).fill(Number.POSITIVE_INFINITY)
  const hi = new Float64Array(x.length).fill(Number.NEGATIVE_INFINITY)
  for (let cell = 0; cell <= breaks; cell++) {
    const m = Math.min(Math.max(cell / breaks, 1e-12), 1 - 1e-12)
    bettingCapital(x, m, alpha).forEach((capital, index) => {
      if (capital > 1 / alpha) return
      lo[index] = Math.min(lo[index]!, (cell - 1) / breaks)
      hi[index] = Math.max(hi[index]!, (cell + 1) / breaks)
    })
  }
  return {
    lo: lo.map((bound) => (Number.isFinite(bound) ? Math.max(0, bound) : 0)),
    hi: hi.map((bound) => (Number.isFinite(bound) ? Math.min(1, bound) : 1)),
  }
}

/** Before the first value: the middle of the range, and the largest variance there is. */
const PRIOR_MEAN = 0.5
const PRIOR_VARIANCE = 0.25

/** λ_t = √(2 log(1/α) / (t log(1 + t) σ²_{t−1})), from the values before t only. */
function predictableBets(x: Float64Array, alpha: number): Float64Array {
  let [sum, squares, variance] = [0, 0, PRIOR_VARIANCE]
  return x.map((value, index) => {
    const t = index + 1
    const lambda = Math.sqrt((2 * Math.log(1 / alpha)) / (t * Math.log(1 + t) * variance))
    sum += value
    squares += (value - (PRIOR_MEAN + sum) / (t + 1)) ** 2
    variance = (PRIOR_VARIANCE + squares) / (t + 1)
    return lambda
  })
}

/** An upper bound is a lower one of 1 − x. */
function bothSides(x: Float64Array, lower: (values: Float64Array) => Float64Array): Sequence {
  const mirrored = lower(x.map((value) => 1 - value))
  return { lo: lower(x), hi: mirrored.map((bound) => 1 - bound) }
}

function clip(bound: number): number {
  return Math.min(1, Math.max(0, bound))
}
