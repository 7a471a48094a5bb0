import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { averageQuality, type CurvePoint, hullQuality, upperHull } from '../../eval/index.ts'

const at = (costUsd: number, quality: number): CurvePoint => ({ costUsd, quality })
/** A coarse grid, so that ties and points on one line occur. */
const unit = fc.integer({ min: 0, max: 50 }).map((value) => value / 50)
const point = fc.record({ costUsd: unit, quality: unit }, { noNullPrototype: true })
const points = fc.array(point, { minLength: 1, maxLength: 20 })
const TOLERANCE = 1e-9

suite('upper hull', () => {
  test('drops what is dominated and what lies below a mixture', () => {
    const hull = upperHull([at(4, 0.8), at(1, 0.2), at(2, 0.4), at(2, 0.6), at(3, 0.65), at(5, 0.7)])
    assert.deepEqual(hull, [at(1, 0.2), at(2, 0.6), at(4, 0.8)])
  })

  test('of equally cheap points keeps the best', () => {
    assert.deepEqual(upperHull([at(1, 0.3), at(1, 0.5)]), [at(1, 0.5)])
  })

  test('quality between vertices is that of the mixture; outside it is flat', () => {
    const hull = upperHull([at(1, 0.2), at(3, 0.6)])
    assert.equal(hullQuality(hull, 0), 0.2)
    assert.ok(Math.abs(hullQuality(hull, 2.5) - 0.5) < TOLERANCE)
    assert.equal(hullQuality(hull, 9), 0.6)
  })

  test('is at least every point and every mixture of two points', () => {
    fc.assert(
      fc.property(points, point, point, unit, (rest, one, other, share) => {
        const hull = upperHull([...rest, one, other])
        const costUsd = share * one.costUsd + (1 - share) * other.costUsd
        const quality = share * one.quality + (1 - share) * other.quality
        assert.ok(hullQuality(hull, one.costUsd) >= one.quality - TOLERANCE)
        assert.ok(hullQuality(hull, costUsd) >= quality - TOLERANCE)
      }),
      { seed: 1 },
    )
  })

  test('is made of given points, rises, and bends down', () => {
    fc.assert(
      fc.property(points, (given) => {
        const hull = upperHull(given)
        assert.ok(hull.every((vertex) => given.includes(vertex)))
        let steepest = Number.POSITIVE_INFINITY
        for (let i = 1; i < hull.length; i++) {
          const rise = hull[i]!.quality - hull[i - 1]!.quality
          const run = hull[i]!.costUsd - hull[i - 1]!.costUsd
          assert.ok(rise > 0 && run > 0)
          assert.ok(rise / run < steepest)
          steepest = rise / run
        }
      }),
      { seed: 1 },
    )
  })

  test('does not depend on the order of the points', () => {
    fc.assert(
      fc.property(points, (given) => {
        assert.deepEqual(upperHull([...given].reverse()), upperHull(given))
      }),
      { seed: 1 },
    )
  })
})

suite('average quality', () => {
  const singles = [at(1, 0.2), at(3, 0.6)]

  test('of the single models is the mean height of the line between them', () => {
    assert.ok(Math.abs(averageQuality(singles, singles) - 0.4) < TOLERANCE)
  })

  test('counts only the range between the cheapest and the dearest single model', () => {
    // From (1, 0.2) to (2, 0.6), then towards (6, 1), which at cost 3 has brought 0.7; what lies beyond 3 is not counted.
    const average = averageQuality([at(2, 0.6), at(6, 1), at(8, 1.1)], singles)
    assert.ok(Math.abs(average - (0.4 + 0.65) / 2) < TOLERANCE)
  })

  test('a router that cannot be as cheap as the cheapest model is mixed with that model', () => {
    assert.ok(Math.abs(averageQuality([at(3, 0.8)], singles) - 0.5) < TOLERANCE)
  })

  test('one single model: its quality, or what beats it at no more cost', () => {
    assert.equal(averageQuality([], [at(2, 0.4)]), 0.4)
    assert.equal(averageQuality([at(1, 0.7)], [at(2, 0.4)]), 0.7)
  })

  test('lies between the cheapest model and the best point, and more points never lower it', () => {
    fc.assert(
      fc.property(points, points, point, (router, models, extra) => {
        const average = averageQuality(router, models)
        const least = Math.min(...models.map((model) => model.costUsd))
        const cheapest = Math.max(...models.filter((m) => m.costUsd === least).map((m) => m.quality))
        const best = Math.max(cheapest, ...router.map((p) => p.quality))
        assert.ok(average >= cheapest - TOLERANCE && average <= best + TOLERANCE)
        assert.ok(averageQuality([...router, extra], models) >= average - TOLERANCE)
      }),
      { seed: 1 },
    )
  })
})
