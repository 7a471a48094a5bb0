import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import {
  bootstrap,
  EvaluationError,
  normalQuantile,
  RunningMoments,
  satterthwaiteInterval,
  studentInterval,
  studentIntervalOfMean,
  studentQuantile,
} from '../../eval/index.ts'
import { quantile } from '../../eval/intervals/bootstrap.ts'
import { randomStream } from '../../eval/random.ts'
import { weightedMean } from '../../eval/row-outcomes.ts'

function normals(count: number, seed: number): Float64Array {
  const random = randomStream('test-normals', seed)
  return Float64Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat64(random)))
    return radius * Math.cos(2 * Math.PI * uniformFloat64(random))
  })
}

function meanOf(values: Float64Array, seed = 1, resamples = 300) {
  const statistics = ([weights]: readonly Float64Array[]) => ({ mean: weightedMean(values, weights) })
  return bootstrap({ axes: [values.length], statistics, seed, resamples }).mean
}

suite('bootstrap', () => {
  test('covers the mean of a normal sample at the nominal rate', () => {
    const repetitions = 300
    let covered = 0
    for (let repetition = 0; repetition < repetitions; repetition++) {
      const { lo, hi } = meanOf(normals(100, repetition), repetition)
      if (lo <= 0 && 0 <= hi) covered++
    }
    // The percentile interval of 100 values covers 0.944; four standard errors of a rate from 300 repetitions.
    const bound = 4 * Math.sqrt((0.944 * 0.056) / repetitions)
    assert.ok(Math.abs(covered / repetitions - 0.944) < bound, `covered ${covered} of ${repetitions}`)
  })

  test('is about as wide as theory says', () => {
    const count = 400
    const { lo, hi } = meanOf(normals(count, 7), 7, 2_000)
    const expected = (2 * 1.96) / Math.sqrt(count)
    // The sample's sd is off by 1/√(2n) = 3.5 %, each quantile of 2,000 resamples by another 3 %.
    assert.ok(Math.abs((hi - lo) / expected - 1) < 0.15, `width ${hi - lo}, theory ${expected}`)
  })

  test('pairs: a shift common to two columns leaves their difference without width', () => {
    const values = normals(50, 3)
    const shifted = values.map((value) => value + 0.25)
    const { gain } = bootstrap({
      axes: [50],
      statistics: ([weights]) => ({ gain: weightedMean(shifted, weights) - weightedMean(values, weights) }),
      seed: 1,
      resamples: 100,
    })
    assert.ok(gain.hi - gain.lo < 1e-12)
    assert.ok(Math.abs(gain.mean - 0.25) < 1e-12)
  })

  test('recomputes a statistic that is not a mean', () => {
    const values = Float64Array.from({ length: 30 }, (_, index) => index)
    const { max } = bootstrap({
      axes: [30],
      statistics: ([weights]) => ({ max: Math.max(...values.filter((_, index) => weights![index]! > 0)) }),
      seed: 5,
      resamples: 200,
    })
    assert.equal(max.mean, 29)
    assert.ok(max.lo < 29)
    assert.equal(max.hi, 29)
  })

  test('the weights of an axis sum to its length; an axis of one level never varies', () => {
    bootstrap({
      axes: [20, 1],
      statistics: ([rows, seeds]) => {
        assert.ok(Math.abs(rows!.reduce((sum, weight) => sum + weight, 0) - 20) < 1e-9)
        assert.deepEqual([...seeds!], [1])
        return { nothing: 0 }
      },
      seed: 1,
      resamples: 10,
    })
  })

  test('a second axis widens the interval by what its levels differ', () => {
    const rows = normals(200, 11)
    const seeds = [-1, 1, -1, 1]
    const mean = (weights: readonly Float64Array[]) => {
      const shift = seeds.reduce((sum, value, seed) => sum + (value * weights[1]![seed]!) / seeds.length, 0)
      return { mean: weightedMean(rows, weights[0]) + shift }
    }
    const both = bootstrap({ axes: [200, 4], statistics: mean, seed: 1, resamples: 400 }).mean
    const rowsOnly = meanOf(rows)
    assert.ok(both.hi - both.lo > 3 * (rowsOnly.hi - rowsOnly.lo))
  })

  test('is a function of the seed', () => {
    const values = normals(40, 2)
    assert.deepEqual(meanOf(values, 9), meanOf(values, 9))
    assert.notDeepEqual(meanOf(values, 9), meanOf(values, 10))
  })

  test('a resample without a value does not count; none at all leaves no bounds', () => {
    const statistics = ([weights]: readonly Float64Array[]) => ({
      ratio: 1 / (weights![0]! > 0 ? 1 : Number.NaN),
      none: Number.NaN,
    })
    const intervals = bootstrap({ axes: [5], statistics, seed: 1, resamples: 100 })
    assert.deepEqual(intervals.ratio, { mean: 1, lo: 1, hi: 1 })
    assert.ok(Number.isNaN(intervals.none.lo) && Number.isNaN(intervals.none.hi))
  })

  test('refuses settings that make no interval', () => {
    const statistics = () => ({ x: 0 })
    assert.throws(() => bootstrap({ axes: [3], statistics, seed: 1, resamples: 1 }), isBadOption(/resamples/))
    assert.throws(() => bootstrap({ axes: [3], statistics, seed: 1, level: 1 }), isBadOption(/level/))
  })
})

suite('running moments', () => {
  const values = normals(400, 21).map((value) => 1e6 + Math.exp(2 * value))
  const momentsOf = (some: Iterable<number>) => {
    const moments = new RunningMoments()
    for (const value of some) moments.add(value)
    return moments
  }
  const centred = (power: number) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    return values.reduce((sum, value) => sum + (value - mean) ** power, 0)
  }

  test('spread and tails about a large mean are those of the definition, also after merging', () => {
    const whole = momentsOf(values)
    for (const cut of [0, 1, 2, 137, 399]) {
      const merged = momentsOf(values.subarray(0, cut))
      merged.merge(momentsOf(values.subarray(cut)))
      for (const moments of [whole, merged]) {
        assert.ok(Math.abs(moments.squares / centred(2) - 1) < 1e-9)
        assert.ok(
          Math.abs((moments.kurtosis * centred(2) ** 2) / (400 * centred(4)) - 1) < 1e-8,
          `cut ${cut}`,
        )
      }
      assert.deepEqual([merged.count, merged.least, merged.most], [400, whole.least, whole.most])
    }
  })

  test('values added so many times count so many times', () => {
    const repeated = new RunningMoments()
    repeated.addRepeated(0, 30)
    repeated.addRepeated(2, 10)
    const one = momentsOf([...new Array(30).fill(0), ...new Array(10).fill(2)])
    for (const name of ['mean', 'squares', 'kurtosis'] as const) {
      assert.ok(Math.abs(repeated[name] / one[name] - 1) < 1e-12, name)
    }
  })

  test('heavy tails widen the interval of a mean, and nothing makes it narrower than Student’s', () => {
    const heavy = momentsOf(values)
    const width = ({ lo, hi }: { lo: number; hi: number }) => hi - lo
    assert.ok(width(satterthwaiteInterval(heavy, 0.95)) > 1.01 * width(studentIntervalOfMean(heavy, 0.95)))
    for (const sample of [normals(2_000, 3), Float64Array.of(0, 1, 0, 1), Float64Array.of(1, 1, 1)]) {
      const moments = momentsOf(sample)
      const [ours, students] = [satterthwaiteInterval(moments, 0.95), studentIntervalOfMean(moments, 0.95)]
      assert.ok(width(ours) >= width(students) && width(ours) <= 1.001 * width(students))
    }
    assert.equal(satterthwaiteInterval(momentsOf([1]), 0.95).lo, Number.NEGATIVE_INFINITY)
  })
})

suite('quantile', () => {
  test('is linear between order statistics', () => {
    const values = Float64Array.of(10, 20, 40)
    assert.equal(quantile(values, 0), 10)
    assert.equal(quantile(values, 0.25), 15)
    assert.equal(quantile(values, 0.75), 30)
    assert.equal(quantile(values, 1), 40)
  })
})

suite('normal', () => {
  // As scipy.stats.norm.ppf gives them.
  for (const [probability, z] of [
    [0.5, 0],
    [0.975, 1.959963984540054],
    [0.999, 3.090232306167813],
    [1e-12, -7.034483825301131],
  ] as const) {
    test(`quantile at ${probability}`, () => {
      assert.ok(Math.abs(normalQuantile(probability) - z) < 1e-12)
    })
  }
})

suite('student', () => {
  test('fractional degrees lie between whole ones, and the expansion meets the sums', () => {
    for (const level of [0.5, 0.9, 0.95, 0.999]) {
      for (const degrees of [1, 7, 60]) {
        const between = studentQuantile(level, degrees + 0.5)
        assert.ok(between < studentQuantile(level, degrees) && between > studentQuantile(level, degrees + 1))
        const near = studentQuantile(level, degrees + 1e-9)
        assert.ok(Math.abs(near / studentQuantile(level, degrees) - 1) < 1e-8)
      }
      const [below, above] = [studentQuantile(level, 999), studentQuantile(level, 1_000)]
      const further = studentQuantile(level, 1_001)
      // Steps of the same size to within their own curvature: no jump where the method changes.
      assert.ok(Math.abs((below - above) / (above - further) - 1) < 0.01, `${below} ${above} ${further}`)
    }
  })

  // Two-sided 95 % points as printed in every table of the t distribution.
  for (const [degrees, t] of [
    [1, 12.7062],
    [2, 4.30265],
    [3, 3.18245],
    [4, 2.77645],
    [9, 2.26216],
    [30, 2.04227],
    [1_000, 1.96234],
  ] as const) {
    test(`quantile for ${degrees} degrees of freedom`, () => {
      assert.ok(Math.abs(studentQuantile(0.95, degrees) - t) < 1e-4)
    })
  }

  test('interval of a mean', () => {
    // s = 1, n = 3: half = 4.30265/√3.
    const { mean, lo, hi } = studentInterval([1, 2, 3], 0.95)!
    assert.equal(mean, 2)
    assert.ok(Math.abs(hi - 2 - 4.30265 / Math.sqrt(3)) < 1e-4)
    assert.ok(Math.abs(hi + lo - 4) < 1e-12)
  })

  test('one value has no spread', () => {
    assert.equal(studentInterval([1], 0.95), undefined)
  })
})

function isBadOption(message: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof EvaluationError && error.code === 'eval_bad_option' && message.test(error.message)
}
