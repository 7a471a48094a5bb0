/** Distributions and draws: Vowpal Wabbit's explore.h, inverse gap weighting, Eppo's evaluator, context-free learners. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  betaBestArmProbabilities,
  createLinearBandit,
  drawLikeVowpalWabbit,
  type EppoActions,
  type EppoAttributes,
  type EppoModel,
  eppoScores,
  eppoSelect,
  eppoWeights,
  fromVotes,
  merand48,
  murmurHash3,
  type PolicySpec,
  ucb1Width,
  withFloor,
  withMinimum,
} from '../../engine/index.ts'
import { policyOf } from '../../engine/policies/index.ts'
import { gammaAfter } from '../../engine/policies/squarecb.ts'
import { armIds } from '../helpers/engine.ts'
import { assertNumbers, golden, type Tolerance } from '../helpers/golden.ts'
import { needsShared } from '../helpers/shared.ts'

/** The distribution of a policy over arms of which only the mean utility is known. */
function distribution(spec: PolicySpec, means: readonly number[], examples = 0): Float64Array {
  const nothing = new Float64Array(means.length)
  return policyOf(spec).distribution(
    {
      arms: armIds(...means.map((_, k) => `a${k}`)),
      utilityMean: Float64Array.from(means),
      utilitySd: nothing,
      novelty: nothing,
      costUsd: nothing,
      latencyMs: nothing,
      inFlight: nothing,
      lastTurn: nothing,
      examples,
    },
    spec,
  )
}

type VwCase = { pmf: number[]; rc: number } & (
  | { fn: 'generate_epsilon_greedy'; epsilon: number; top_action: number; n: number }
  | { fn: 'generate_softmax'; lambda: number; scores: number[] }
  | { fn: 'generate_bag'; votes: number[] }
  | {
      fn: 'enforce_minimum_probability'
      uniform_epsilon: number
      update_zero_elements: boolean
      pmf_in: number[]
    }
  | { fn: 'mix_with_uniform'; uniform_epsilon: number; pmf_in: number[] }
  | {
      fn: 'sample_after_normalizing'
      seed: string
      uniform_hash: number
      merand48_draw: number
      weights: number[]
      chosen_index: number
    }
)

function vwDistribution(given: VwCase): Float64Array {
  switch (given.fn) {
    case 'generate_epsilon_greedy': {
      const top = Math.min(given.top_action, given.n - 1)
      const means = Array.from({ length: given.n }, (_, k) => (k === top ? 1 : 0))
      return distribution({ name: 'epsilon-greedy', epsilon: given.epsilon }, means)
    }
    case 'generate_softmax': {
      // Their λ is 1/temperature; a negative one prefers small scores, 0 none.
      const { lambda, scores } = given
      if (lambda === 0) return distribution({ name: 'softmax', temperature: 1e12 }, scores)
      const signed = scores.map((score) => Math.sign(lambda) * score)
      return distribution({ name: 'softmax', temperature: 1 / Math.abs(lambda) }, signed)
    }
    case 'generate_bag':
      return fromVotes(given.votes)
    case 'enforce_minimum_probability': {
      const from = Float64Array.from(given.pmf_in)
      return given.uniform_epsilon === 1
        ? withFloor(from, 1)
        : withMinimum(from, given.uniform_epsilon, !given.update_zero_elements)
    }
    case 'mix_with_uniform':
      return withFloor(Float64Array.from(given.pmf_in), given.uniform_epsilon)
    case 'sample_after_normalizing':
      return fromVotes(given.weights)
  }
}

suite('golden exploration', needsShared('golden', 'bandit'), () => {
  type Exploration = {
    tolerance: { vw_explore_abs: number; inverse_gap_weighting_rel: number }
    vw_explore: VwCase[]
    inverse_gap_weighting: { rewards: number[]; gamma: number; best: number; pmf: number[] }[]
    gamma_schedule: { gamma_scale: number; exponent: number; t: number; gamma: number }[]
  }

  test('exploration-distributions.json: what Vowpal Wabbit makes of scores, votes and floors', () => {
    const { vw_explore, tolerance } = golden<Exploration>('exploration-distributions.json')
    const within = { rel: 0, abs: tolerance.vw_explore_abs }
    for (const [i, given] of vw_explore.entries()) {
      assertNumbers(vwDistribution(given), given.pmf, within, `${given.fn} ${i}`)
      assert.equal(given.rc, 0)
    }
  })

  test('exploration-distributions.json: the action that an event’s id draws', () => {
    const { vw_explore, tolerance } = golden<Exploration>('exploration-distributions.json')
    let compared = 0
    for (const given of vw_explore) {
      if (given.fn !== 'sample_after_normalizing') continue
      assert.equal(murmurHash3(given.seed), given.uniform_hash)
      assertNumbers(merand48(given.uniform_hash), given.merand48_draw, {
        rel: 0,
        abs: tolerance.vw_explore_abs,
      })
      assert.equal(drawLikeVowpalWabbit(given.seed, given.weights), given.chosen_index, given.seed)
      compared++
    }
    assert.ok(compared > 10)
  })

  test('exploration-distributions.json: inverse gap weights and their schedule', () => {
    const file = golden<Exploration>('exploration-distributions.json')
    const within = { rel: file.tolerance.inverse_gap_weighting_rel, abs: 1e-15 }
    for (const { rewards, gamma, best, pmf } of file.inverse_gap_weighting) {
      const spec = { name: 'squarecb', gammaScale: gamma, gammaExponent: 1 } as const
      // γ = gamma after one example; before the first it is 0.
      const found = distribution(spec, rewards, gamma === 0 ? 0 : 1)
      assertNumbers(found, pmf, within, `gamma ${gamma}`)
      assert.equal(rewards.indexOf(Math.max(...rewards)), best)
    }
    for (const { gamma_scale, exponent, t, gamma } of file.gamma_schedule) {
      assertNumbers(gammaAfter(t, gamma_scale, exponent), gamma, within, `t ${t}`)
    }
  })

  test('eppo-inverse-gap.json: scores, weights and the action of each subject', () => {
    const { cases, tolerance } = golden<{
      tolerance: Tolerance
      cases: {
        flagKey: string
        subjectAttributes: EppoAttributes
        actions: EppoActions
        model: EppoModel
        expected: {
          scores: Record<string, number>
          weights: Record<string, number>
          selections: {
            subjectKey: string
            action: string
            actionScore: number
            actionWeight: number
            optimalityGap: number
          }[]
        }
      }[]
    }>('eppo-inverse-gap.json')
    for (const { flagKey, subjectAttributes, actions, model, expected } of cases) {
      const scores = eppoScores(subjectAttributes, actions, model)
      const weights = eppoWeights(scores, model)
      const found = { scores: Object.fromEntries(scores), weights: Object.fromEntries(weights) }
      assertNumbers(found, { scores: expected.scores, weights: expected.weights }, tolerance)
      const best = Math.max(...scores.values())
      for (const { subjectKey, action, ...numbers } of expected.selections) {
        const selected = eppoSelect(flagKey, subjectKey, weights)
        assert.equal(selected, action, subjectKey)
        const actionScore = scores.get(action) as number
        const seen = { actionScore, actionWeight: weights.get(action), optimalityGap: best - actionScore }
        assertNumbers(seen, numbers, tolerance, subjectKey)
      }
    }
  })

  test('context-free.json: UCB1, softmax, means and their shares, and the best of Beta rates', () => {
    const file = golden<{
      tolerance: Tolerance
      input: { decisions: number[]; rewards: number[]; n_arms: number }
      mabwiser: {
        call: string
        arm_to_expectation: Record<string, number>
        predict_expectations?: Record<string, number>
        arm_to_exponent?: Record<string, number>
      }[]
      beta_bernoulli: {
        prior: [number, number]
        alpha: number[]
        beta: number[]
        mean: number[]
        variance: number[]
        prob_best: number[]
      }
    }>('context-free.json')
    const { decisions, rewards, n_arms } = file.input
    const arms = Array.from({ length: n_arms }, (_, k) => k)
    // A regression on a constant, with next to no prior, is the mean.
    const bandit = createLinearBandit({ arms: arms.map(String), dimension: 1, prior: { precision: 1e-300 } })
    const one = Float64Array.of(1)
    for (const [i, arm] of decisions.entries()) bandit.learn(arm, one, rewards[i] as number)
    const means = bandit.beliefs(one).map(({ mean }) => mean)
    const pulls = bandit.sums().map(({ n }) => n)
    const total = pulls.reduce((sum, n) => sum + n, 0)
    const expectations = (call: string): ArrayLike<number> => {
      const argument = Number(/(?:alpha=|tau=|EpsilonGreedy\()([\d.]+)/.exec(call)?.[1])
      if (call.includes('UCB1')) {
        return means.map((mean, k) => mean + argument * ucb1Width(pulls[k] as number, total))
      }
      if (call.includes('Softmax')) return distribution({ name: 'softmax', temperature: argument }, means)
      if (call.includes('EpsilonGreedy')) return means
      const weights = Object.fromEntries(means.map((mean, k) => [`a${k}`, mean]))
      return distribution({ name: 'weighted', weights }, means)
    }
    for (const { call, arm_to_expectation, predict_expectations, arm_to_exponent } of file.mabwiser) {
      const found = Object.fromEntries(Object.entries(Array.from(expectations(call))))
      assertNumbers(found, arm_to_expectation, file.tolerance, call)
      assertNumbers(found, predict_expectations ?? null, file.tolerance, call)
      // Relative to the best arm.
      const most = Math.max(...Object.values(found))
      const exponents = Object.fromEntries(Object.entries(found).map(([k, p]) => [k, p / most]))
      assertNumbers(exponents, arm_to_exponent ?? null, file.tolerance, `${call} exponents`)
    }
    const { prior, alpha, beta, mean, variance, prob_best } = file.beta_bernoulli
    const successes = bandit.sums().map(({ b }) => b[0] as number)
    const [a, b] = [
      successes.map((count) => prior[0] + count),
      successes.map((count, k) => prior[1] + (pulls[k] as number) - count),
    ]
    const moments = {
      mean: a.map((value, k) => value / (value + (b[k] as number))),
      variance: a.map((value, k) => {
        const size = value + (b[k] as number)
        return (value * (b[k] as number)) / (size * size * (size + 1))
      }),
    }
    assertNumbers({ alpha: a, beta: b, ...moments }, { alpha, beta, mean, variance }, file.tolerance)
    assertNumbers(betaBestArmProbabilities(a, b), prob_best, file.tolerance, 'prob_best')
  })
})
