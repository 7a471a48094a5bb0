/** Numerical integration on an interval: the nodes at which to evaluate, and what each value counts. */

/** Nodes and weights, of equal length. */
export interface Grid {
  readonly nodes: number[]
  readonly weights: number[]
}

/** Midpoints of `count` equal parts: for an integrand that vanishes smoothly at both ends this converges geometrically. */
export function equidistantGrid(from: number, to: number, count: number): Grid {
  const step = (to - from) / count
  // Of their length from the start: this runs on every decision, and lists that grow are copied.
  const nodes = new Array<number>(count)
  const weights = new Array<number>(count).fill(step)
  for (let i = 0; i < count; i++) nodes[i] = from + (i + 0.5) * step
  return { nodes, weights }
}

/** Appends the Gauss–Legendre rule of `count` nodes on [from, to]. */
export function appendGaussLegendre(grid: Grid, from: number, to: number, count: number): void {
  const { nodes, weights } = gaussLegendre(count)
  const middle = (from + to) / 2
  const half = (to - from) / 2
  for (let i = 0; i < count; i++) {
    grid.nodes.push(middle + half * nodes[i]!)
    grid.weights.push(half * weights[i]!)
  }
}

const rules = new Map<number, Grid>()

/**
 * The rule on [−1, 1] that is exact for polynomials of degree 2n − 1: the zeros of the Legendre polynomial Pₙ by Newton's
 * method, weights 2/((1 − z²)·Pₙ′(z)²) (Abramowitz & Stegun 25.4.29). Each rule is computed once.
 */
export function gaussLegendre(count: number): Grid {
  const known = rules.get(count)
  if (known !== undefined) return known
  const rule: Grid = { nodes: [], weights: [] }
  for (let i = 0; i < count; i++) {
    // Good to O(n⁻⁴), so that Newton's method ends at the i-th zero and at no other.
    let z = -Math.cos((Math.PI * (i + 0.75)) / (count + 0.5))
    let slope = 0
    for (let step = Number.POSITIVE_INFINITY, tries = 0; Math.abs(step) > 1e-15 && tries < 20; tries++) {
      let previous = 1
      let value = z
      for (let k = 2; k <= count; k++) {
        const next = ((2 * k - 1) * z * value - (k - 1) * previous) / k
        previous = value
        value = next
      }
      slope = (count * (z * value - previous)) / (z * z - 1)
      step = value / slope
      z -= step
    }
    rule.nodes.push(z)
    rule.weights.push(2 / ((1 - z * z) * slope * slope))
  }
  rules.set(count, rule)
  return rule
}
