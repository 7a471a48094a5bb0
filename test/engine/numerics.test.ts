/** What rounding leaves of a head after ten million updates, and where contexts hardly differ. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { DriftWatch } from '../../engine/drift.ts'
import { nonZeros, packedLength } from '../../engine/linalg.ts'
import { LinearHead, type LinearPrior } from '../../engine/linear-head.ts'
import { linearPosterior, meanOutcome } from '../../engine/linear-posterior.ts'
import { assertClose, gaussian, seeded } from '../helpers/engine.ts'
import { exactRegression } from '../helpers/exact-regression.ts'

const NEVER = Number.POSITIVE_INFINITY

/** Sum with the rounding errors of all additions in a second number (Neumaier 1974). */
class CompensatedSum {
  #sum = 0
  #lost = 0

  add(value: number): void {
    const next = this.#sum + value
    this.#lost += Math.abs(this.#sum) >= Math.abs(value) ? this.#sum - next + value : value - next + this.#sum
    this.#sum = next
  }

  scale(factor: number): void {
    this.#sum *= factor
    this.#lost *= factor
  }

  get value(): number {
    return this.#sum + this.#lost
  }
}

suite('ten million updates', () => {
  const UPDATES = 10_000_000
  const D = 3
  const prior: LinearPrior = {
    mean: Float64Array.of(0.5, 0, 0),
    precision: Float64Array.of(3, 50, 200),
    shape: 10,
    rate: 2,
  }
  const PROBE = Float64Array.of(1, 1, 0.4)

  /** One pass with a decay of 2⁻¹ in `halfLife` updates, following every example by a rank-one step as a live head does. */
  function run(halfLife: number) {
    const head = new LinearHead(prior, halfLife)
    const uniform = seeded(12)
    const x = new Float64Array(D)
    const nz = nonZeros(Float64Array.of(1, 1, 1), D)
    x[0] = 1
    // Brought to now once per thousand updates: the reference decays a thousandth as often, and by powers that are exact enough.
    const A = Array.from({ length: packedLength(D) }, () => new CompensatedSum())
    const b = Array.from({ length: D }, () => new CompensatedSum())
    const block = { A: new Float64Array(packedLength(D)), b: new Float64Array(D) }
    for (let n = 1; n <= UPDATES; n++) {
      x[1] = uniform() < 0.3 ? 1 : 0
      x[2] = uniform() - 0.5
      const y = 0.6 + 0.1 * x[1] - 0.2 * x[2] + (uniform() - 0.5)
      head.observe(x, nz, y, 1, n)
      const weight = halfLife === NEVER ? 1 : 2 ** (-(1_000 * Math.ceil(n / 1_000) - n) / halfLife)
      for (let i = 0, k = 0; i < D; i++) {
        block.b[i]! += weight * x[i]! * y
        for (let j = 0; j <= i; j++, k++) block.A[k]! += weight * x[i]! * x[j]!
      }
      if (n % 1_000 !== 0) continue
      for (const [k, sum] of [...A, ...b].entries()) {
        if (halfLife !== NEVER) sum.scale(2 ** (-1_000 / halfLife))
        sum.add(k < A.length ? block.A[k]! : block.b[k - A.length]!)
      }
      block.A.fill(0)
      block.b.fill(0)
      // Decisions come between the updates: some predictions follow the steps, some a posterior that was formed anew.
      if (n % 700_000 === 0) head.predict(PROBE, nz, n)
    }
    const reference = {
      asOfMs: UPDATES,
      A: Float64Array.from(A, (sum) => sum.value),
      b: Float64Array.from(b, (sum) => sum.value),
    }
    return { head, nz, reference }
  }

  // Rounding errors of n additions grow as √n·2⁻⁵³ of the sum, 4e-13. Fading multiplies each time by the same rounded factor, and what is
  // remembered has been multiplied 1.4 million times: up to 1.4e6·2⁻⁵³ = 1.6e-10.
  for (const [name, halfLife, rounding] of [
    ['that are all kept', NEVER, 4e-12],
    ['that fade by half in a million', 1_000_000, 1.6e-10],
  ] as const) {
    test(`${name}: sums and posterior as by compensated summation`, () => {
      const { head, nz, reference } = run(halfLife)
      const sums = head.sums()!
      for (const [k, value] of reference.A.entries())
        assertClose(sums.A[k]! / reference.A[0]!, value / reference.A[0]!, rounding)
      for (const [i, value] of reference.b.entries())
        assertClose(sums.b[i]! / reference.b[0]!, value / reference.b[0]!, rounding)
      const { mean, sd, noiseVariance } = head.predict(PROBE, nz, UPDATES)
      const { n, c } = sums
      const formed = linearPosterior({ ...reference, n, c }, prior)
      const expected = meanOutcome(formed, PROBE)
      assertClose(mean, expected.location, 2 * rounding)
      const believed = Math.sqrt(formed.rate / (formed.shape - 1))
      assertClose(Math.sqrt(noiseVariance), believed, 1e-9)
      assertClose(sd / (expected.scale * Math.sqrt(formed.shape / (formed.shape - 1))), 1, 1e-9)
    })
  }
})

suite('ill-conditioned contexts', () => {
  const prior: LinearPrior = {
    mean: Float64Array.of(0.4, 0, 0, 0, 0),
    precision: Float64Array.of(0.25, 4, 4, 20, 20),
    shape: 10,
    rate: 0.25,
  }
  /** Two coordinates alike to 1e-9, one a constant twice, one ten thousand times as large. */
  function examples(count: number) {
    const uniform = seeded(2)
    return Array.from({ length: count }, () => {
      const u = uniform()
      return { x: Float64Array.of(1, 1, u, u * (1 + 1e-9), 1e4 * u), y: u + 0.05 * gaussian(uniform) }
    })
  }
  const all = Int32Array.of(0, 1, 2, 3, 4)

  for (const [name, watch] of [
    ['following every example', false],
    ['watched for changes', true],
  ] as const) {
    test(`${name}: as in 600 binary places`, () => {
      const head = new LinearHead(prior, NEVER, watch ? new DriftWatch(prior.precision) : undefined)
      const seen = examples(3_000)
      for (const { x, y } of seen) {
        // Predicting in between keeps a posterior to be followed by steps, refreshed once in a thousand.
        head.observe(x, all, y, 1, 0)
        head.predict(x, all, 0)
      }
      const truth = exactRegression(seen, prior)
      // Precisions reach from 0.25 to 1e11: a condition of 4e11 leaves 4e11·2⁻⁵³ = 5e-5 of what is hardest to tell.
      for (const { x } of seen.slice(0, 50)) {
        const { mean, sd, noiseVariance } = head.predict(x, all, 0)
        const expected = truth(x)
        assertClose(mean, expected.mean, 1e-4 * sd)
        assertClose((sd * sd) / noiseVariance / expected.spread, 1, 1e-4)
      }
    })
  }

  test('a posterior formed at once has the digits that the condition leaves', () => {
    const seen = examples(3_000)
    const head = new LinearHead(prior, NEVER)
    for (const { x, y } of seen) head.observe(x, all, y, 1, 0)
    const truth = exactRegression(seen, prior)
    for (const { x } of seen.slice(0, 50)) {
      const { mean, sd, noiseVariance } = head.predict(x, all, 0)
      assertClose(mean, truth(x).mean, 1e-6)
      assertClose((sd * sd) / noiseVariance / truth(x).spread, 1, 1e-4)
    }
  })

  test('sums that have left the range of numbers are refused by name', () => {
    const head = new LinearHead(prior, NEVER)
    head.observe(Float64Array.of(1, 0, 0, 1e200, 1e200), all, 0.5, 1, 0)
    assert.throws(
      () => head.predict(Float64Array.of(1, 0, 0, 0, 0), all, 0),
      (error: { readonly code?: string }) => error.code === 'engine_bad_observation',
    )
  })
})
