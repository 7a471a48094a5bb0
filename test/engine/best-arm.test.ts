import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bestArmProbabilities } from '../../engine/best-arm.ts'
import { normalCdf, normalCdfExact, normalPdf } from '../../engine/normal.ts'
import { gaussLegendre } from '../../engine/quadrature.ts'
import { assertClose, gaussian, seeded } from '../helpers/engine.ts'

test('Φ and φ by table are within 6e-13 of the exact functions', () => {
  for (let z = -9; z <= 9; z += 0.000137) {
    const cdfError = Math.abs(normalCdf(z) - normalCdfExact(z))
    const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)
    // Beyond 8 both are taken for 0 or 1.
    assert.ok(cdfError < (Math.abs(z) < 8 ? 6e-13 : 1e-15), `Φ(${z})`)
    assert.ok(Math.abs(normalPdf(z) - density) < (Math.abs(z) < 8 ? 6e-13 : 6e-15), `φ(${z})`)
  }
})

test('Φ has its published values', () => {
  // Abramowitz & Stegun, table 26.1.
  assert.ok(Math.abs(normalCdfExact(1) - 0.8413447460685429) < 1e-15)
  assert.ok(Math.abs(normalCdfExact(1.96) - 0.9750021048517795) < 1e-15)
  assert.ok(Math.abs(normalCdfExact(-4) - 3.167124183311992e-5) < 1e-19)
})

/** Trapezoid rule on a very fine grid around each arm's own curve: slow and independent of the panels. */
function reference(mean: readonly number[], sd: readonly number[]): number[] {
  return mean.map((m, k) => {
    const h = 0.01
    let total = 0
    for (let z = -9; z <= 9; z += h) {
      let product = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)
      for (let j = 0; j < mean.length; j++) {
        if (j !== k)
          product *= normalCdfExact((m + (sd[k] as number) * z - (mean[j] as number)) / (sd[j] as number))
      }
      total += product * h
    }
    return total
  })
}

const beliefs = fc
  .array(
    fc.record({
      mean: fc.double({ min: -2, max: 2, noNaN: true }),
      sd: fc.double({ min: 0.05, max: 3, noNaN: true }),
    }),
    { minLength: 2, maxLength: 12 },
  )
  .map((arms) => ({ mean: arms.map((a) => a.mean), sd: arms.map((a) => a.sd) }))

test('probabilities agree with an independent quadrature to 1e-9 and sum to 1', () => {
  fc.assert(
    fc.property(beliefs, ({ mean, sd }) => {
      const actual = bestArmProbabilities(Float64Array.from(mean), Float64Array.from(sd))
      const expected = reference(mean, sd)
      const total = actual.reduce((a, b) => a + b, 0)
      assert.ok(Math.abs(total - 1) < 1e-12)
      for (const [k, p] of actual.entries()) assert.ok(Math.abs(p - (expected[k] as number)) < 1e-9)
    }),
    { seed: 1, numRuns: 60 },
  )
})

test('sds that differ by six orders of magnitude lose nothing: two arms have a closed form', () => {
  for (const ratio of [1, 1e2, 1e4, 1e6]) {
    for (const gap of [-0.5, 0, 0.003, 1]) {
      const sd = Float64Array.of(1, 1 / ratio)
      const [p] = bestArmProbabilities(Float64Array.of(gap, 0), sd)
      const exact = normalCdfExact(gap / Math.hypot(1, 1 / ratio))
      assert.ok(Math.abs((p as number) - exact) < 1e-9, `ratio ${ratio}, gap ${gap}: ${p} is not ${exact}`)
    }
  }
})

/** Trapezoid rule on one grid, five points to the smallest sd, with Φ in full precision. */
function fineGrid(mean: Float64Array, sd: Float64Array): Float64Array {
  const reach = (sign: 1 | -1) => Math.max(...mean.map((m, k) => m + sign * 9 * sd[k]!))
  const [from, to, step] = [reach(-1), reach(1), Math.min(...sd) / 5]
  const result = new Float64Array(mean.length)
  for (let i = 0; from + i * step < to; i++) {
    const z = mean.map((m, k) => (from + i * step - m) / sd[k]!)
    const below = z.map(normalCdfExact)
    const all = below.reduce((product, p) => product * p, step)
    for (let k = 0; k < z.length && all > 0; k++) {
      result[k]! += (all * Math.exp(-0.5 * z[k]! ** 2)) / (Math.sqrt(2 * Math.PI) * sd[k]! * below[k]!)
    }
  }
  return result
}

test('eight arms whose sds differ by a factor of a thousand, by an independent grid', () => {
  const uniform = seeded(5)
  for (let world = 0; world < 5; world++) {
    const mean = Float64Array.from({ length: 8 }, () => 0.1 * gaussian(uniform))
    const sd = Float64Array.from({ length: 8 }, (_, k) => 0.3 * 1000 ** (-k / 7))
    const expected = fineGrid(mean, sd)
    for (const [k, p] of bestArmProbabilities(mean, sd).entries()) assertClose(p, expected[k]!, 1e-10)
  }
})

test('many arms of like sd make a steep product, and lose nothing either', () => {
  for (const arms of [3, 16, 64, 128]) {
    for (const spread of [0, 0.5, 1]) {
      const mean = Float64Array.from({ length: arms }, (_, k) => 0.4 * Math.sin(5 * k))
      const sd = Float64Array.from({ length: arms }, (_, k) => 2 ** (spread * Math.cos(3 * k)))
      const expected = fineGrid(mean, sd)
      for (const [k, p] of bestArmProbabilities(mean, sd).entries()) assertClose(p, expected[k]!, 1e-10)
    }
  }
})

test('a Gauss–Legendre rule of n nodes is exact for polynomials up to degree 2n − 1, and no further', () => {
  for (const count of [1, 2, 5, 24, 48]) {
    const { nodes, weights } = gaussLegendre(count)
    const integral = (degree: number): number =>
      nodes.reduce((sum, node, i) => sum + weights[i]! * node ** degree, 0)
    for (let degree = 0; degree < 2 * count; degree++) {
      assertClose(integral(degree), degree % 2 === 0 ? 2 / (degree + 1) : 0, 1e-13, `degree ${degree}`)
    }
    if (count <= 5) assert.ok(Math.abs(integral(2 * count) - 2 / (2 * count + 1)) > 1e-4)
  }
})

test('a million draws land where the probabilities say', () => {
  const mean = [0.61, 0.6, 0.55, 0.3]
  const sd = [0.02, 0.05, 0.1, 0.2]
  const uniform = seeded(42)
  const draws = 1_000_000
  const counts = mean.map(() => 0)
  for (let i = 0; i < draws; i++) {
    let best = 0
    let bestValue = Number.NEGATIVE_INFINITY
    for (let k = 0; k < mean.length; k++) {
      const value = (mean[k] as number) + (sd[k] as number) * gaussian(uniform)
      if (value > bestValue) [best, bestValue] = [k, value]
    }
    counts[best]! += 1
  }
  const actual = bestArmProbabilities(Float64Array.from(mean), Float64Array.from(sd))
  for (const [k, p] of actual.entries()) {
    const bound = 5 * Math.sqrt((p * (1 - p)) / draws)
    assert.ok(Math.abs((counts[k] as number) / draws - p) < bound)
  }
})

test('certain arms: the best takes all, ties divide evenly, one arm is certain', () => {
  const close = (actual: Float64Array, expected: readonly number[]) => {
    for (const [k, p] of expected.entries())
      assert.ok(Math.abs((actual[k] as number) - p) < 1e-9, `${actual}`)
  }
  close(bestArmProbabilities(Float64Array.of(0.2, 0.7, 0.1), new Float64Array(3)), [0, 1, 0])
  close(bestArmProbabilities(Float64Array.of(0.5, 0.5), new Float64Array(2)), [0.5, 0.5])
  close(bestArmProbabilities(new Float64Array(4), new Float64Array(4)), [0.25, 0.25, 0.25, 0.25])
  close(bestArmProbabilities(Float64Array.of(0.5), Float64Array.of(1)), [1])
})
