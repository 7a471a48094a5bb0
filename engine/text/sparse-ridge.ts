/** Ridge regression of several targets on many sparse rows, whose normal equations are never written out. */
import { Matrix } from 'ml-matrix'
import { centredProduct, columnMeans, type SparseRow, transposedProduct } from './sparse-rows.ts'

export interface SparseRidge {
  /** Length `columns`: what is taken off a row before it is multiplied. */
  readonly mean: Float64Array
  /** columns × targets. */
  readonly coefficients: Matrix
  /** Length targets: the mean of each, which a row of average entries is told. */
  readonly intercepts: Float64Array
}

/** Of what there was to explain, the share that may be left over of the equations that are solved. */
const TOLERANCE = 1e-5
/** The penalty bounds the condition of tf-idf rows: some 30 steps do. More are asked for by penalties near 0 only. */
const MAX_STEPS = 200

/**
 * Minimises ‖Y − 1·intercept − X̃B‖² + penalty ‖B‖² with X̃ = X − 1μᵀ. B = X̃ᵀA, where (X̃X̃ᵀ + penalty I)A = Ỹ is solved by conjugate
 * gradients (Hestenes & Stiefel 1952), all targets at once: one pass over the rows a step, and vectors as long as there are
 * rows, of which there are fewer than of columns. Time O(entries · targets · steps).
 *
 * @param targets rows × targets
 * @param penalty above 0
 */
export function fitSparseRidge(
  rows: readonly SparseRow[],
  columns: number,
  targets: Matrix,
  penalty: number,
): SparseRidge {
  const mean = columnMeans(rows, columns)
  const intercepts = Float64Array.from(targets.mean('column'))
  const residual = targets.clone().subRowVector([...intercepts])
  const weights = Matrix.zeros(rows.length, targets.columns)
  let direction = residual.clone()
  let squares = products(residual, residual)
  const enough = squares.map((square) => square * TOLERANCE ** 2)
  for (let step = 0; step < MAX_STEPS && squares.some((square, j) => square > enough[j]!); step++) {
    const applied = centredProduct(rows, mean, transposedProduct(rows, columns, direction)).add(
      Matrix.mul(direction, penalty),
    )
    const along = products(direction, applied)
    // A target that is done, or never had anything to explain, stands still.
    const pace = squares.map((square, j) => (square > enough[j]! ? square / along[j]! : 0))
    weights.add(scaled(direction, pace))
    residual.sub(scaled(applied, pace))
    const left = products(residual, residual)
    const turn = left.map((square, j) => (squares[j]! > enough[j]! ? square / squares[j]! : 0))
    direction = scaled(direction, turn).add(residual)
    squares = left
  }
  return { mean, coefficients: transposedProduct(rows, columns, weights), intercepts }
}

/** Of each column with the same one of the other matrix. */
function products(one: Matrix, other: Matrix): number[] {
  return Matrix.mul(one, other).sum('column')
}

function scaled(matrix: Matrix, factors: readonly number[]): Matrix {
  return matrix.clone().mulRowVector([...factors])
}
