import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bestArmProbabilities } from '../../engine/best-arm.ts'
import { type BestArmInformation, bestArmInformation } from '../../engine/best-arm-information.ts'
import { normalCdfExact } from '../../engine/normal.ts'
import { informationDirected } from '../../engine/policies/information-directed.ts'
import { assertClose, gaussian, seeded } from '../helpers/engine.ts'

const beliefs = fc
  .array(
    fc.record({
      mean: fc.double({ min: -2, max: 2, noNaN: true }),
      sd: fc.double({ min: 0.05, max: 3, noNaN: true }),
    }),
    { minLength: 2, maxLength: 8 },
  )
  .map((arms) => ({
    mean: Float64Array.from(arms, (a) => a.mean),
    sd: Float64Array.from(arms, (a) => a.sd),
  }))

const sum = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0)

test('two arms have a closed form', () => {
  for (const [gap, s0, s1] of [
    [0, 1, 1],
    [0.3, 0.2, 0.5],
    [-1, 0.05, 2],
    [2, 1, 1e-4],
  ] as const) {
    const { regret, gain } = bestArmInformation(Float64Array.of(gap, 0), Float64Array.of(s0, s1))
    // Clark 1961, "The greatest of a finite set of random variables".
    const spread = Math.hypot(s0, s1)
    const z = gap / spread
    const p = normalCdfExact(z)
    const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)
    const largest = gap * p + spread * density
    assertClose(regret[0]!, largest - gap, 1e-9)
    assertClose(regret[1]!, largest, 1e-9)
    // E[u_a | A*] moves by s_a²·φ(z)/spread over P(A*) either way.
    for (const [a, s] of [s0, s1].entries()) {
      assertClose(gain[a]!, (s ** 4 / spread ** 2) * density ** 2 * (1 / p + 1 / (1 - p)), 1e-8, `arm ${a}`)
    }
  }
})

test('a million draws lose and tell what is computed', () => {
  const mean = Float64Array.of(0.61, 0.6, 0.55, 0.3)
  const sd = Float64Array.of(0.02, 0.05, 0.1, 0.2)
  const K = mean.length
  const draws = 1_000_000
  const uniform = seeded(7)
  const count = new Float64Array(K)
  const totalGiven = new Float64Array(K * K)
  let largest = 0
  for (let i = 0; i < draws; i++) {
    const u = mean.map((m, k) => m + sd[k]! * gaussian(uniform))
    let best = 0
    for (let k = 1; k < K; k++) if (u[k]! > u[best]!) best = k
    count[best]! += 1
    largest += u[best]! / draws
    for (let k = 0; k < K; k++) totalGiven[k * K + best]! += u[k]!
  }
  const { regret, gain } = bestArmInformation(mean, sd)
  for (let a = 0; a < K; a++) {
    assertClose(regret[a]!, largest - mean[a]!, (5 * sd[K - 1]!) / Math.sqrt(draws))
    const drawn = sum(count.map((n, b) => (n / draws) * (totalGiven[a * K + b]! / n - mean[a]!) ** 2))
    // Relative error of a mean given A* is some 1/√(draws where it is so); the rarest arm is best 6 % of the time.
    assertClose(gain[a]!, drawn, 0.02 * drawn, `arm ${a}`)
  }
})

test('regret is that of the expected largest; what is told is no more than what is unknown', () => {
  fc.assert(
    fc.property(beliefs, ({ mean, sd }) => {
      const { regret, gain } = bestArmInformation(mean, sd)
      for (let a = 0; a < mean.length; a++) {
        assert.ok(regret[a]! >= 0)
        assert.ok(gain[a]! >= 0 && gain[a]! <= sd[a]! ** 2 * (1 + 1e-9))
        assertClose(regret[a]! + mean[a]!, regret[0]! + mean[0]!, 1e-9)
      }
      // Adding what never is the largest changes nothing.
      const more = bestArmInformation(Float64Array.of(...mean, -1e3), Float64Array.of(...sd, 1))
      for (let a = 0; a < mean.length; a++) assertClose(more.gain[a]!, gain[a]!, 1e-8)
      assert.equal(more.gain[mean.length], 0)
    }),
    { seed: 1, numRuns: 100 },
  )
})

test('utilities on any scale', () => {
  const of = (scale: number): BestArmInformation =>
    bestArmInformation(
      Float64Array.of(0.5, 0.4, 0.3).map((m) => m * scale),
      Float64Array.of(0.1, 0.2, 0.1).map((s) => s * scale),
    )
  const one = of(1)
  for (const scale of [1e-60, 1e-3, 1e6, 1e60]) {
    const { regret, gain } = of(scale)
    for (let a = 0; a < 3; a++) {
      assertClose(regret[a]! / scale, one.regret[a]!, 1e-12)
      assertClose(gain[a]! / scale ** 2, one.gain[a]!, 1e-12)
    }
  }
})

function ratio({ regret, gain }: BestArmInformation, p: ArrayLike<number>): number {
  const expected = (values: Float64Array) => sum(values.map((value, a) => value * p[a]!))
  return expected(regret) ** 2 / expected(gain)
}

function chosen(mean: Float64Array, sd: Float64Array): Float64Array {
  const none = new Float64Array(mean.length)
  const input = {
    utilityMean: mean,
    utilitySd: sd,
    novelty: none,
    costUsd: none,
    latencyMs: none,
    inFlight: none,
  }
  return informationDirected.distribution(
    { arms: [], ...input, lastTurn: none, examples: 0 },
    { name: 'information-directed' },
  )
}

test('no other distribution learns for less, and at most two arms have a part', () => {
  const weights = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 8, maxLength: 8 })
  fc.assert(
    fc.property(beliefs, fc.array(weights, { minLength: 20, maxLength: 20 }), ({ mean, sd }, others) => {
      const information = bestArmInformation(mean, sd)
      const p = chosen(mean, sd)
      assertClose(sum(p), 1, 1e-12)
      assert.ok(p.filter((share) => share > 0).length <= 2)
      const least = ratio(information, p) * (1 - 1e-9)
      for (const other of others) {
        const total = sum(other.slice(0, mean.length))
        if (total === 0) continue
        const q = other.slice(0, mean.length).map((weight) => weight / total)
        assert.ok(!(ratio(information, q) < least), `${q} learns for less than ${[...p]}`)
      }
      for (let a = 0; a < mean.length; a++) {
        for (let b = 0; b < a; b++) {
          for (let percent = 0; percent <= 100; percent++) {
            const pair = Array.from(mean, (_, k) => (k === a ? percent : k === b ? 100 - percent : 0) / 100)
            assert.ok(!(ratio(information, pair) < least), `${pair} learns for less than ${[...p]}`)
          }
        }
      }
      // Random mixtures hardly ever come near the best one: pure choices and what Thompson sampling does do.
      for (let a = 0; a < mean.length; a++) {
        assert.ok(
          !(
            ratio(
              information,
              Array.from(mean, (_, b) => Number(a === b)),
            ) < least
          ),
        )
      }
      assert.ok(!(ratio(information, bestArmProbabilities(mean, sd)) < least))
    }),
    { seed: 1, numRuns: 200 },
  )
})

test('what is certain is not asked again', () => {
  assert.deepEqual([...chosen(Float64Array.of(0.2, 0.7, 0.1), new Float64Array(3))], [0, 1, 0])
  assert.deepEqual([...chosen(Float64Array.of(0.5, 0.5), new Float64Array(2))], [1, 0])
  // Better than one that nothing is known of, almost surely.
  const [known] = chosen(Float64Array.of(0.9, 0), Float64Array.of(0, 0.1))
  assert.ok(known! > 1 - 1e-9)
  // Of two alike the one is asked that is less known.
  const [, unknown] = chosen(Float64Array.of(0.5, 0.5), Float64Array.of(0.01, 0.1))
  assert.ok(unknown! > 0.99)
})
