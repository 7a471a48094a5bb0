/**
 * Standard normal density and distribution function by table: a Taylor series about the nearest of 64 nodes per unit, whose
 * derivatives are Hermite polynomials times φ; absolute error below 6e-13 (the test compares with series and continued
 * fraction). A table, because the quadrature of Thompson propensities asks for some hundred values per decision.
 */

const LIMIT = 8
const STEPS_PER_UNIT = 64
const NODES = 2 * LIMIT * STEPS_PER_UNIT + 1
const STEP = 1 / STEPS_PER_UNIT
const INVERSE_SQRT_TWO_PI = 1 / Math.sqrt(2 * Math.PI)

const cdfTable = new Float64Array(NODES)
const pdfTable = new Float64Array(NODES)

/** Φ to full double precision: Taylor series about 0 inside |z| < 3, continued fraction of Mills' ratio outside. */
export function normalCdfExact(z: number): number {
  const a = Math.abs(z)
  if (a > 38) return z > 0 ? 1 : 0
  let upper: number
  if (a < 3) {
    let term = a
    let sum = a
    for (let k = 1; Math.abs(term) > 1e-17 * sum; k++) {
      term *= (a * a) / (2 * k + 1)
      sum += term
    }
    upper = 0.5 - sum * density(a)
  } else {
    let fraction = 0
    for (let k = 120; k >= 1; k--) fraction = k / (a + fraction)
    upper = density(a) / (a + fraction)
  }
  return z > 0 ? 1 - upper : upper
}

function density(z: number): number {
  return INVERSE_SQRT_TWO_PI * Math.exp(-0.5 * z * z)
}

for (let i = 0; i < NODES; i++) {
  const z = -LIMIT + i * STEP
  cdfTable[i] = normalCdfExact(z)
  pdfTable[i] = density(z)
}

/** Φ(z). */
export function normalCdf(z: number): number {
  if (!(z > -LIMIT)) return 0
  if (z >= LIMIT) return 1
  const i = ((z + LIMIT) * STEPS_PER_UNIT + 0.5) | 0
  const node = i * STEP - LIMIT
  const t = z - node
  const h2 = node * node - 1
  const h3 = node * (h2 - 2)
  return (
    cdfTable[i]! + pdfTable[i]! * t * (1 - t * (node * (1 / 2) - t * (h2 * (1 / 6) - t * (h3 * (1 / 24)))))
  )
}

/** φ(z). */
export function normalPdf(z: number): number {
  if (!(z > -LIMIT && z < LIMIT)) return 0
  const i = ((z + LIMIT) * STEPS_PER_UNIT + 0.5) | 0
  const node = i * STEP - LIMIT
  const t = z - node
  const h2 = node * node - 1
  const h3 = node * (h2 - 2)
  const h4 = h2 * (h2 - 4) - 2
  return pdfTable[i]! * (1 - t * (node - t * (h2 * (1 / 2) - t * (h3 * (1 / 6) - t * (h4 * (1 / 24))))))
}
