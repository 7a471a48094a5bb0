/**
 * Principal components of many sparse rows by a randomised range finder with power iterations (Halko, Martinsson & Tropp
 * 2011, "Finding Structure with Randomness", algorithms 4.4 and 5.1). The rows are centred without being made dense:
 * (X − 1μᵀ)Ω = XΩ − 1(μᵀΩ). Time O(entries · components), memory O((rows + columns) · components).
 */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { centredProduct, columnMeans, type SparseRow, transposedProduct } from './sparse-rows.ts'

export interface PrincipalComponents {
  /** Length `columns`. */
  readonly mean: Float64Array
  /** columns × components; orthonormal columns, by falling variance, each with its largest entry positive. */
  readonly directions: Matrix
  /** Standard deviation of the rows along each direction. */
  readonly sd: Float64Array
}

const OVERSAMPLING = 10
const POWER_ITERATIONS = 4
/** What is left of a column, as a share of its length, when it was made of the others. */
const DEPENDENT = 1e-12

/** @param components at most min(rows, columns) */
export function principalComponents(
  rows: readonly SparseRow[],
  columns: number,
  components: number,
  seed: number,
): PrincipalComponents {
  const mean = columnMeans(rows, columns)
  const width = Math.min(components + OVERSAMPLING, rows.length, columns)
  let basis = orthonormal(gaussian(columns, width, seed))
  for (let i = 0; i < POWER_ITERATIONS; i++) {
    basis = orthonormal(transposedProduct(rows, columns, orthonormal(centredProduct(rows, mean, basis))))
  }
  const scores = centredProduct(rows, mean, basis)
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(
    scores.transpose().mmul(scores),
    { assumeSymmetric: true },
  )
  const order = realEigenvalues
    .map((value, column) => ({ value, column }))
    .sort((one, other) => other.value - one.value)
    .slice(0, components)
  const directions = basis.mmul(eigenvectorMatrix.subMatrixColumn(order.map(({ column }) => column)))
  pointUp(directions)
  return {
    mean,
    directions,
    sd: Float64Array.from(order, ({ value }) => Math.sqrt(Math.max(value, 0) / rows.length)),
  }
}

/**
 * Modified Gram–Schmidt, each column twice ("twice is enough": Giraud, Langou & Rozložník 2005). A column that depends on those
 * before it becomes zero.
 */
function orthonormal(matrix: Matrix): Matrix {
  const rows = matrix.rows
  const columns = Array.from({ length: matrix.columns }, (_, j) => Float64Array.from(matrix.getColumn(j)))
  for (const [j, column] of columns.entries()) {
    const before = length(column)
    for (let pass = 0; pass < 2; pass++) {
      for (let k = 0; k < j; k++) {
        const other = columns[k]!
        let along = 0
        for (let i = 0; i < rows; i++) along += other[i]! * column[i]!
        for (let i = 0; i < rows; i++) column[i]! -= along * other[i]!
      }
    }
    const left = length(column)
    const factor = left > DEPENDENT * before ? 1 / left : 0
    for (let i = 0; i < rows; i++) column[i]! *= factor
  }
  const result = new Matrix(rows, columns.length)
  for (let i = 0; i < rows; i++) for (const [j, column] of columns.entries()) result.set(i, j, column[i]!)
  return result
}

function length(vector: Float64Array): number {
  let squares = 0
  for (let i = 0; i < vector.length; i++) squares += vector[i]! * vector[i]!
  return Math.sqrt(squares)
}

/** Independent standard normals (Box–Muller) from the seed alone. */
export function gaussian(rows: number, columns: number, seed: number): Matrix {
  const random = xoroshiro128plus(seed)
  const uniform = () => uniformFloat64(random)
  const result = new Matrix(rows, columns)
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()))
      result.set(r, c, radius * Math.cos(2 * Math.PI * uniform()))
    }
  }
  return result
}

/** A direction's sign is arbitrary; fixing it keeps two fits of nearly the same texts comparable. */
function pointUp(directions: Matrix): void {
  for (let j = 0; j < directions.columns; j++) {
    let largest = 0
    for (let i = 0; i < directions.rows; i++) {
      const value = directions.get(i, j)
      if (Math.abs(value) > Math.abs(largest)) largest = value
    }
    if (largest < 0) directions.mulColumn(j, -1)
  }
}
