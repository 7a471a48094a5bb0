/**
 * What each of K independent Gaussian utilities is expected to lose by not being the largest, and to tell of which one is. With A* the
 * largest, both follow from the probability P_a = P(A* = a) and the density H_ab of a and b being the largest together: by Stein's
 * lemma
 *
 *     H_ab = ∫ φ_a(u)·φ_b(u)·Π_{c≠a,b} Φ_c(u) du,
 *     E[u_a | A* = a] = m_a + s_a²·Σ_b H_ab/P_a,   E[u_a | A* = b] = m_a − s_a²·H_ab/P_b,
 *
 * exact on the grid of `bestArmProbabilities`, where a sampler would need thousands of draws.
 */
import { contenders, type Field, gridFor } from './best-arm.ts'
import { normalCdf, normalPdf } from './normal.ts'

/** Same order as the utilities. */
export interface BestArmInformation {
  /** How far the expectation of the largest is above the arm's own, ≥ 0, in units of utility. */
  readonly regret: Float64Array
  /** Variance of the arm's expectation given which arm is the largest, in [0, sd²]. */
  readonly gain: Float64Array
}

/** `mean` and `sd` have equal, positive length; sd ≥ 0, all finite. */
export function bestArmInformation(mean: Float64Array, sd: Float64Array): BestArmInformation {
  const field = contenders(mean, sd)
  const { arms, mean: m, sd: s } = field
  const best = mean.reduce((most, value) => Math.max(most, value))
  const gain = new Float64Array(mean.length)
  let above = 0
  if (arms.length > 1) {
    const { probability, together } = integrate(field)
    for (const [a, arm] of arms.entries()) {
      let raised = 0
      for (let b = 0; b < arms.length; b++) {
        if (b === a) continue
        const shift = s[a]! ** 2 * together(a, b)
        raised += shift
        gain[arm]! += shift ** 2 / probability[b]!
      }
      gain[arm]! += raised ** 2 / probability[a]!
      above += (m[a]! - best) * probability[a]! + raised
    }
  }
  return { regret: mean.map((value) => best - value + Math.max(above, 0)), gain }
}

interface Integrals {
  /** P_a; above 0, so that what is divided by it is 0 where it is next to nothing. */
  readonly probability: Float64Array
  /** H_ab of two different arms. */
  readonly together: (a: number, b: number) => number
}

function integrate(field: Field): Integrals {
  const { nodes, weights } = gridFor(field)
  const { mean, sd } = field
  const K = mean.length
  const hazard = new Float64Array(K)
  const probability = new Float64Array(K).fill(Number.MIN_VALUE)
  const pairs = new Float64Array(K * K)
  for (let node = 0; node < nodes.length; node++) {
    const u = nodes[node]!
    let product = weights[node]!
    for (let a = 0; a < K; a++) {
      const z = (u - mean[a]!) / sd[a]!
      const below = normalCdf(z)
      product *= below
      // Every node is within reach of every arm from below: nothing is divided by 0.
      hazard[a] = normalPdf(z) / (below * sd[a]!)
    }
    for (let a = 0; a < K; a++) {
      const largest = product * hazard[a]!
      probability[a]! += largest
      for (let b = 0; b < a; b++) pairs[a * K + b]! += largest * hazard[b]!
    }
  }
  return { probability, together: (a, b) => pairs[Math.max(a, b) * K + Math.min(a, b)]! }
}
