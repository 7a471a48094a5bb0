import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addOuter, dot, multiply, nonZeros, packedLength, quadraticForm } from '../../engine/linalg.ts'
import { assertClose, gaussian, seeded } from '../helpers/engine.ts'

test('the kernels give the same whether they skip zeros, few or many, or skip nothing', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom(0, 0.1, 0.5, 0.9),
      (seed, d, zeros) => {
        const uniform = seeded(seed)
        const A = Float64Array.from({ length: packedLength(d) }, () => gaussian(uniform))
        const x = Float64Array.from({ length: d }, () => (uniform() < zeros ? 0 : gaussian(uniform)))
        const at = (i: number, j: number) => A[(Math.max(i, j) * (Math.max(i, j) + 1)) / 2 + Math.min(i, j)]!
        const product = Float64Array.from(x, (_, i) => x.reduce((sum, xj, j) => sum + at(i, j) * xj, 0))
        const exact = Int32Array.from([...x.keys()].filter((i) => x[i] !== 0))
        for (const nz of [nonZeros(x, d), exact]) {
          const out = new Float64Array(d).fill(7)
          multiply(A, x, nz, out)
          for (const [i, value] of out.entries()) assertClose(value, product[i]!, 1e-12)
          assertClose(quadraticForm(A, x, nz), dot(product, x, nz), 1e-12)
          const added = A.slice()
          addOuter(added, x, nz, 0.7)
          for (let i = 0, k = 0; i < d; i++) {
            for (let j = 0; j <= i; j++, k++) assertClose(added[k]!, at(i, j) + 0.7 * x[i]! * x[j]!, 1e-12)
          }
        }
      },
    ),
    { seed: 1 },
  )
})

test('where many entries are zero only the others are visited', () => {
  assert.deepEqual(nonZeros(Float64Array.of(1, 0, 0, 2, 0), 5), Int32Array.of(0, 3))
  assert.deepEqual(nonZeros(Float64Array.of(1, 0, 0, 2, 0), 3), Int32Array.of(0))
  assert.deepEqual(nonZeros(Float64Array.of(1, 0, 3, 2, 5), 5), Int32Array.of(0, 1, 2, 3, 4))
})
