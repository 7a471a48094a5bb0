import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { openDataset } from '../../datasets/index.ts'
import {
  BASELINE_NAMES,
  EvaluationError,
  type ReplayOptions,
  renderReplayTable,
  replay,
  toReplayJson,
} from '../../eval/index.ts'
import { inOrderOfArrival, pricePath, priceRange } from '../../eval/replay/price-path.ts'
import { needsShared, sharedPath } from '../helpers/shared.ts'
import { datasetOf, outcome, skilledRows } from './worlds.ts'

/** Two arms that are good at one thing each cost $0.001, a third one a hundredth of that. */
const OPTIONS = {
  dataset: datasetOf(skilledRows(3_000)),
  policy: 'thompson',
  online: true,
  split: 'test',
  warmStart: ['train'],
  budgetUsd: 3e-4,
  seeds: 3,
  resamples: 100,
  baselines: [],
} as const

const run = (options: Partial<ReplayOptions> = {}) => replay({ ...OPTIONS, ...options })
const rejects = (options: Partial<ReplayOptions>, code: string, message: RegExp) =>
  assert.rejects(run(options), (error) => {
    assert.ok(error instanceof EvaluationError)
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  })

suite('replay under a budget', () => {
  test('keeps to it, and buys more than the best mixture of single arms', async () => {
    const { policy } = await run()
    const budget = policy.budget!
    assert.equal(policy.budgetUsd, OPTIONS.budgetUsd)
    assert.equal(budget.usedBySeed.length, 3)
    for (const used of budget.usedBySeed) assert.ok(used > 0.9 && used < 1.05, `${used}`)
    assert.ok(budget.gain.lo > 0.05)
    assert.ok(Math.abs(budget.gain.mean - (policy.reward.mean - budget.zeroRouter.mean)) < 1e-12)
    assert.ok(Math.abs(budget.used.mean * OPTIONS.budgetUsd - policy.costUsd.mean) < 1e-12)
  })

  test('more money buys more', async () => {
    const rewards: number[] = []
    for (const budgetUsd of [5e-5, 2e-4, 6e-4]) rewards.push((await run({ budgetUsd })).policy.reward.mean)
    assert.deepEqual(rewards, rewards.toSorted())
  })

  test('a warm start sets the price; cold it starts at a tenth of quality per allowance', async () => {
    const { warmStart: _, ...coldly } = OPTIONS
    const cold = await replay(coldly)
    const { price, pricePath: path } = cold.policy.budget!
    assert.ok(Math.abs(price.start / (0.1 / OPTIONS.budgetUsd) - 1) < 1e-12)
    assert.equal(path[0]!.step, 0)
    assert.equal(path.at(-1)!.step, cold.n - 1)
    const warm = await run()
    assert.deepEqual(warm.warmStart, ['train'])
    assert.ok(warm.policy.budget!.price.start > price.start)
    // What was known beforehand is not learned by trial any more.
    assert.ok(warm.policy.reward.mean > cold.policy.reward.mean)
  })

  test('a budget above every arm’s cost leaves the choice to quality', async () => {
    const ample = await run({ budgetUsd: 1, floor: 0 })
    const { budgetUsd: _, ...unpaced } = OPTIONS
    const free = await replay({ ...unpaced, floor: 0 })
    assert.ok(Math.abs(ample.policy.reward.mean - free.policy.reward.mean) < 0.01)
    assert.ok(ample.policy.budget!.used.mean < 0.01)
    assert.equal(free.policy.budget, undefined)
  })

  test('table and JSON show budget, what was used of it, and the price', async () => {
    const result = await run({ seeds: 1, baselines: BASELINE_NAMES })
    const text = renderReplayTable(result)
    assert.match(text, /^budget +\$0\.3000 per 1k; cost \/ budget \d\.\d{4}, by seed/m)
    assert.match(text, /zero router at the budget 0\.\d{4} \[.*\]; gain \+0\.\d{4}/)
    assert.match(text, /^price of cost +λ \d\S* at the start, \S+ to \S+, \S+ at the end/m)
    assert.match(text, /^warm start +every arm’s outcome on train$/m)
    const json = JSON.parse(JSON.stringify(toReplayJson(result)))
    assert.equal(json.policy.budgetUsd, 3e-4)
    assert.deepEqual(Object.keys(json.policy.budget.used), ['mean', 'lo', 'hi'])
    assert.equal(json.policy.budget.used.lo, null)
    assert.deepEqual(Object.keys(json.policy.budget.price), ['start', 'least', 'most', 'end'])
  })

  test('refuses what cannot be, naming it', async () => {
    for (const budgetUsd of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await rejects({ budgetUsd }, 'eval_bad_option', /budgetUsd must be USD per request > 0, got/)
    }
    const frozen = { online: false }
    await rejects(frozen, 'eval_bad_option', /budgetUsd needs an online replay.*add online/)
    await rejects({ warmStart: ['trian'] }, 'eval_unknown_split', /'trian'.*'train' \(2000 rows\)/)
    await rejects(
      { warmStart: ['test'] },
      'eval_bad_option',
      /'test' would be learnt from before it is judged/,
    )
    const late = skilledRows(90).map((each) =>
      each.split === 'train'
        ? each
        : { ...each, outcomes: new Map([...each.outcomes, ['lab/new', outcome(1, 1)]]) },
    )
    const arms = ['lab/scribe', 'lab/new']
    await rejects(
      { dataset: datasetOf(late), arms },
      'eval_no_rows',
      /no row of train to learn from.*lab\/new/,
    )
    await rejects({ split: 'all' }, 'eval_bad_option', /'train' would be learnt from before it is judged/)
  })
})

suite('the path of a price', () => {
  test('is told in the order of arrival', () => {
    assert.deepEqual([...inOrderOfArrival(Float64Array.of(1, 2, 3), Int32Array.of(2, 0, 1))], [2, 3, 1])
  })

  test('over seeds: means at both ends, extremes over all, geometric means on the way', () => {
    const prices = [Float64Array.of(1, 100, 4), Float64Array.of(3, 1, 8)]
    assert.deepEqual(priceRange(prices), { start: 2, least: 1, most: 100, end: 6 })
    const path = pricePath(prices)
    assert.deepEqual(
      path.map(({ step }) => step),
      [0, 1, 2],
    )
    assert.ok(Math.abs(path[1]!.perUsd - 10) < 1e-12)
    assert.equal(pricePath([new Float64Array(10_000).fill(1)]).length, 60)
    assert.equal(pricePath([Float64Array.of(7)]).length, 1)
  })
})

/** `node test/bench/budgets.ts` has the table over 20 seeds, and the published bandit beside it. */
suite('budgets on judged outcomes', () => {
  for (const [budgetUsd, leastReward] of [
    [8.3e-5, 0.83],
    [2.3e-4, 0.87],
    [6.6e-4, 0.92],
    [1.9e-3, 0.925],
    [5.3e-3, 0.93],
  ] as const) {
    test(`$${budgetUsd} a request`, needsShared('data', 'paretobandit'), async () => {
      const dataset = await openDataset(sharedPath('data', 'paretobandit'))
      const { policy } = await run({
        dataset,
        warmStart: ['train', 'val'],
        budgetUsd,
        seeds: 4,
        resamples: 2,
      })
      assert.ok(policy.reward.mean >= leastReward, `${policy.reward.mean}`)
      assert.ok(policy.budget!.used.mean <= 1.02, `${policy.budget!.used.mean}`)
    })
  }
})
