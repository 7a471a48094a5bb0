import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLinearBandit, EngineError, type LinearBanditOptions } from '../../engine/index.ts'
import { assertClose, gaussian, seeded } from '../helpers/engine.ts'

const D = 4
const options = (overrides: Partial<LinearBanditOptions> = {}): LinearBanditOptions => ({
  arms: ['a', 'b', 'c'],
  dimension: D,
  ...overrides,
})

/** Arm k pays k/4 plus x[1] times its own slope, plus noise. */
function* examples(seed: number, count: number) {
  const uniform = seeded(seed)
  for (let i = 0; i < count; i++) {
    const x = Float64Array.of(1, gaussian(uniform), gaussian(uniform), 0)
    const arm = 'abc'[i % 3] as string
    const k = i % 3
    yield { x, arm, reward: k / 4 + (k - 1) * 0.2 * x[1]! + 0.1 * gaussian(uniform), at: i }
  }
}

function experienced(overrides: Partial<LinearBanditOptions> = {}) {
  const bandit = createLinearBandit(options(overrides))
  for (const { x, arm, reward, at } of examples(1, 300)) bandit.learn(arm, x, reward, at)
  return bandit
}

const PROBE = Float64Array.of(1, 1, 0, 0)

test('it learns which arm pays in which context', () => {
  const bandit = experienced({ policy: { name: 'linucb' } })
  assert.equal(bandit.decide(Float64Array.of(1, 2, 0, 0), 'x').arm, 'c')
  assert.equal(bandit.decide(Float64Array.of(1, -4, 0, 0), 'x').arm, 'a')
  const [a] = bandit.beliefs(PROBE)
  assert.ok(Math.abs((a?.mean ?? 0) + 0.2) < 5 * (a?.sd ?? 0))
})

test('a decision is its distribution and a draw by its id', () => {
  const bandit = experienced({ floor: 0.3, policy: { name: 'thompson' } })
  const shares = new Float64Array(3)
  const draws = 3_000
  for (let i = 0; i < draws; i++) {
    const decision = bandit.decide(PROBE, `id ${i}`)
    assert.deepEqual(bandit.decide(PROBE, `id ${i}`), decision)
    assert.equal(decision.propensity, decision.probabilities[decision.index])
    assert.equal(decision.arm, bandit.arms[decision.index])
    shares[decision.index]! += 1 / draws
  }
  const { probabilities } = bandit.decide(PROBE, 'any')
  assertClose(
    probabilities.reduce((sum, p) => sum + p, 0),
    1,
    1e-12,
  )
  for (const [k, p] of probabilities.entries()) {
    assert.ok(p >= 0.1 - 1e-15)
    assert.ok(Math.abs((shares[k] as number) - p) < 5 * Math.sqrt((p * (1 - p)) / draws))
  }
})

test('ids are sorted, and an example may name its arm or give the position', () => {
  const byId = createLinearBandit(options({ arms: ['c', 'a', 'b'] }))
  const byIndex = createLinearBandit(options())
  assert.deepEqual(byId.arms, ['a', 'b', 'c'])
  byId.learn('b', PROBE, 1)
  byIndex.learn(1, PROBE, 1)
  assert.deepEqual(byId.sums(), byIndex.sums())
})

test('sums of two bandits merge to those of one that saw everything', () => {
  const whole = experienced({ halfLife: 100 })
  const parts = [
    createLinearBandit(options({ halfLife: 100 })),
    createLinearBandit(options({ halfLife: 100 })),
  ]
  for (const { x, arm, reward, at } of examples(1, 300)) parts[at % 2]?.learn(arm, x, reward, at)
  const merged = createLinearBandit(options({ halfLife: 100 }))
  for (const part of parts) merged.absorb(part.sums())
  for (const [k, belief] of merged.beliefs(PROBE, 400).entries()) {
    const expected = whole.beliefs(PROBE, 400)[k]
    assertClose(belief.mean, expected?.mean ?? 0, 1e-9)
    assertClose(belief.sd, expected?.sd ?? 0, 1e-9)
  }
})

test('an example that is taken back leaves nothing', () => {
  const bandit = experienced()
  const before = bandit.beliefs(PROBE)
  bandit.learn('a', PROBE, 5)
  bandit.learn('a', PROBE, 5, 0, -1)
  for (const [k, { mean, sd }] of bandit.beliefs(PROBE).entries()) {
    assertClose(mean, before[k]?.mean ?? 0, 1e-9)
    assertClose(sd, before[k]?.sd ?? 0, 1e-9)
  }
})

test('a known noise stays what it is; a learned one follows the rewards', () => {
  const sdOf = (bandit: ReturnType<typeof experienced>) => bandit.beliefs(PROBE)[0]?.sd ?? 0
  const known = (sd: number) => experienced({ prior: { noise: { kind: 'known', sd } } })
  assertClose(sdOf(known(2)) / sdOf(known(0.1)), 20, 1e-9)
  // The noise of the examples has sd 0.1.
  const ratio = sdOf(experienced()) / sdOf(known(0.1))
  assert.ok(ratio > 0.8 && ratio < 1.4, `${ratio}`)
})

test('what is not seen comes back to the prior as it is forgotten', () => {
  const bandit = experienced({ halfLife: 50, prior: { mean: Float64Array.of(0.5, 0, 0, 0) } })
  const [, , fresh] = bandit.beliefs(PROBE, 300)
  const [, , stale] = bandit.beliefs(PROBE, 300 + 50 * 40)
  assert.ok((stale?.sd ?? 0) > 5 * (fresh?.sd ?? 0))
  assertClose(stale?.mean ?? 0, 0.5, 1e-6)
})

test('options and examples out of range are refused by name', () => {
  const wrongOptions: readonly (readonly [Partial<LinearBanditOptions>, RegExp])[] = [
    [{ arms: [] }, /arms must be one or more different ids, got 0/],
    [{ arms: ['a', 'a'] }, /arms .*got 2/],
    [{ dimension: 0 }, /dimension .*got 0/],
    [{ dimension: 1.5 }, /dimension .*got 1.5/],
    [{ halfLife: 0 }, /halfLife must be above 0, got 0/],
    [{ floor: 1 }, /floor .*got 1/],
    [{ policy: { name: 'linucb', alpha: -1 } }, /alpha .*got -1/],
    [{ prior: { precision: 0 } }, /prior.precision .*got 0/],
    [{ prior: { mean: new Float64Array(2) } }, /prior.mean.length must be 4, got 2/],
    [{ prior: { noise: { kind: 'learned', sd: 1, strength: 2 } } }, /strength must be above 2, got 2/],
    [{ prior: { noise: { kind: 'known', sd: Number.NaN } } }, /prior.noise.sd .*got NaN/],
  ]
  const refuses = (run: () => unknown, code: string, message: RegExp) =>
    assert.throws(
      run,
      (error) => error instanceof EngineError && error.code === code && message.test(error.message),
    )
  for (const [wrong, message] of wrongOptions) {
    refuses(() => createLinearBandit(options(wrong)), 'engine_bad_config', message)
  }
  const bandit = createLinearBandit(options())
  const bad = 'engine_bad_observation'
  refuses(() => bandit.decide(new Float64Array(3), 'x'), bad, /3 coordinates, expected 4/)
  refuses(() => bandit.decide(Float64Array.of(1, Number.NaN, 0, 0), 'x'), bad, /not finite/)
  refuses(() => bandit.learn('d', PROBE, 1), bad, /unknown arm d; the arms are a, b, c/)
  refuses(() => bandit.learn(3, PROBE, 1), bad, /unknown arm 3/)
  refuses(() => bandit.learn('a', PROBE, Number.NaN), bad, /arm a has a number that is not finite/)
  refuses(() => bandit.learn('a', Float64Array.of(1, Infinity, 0, 0), 1), bad, /not finite/)
  const [sums] = experienced().sums()
  assert.ok(sums)
  refuses(() => bandit.absorb([{ ...sums, arm: 'z' }]), 'engine_snapshot_mismatch', /arm z/)
  refuses(() => bandit.absorb([{ ...sums, c: Number.NaN }]), 'engine_snapshot_mismatch', /not finite/)
  refuses(
    () => bandit.absorb([{ ...sums, b: new Float64Array(2) }]),
    'engine_snapshot_mismatch',
    /2 coordinates/,
  )
})
