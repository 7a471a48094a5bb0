/**
 * Cholesky factorisation A = L·Lᵀ of a symmetric positive definite matrix, and what is made from L. Every matrix is a
 * packed lower triangle by rows, (i, j ≤ i) at i(i+1)/2 + j, and every inner loop runs along a row, where memory is
 * contiguous. Golub & Van Loan, "Matrix Computations" (4th ed., 2013), sections 4.2 and 6.5.
 */

/** L with a positive diagonal; undefined when `A` is not positive definite to working precision. O(d³/6). */
export function choleskyFactor(A: Float64Array, dimension: number): Float64Array | undefined {
  const L = A.slice()
  return factorInPlace(L, dimension) ? L : undefined
}

/** y with L·y = b. */
export function solveLower(L: Float64Array, b: Float64Array): Float64Array {
  const y = new Float64Array(b.length)
  for (let i = 0, row = 0; i < b.length; i++, row += i) {
    y[i] = (b[i]! - dotRows(L, row, y, 0, i)) / L[row + i]!
  }
  return y
}

/** x with Lᵀ·x = y. */
export function solveUpper(L: Float64Array, y: Float64Array): Float64Array {
  const x = y.slice()
  for (let i = y.length - 1, row = (i * (i + 1)) / 2; i >= 0; row -= i, i--) {
    const xi = x[i]! / L[row + i]!
    x[i] = xi
    for (let j = 0; j < i; j++) x[j]! -= L[row + j]! * xi
  }
  return x
}

/** x with L·Lᵀ·x = b. */
export function choleskySolve(L: Float64Array, b: Float64Array): Float64Array {
  return solveUpper(L, solveLower(L, b))
}

/** L·x. With standard normals for `x` this is a draw from N(0, L·Lᵀ). */
export function multiplyLower(L: Float64Array, x: Float64Array): Float64Array {
  const product = new Float64Array(x.length)
  for (let i = 0, row = 0; i < x.length; i++, row += i) product[i] = dotRows(L, row, x, 0, i + 1)
  return product
}

/** log det(L·Lᵀ). */
export function logDeterminant(L: Float64Array, dimension: number): number {
  let half = 0
  for (let i = 0, diagonal = 0; i < dimension; i++, diagonal += i + 1) half += Math.log(L[diagonal]!)
  return 2 * half
}

/** A⁻¹, packed; undefined when `A` is not positive definite to working precision. O(d³/2). */
export function invertPositiveDefinite(A: Float64Array, dimension: number): Float64Array | undefined {
  const inverse = A.slice()
  if (!factorInPlace(inverse, dimension)) return undefined
  invertLowerInPlace(inverse, dimension)
  squareLowerInPlace(inverse, dimension)
  return inverse
}

/**
 * Turns the factor of A into that of A + w·xxᵀ, in O(d²). For w < 0 the result must stay positive definite: where it does
 * not, false is returned and `L` is no longer a factor of anything.
 */
export function choleskyUpdate(L: Float64Array, x: Float64Array, w: number): boolean {
  const sign = w < 0 ? -1 : 1
  const scale = Math.sqrt(Math.abs(w))
  const v = x.map((value) => scale * value)
  for (let k = 0, diagonal = 0; k < v.length; k++, diagonal += k + 1) {
    const lkk = L[diagonal]!
    const vk = v[k]!
    const squared = lkk * lkk + sign * vk * vk
    if (!(squared > 0)) return false
    const r = Math.sqrt(squared)
    const c = r / lkk
    const s = vk / lkk
    L[diagonal] = r
    for (let i = k + 1; i < v.length; i++) {
      const at = (i * (i + 1)) / 2 + k
      const updated = (L[at]! + sign * s * v[i]!) / c
      L[at] = updated
      v[i] = c * v[i]! - s * updated
    }
  }
  return true
}

function factorInPlace(A: Float64Array, dimension: number): boolean {
  for (let i = 0, row = 0; i < dimension; i++, row += i) {
    for (let j = 0, other = 0; j < i; j++, other += j) {
      A[row + j] = (A[row + j]! - dotRows(A, row, A, other, j)) / A[other + j]!
    }
    const squared = A[row + i]! - dotRows(A, row, A, row, i)
    if (!(squared > 0)) return false
    A[row + i] = Math.sqrt(squared)
  }
  return true
}

/** L ↦ L⁻¹. Row i is built from the rows above it, which are inverted already; two of them at a time. */
function invertLowerInPlace(L: Float64Array, dimension: number): void {
  const coefficients = new Float64Array(dimension)
  for (let i = 0, row = 0; i < dimension; i++, row += i) {
    const reciprocal = 1 / L[row + i]!
    for (let j = 0; j < i; j++) {
      coefficients[j] = -reciprocal * L[row + j]!
      L[row + j] = 0
    }
    let k = 0
    let above = 0
    for (; k + 1 < i; k += 2) {
      const next = above + k + 1
      const first = coefficients[k]!
      const second = coefficients[k + 1]!
      for (let j = 0; j <= k; j++) L[row + j]! += first * L[above + j]! + second * L[next + j]!
      L[row + k + 1]! += second * L[next + k + 1]!
      above = next + k + 2
    }
    if (k < i) addScaledRow(L, row, coefficients[k]!, above, k + 1)
    L[row + i] = reciprocal
  }
}

/**
 * M ↦ Mᵀ·M for lower triangular M. Row i of the product needs the rows of M from i on, none of which is overwritten yet;
 * four of them at a time.
 */
function squareLowerInPlace(M: Float64Array, dimension: number): void {
  for (let i = 0, row = 0; i < dimension; i++, row += i) {
    const mii = M[row + i]!
    for (let j = 0; j <= i; j++) M[row + j]! *= mii
    let k = i + 1
    let r0 = row + i + 1
    for (; k + 3 < dimension; k += 4) {
      const r1 = r0 + k + 1
      const r2 = r1 + k + 2
      const r3 = r2 + k + 3
      const f0 = M[r0 + i]!
      const f1 = M[r1 + i]!
      const f2 = M[r2 + i]!
      const f3 = M[r3 + i]!
      for (let j = 0; j <= i; j++) {
        M[row + j]! += f0 * M[r0 + j]! + f1 * M[r1 + j]! + (f2 * M[r2 + j]! + f3 * M[r3 + j]!)
      }
      r0 = r3 + k + 4
    }
    for (; k < dimension; k++, r0 += k) addScaledRow(M, row, M[r0 + i]!, r0, i + 1)
  }
}

/** Σ a[i]·b[j] over `length` entries from `fromA` and `fromB` on; four sums that do not wait for each other. */
function dotRows(a: Float64Array, fromA: number, b: Float64Array, fromB: number, length: number): number {
  let s0 = 0
  let s1 = 0
  let s2 = 0
  let s3 = 0
  let i = 0
  for (; i + 3 < length; i += 4) {
    s0 += a[fromA + i]! * b[fromB + i]!
    s1 += a[fromA + i + 1]! * b[fromB + i + 1]!
    s2 += a[fromA + i + 2]! * b[fromB + i + 2]!
    s3 += a[fromA + i + 3]! * b[fromB + i + 3]!
  }
  for (; i < length; i++) s0 += a[fromA + i]! * b[fromB + i]!
  return s0 + s1 + (s2 + s3)
}

function addScaledRow(A: Float64Array, to: number, factor: number, from: number, length: number): void {
  for (let i = 0; i < length; i++) A[to + i]! += factor * A[from + i]!
}
