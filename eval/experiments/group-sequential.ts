/**
 * Group-sequential bounds for a few looks that are planned (Lan & DeMets 1983): the error is spent as information comes in, by
 * alpha·t^phi. Narrower than an always-valid test at those looks, and worth nothing at any other.
 */
import { normalDensity, normalUpperTail } from '../distributions.ts'
import { normalQuantile } from '../intervals/normal.ts'

export interface SpendingOptions {
  readonly alpha: number
  /** Exponent of the spending function: 1 spends evenly, 2 and more keeps it for the end. @default 2 */
  readonly phi?: number
  /** @default 2 */
  readonly sides?: 1 | 2
}

/** Bounds are looked for up to here, and density is followed down to its negative. */
const FARTHEST = 8
const NODES = 600

/**
 * Bound of the z statistic at each look, by recursive integration of the density of the paths that have crossed no bound yet
 * (Armitage, McPherson & Rowe 1969). Two-sided tests take half of alpha on each side, as if the sides could not both be crossed.
 *
 * @param information share of the planned information at each look, ascending, in (0, 1]
 */
export function groupSequentialBounds(
  information: readonly number[],
  { alpha, phi = 2, sides = 2 }: SpendingOptions,
): readonly number[] {
  const bounds: number[] = []
  let spent = 0
  let paths: Paths | undefined
  let before = 0
  for (const time of information) {
    const target = (alpha / sides) * time ** phi
    const spend = target - spent
    const sd = Math.sqrt(time - before)
    const crossing = (bound: number) => crossed(paths, bound * Math.sqrt(time), sd)
    const bound = paths === undefined ? Math.min(-normalQuantile(spend), FARTHEST) : rootOf(crossing, spend)
    bounds.push(bound)
    paths = follow(paths, -FARTHEST * Math.sqrt(time), bound * Math.sqrt(time), sd)
    spent = target
    before = time
  }
  return bounds
}

/** Density of B(t), the score of the paths still under way, on a grid for Simpson's rule. */
interface Paths {
  readonly from: number
  readonly step: number
  readonly density: Float64Array
}

function follow(paths: Paths | undefined, from: number, to: number, sd: number): Paths {
  const step = (to - from) / NODES
  const density = Float64Array.from({ length: NODES + 1 }, (_, node) => {
    const y = from + node * step
    return paths === undefined
      ? normalDensity(y / sd) / sd
      : integrate(paths, (x) => normalDensity((y - x) / sd) / sd)
  })
  return { from, step, density }
}

/** P(under way until now, and above `bound` after the next step). */
function crossed(paths: Paths | undefined, bound: number, sd: number): number {
  return paths === undefined
    ? normalUpperTail(bound / sd)
    : integrate(paths, (x) => normalUpperTail((bound - x) / sd))
}

function integrate({ from, step, density }: Paths, value: (x: number) => number): number {
  let sum = 0
  for (let node = 0; node <= NODES; node++) {
    const weight = node === 0 || node === NODES ? 1 : node % 2 === 1 ? 4 : 2
    sum += weight * density[node]! * value(from + node * step)
  }
  return (sum * step) / 3
}

/** The z at which a probability that falls in z is `target`. */
function rootOf(probability: (z: number) => number, target: number): number {
  let low = -FARTHEST
  let high = FARTHEST
  if (probability(high) >= target) return high
  for (let halving = 0; halving < 50; halving++) {
    const middle = (low + high) / 2
    if (probability(middle) > target) low = middle
    else high = middle
  }
  return (low + high) / 2
}
