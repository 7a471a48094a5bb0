import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { CholeskyDecomposition, inverse, Matrix } from 'ml-matrix'
import {
  choleskyFactor,
  choleskySolve,
  choleskyUpdate,
  invertPositiveDefinite,
  logDeterminant,
  solveLower,
  solveUpper,
} from '../../engine/cholesky.ts'
import { invertWithDiagonal, packedLength } from '../../engine/linalg.ts'
import { assertClose, gaussian, seeded } from '../helpers/engine.ts'

/** λI plus outer products, packed; and the same as a dense matrix. */
function positiveDefinite(seed: number, dimension: number, vectors: number, ridge: number) {
  const uniform = seeded(seed)
  const packed = new Float64Array(packedLength(dimension))
  for (let n = 0; n < vectors; n++) {
    const x = Array.from({ length: dimension }, () => gaussian(uniform))
    for (let i = 0, k = 0; i < dimension; i++) for (let j = 0; j <= i; j++, k++) packed[k]! += x[i]! * x[j]!
  }
  for (let i = 0; i < dimension; i++) packed[(i * (i + 3)) / 2]! += ridge
  return { packed, dense: dense(packed, dimension) }
}

function dense(packed: Float64Array, dimension: number): Matrix {
  const matrix = new Matrix(dimension, dimension)
  for (let i = 0, k = 0; i < dimension; i++) {
    for (let j = 0; j <= i; j++, k++) {
      matrix.set(i, j, packed[k]!)
      matrix.set(j, i, packed[k]!)
    }
  }
  return matrix
}

function assertSamePacked(actual: Float64Array | undefined, expected: Matrix, tolerance: number): void {
  assert.ok(actual !== undefined)
  for (let i = 0, k = 0; i < expected.rows; i++) {
    for (let j = 0; j <= i; j++, k++) {
      assertClose(actual[k]!, expected.get(i, j), tolerance, `entry ${i}, ${j}`)
    }
  }
}

const shapes = fc.record({
  seed: fc.integer(),
  dimension: fc.integer({ min: 1, max: 40 }),
  vectors: fc.integer({ min: 0, max: 60 }),
})

suite('Cholesky factors on packed triangles', () => {
  test('factor, inverse, solution and determinant are those of an independent library', () => {
    fc.assert(
      fc.property(shapes, ({ seed, dimension, vectors }) => {
        const { packed, dense: A } = positiveDefinite(seed, dimension, vectors, 0.5)
        const L = choleskyFactor(packed, dimension)
        const reference = new CholeskyDecomposition(A)
        assertSamePacked(L, reference.lowerTriangularMatrix, 1e-11)
        assertSamePacked(invertPositiveDefinite(packed, dimension), inverse(A), 1e-10)
        const b = Float64Array.from({ length: dimension }, (_, i) => Math.cos(i + seed))
        const solved = choleskySolve(L!, b)
        const expected = reference.solve(Matrix.columnVector([...b]))
        for (const [i, value] of solved.entries()) assertClose(value, expected.get(i, 0), 1e-10)
        let logDet = 0
        for (let i = 0; i < dimension; i++) logDet += 2 * Math.log(reference.lowerTriangularMatrix.get(i, i))
        assertClose(logDeterminant(L!, dimension), logDet, 1e-12)
      }),
      { seed: 1, numRuns: 60 },
    )
  })

  test('the two triangular solutions undo L and its transpose', () => {
    const L = Float64Array.of(2, -1, 3)
    assert.deepEqual(solveLower(L, Float64Array.of(4, 1)), Float64Array.of(2, 1))
    assert.deepEqual(solveUpper(L, Float64Array.of(1, 3)), Float64Array.of(1, 1))
  })

  test('a factor follows w·xxᵀ, added and taken away again', () => {
    fc.assert(
      fc.property(shapes, fc.double({ min: 0.01, max: 9, noNaN: true }), (shape, w) => {
        const { dimension } = shape
        const { packed, dense: A } = positiveDefinite(shape.seed, dimension, shape.vectors, 0.5)
        const x = Float64Array.from({ length: dimension }, (_, i) => Math.sin(3 * i + shape.seed))
        const L = choleskyFactor(packed, dimension)!
        assert.ok(choleskyUpdate(L, x, w))
        const column = Matrix.columnVector([...x])
        const updated = Matrix.add(A, column.mmul(column.transpose()).mul(w))
        assertSamePacked(L, new CholeskyDecomposition(updated).lowerTriangularMatrix, 1e-10)
        assert.ok(choleskyUpdate(L, x, -w))
        assertSamePacked(L, new CholeskyDecomposition(A).lowerTriangularMatrix, 1e-9)
      }),
      { seed: 1, numRuns: 60 },
    )
  })

  test('what is not positive definite is said to be so', () => {
    assert.equal(choleskyFactor(Float64Array.of(1, 2, 1), 2), undefined)
    assert.equal(invertPositiveDefinite(Float64Array.of(1, 2, 1), 2), undefined)
    assert.equal(choleskyFactor(Float64Array.of(Number.NaN), 1), undefined)
    assert.equal(choleskyUpdate(Float64Array.of(1), Float64Array.of(2), -1), false)
  })

  test('the arguments are left as they were', () => {
    const { packed } = positiveDefinite(3, 6, 10, 1)
    const before = packed.slice()
    choleskyFactor(packed, 6)
    invertPositiveDefinite(packed, 6)
    invertWithDiagonal(packed, new Float64Array(6).fill(1))
    assert.deepEqual(packed, before)
  })

  test('sums that rounding made indefinite are inverted all the same', () => {
    // Rank one with a prior far below the rounding of the sum.
    const A = Float64Array.of(1e20, 1e20, 1e20)
    const inverted = invertWithDiagonal(A, Float64Array.of(1e-9, 1e-9))
    assert.ok(inverted.every(Number.isFinite))
    assert.ok(inverted[0]! > 0 && inverted[2]! > 0)
  })

  test('what rounding left of differences is inverted, however small its diagonal is beside the rest', () => {
    const inverted = invertWithDiagonal(Float64Array.of(1, 1e6, -1), Float64Array.of(1e-9, 1e-9))
    assert.ok(inverted.every(Number.isFinite))
    assert.ok(inverted[0]! > 0 && inverted[2]! > 0)
    assert.throws(() => invertWithDiagonal(Float64Array.of(Number.NaN), Float64Array.of(1)), {
      code: 'engine_bad_observation',
    })
  })
})
