/** A new arm is tried in full, but not for ever. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  type ArmId,
  bestArmProbabilities,
  observationsFromOutcome,
  qualityObservation,
  type Router,
} from '../../engine/index.ts'
import { DEFAULT_EXPLORATION } from '../../engine/policies/thompson.ts'
import { arm, armIds, assertClose, decide, decisionId, router } from '../helpers/engine.ts'
import { AFTER, FLOOR, onboard } from '../helpers/newcomer.ts'

const [known, young] = armIds('p/a', 'p/b') as [ArmId, ArmId]

function answer(target: Router, id: ArmId, count: number, judged: boolean): void {
  const decision = decide(target, { candidates: [id] })
  for (let i = 0; i < count; i++) {
    const of = { ...decision, id: decisionId(i) }
    const outcome = { arm: id, succeeded: true, outputTokens: 200 }
    target.learn([
      ...(judged ? [qualityObservation(of, id, i % 5 === 0 ? 0 : 1, 1_000)] : []),
      ...observationsFromOutcome(of, outcome, 1_000, target.featureSpace.servingDimension),
    ])
  }
}

/** What the sds of the utilities were multiplied by, read off the probability of the second arm. */
function factorOf(target: Router): number {
  const { estimates, probabilities } = decide(target, { candidates: [known, young], floor: 0 })
  const mean = Float64Array.from(estimates, ({ utility }) => utility.mean)
  const of = (factor: number) =>
    bestArmProbabilities(
      mean,
      Float64Array.from(estimates, ({ utility }, k) => utility.sd * (k === 0 ? DEFAULT_EXPLORATION : factor)),
    )[1]!
  let [lo, hi] = [0.01, 2]
  for (let step = 0; step < 60; step++) {
    const middle = (lo + hi) / 2
    // The second arm has the lower mean: the more of its sd counts, the likelier it is the best.
    if (of(middle) < probabilities[1]!) lo = middle
    else hi = middle
  }
  return (lo + hi) / 2
}

suite('a trial', () => {
  const started = () => {
    const target = router([
      arm('p/a'),
      arm('p/b', { prior: { quality: 0.45, ttftMs: 500, tpotMs: 10, outputTokens: 200 } }),
    ])
    answer(target, known, 400, true)
    return target
  }

  test('ends with the two hundredth answer that is judged', () => {
    const target = started()
    assertClose(factorOf(target), 1, 1e-3)
    answer(target, young, 199, true)
    const last = factorOf(target)
    assert.ok(last > DEFAULT_EXPLORATION + 0.02, `${last}`)
    answer(target, young, 1, true)
    assertClose(factorOf(target), DEFAULT_EXPLORATION, 1e-3)
  })

  test('ends with the thousandth answer where none is judged', () => {
    const target = started()
    answer(target, young, 999, false)
    assertClose(factorOf(target), 1, 1e-3)
    answer(target, young, 1, false)
    assertClose(factorOf(target), DEFAULT_EXPLORATION, 1e-3)
  })

  test('of a worse arm takes two hundred calls at most beside what the floor takes', () => {
    const fromFloor = (AFTER * FLOOR) / 3
    for (const [quality, registered] of [
      [0.3, 0.9],
      [0.5, 0.9],
      [0.5, 0.5],
    ] as const) {
      for (let seed = 1; seed <= 3; seed++) {
        const { calls } = onboard(quality, registered, seed)
        // The floor's calls are Bernoulli draws: five standard deviations of them.
        assert.ok(calls <= 200 + fromFloor + 5 * Math.sqrt(fromFloor), `${quality}: ${calls} calls`)
      }
    }
  })

  test('of a better arm ends with most of the traffic, though it was registered as the worst', () => {
    for (let seed = 1; seed <= 3; seed++) {
      const { lastCalls } = onboard(0.8, 0.5, seed)
      assert.ok(lastCalls > 500, `${lastCalls} of the last 1,000`)
    }
  })
})
