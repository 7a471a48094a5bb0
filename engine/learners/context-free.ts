/** Bandits without a context: arms that pay the same whatever is asked. */

import { appendGaussLegendre, type Grid } from '../quadrature.ts'
import { incompleteBeta, logBeta } from '../special-functions.ts'

/**
 * Width of UCB1 (Auer, Cesa-Bianchi & Fischer 2002): √(2·ln N/n) for an arm tried n times of N. The bound is mean + α·width,
 * which the policy `linucb` takes the largest of. An arm that was never tried has an infinite one.
 */
export function ucb1Width(pulls: number, totalPulls: number): number {
  return pulls > 0 ? Math.sqrt((2 * Math.log(totalPulls)) / pulls) : Number.POSITIVE_INFINITY
}

/** Beyond so many sds a Beta distribution has less than 1e-13 of its mass. */
const REACH = 8
const PANEL_SDS = 4
const NODES_PER_PANEL = 24

/**
 * Probability that each of K independent Beta(α, β) rates is the largest: the exact propensities of Thompson sampling with
 * successes and failures. Quadrature over θ with rate = sin²θ, where every Beta has about the sd 1/(2√(α + β)) and no
 * singular end; error below 1e-9 for α, β ≥ ½.
 *
 * @param alpha successes + prior, each ≥ ½; `beta` failures + prior, as many
 * @returns sums to 1 within 1e-12
 */
export function betaBestArmProbabilities(alpha: ArrayLike<number>, beta: ArrayLike<number>): Float64Array {
  const K = alpha.length
  const result = new Float64Array(K)
  const { nodes, weights } = angularGrid(alpha, beta)
  for (let node = 0; node < nodes.length; node++) {
    const sine = Math.sin(nodes[node]!)
    const rate = sine * sine
    const below = Float64Array.from({ length: K }, (_, k) => incompleteBeta(rate, alpha[k]!, beta[k]!))
    for (let k = 0; k < K; k++) {
      let product = weights[node]! * angularDensity(nodes[node]!, alpha[k]!, beta[k]!)
      for (let j = 0; j < K; j++) if (j !== k) product *= below[j]!
      result[k]! += product
    }
  }
  const total = result.reduce((sum, p) => sum + p, 0)
  return result.map((p) => p / total)
}

/** Density of θ where sin²θ ~ Beta(a, b): 2·sin^(2a−1)θ·cos^(2b−1)θ/B(a, b). */
function angularDensity(theta: number, a: number, b: number): number {
  return (
    2 *
    Math.exp(
      (2 * a - 1) * Math.log(Math.sin(theta)) + (2 * b - 1) * Math.log(Math.cos(theta)) - logBeta(a, b),
    )
  )
}

function angularGrid(alpha: ArrayLike<number>, beta: ArrayLike<number>): Grid {
  let lo = 0
  let hi = 0
  let narrowest = Number.POSITIVE_INFINITY
  for (let k = 0; k < alpha.length; k++) {
    const total = alpha[k]! + beta[k]!
    const middle = Math.asin(Math.sqrt(alpha[k]! / total))
    const sd = 1 / (2 * Math.sqrt(total))
    lo = Math.max(lo, middle - REACH * sd)
    hi = Math.max(hi, middle + REACH * sd)
    narrowest = Math.min(narrowest, sd)
  }
  hi = Math.min(hi, Math.PI / 2)
  const grid: Grid = { nodes: [], weights: [] }
  const panels = Math.max(1, Math.ceil((hi - lo) / (PANEL_SDS * narrowest)))
  for (let i = 0; i < panels; i++) {
    const at = (part: number): number => lo + ((hi - lo) * part) / panels
    appendGaussLegendre(grid, at(i), at(i + 1), NODES_PER_PANEL)
  }
  return grid
}
