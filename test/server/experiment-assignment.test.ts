import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type AssignmentPlan, assign } from '../../server/experiments/assignment.ts'
import { type Allocation, allocate, reallocate, widthOf } from '../../server/experiments/ranges.ts'

const SUBJECT = { model: 'auto', requestClass: 'code', tenant: 'acme' }
const IDS = Array.from({ length: 20_000 }, (_, index) => `unit-${index}`)

function planWith(changes: Partial<AssignmentPlan>): AssignmentPlan {
  return {
    seed: 'checkout',
    hashVersion: 2,
    bucketVersion: 0,
    allocation: allocate([0.5, 0.5]),
    coverage: 1,
    ramp: [],
    targeting: {},
    ...changes,
  }
}

/** Variant by id, −1 for those who take no part. */
function variantsUnder(plan: AssignmentPlan, runningMs = 0): number[] {
  return IDS.map((id) => {
    const assignment = assign(plan, SUBJECT, id, runningMs)
    return assignment.kind === 'in' ? assignment.variant : -1
  })
}

const share = (variants: readonly number[], variant: number) =>
  variants.filter((other) => other === variant).length / variants.length

suite('assignment', () => {
  test('ramping takes units in and moves nobody', () => {
    const ramp = [
      { afterMs: 0, coverage: 0.1 },
      { afterMs: 1_000, coverage: 0.5 },
      { afterMs: 2_000, coverage: 1 },
    ]
    const plan = planWith({ ramp, allocation: allocate([0.2, 0.3, 0.5]) })
    const looks = [0, 1_500, 2_000].map((runningMs) => variantsUnder(plan, runningMs))
    for (const [earlier, later] of [looks.slice(0, 2), looks.slice(1)]) {
      earlier!.forEach((variant, index) => {
        if (variant !== -1) assert.equal(later![index], variant)
      })
    }
    // Four standard errors of a share of 20,000 units.
    const shares = looks.map((variants) => 1 - share(variants, -1))
    for (const [index, expected] of [0.1, 0.5, 1].entries()) {
      assert.ok(Math.abs(shares[index]! - expected) <= 4 * Math.sqrt((expected * (1 - expected)) / 20_000))
    }
    const before = assign(planWith({ ramp: ramp.slice(1) }), SUBJECT, 'anyone', 999)
    assert.deepEqual(before, { kind: 'out', why: 'coverage' })
  })

  test('other weights move as few as they must', () => {
    const steps = [
      [0.5, 0.3, 0.2],
      [0.2, 0.3, 0.5],
      [0.25, 0.5, 0.25],
      [1, 0, 0],
      [0.4, 0.3, 0.3],
    ]
    let allocation = allocate(steps[0]!)
    for (const weights of steps.slice(1)) {
      const next = reallocate(allocation, weights)
      next.forEach((ranges, variant) => {
        assert.ok(Math.abs(widthOf(ranges) - weights[variant]!) < 1e-4)
      })
      const least = weights.reduce(
        (sum, weight, variant) => sum + Math.max(0, weight - widthOf(allocation[variant]!)),
        0,
      )
      const before = bucketsOf(allocation)
      const after = bucketsOf(next)
      assert.ok(
        after.every((variant) => variant !== -1),
        'every bucket has a variant',
      )
      const moved = after.filter((variant, bucket) => variant !== before[bucket]).length / 10_000
      assert.ok(moved <= least + 0.001, `moved ${moved}, needed ${least}`)
      allocation = next
    }
  })

  test('the probability that is logged is the share of the units that get the variant', () => {
    const weights = [0.5, 0.3, 0.2]
    const plan = planWith({ allocation: allocate(weights), coverage: 0.6 })
    const variants = variantsUnder(plan).filter((variant) => variant !== -1)
    for (const [variant, weight] of weights.entries()) {
      const assignment = IDS.map((id) => assign(plan, SUBJECT, id, 0)).find(
        (candidate) => candidate.kind === 'in' && candidate.variant === variant,
      )
      assert.ok(assignment?.kind === 'in' && Math.abs(assignment.probability - weight) < 1e-12)
      const bound = 4 * Math.sqrt((weight * (1 - weight)) / variants.length)
      assert.ok(Math.abs(share(variants, variant) - weight) < bound)
    }
  })

  test('slices of a layer exclude each other, and a holdout is one for all experiments', () => {
    const slices = [
      { name: 'routing', from: 0, to: 0.4 },
      { name: 'routing', from: 0.4, to: 1 },
    ]
    const [first, second] = slices.map((namespace) =>
      variantsUnder(planWith({ seed: namespace.name + namespace.to, namespace })),
    )
    first!.forEach((variant, index) => {
      assert.ok((variant === -1) !== (second![index] === -1))
    })

    const holdout = { name: '2026', share: 0.05 }
    const held = ['a', 'b'].map((seed) => variantsUnder(planWith({ seed, holdout })))
    assert.deepEqual(
      held[0]!.map((variant) => variant === -1),
      held[1]!.map((variant) => variant === -1),
    )
    assert.ok(Math.abs(share(held[0]!, -1) - 0.05) < 4 * Math.sqrt((0.05 * 0.95) / 20_000))
  })

  test('a rerun assigns anew, whatever the first run assigned', () => {
    const [first, rerun] = [0, 1].map((bucketVersion) => variantsUnder(planWith({ bucketVersion })))
    const same = first!.filter((variant, index) => variant === rerun![index]).length / IDS.length
    assert.ok(Math.abs(same - 0.5) < 4 * Math.sqrt(0.25 / IDS.length), `the same for ${same}`)
  })

  test('who is not asked about, or has no unit, takes no part', () => {
    const targeting = { classes: ['math'], tenants: ['acme'] }
    assert.deepEqual(assign(planWith({ targeting }), SUBJECT, 'x', 0), { kind: 'out', why: 'targeting' })
    assert.equal(
      assign(planWith({ targeting: { classes: ['code'], models: ['auto'] } }), SUBJECT, 'x', 0).kind,
      'in',
    )
    assert.deepEqual(assign(planWith({}), SUBJECT, '', 0), { kind: 'out', why: 'no_unit' })
  })
})

/** The variant of each of the 10,000 buckets. */
function bucketsOf(allocation: Allocation): number[] {
  return Array.from({ length: 10_000 }, (_, bucket) => {
    const at = bucket / 10_000
    return allocation.findIndex((ranges) => ranges.some(([start, end]) => at >= start && at < end))
  })
}
