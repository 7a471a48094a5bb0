/** Diagnostics of logs: they merge like estimators, quantiles stay within their bound, and wrong propensities are seen. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  EvaluationError,
  EXACT_VALUES,
  PropensityDiagnostics,
  type PropensityRow,
  Quantiles,
  RELATIVE_ERROR,
  WeightDiagnostics,
} from '../../eval/index.ts'
import { quantile } from '../../eval/intervals/bootstrap.ts'
import { randomStream } from '../../eval/random.ts'
import { assertNumbers } from '../helpers/golden.ts'
import { addAll } from '../helpers/golden-ope.ts'
import { madeUpRows, splitAtRandom, uniform } from '../helpers/off-policy.ts'

suite('quantiles in bounded memory', () => {
  const random = randomStream('quantiles', 1)
  // Over twelve decades, with zeros.
  const values = Array.from({ length: 3 * EXACT_VALUES }, () =>
    uniform(random) < 0.1 ? 0 : 10 ** (12 * uniform(random) - 6),
  )
  const PROBABILITIES = [0, 0.01, 0.05, 0.3, 0.5, 0.9, 0.99, 0.999, 1]

  test('exact up to the bound, and past it within the stated error of the order statistics', () => {
    for (const count of [1, 2, EXACT_VALUES, EXACT_VALUES + 1, values.length]) {
      const some = values.slice(0, count)
      const sketch = new Quantiles()
      for (const value of some) sketch.add(value)
      const sorted = Float64Array.from(some).sort()
      for (const probability of PROBABILITIES) {
        const exact = quantile(sorted, probability)
        const error = Math.abs(sketch.at(probability)! - exact)
        const allowed = count <= EXACT_VALUES ? 0 : 1.0001 * RELATIVE_ERROR * exact
        assert.ok(error <= allowed, `${count} values at ${probability}: ${exact}, off by ${error}`)
      }
    }
  })

  test('any split merges to the same numbers', () => {
    for (const count of [500, EXACT_VALUES, EXACT_VALUES + 10, values.length]) {
      const some = values.slice(0, count)
      const whole = new Quantiles()
      for (const value of some) whole.add(value)
      for (let seed = 0; seed < 4; seed++) {
        const merged = new Quantiles()
        for (const part of splitAtRandom(some, 5, seed)) {
          const sketch = new Quantiles()
          for (const value of part) sketch.add(value)
          merged.mergeState(JSON.parse(JSON.stringify(sketch.state())))
        }
        for (const p of PROBABILITIES) assert.equal(merged.at(p), whole.at(p), `${count} at ${p}`)
      }
    }
  })

  test('nothing added has no quantiles', () => {
    assert.equal(new Quantiles().at(0.5), undefined)
  })
})

suite('weights', () => {
  test('any split of the log merges to the same figures', () => {
    const rows = madeUpRows(3_000, 21)
    const whole = addAll(new WeightDiagnostics(), rows).get()
    for (let seed = 0; seed < 10; seed++) {
      const merged = new WeightDiagnostics()
      for (const part of splitAtRandom(rows, 6, seed)) {
        merged.mergeState(JSON.parse(JSON.stringify(addAll(new WeightDiagnostics(), part).state())))
      }
      assertNumbers(merged.get(), whole, { rel: 1e-9, abs: 1e-12 })
    }
  })

  test('the tail is that of the rows above each threshold', () => {
    const rows = madeUpRows(3_000, 22)
    const { tail, mean, n } = addAll(new WeightDiagnostics(), rows).get()!
    for (const { above, rows: count, share } of tail) {
      const heavy = rows.filter(({ weight }) => weight > above)
      assert.equal(count, heavy.length)
      const sum = heavy.reduce((total, { weight }) => total + weight, 0)
      assert.ok(Math.abs(share - sum / (mean * n)) < 1e-12)
    }
    assert.ok(tail[0]!.rows > 0)
  })

  test('weights that are all 1 are worth all rows; all 0, none; there is no NaN', () => {
    const row = { reward: 0, predicted: 0, predictedTarget: 0 }
    const ones = addAll(
      new WeightDiagnostics(),
      Array.from({ length: 50 }, () => ({ ...row, weight: 1 })),
    ).get()!
    assert.deepEqual([ones.ess, ones.essVariance, ones.meanZ, ones.largestShare], [50, 50, 0, 0.02])
    const none = addAll(
      new WeightDiagnostics(),
      Array.from({ length: 50 }, () => ({ ...row, weight: 0 })),
    ).get()!
    assert.deepEqual([none.ess, none.essVariance, none.essSkewness, none.largestShare], [0, 0, 0, 0])
    assert.equal(none.meanZ, Number.NEGATIVE_INFINITY)
    assert.equal(new WeightDiagnostics().get(), undefined)
  })
})

suite('propensities', () => {
  const ARMS = ['a', 'b', 'c']
  /** Draws by one distribution and stamps rows with another; every third row is without arm c. */
  function logOf(
    count: number,
    stamp: (p: readonly number[]) => readonly number[],
  ): readonly PropensityRow[] {
    const random = randomStream('propensities', 5)
    return Array.from({ length: count }, (_, i) => {
      const all = i % 3 === 0 ? [0.7, 0.3] : [0.5, 0.2 + 0.2 * uniform(random), 0]
      const logged = all.map((p, k) => (k === 2 ? 1 - all[0]! - all[1]! : p))
      const u = uniform(random)
      const drawn = u < logged[0]! ? 0 : u < logged[0]! + logged[1]! || logged.length === 2 ? 1 : 2
      return { arms: ARMS.slice(0, logged.length), logged: stamp(logged), drawn }
    })
  }
  const COUNT = 6_000
  const worst = (log: readonly PropensityRow[]) => {
    const { arms } = addAll(new PropensityDiagnostics(), log).get()!
    return {
      calibration: Math.max(...arms.map(({ calibrationZ }) => Math.abs(calibrationZ))),
      inverse: Math.max(...arms.map(({ meanInverseZ }) => Math.abs(meanInverseZ))),
    }
  }

  test('right ones pass, also for an arm that is not always offered', () => {
    const log = logOf(COUNT, (p) => p)
    const { calibration, inverse } = worst(log)
    assert.ok(calibration < 4 && inverse < 4, `${calibration}, ${inverse}`)
    const { arms } = addAll(new PropensityDiagnostics(), log).get()!
    assert.deepEqual(
      arms.map(({ arm, offered }) => [arm, offered]),
      [
        ['a', COUNT],
        ['b', COUNT],
        ['c', COUNT - COUNT / 3],
      ],
    )
  })

  test('a uniform stamp on draws that were not uniform is seen by both checks', () => {
    const { calibration, inverse } = worst(logOf(COUNT, (p) => p.map(() => 1 / p.length)))
    assert.ok(calibration > 4 && inverse > 4, `${calibration}, ${inverse}`)
  })

  test('what the target would do where the log cannot reach is told', () => {
    const sums = new PropensityDiagnostics()
    sums.add({ arms: ['a', 'b'], logged: [1, 0], target: [0.4, 0.6], drawn: 0 })
    sums.add({ arms: ['a', 'b'], logged: [0.5, 0.5], target: [0.4, 0.6], drawn: 0 })
    const { outsideSupport, smallestDrawn, weightSecondMoment } = sums.get()!
    assert.ok(Math.abs(outsideSupport - 0.3) < 1e-12)
    assert.equal(smallestDrawn, 0.5)
    assert.ok(Math.abs(weightSecondMoment - (0.16 + 0.32 + 0.72) / 2) < 1e-12)
  })

  test('an arm drawn with probability 0, or a probability above 1, is refused', () => {
    for (const row of [
      { arms: ['a', 'b'], logged: [1, 0], drawn: 1 },
      { arms: ['a', 'b'], logged: [1.2, 0], drawn: 0 },
      { arms: ['a', 'b'], logged: [0.5, 0.5], target: [-1, 2], drawn: 0 },
    ]) {
      const sums = new PropensityDiagnostics()
      assert.throws(
        () => sums.add(row),
        (error) => error instanceof EvaluationError && error.code === 'eval_bad_propensity',
      )
      assert.equal(sums.get(), undefined)
    }
  })

  test('any split of the log merges to the same figures', () => {
    const log = logOf(2_000, (p) => p)
    const whole = addAll(new PropensityDiagnostics(), log).get()!
    for (let seed = 0; seed < 10; seed++) {
      const merged = new PropensityDiagnostics()
      for (const part of splitAtRandom(log, 6, seed)) {
        merged.mergeState(JSON.parse(JSON.stringify(addAll(new PropensityDiagnostics(), part).state())))
      }
      const { arms, ...rest } = merged.get()!
      const { arms: rightArms, ...right } = whole
      assertNumbers(rest, right, { rel: 1e-9, abs: 1e-12 })
      for (const [index, { arm, ...numbers }] of arms.entries()) {
        const { arm: rightArm, ...rightNumbers } = rightArms[index]!
        assert.equal(arm, rightArm)
        assertNumbers(numbers, rightNumbers, { rel: 1e-9, abs: 1e-9 })
      }
    }
  })
})
