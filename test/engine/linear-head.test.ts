import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CountHead } from '../../engine/count-head.ts'
import { invertWithDiagonal, nonZeros, packedLength, quadraticForm } from '../../engine/linalg.ts'
import { LinearHead, type LinearPrior } from '../../engine/linear-head.ts'
import { assertClose, gaussian, seeded } from '../helpers/engine.ts'

const D = 5
const prior: LinearPrior = {
  mean: Float64Array.of(0.4, 0, 0, 0, 0),
  precision: Float64Array.of(0.25, 4, 4, 20, 20),
  shape: 2,
  rate: 0.25,
}
const NEVER = Number.POSITIVE_INFINITY

interface Example {
  readonly x: Float64Array
  readonly y: number
  readonly atMs: number
}

function examples(seed: number, count: number): Example[] {
  const uniform = seeded(seed)
  return Array.from({ length: count }, (_, i) => {
    const x = Float64Array.of(
      1,
      uniform() < 0.5 ? 1 : 0,
      uniform() < 0.3 ? 1 : 0,
      gaussian(uniform),
      gaussian(uniform),
    )
    return { x, y: 0.5 + 0.2 * (x[1] ?? 0) - 0.1 * (x[3] ?? 0) + 0.1 * gaussian(uniform), atMs: 1_000 * i }
  })
}

const observe = (head: LinearHead, { x, y, atMs }: Example, weight = 1) =>
  head.observe(x, nonZeros(x, D), y, weight, atMs)
const predict = (head: LinearHead, x: Float64Array, atMs: number) => head.predict(x, nonZeros(x, D), atMs)
const PROBE = Float64Array.of(1, 1, 0, 0.5, -0.5)

test('the covariance times the precision is the identity, for any sum of outer products', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 0, max: 40 }), (seed, count) => {
      const A = new Float64Array(packedLength(D))
      for (const { x } of examples(seed, count)) {
        for (let i = 0, k = 0; i < D; i++) for (let j = 0; j <= i; j++, k++) A[k]! += x[i]! * x[j]!
      }
      const V = invertWithDiagonal(A, prior.precision)
      const at = (M: Float64Array, i: number, j: number): number =>
        M[(Math.max(i, j) * (Math.max(i, j) + 1)) / 2 + Math.min(i, j)]!
      for (let i = 0; i < D; i++) {
        for (let j = 0; j < D; j++) {
          let product = 0
          for (let k = 0; k < D; k++)
            product += (at(A, i, k) + (i === k ? prior.precision[i]! : 0)) * at(V, k, j)
          assertClose(product, i === j ? 1 : 0, 1e-9)
        }
      }
    }),
    { seed: 1 },
  )
})

test('a quadratic form is the same with and without zeros to skip', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 9 }), (seed, d) => {
      const uniform = seeded(seed)
      const A = Float64Array.from({ length: packedLength(d) }, () => gaussian(uniform))
      const x = Float64Array.from({ length: d }, () => (uniform() < 0.3 ? 0 : gaussian(uniform)))
      let expected = 0
      for (let i = 0, k = 0; i < d; i++)
        for (let j = 0; j <= i; j++, k++) expected += (i === j ? 1 : 2) * A[k]! * x[i]! * x[j]!
      assertClose(quadraticForm(A, x, nonZeros(x, d)), expected, 1e-12)
      assertClose(
        quadraticForm(
          A,
          x,
          Int32Array.from({ length: d }, (_, i) => i),
        ),
        expected,
        1e-12,
      )
    }),
    { seed: 1 },
  )
})

test('a matrix that rounding left indefinite is repaired, not inverted into nonsense', () => {
  const A = Float64Array.of(1, 1, 1 - 1e-13)
  const V = invertWithDiagonal(A, Float64Array.of(0, 0))
  assert.ok(V.every(Number.isFinite))
  assert.ok(V[0]! > 0 && V[2]! > 0)
})

test('following example by example equals forming the posterior from the sums', () => {
  const stream = examples(3, 700)
  const followed = new LinearHead(prior, NEVER)
  for (const example of stream) {
    observe(followed, example)
    predict(followed, PROBE, example.atMs)
  }
  const formed = new LinearHead(prior, NEVER)
  for (const example of stream) observe(formed, example)
  const [a, b] = [predict(followed, PROBE, 1e6), predict(formed, PROBE, 1e6)]
  assertClose(a.mean, b.mean, 1e-10)
  assertClose(a.sd, b.sd, 1e-10)
  assertClose(a.noiseVariance, b.noiseVariance, 1e-10)
})

test('before any data the prior predicts; the posterior of no data is the prior', () => {
  const empty = new LinearHead(prior, NEVER)
  const fresh = predict(empty, PROBE, 0)
  const retracted = new LinearHead(prior, NEVER)
  const [example] = examples(1, 1) as [Example]
  observe(retracted, example)
  observe(retracted, example, -1)
  const back = predict(retracted, PROBE, 0)
  assertClose(back.mean, fresh.mean, 1e-9)
  assertClose(back.sd, fresh.sd, 1e-9)
  assertClose(fresh.mean, 0.4, 1e-12)
})

test('weight −1 takes an example back wherever it stood', () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat(19), (seed, which) => {
      const stream = examples(seed, 20)
      const all = new LinearHead(prior, NEVER)
      for (const example of stream) observe(all, example)
      observe(all, stream[which]!, -1)
      const others = new LinearHead(prior, NEVER)
      for (const [i, example] of stream.entries()) if (i !== which) observe(others, example)
      assertClose(predict(all, PROBE, 1e5).mean, predict(others, PROBE, 1e5).mean, 1e-9)
      assertClose(predict(all, PROBE, 1e5).sd, predict(others, PROBE, 1e5).sd, 1e-9)
    }),
    { seed: 1 },
  )
})

test('with forgetting, order of arrival does not matter and age counts half per half-life', () => {
  const stream = examples(5, 30)
  const inOrder = new LinearHead(prior, 7_000)
  for (const example of stream) observe(inOrder, example)
  const reversed = new LinearHead(prior, 7_000)
  for (const example of stream.toReversed()) observe(reversed, example)
  const [a, b] = [inOrder.sumsAt(50_000), reversed.sumsAt(50_000)]
  assert.ok(a && b)
  const expected = stream.reduce((n, { atMs }) => n + 2 ** (-(50_000 - atMs) / 7_000), 0)
  assertClose(a.n, expected, 1e-12)
  assertClose(b.n, expected, 1e-12)
  for (let i = 0; i < D; i++) assertClose(a.b[i]!, b.b[i]!, 1e-12)
})

test('forgetting widens what is believed until only the prior is left', () => {
  const head = new LinearHead(prior, 1_000)
  for (const example of examples(6, 50)) observe(head, { ...example, atMs: 0 })
  const sds = [0, 1_000, 4_000, 60_000].map((atMs) => predict(head, PROBE, atMs).sd)
  for (let i = 1; i < sds.length; i++) assert.ok(sds[i]! > sds[i - 1]!, `${sds}`)
  assertClose(predict(head, PROBE, 1e6).sd, predict(new LinearHead(prior, 1_000), PROBE, 0).sd, 1e-6)
})

test('the posterior finds the coefficients, and its sd is honest', () => {
  const head = new LinearHead(prior, NEVER)
  for (const example of examples(11, 5_000)) observe(head, example)
  const truth = 0.5 + 0.2 * 1 - 0.1 * 0.5
  const { mean, sd, noiseVariance } = predict(head, PROBE, 1e7)
  assert.ok(Math.abs(mean - truth) < 5 * sd, `${mean} ± ${sd} is not ${truth}`)
  // Five standard errors of a variance estimated from 5,000 Gaussian residuals.
  assertClose(noiseVariance, 0.01, 5 * Math.sqrt(2 / 5_000))
})

test('sums of ill-conditioned contexts stay usable', () => {
  const head = new LinearHead(prior, NEVER)
  const uniform = seeded(2)
  for (let i = 0; i < 3_000; i++) {
    const u = uniform()
    observe(head, { x: Float64Array.of(1, 1, u, u * (1 + 1e-9), 1e4 * u), y: u, atMs: i })
  }
  const { mean, sd } = predict(head, Float64Array.of(1, 1, 0.5, 0.5, 5_000), 3_000)
  assert.ok(Number.isFinite(sd) && sd >= 0)
  assert.ok(Math.abs(mean - 0.5) < 1e-3, `${mean}`)
})

test('success counts decay, take back and start from the prior', () => {
  const head = new CountHead({ successes: 19, failures: 1 }, 1_000)
  assertClose(head.predict(0).mean, 0.95, 1e-12)
  for (let i = 0; i < 20; i++) head.observe(0, 1, 5_000)
  assertClose(head.predict(5_000).mean, 19 / 40, 1e-12)
  assertClose(head.predict(6_000).mean, 19 / 30, 1e-12)
  for (let i = 0; i < 20; i++) head.observe(0, -1, 5_000)
  assertClose(head.predict(5_000).mean, 0.95, 1e-12)
})

test('sums that have faded to the smallest of numbers are no evidence', () => {
  const head = new LinearHead(prior, 1_000)
  for (const example of examples(5, 40)) observe(head, example)
  // Half of the smallest number is rounded to itself: sums that are read as often as this never come to 0.
  for (let atMs = 40_000; atMs < 1_200_000; atMs += 500) head.sumsAt(atMs)
  assert.equal(head.sumsAt(1_200_000)?.n, Number.MIN_VALUE)
  assert.equal(head.evidence(1_200_000), undefined)
  assertClose(predict(head, PROBE, 1_200_000).mean, 0.4, 1e-12)
})

test('what is taken back before it came leaves what was believed, and counts once it has come', () => {
  const all = examples(6, 60)
  const head = new LinearHead(prior, NEVER)
  const untouched = predict(new LinearHead(prior, NEVER), PROBE, 0)
  for (const [i, example] of all.entries()) {
    observe(head, example, -1)
    const { mean, sd } = predict(head, PROBE, example.atMs)
    assertClose(mean, untouched.mean, 1e-12, `mean after ${i}`)
    assertClose(sd, untouched.sd, 1e-12, `sd after ${i}`)
    assert.equal(head.evidence(example.atMs), undefined)
  }
  const rest = examples(7, 50)
  const expected = new LinearHead(prior, NEVER)
  for (const example of rest) observe(expected, example)
  // Read after every one, so that the posterior is followed where it can be.
  for (const example of [...all, ...rest]) {
    observe(head, example)
    assert.ok(predict(head, PROBE, example.atMs).sd <= untouched.sd * 1.5)
  }
  assertClose(predict(head, PROBE, 60_000).mean, predict(expected, PROBE, 60_000).mean, 1e-9)
  assertClose(predict(head, PROBE, 60_000).sd, predict(expected, PROBE, 60_000).sd, 1e-9)
})
