/** Many sparse rows as a matrix X that is centred without being made dense: (X − 1μᵀ)B = XB − 1(μᵀB). */
import { Matrix } from 'ml-matrix'

/** Entries of one row; `indexes` and `values` have the same length, no index twice. */
export interface SparseRow {
  readonly indexes: Int32Array
  readonly values: Float64Array
}

/** μ, length `columns`. */
export function columnMeans(rows: readonly SparseRow[], columns: number): Float64Array {
  const mean = new Float64Array(columns)
  for (const { indexes, values } of rows) {
    for (let p = 0; p < indexes.length; p++) mean[indexes[p]!]! += values[p]! / rows.length
  }
  return mean
}

/** (X − 1μᵀ)·B: rows × width. */
export function centredProduct(rows: readonly SparseRow[], mean: Float64Array, basis: Matrix): Matrix {
  const width = basis.columns
  const flat = basis.to1DArray()
  const shift = new Float64Array(width)
  for (let c = 0; c < mean.length; c++) {
    for (let j = 0; j < width; j++) shift[j]! += mean[c]! * flat[c * width + j]!
  }
  const result = new Matrix(rows.length, width)
  const sums = new Float64Array(width)
  for (const [r, { indexes, values }] of rows.entries()) {
    for (let j = 0; j < width; j++) sums[j] = -shift[j]!
    for (let p = 0; p < indexes.length; p++) {
      const at = indexes[p]! * width
      for (let j = 0; j < width; j++) sums[j]! += values[p]! * flat[at + j]!
    }
    for (let j = 0; j < width; j++) result.set(r, j, sums[j]!)
  }
  return result
}

/**
 * (X − 1μᵀ)ᵀ·Q, columns × width, of a Q whose columns sum to 0, as those of whatever `centredProduct` made do: then it is Xᵀ·Q.
 */
export function transposedProduct(rows: readonly SparseRow[], columns: number, q: Matrix): Matrix {
  const width = q.columns
  const flat = new Float64Array(columns * width)
  for (const [r, { indexes, values }] of rows.entries()) {
    const weights = q.getRow(r)
    for (let p = 0; p < indexes.length; p++) {
      const at = indexes[p]! * width
      for (let j = 0; j < width; j++) flat[at + j]! += values[p]! * weights[j]!
    }
  }
  return Matrix.from1DArray(columns, width, flat)
}
