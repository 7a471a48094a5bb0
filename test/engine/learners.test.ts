/** Properties of what is offered beside the router; the digits are in test/golden. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  betaBestArmProbabilities,
  createLinearBandit,
  DiscountedLinUcb,
  EngineError,
  fromVotes,
  HybridLinUcb,
  leverage,
  linearPosterior,
  murmurHash3,
  ucb1Width,
  withFloor,
  withMinimum,
} from '../../engine/index.ts'
import { LinearHead } from '../../engine/linear-head.ts'
import { incompleteBeta, logBeta, logGamma } from '../../engine/special-functions.ts'
import { assertClose, gaussian, seeded } from '../helpers/engine.ts'

const distributions = fc
  .array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 8 })
  .map((weights) => fromVotes(weights.map((weight, k) => (k === 0 ? weight + 0.01 : weight))))

test('a minimum is kept, the order too, and nothing moves that need not', () => {
  fc.assert(
    fc.property(distributions, fc.double({ min: 0, max: 0.999, noNaN: true }), (p, floor) => {
      const q = withMinimum(p, floor)
      const least = floor / p.length
      assertClose(
        q.reduce((sum, value) => sum + value, 0),
        1,
        1e-12,
      )
      assert.ok(q.every((value) => value >= least - 1e-15))
      if (p.every((value) => value >= least))
        for (const [k, value] of q.entries()) assertClose(value, p[k]!, 1e-12)
      for (let k = 1; k < p.length; k++) if (p[k]! > p[0]!) assert.ok(q[k]! >= q[0]! - 1e-15)
      // Of all distributions with that minimum it is the nearest: nearer than the additive floor.
      const distance = (other: Float64Array) => other.reduce((sum, value, k) => sum + (value - p[k]!) ** 2, 0)
      assert.ok(distance(q) <= distance(withFloor(p, floor)) + 1e-12)
    }),
    { seed: 1 },
  )
})

test('log Γ has its known values', () => {
  assertClose(logGamma(0.5), Math.log(Math.PI) / 2, 1e-13)
  assertClose(logGamma(11), Math.log(3_628_800), 1e-13)
  // Recurrence, far out.
  for (const x of [0.1, 2.7, 40, 1_000.5]) assertClose(logGamma(x + 1), logGamma(x) + Math.log(x), 1e-13)
})

test('the incomplete beta function is a binomial sum, and symmetric', () => {
  const choose = (n: number, k: number) => Math.exp(-Math.log(n + 1) - logBeta(n - k + 1, k + 1))
  for (const [a, b] of [
    [1, 1],
    [3, 8],
    [40, 12],
  ] as const) {
    for (const x of [0.01, 0.3, 0.5, 0.9]) {
      const n = a + b - 1
      let sum = 0
      for (let k = a; k <= n; k++) sum += choose(n, k) * x ** k * (1 - x) ** (n - k)
      assertClose(incompleteBeta(x, a, b), sum, 1e-12)
      assertClose(incompleteBeta(x, a, b) + incompleteBeta(1 - x, b, a), 1, 1e-13)
    }
  }
  assert.equal(incompleteBeta(0, 2, 3), 0)
  assert.equal(incompleteBeta(1, 2, 3), 1)
})

test('the best of Beta rates: symmetry, two arms in closed form, and many successes', () => {
  for (const p of betaBestArmProbabilities([3, 3, 3], [7, 7, 7])) assertClose(p, 1 / 3, 1e-12)
  for (const p of betaBestArmProbabilities([0.5, 0.5], [0.5, 0.5])) assertClose(p, 0.5, 1e-12)
  // P(X > Y) for whole α of X (E. Miller, 2015): a sum of beta functions.
  const [a, b, c, d] = [4, 9, 6, 5]
  let closed = 0
  for (let i = 0; i < a; i++)
    closed += Math.exp(logBeta(c + i, d + b) - Math.log(b + i) - logBeta(1 + i, b) - logBeta(c, d))
  assertClose(betaBestArmProbabilities([a, c], [b, d])[0]!, closed, 1e-9)
  const [sure] = betaBestArmProbabilities([600_000, 590_000, 3], [400_000, 410_000, 1e6])
  assertClose(sure!, 1, 1e-9)
})

test('UCB1 tries everything once', () => {
  assert.equal(ucb1Width(0, 10), Number.POSITIVE_INFINITY)
  assertClose(ucb1Width(4, 100), Math.sqrt(Math.log(100) / 2), 1e-15)
})

test('hybrid LinUCB is one ridge regression on shared and own features', () => {
  const [arms, d, k] = [3, 2, 3]
  const hybrid = new HybridLinUcb({ arms, dimension: d, sharedDimension: k, precision: 0.7 })
  const joint = new LinearHead(
    {
      mean: new Float64Array(k + arms * d),
      precision: new Float64Array(k + arms * d).fill(0.7),
      shape: 2,
      rate: 1,
    },
    Number.POSITIVE_INFINITY,
  )
  const uniform = seeded(3)
  const features = (length: number) => Float64Array.from({ length }, () => gaussian(uniform))
  const jointly = (arm: number, x: Float64Array, z: Float64Array) => {
    const whole = new Float64Array(k + arms * d)
    whole.set(z)
    whole.set(x, k + arm * d)
    return whole
  }
  const positions = Int32Array.from({ length: k + arms * d }, (_, i) => i)
  for (let i = 0; i < 60; i++) {
    const [arm, x, z, y] = [i % arms, features(d), features(k), gaussian(uniform)]
    hybrid.learn(arm, x, z, y)
    joint.observe(jointly(arm, x, z), positions, y, 1, 0)
  }
  for (let arm = 0; arm < arms; arm++) {
    const [x, z] = [features(d), features(k)]
    const { mean, variance } = hybrid.estimate(arm, x, z)
    const whole = joint.predict(jointly(arm, x, z), positions, 0)
    assertClose(mean, whole.mean, 1e-10)
    assertClose(variance, whole.sd ** 2 / whole.noiseVariance, 1e-10)
  }
})

test('D-LinUCB widens while an arm rests, and its width is below the plain one', () => {
  const learner = new DiscountedLinUcb({ dimension: 2, discount: 0.9 })
  const x = Float64Array.of(1, 0.5)
  for (let round = 0; round < 20; round++) learner.learn(x, 1, round)
  const [now, later, never] = [learner.estimate(x, 19), learner.estimate(x, 60), learner.estimate(x, 1_000)]
  assert.ok(now.width < now.plainWidth && now.width < later.width)
  assertClose(never.mean, 0, 1e-9)
  assertClose(never.width, Math.sqrt(1.25), 1e-9)
})

test('the evidence of examples is the product of what was predicted of each', () => {
  const prior = { mean: Float64Array.of(0.3, 0), precision: Float64Array.of(1, 4), shape: 3, rate: 0.5 }
  const head = new LinearHead(prior, Number.POSITIVE_INFINITY)
  const uniform = seeded(11)
  let product = 0
  for (let i = 0; i < 20; i++) {
    const [x, y] = [Float64Array.of(1, gaussian(uniform)), gaussian(uniform)]
    const sums = head.sumsAt(0)
    const { factor, mean, shape, rate } = linearPosterior(
      sums ?? { asOfMs: 0, n: 0, c: 0, A: new Float64Array(3), b: new Float64Array(2) },
      prior,
    )
    const scale = Math.sqrt((rate / shape) * (1 + leverage({ factor } as never, x)))
    const degrees = 2 * shape
    const t = (y - mean[0]! * x[0]! - mean[1]! * x[1]!) / scale
    product +=
      logGamma((degrees + 1) / 2) -
      logGamma(degrees / 2) -
      0.5 * Math.log(degrees * Math.PI) -
      Math.log(scale) -
      ((degrees + 1) / 2) * Math.log1p((t * t) / degrees)
    head.observe(x, Int32Array.of(0, 1), y, 1, 0)
  }
  assertClose(linearPosterior(head.sumsAt(0)!, prior).logEvidence, product, 1e-10)
})

test('MurmurHash3 has its published values', () => {
  assert.equal(murmurHash3(''), 0)
  assert.equal(murmurHash3('test'), 0xba6bd213)
  assert.equal(murmurHash3('Hello, world!'), 0xc0363e43)
})

test('options out of range are refused', () => {
  const refuses = (run: () => unknown) =>
    assert.throws(run, (error) => error instanceof EngineError && error.code === 'engine_bad_config')
  refuses(() => new HybridLinUcb({ arms: 0, dimension: 1, sharedDimension: 1 }))
  refuses(() => new HybridLinUcb({ arms: 1, dimension: 1, sharedDimension: 1, precision: 0 }))
  refuses(() => new DiscountedLinUcb({ dimension: 1, discount: 1 }))
  refuses(() => new DiscountedLinUcb({ dimension: 1, discount: 0.9, precision: -1 }))
})

test('a bandit’s posterior is the prior while there is nothing to learn from', () => {
  const bandit = createLinearBandit({ arms: ['a'], dimension: 2, prior: { mean: Float64Array.of(0.5, 0) } })
  const { mean, precision, shape } = bandit.posterior('a')
  assert.deepEqual([...mean], [0.5, 0])
  assert.deepEqual([...precision], [1, 0, 1])
  assert.equal(shape, 2)
})
