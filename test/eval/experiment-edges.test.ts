import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  alwaysValidTest,
  beliefOf,
  effectOf,
  type Moments,
  type WeightedMoments,
  weightedEffect,
} from '../../eval/experiments/index.ts'

/** Of units that each have `value` in every one of their requests. */
function constant(units: number, value: number): Moments {
  let [sum, sumSquares, d, dd, products] = [0, 0, 0, 0, 0]
  for (let unit = 0; unit < units; unit++) {
    const requests = 1 + (unit % 5)
    const y = value * requests
    sum += y
    sumSquares += y * y
    d += requests
    dd += requests * requests
    products += y * requests
  }
  return { n: units, sum, sumSquares, denominator: { sum: d, sumSquares: dd, products } }
}

function constantWeighted(units: number, value: number): WeightedMoments {
  const sums = { n: units, weight: 0, weightSquares: 0, sum: 0, sumOverSquares: 0, squaresOverSquares: 0 }
  for (let unit = 0; unit < units; unit++) {
    const e = unit % 3 === 0 ? 0.3 : 0.7
    sums.weight += 1 / e
    sums.weightSquares += 1 / e ** 2
    sums.sum += value / e
    sums.sumOverSquares += value / e ** 2
    sums.squaresOverSquares += value ** 2 / e ** 2
  }
  return sums
}

suite('experiments at their edges', () => {
  test('values that are all the same leave nothing to test, whatever their sums are rounded to', () => {
    for (const value of [0.1, 0.7, 1 / 3, 1_234.567, 3e-6]) {
      for (const [n, k] of [
        [100, 137],
        [1_000, 999],
        [5_003, 7_777],
      ] as const) {
        for (const scale of ['absolute', 'relative'] as const) {
          assert.equal(effectOf(constant(n, value), constant(k, value), scale), 'no_difference')
          assert.equal(effectOf(constant(n, value), constant(k, 1.2 * value), scale), 'no_variance')
          const weighted = (other: number) =>
            weightedEffect(constantWeighted(n, value), constantWeighted(k, other), scale)
          assert.equal(weighted(value), 'no_difference')
          assert.equal(weighted(1.2 * value), 'no_variance')
        }
      }
    }
  })

  test('a spread of a thousandth of the mean is no rounding', () => {
    const near = (units: number, mean: number): Moments => ({
      n: units,
      sum: units * mean,
      sumSquares: units * mean ** 2 * (1 + 1e-6),
    })
    const effect = effectOf(near(100_000, 5), near(100_000, 5.001), 'absolute')
    assert.ok(typeof effect !== 'string')
    assert.ok(Math.abs(effect.se / (5e-3 * Math.sqrt(2 / 100_000)) - 1) < 1e-3)
  })

  test('evidence beyond what a number holds stays a number', () => {
    for (const side of ['two-sided', 'greater'] as const) {
      const { eValue, pValue } = alwaysValidTest({ estimate: 0.5, se: 0.01, n: 100_000 }, 0.05, side)
      assert.ok(Number.isFinite(eValue) && eValue > 1e100, side)
      assert.ok(pValue >= 0 && pValue < 1e-100)
    }
  })

  test('a prior that is relative to a control of 0 says nothing', () => {
    const effect = {
      estimate: 0.1,
      se: 0.05,
      n: 100,
      degrees: 90,
      baseline: 0,
      varianceReduction: 0,
    } as const
    const prior = { mean: 0, variance: 0.1, scale: 'relative' } as const
    const absolute = { ...effect, scale: 'absolute' } as const
    assert.deepEqual(beliefOf(absolute, 0.05, prior), beliefOf(absolute, 0.05))
  })
})
