/**
 * Symmetric matrices as packed lower triangles by rows, (i, j ≤ i) at i(i+1)/2 + j. These few kernels run on every
 * decision and every update; factorisations, which are rare, are in cholesky.ts.
 */
import { invertPositiveDefinite } from './cholesky.ts'
import { EngineError } from './errors.ts'

export function packedLength(dimension: number): number {
  return (dimension * (dimension + 1)) / 2
}

/** Contexts with a smaller share of zeros are taken as they are: the straight way through a row is twice as fast. */
const LEAST_ZEROS = 0.25
const everyPosition = new Map<number, Int32Array>()

/**
 * Positions of the non-zero entries of `x`, ascending: contexts are mostly one-hot, so all kernels skip the rest. Where few
 * are zero these are all positions, in an array that is shared and must not be written to.
 */
export function nonZeros(x: Float64Array, dimension: number): Int32Array {
  let count = 0
  for (let i = 0; i < dimension; i++) if (x[i] !== 0) count++
  if (dimension - count < LEAST_ZEROS * dimension) return positionsBelow(dimension)
  // Of the exact size: up to 64 bytes V8 keeps a typed array in its own heap, beyond that it asks the system for memory.
  const positions = new Int32Array(count)
  let at = 0
  for (let i = 0; i < dimension; i++) if (x[i] !== 0) positions[at++] = i
  return positions
}

/** 0 … dimension − 1; shared, not to be written to. */
function positionsBelow(dimension: number): Int32Array {
  const known = everyPosition.get(dimension)
  if (known !== undefined) return known
  const positions = Int32Array.from({ length: dimension }, (_, i) => i)
  everyPosition.set(dimension, positions)
  return positions
}

/** `A += w·xxᵀ`. */
export function addOuter(A: Float64Array, x: Float64Array, nz: Int32Array, w: number): void {
  if (nz.length === x.length) {
    addScaledOuter(A, x, w)
    return
  }
  for (let p = 0; p < nz.length; p++) {
    const i = nz[p]!
    const wx = w * x[i]!
    const row = (i * (i + 1)) / 2
    for (let q = 0; q <= p; q++) {
      const j = nz[q]!
      A[row + j]! += wx * x[j]!
    }
  }
}

/** `xᵀAx`. */
export function quadraticForm(A: Float64Array, x: Float64Array, nz: Int32Array): number {
  // Without a gap the triangle is read straight through, twice as fast: this is the largest part of a decision.
  if (nz.length > 0 && nz[nz.length - 1] === nz.length - 1) return quadraticFormDense(A, x, nz.length)
  let total = 0
  for (let p = 0; p < nz.length; p++) {
    const i = nz[p]!
    const row = (i * (i + 1)) / 2
    let partial = 0
    for (let q = 0; q < p; q++) {
      const j = nz[q]!
      partial += A[row + j]! * x[j]!
    }
    const xi = x[i]!
    total += xi * (2 * partial + A[row + i]! * xi)
  }
  return total
}

/** Two rows at a time, so that each entry of `x` is read once for both, in four sums that do not wait for each other. */
function quadraticFormDense(A: Float64Array, x: Float64Array, dimension: number): number {
  let total = 0
  let row = 0
  let i = 0
  for (; i + 1 < dimension; i += 2) {
    const next = row + i + 1
    let even = 0
    let odd = 0
    let nextEven = 0
    let nextOdd = 0
    for (let j = 0; j < i; j += 2) {
      const x0 = x[j]!
      const x1 = x[j + 1]!
      even += A[row + j]! * x0
      odd += A[row + j + 1]! * x1
      nextEven += A[next + j]! * x0
      nextOdd += A[next + j + 1]! * x1
    }
    const xi = x[i]!
    const xn = x[i + 1]!
    total += xi * (2 * (even + odd) + A[row + i]! * xi)
    total += xn * (2 * (nextEven + nextOdd + A[next + i]! * xi) + A[next + i + 1]! * xn)
    row = next + i + 2
  }
  if (i < dimension) {
    let partial = 0
    for (let j = 0; j < i; j++) partial += A[row + j]! * x[j]!
    total += x[i]! * (2 * partial + A[row + i]! * x[i]!)
  }
  return total
}

export function dot(a: Float64Array, x: Float64Array, nz: Int32Array): number {
  let total = 0
  for (let p = 0; p < nz.length; p++) {
    const i = nz[p]!
    total += a[i]! * x[i]!
  }
  return total
}

/** `out = A·x` for the whole vector. */
export function multiply(A: Float64Array, x: Float64Array, nz: Int32Array, out: Float64Array): void {
  const d = out.length
  out.fill(0)
  if (nz.length === d) {
    multiplyDense(A, x, out)
    return
  }
  for (let p = 0; p < nz.length; p++) {
    const j = nz[p]!
    const xj = x[j]!
    const row = (j * (j + 1)) / 2
    for (let i = 0; i < j; i++) out[i]! += A[row + i]! * xj
    for (let i = j; i < d; i++) out[i]! += A[(i * (i + 1)) / 2 + j]! * xj
  }
}

/** Each entry of the triangle, read in the order of memory, stands for two of the matrix; two rows at a time. */
function multiplyDense(A: Float64Array, x: Float64Array, out: Float64Array): void {
  const d = out.length
  let row = 0
  let i = 0
  for (; i + 1 < d; i += 2) {
    const next = row + i + 1
    const xi = x[i]!
    const xn = x[i + 1]!
    let total = 0
    let nextTotal = 0
    for (let j = 0; j < i; j++) {
      const a = A[row + j]!
      const b = A[next + j]!
      const xj = x[j]!
      total += a * xj
      nextTotal += b * xj
      out[j]! += a * xi + b * xn
    }
    const between = A[next + i]!
    out[i] = total + A[row + i]! * xi + between * xn
    out[i + 1] = nextTotal + between * xi + A[next + i + 1]! * xn
    row = next + i + 2
  }
  if (i < d) {
    const xi = x[i]!
    let total = 0
    for (let j = 0; j < i; j++) {
      const a = A[row + j]!
      total += a * x[j]!
      out[j]! += a * xi
    }
    out[i] = total + A[row + i]! * xi
  }
}

/** `A += s·vvᵀ` for a dense `v`; two rows at a time. */
export function addScaledOuter(A: Float64Array, v: Float64Array, s: number): void {
  const d = v.length
  let row = 0
  let i = 0
  for (; i + 1 < d; i += 2) {
    const next = row + i + 1
    const svi = s * v[i]!
    const svn = s * v[i + 1]!
    for (let j = 0; j <= i; j++) {
      const vj = v[j]!
      A[row + j]! += svi * vj
      A[next + j]! += svn * vj
    }
    A[next + i + 1]! += svn * v[i + 1]!
    row = next + i + 2
  }
  if (i < d) {
    const svi = s * v[i]!
    for (let j = 0; j <= i; j++) A[row + j]! += svi * v[j]!
  }
}

/**
 * Turns the inverse of A into that of A + w·xxᵀ (Sherman & Morrison 1950).
 *
 * @param gain A⁻¹x of the old inverse
 * @param spread xᵀA⁻¹x of the old inverse
 * @returns 1 + w·xᵀA⁻¹x, by which det A has grown
 */
export function shrinkInverse(inverse: Float64Array, gain: Float64Array, w: number, spread: number): number {
  const growth = 1 + w * spread
  addScaledOuter(inverse, gain, -w / growth)
  return growth
}

export function scale(a: Float64Array, s: number): void {
  for (let i = 0; i < a.length; i++) a[i]! *= s
}

/**
 * Inverse of `A + diag(d)` as a packed triangle. Rounding can leave a nearly singular sum of outer products indefinite:
 * then the diagonal is raised by the smallest power of ten, relative to the largest entry, that makes it positive definite.
 *
 * @throws {EngineError} `engine_bad_observation` where the sums have left the range of numbers
 */
export function invertWithDiagonal(A: Float64Array, diagonal: Float64Array): Float64Array {
  const d = diagonal.length
  const sum = A.slice()
  for (let i = 0; i < d; i++) sum[(i * (i + 3)) / 2]! += diagonal[i]!
  const inverse = invertPositiveDefinite(sum, d)
  return inverse ?? invertRaised(sum, d)
}

function invertRaised(sum: Float64Array, d: number): Float64Array {
  let largest = 0
  for (const entry of sum) largest = Math.max(largest, Math.abs(entry))
  // Raised by d times the largest entry, the diagonal outweighs every row, whatever is in it.
  for (let jitter = 1e-14; jitter <= 10 * d; jitter *= 10) {
    for (let i = 0; i < d; i++) sum[(i * (i + 3)) / 2]! += jitter * largest
    const inverse = invertPositiveDefinite(sum, d)
    if (inverse !== undefined) return inverse
  }
  throw new EngineError(
    'engine_bad_observation',
    `the sums of ${d} coordinates have no inverse (largest entry ${largest}): a context or a weight was too large to be added`,
  )
}

/** `Float64Array.from` goes through an iterator, at ten times the time. */
export function column<T>(rows: readonly T[], value: (row: T) => number): Float64Array {
  const values = new Float64Array(rows.length)
  for (let i = 0; i < rows.length; i++) values[i] = value(rows[i]!)
  return values
}
