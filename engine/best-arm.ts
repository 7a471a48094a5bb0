/**
 * Probability that each of K independent Gaussian utilities is the largest: the exact propensities of Thompson sampling,
 *
 *     P_a = ∫ φ((u − m_a)/s_a)/s_a · Π_{b≠a} Φ((u − m_b)/s_b) du,
 *
 * by quadrature, all arms on one grid. Error below 1e-9 for any means and sds, whatever their ratio (tested against an
 * independent fine grid; in fact about 1e-11).
 */
import { normalCdf, normalPdf } from './normal.ts'
import { appendGaussLegendre, equidistantGrid, type Grid } from './quadrature.ts'

/** Beyond this many sds an arm's own density, and what is left of its distribution function, is below 1.3e-12. */
const REACH = 7
/** The best arm is below the grid with this probability at most. */
const LEFT_OUT = 1e-12
/** Step of an equidistant grid, in sds of the narrowest arm. */
const STEP = 0.6
/** Up to so many nodes the equidistant grid is the shorter one; it grows with the ratio of the sds, panels do not. */
const MOST_EQUIDISTANT = 90
/** Gauss–Legendre nodes of a panel: so many for each sd of the narrowest arm in it, plus some. */
const NODES_PER_SD = 2.2
const NODES_BESIDES = 4
const MOST_NODES_PER_PANEL = 48
/** A product of many distribution functions of like sd rises more steeply than each: by so much per doubling. */
const STEEPER_PER_DOUBLING = 0.23
/** A certain arm gets this share of the largest value as its sd, so that ties still divide evenly. */
const SD_FLOOR = 1e-9
/** Below this, sds would run out of digits. */
const LEAST_SCALE = 1e-280

/** The arms that can be best at all: those whose reach goes above `lo`, where every one of them begins. */
export interface Field {
  /** Positions in the arguments. */
  readonly arms: number[]
  readonly mean: number[]
  readonly sd: number[]
  readonly lo: number
  readonly hi: number
}

/** Same order as the arguments; sums to 1 within 1e-12. `mean` and `sd` have equal, positive length; sd ≥ 0, all finite. */
export function bestArmProbabilities(mean: Float64Array, sd: Float64Array): Float64Array {
  const field = contenders(mean, sd)
  const result = new Float64Array(mean.length)
  const K = field.arms.length
  if (K === 1) {
    result[field.arms[0]!] = 1
    return result
  }
  const { nodes, weights } = gridFor(field)
  const { mean: m } = field
  const perSd = field.sd.map((s) => 1 / s)
  const hazard = new Float64Array(K)
  const mass = new Float64Array(K)
  for (let node = 0; node < nodes.length; node++) {
    const u = nodes[node]!
    let product = weights[node]!
    for (let a = 0; a < K; a++) {
      const z = (u - m[a]!) * perSd[a]!
      const below = normalCdf(z)
      product *= below
      // Every node is within reach of every arm from below: nothing is divided by 0.
      hazard[a] = normalPdf(z) / below
    }
    for (let a = 0; a < K; a++) mass[a]! += product * hazard[a]!
  }
  let total = 0
  for (let a = 0; a < K; a++) {
    mass[a]! *= perSd[a]!
    total += mass[a]!
  }
  for (let a = 0; a < K; a++) result[field.arms[a]!] = mass[a]! / total
  return result
}

export function contenders(mean: Float64Array, sd: Float64Array): Field {
  const floor = sdFloor(mean, sd)
  let lo = Number.NEGATIVE_INFINITY
  let hi = Number.NEGATIVE_INFINITY
  for (let a = 0; a < mean.length; a++) {
    const reach = REACH * Math.max(sd[a]!, floor)
    lo = Math.max(lo, mean[a]! - reach)
    hi = Math.max(hi, mean[a]! + reach)
  }
  const field: Field = { arms: [], mean: [], sd: [], lo, hi }
  for (let a = 0; a < mean.length; a++) {
    const s = Math.max(sd[a]!, floor)
    if (mean[a]! + REACH * s <= lo) continue
    field.arms.push(a)
    field.mean.push(mean[a]!)
    field.sd.push(s)
  }
  return field
}

function sdFloor(mean: Float64Array, sd: Float64Array): number {
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  let scale = 0
  for (let a = 0; a < mean.length; a++) {
    least = Math.min(least, mean[a]!)
    most = Math.max(most, mean[a]!)
    scale = Math.max(scale, sd[a]!, Math.abs(mean[a]!))
  }
  return SD_FLOOR * Math.max(scale, most - least, LEAST_SCALE)
}

/** Where arms of like sd meet, one equidistant grid; else panels, each as fine as the narrowest arm that reaches into it. */
export function gridFor(field: Field): Grid {
  const steeper = 1 + STEEPER_PER_DOUBLING * Math.log2(field.sd.length / 2)
  const lo = lowerEnd(field)
  const { hi } = field
  const count = Math.ceil(((hi - lo) * steeper) / (STEP * Math.min(...field.sd)))
  if (count <= MOST_EQUIDISTANT) return equidistantGrid(lo, hi, count)
  const grid: Grid = { nodes: [], weights: [] }
  for (let from = lo; from < hi; ) {
    // All arms begin below `lo`, so going up they only end: the narrowest that is left sets the scale until it does.
    const narrowest = narrowestReaching(field, from)
    const to = Math.min(field.mean[narrowest]! + REACH * field.sd[narrowest]!, hi)
    const needed = (NODES_PER_SD * steeper * (to - from)) / field.sd[narrowest]!
    const panels = Math.ceil((needed + NODES_BESIDES) / MOST_NODES_PER_PANEL)
    const nodes = Math.min(Math.ceil(needed / panels) + NODES_BESIDES, MOST_NODES_PER_PANEL)
    const width = (to - from) / panels
    for (let i = 0; i < panels; i++)
      appendGaussLegendre(grid, from + i * width, from + (i + 1) * width, nodes)
    from = to
  }
  return grid
}

function narrowestReaching({ mean, sd }: Field, u: number): number {
  let narrowest = -1
  for (let a = 0; a < sd.length; a++) {
    if (mean[a]! + REACH * sd[a]! > u && (narrowest === -1 || sd[a]! < sd[narrowest]!)) narrowest = a
  }
  return narrowest
}

/** Five steps up from `lo`, as long as the largest utility is almost surely above: many arms are rarely all low. */
function lowerEnd({ mean, sd, lo, hi }: Field): number {
  let below = lo
  let above = hi
  for (let step = 0; step < 5; step++) {
    const u = below + (above - below) / 3
    let product = 1
    for (let a = 0; a < sd.length && product > LEFT_OUT; a++) product *= normalCdf((u - mean[a]!) / sd[a]!)
    if (product > LEFT_OUT) above = u
    else below = u
  }
  return below
}
