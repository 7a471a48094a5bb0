/** The decision core on the problem that Vowpal Wabbit was measured on; the whole table is test/bench/vw-problem.ts. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { suite, test } from 'node:test'
import { needsShared } from '../helpers/shared.ts'
import { loadVwProblem, loadVwResults, REFERENCE, runVwProblem } from '../helpers/vw-problem.ts'

suite('the problem of Vowpal Wabbit', needsShared('golden', 'bandit', 'vw-problem'), () => {
  for (const alpha of [0.1, 0.25, 1]) {
    for (const variant of ['stationary', 'drift'] as const) {
      test(`LinUCB of width ${alpha} chooses as the reference does in every round, ${variant}`, () => {
        const reference = loadVwResults().reference_learners.find(
          ({ problem, algorithm, args }) =>
            problem === variant && algorithm === 'disjoint LinUCB' && args.alpha === alpha,
        )
        assert.ok(reference?.choices_sha256 !== undefined && reference.arm_counts !== undefined)
        const learner = { policy: { name: 'linucb', alpha }, ...REFERENCE } as const
        const run = runVwProblem(loadVwProblem(), variant, learner, 1)
        assert.equal(createHash('sha256').update(run.choices).digest('hex'), reference.choices_sha256)
        assert.deepEqual(
          reference.arm_counts.map((_, arm) => run.choices.filter((choice) => choice === arm).length),
          reference.arm_counts,
        )
        assert.ok(Math.abs(run.cost - reference.progressive_average_cost) < 1e-9)
        for (const [round, reward] of Object.entries(reference.cumulative_reward_after ?? {})) {
          assert.ok(Math.abs((run.rewardAfter.get(Number(round)) ?? 0) - reward) < 1e-6, `after ${round}`)
        }
      })
    }
  }

  test('the default learner costs at most 0.2115 a round, less than any of Vowpal Wabbit’s', () => {
    const run = runVwProblem(loadVwProblem(), 'stationary', {}, 1)
    assert.ok(run.cost <= 0.2115, `cost ${run.cost}`)
    const costs = loadVwResults()
      .vw.filter(({ problem }) => problem === 'stationary')
      .map(({ progressive_average_cost }) => progressive_average_cost)
    assert.ok(costs.length >= 10 && run.cost < Math.min(...costs))
  })

  test('with nothing tuned to it, the same learner keeps up with a drift better than any of Vowpal Wabbit’s', () => {
    const run = runVwProblem(loadVwProblem(), 'drift', {}, 1)
    assert.ok(run.cost <= 0.23, `cost ${run.cost}`)
    const costs = loadVwResults()
      .vw.filter(({ problem }) => problem === 'drift')
      .map(({ progressive_average_cost }) => progressive_average_cost)
    assert.ok(costs.length >= 10 && run.cost < Math.min(...costs))
  })

  test('forgetting costs little while nothing drifts, and keeps up with a drift', () => {
    const halfLife = Math.log(0.5) / Math.log(0.9999)
    const learner = { policy: { name: 'linucb' }, halfLife, drift: false } as const
    const [still, drifting] = (['stationary', 'drift'] as const).map((variant) =>
      runVwProblem(loadVwProblem(), variant, learner, 1),
    )
    // The discounted LinUCB of the reference runs has 0.2118 and 0.2307.
    assert.ok(still && still.cost <= 0.2125, `stationary ${still?.cost}`)
    assert.ok(drifting && drifting.cost <= 0.2315, `drift ${drifting?.cost}`)
  })
})
