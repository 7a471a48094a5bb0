import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { openDataset, openScenario, type Scenario, type ScenarioEvent } from '../../datasets/index.ts'
import {
  EvaluationError,
  renderScenarioTable,
  replay,
  replayScenario,
  type ScenarioOptions,
  selectOutcomes,
} from '../../eval/index.ts'
import { arrivalOrder } from '../../eval/replay/arrivals.ts'
import { stagesOf } from '../../eval/replay/stages.ts'
import { needsShared, sharedPath } from '../helpers/shared.ts'
import { datasetOf, outcome, row, skilledRows } from './worlds.ts'

const ARMS = ['lab/scribe', 'lab/adder', 'lab/bargain']
const scenario = (...events: ScenarioEvent[]): Scenario => ({ name: 'test', description: 'A test.', events })
const TEN = { arms: ARMS, classes: ['sums', 'words'], rowCount: 10 }
const price = (atStep: number, arm: string, priceFactor: number): ScenarioEvent => ({
  kind: 'price',
  atStep,
  arm,
  priceFactor,
})
const quality = (atStep: number, arm: string, qualityDelta: number): ScenarioEvent => ({
  kind: 'quality',
  atStep,
  arm,
  qualityDelta,
})

/** 600 rows that are streamed, 1,200 to start warm from. */
const OPTIONS = {
  dataset: datasetOf(skilledRows(1_800)),
  policy: 'thompson',
  online: true,
  split: 'test',
  seeds: 3,
  floor: 0,
} as const
const run = (events: readonly ScenarioEvent[], options: Partial<ScenarioOptions> = {}) =>
  replayScenario({ ...OPTIONS, scenario: scenario(...events), ...options })

suite('the stages of a scenario', () => {
  test('are the stretches between events, in their order, with what has changed so far', () => {
    const stages = stagesOf(
      scenario(price(7, 'lab/adder', 0.5), quality(3, 'lab/scribe', -0.2), quality(7, 'lab/scribe', 0)),
      TEN,
    )
    assert.deepEqual(
      stages.map(({ fromStep, priceFactor, qualityDelta }) => ({ fromStep, priceFactor, qualityDelta })),
      [
        { fromStep: 0, priceFactor: [1, 1, 1], qualityDelta: [0, 0, 0] },
        { fromStep: 3, priceFactor: [1, 1, 1], qualityDelta: [-0.2, 0, 0] },
        { fromStep: 7, priceFactor: [1, 0.5, 1], qualityDelta: [0, 0, 0] },
      ],
    )
  })

  test('an arm that comes was not there; one that goes was', () => {
    const stages = stagesOf(
      scenario(
        { kind: 'add', atStep: 2, arm: 'lab/adder' },
        { kind: 'remove', atStep: 4, arm: 'lab/scribe' },
        { kind: 'add', atStep: 6, arm: 'lab/scribe' },
      ),
      TEN,
    )
    assert.deepEqual(
      stages.map(({ present }) => present),
      [
        [true, false, true],
        [true, true, true],
        [false, true, true],
        [true, true, true],
      ],
    )
  })

  test('an event at step 0 is how things are', () => {
    const stages = stagesOf(scenario(price(0, 'lab/adder', 2)), TEN)
    assert.deepEqual(
      stages.map(({ fromStep, priceFactor }) => [fromStep, priceFactor]),
      [[0, [1, 2, 1]]],
    )
  })

  test('an event that cannot be is named with its repair', () => {
    const wrong: [ScenarioEvent[], string, RegExp][] = [
      [[price(3, 'lab/scrobe', 2)], 'eval_unknown_arm', /lab\/scrobe.*the arms are lab\/scribe, lab\/adder/],
      [[price(10, 'lab/adder', 2)], 'eval_bad_scenario', /atStep 10.*10 requests.*from 0 to 9/],
      [
        [
          { kind: 'remove', atStep: 1, arm: 'lab/adder' },
          { kind: 'remove', atStep: 2, arm: 'lab/adder' },
        ],
        'eval_bad_scenario',
        /atStep 2, lab\/adder goes: the arm is not there/,
      ],
      [
        [
          { kind: 'add', atStep: 1, arm: 'lab/adder' },
          { kind: 'add', atStep: 2, arm: 'lab/adder' },
        ],
        'eval_bad_scenario',
        /the arm is there already/,
      ],
      [
        [{ kind: 'classes', atStep: 1, classWeights: { numbers: 2 } }],
        'eval_bad_scenario',
        /class numbers × 2: no row is of class 'numbers'; the classes are sums, words/,
      ],
      [
        ARMS.map((arm) => ({ kind: 'remove', atStep: 5, arm })),
        'eval_bad_scenario',
        /no arm is left at step 5/,
      ],
    ]
    for (const [events, code, message] of wrong) {
      assert.throws(
        () => stagesOf(scenario(...events), TEN),
        (error) => error instanceof EvaluationError && error.code === code && message.test(error.message),
      )
    }
  })
})

suite('a shift of classes', () => {
  const { evaluation: table } = selectOutcomes(skilledRows(600), { split: 'all' })
  const sums = table.classes.indexOf('sums')
  const shareOf = (rows: Int32Array) => rows.filter((row) => table.classOf[row] === sums).length / rows.length
  const mixed = (weight: number, seed = 1) =>
    arrivalOrder(
      table,
      [
        { fromStep: 0, classWeights: {} },
        { fromStep: 200, classWeights: { sums: weight } },
      ],
      seed,
    )

  test('every row comes once, and until the shift as without one', () => {
    const plain = arrivalOrder(table, [], 1)
    for (const weight of [0, 1, 9]) {
      const order = mixed(weight)
      assert.deepEqual(
        [...order].sort((a, b) => a - b),
        [...table.prompts.keys()],
      )
      assert.deepEqual(order.subarray(0, 200), plain.subarray(0, 200))
    }
    assert.notDeepEqual(mixed(9, 2), mixed(9, 1))
  })

  test('rows of a class come as much more readily as its weight says', () => {
    // 100 draws: nine of ten, with an sd of 0.03, while some 200 of each class are left; at 0 none, at 1 about half.
    assert.ok(Math.abs(shareOf(mixed(9).subarray(200, 300)) - 0.88) < 0.12)
    assert.equal(shareOf(mixed(0).subarray(200, 300)), 0)
    assert.ok(Math.abs(shareOf(mixed(1).subarray(200, 300)) - 0.5) < 0.2)
  })

  test('the control and the informed run see the same rows', async () => {
    const { stretches } = await run([{ kind: 'classes', atStep: 200, classWeights: { sums: 9 } }])
    const [, after] = stretches
    assert.deepEqual(after!.events, ['class sums × 9'])
    // Nothing but the order differs, and that is the same for all.
    assert.deepEqual(after!.reward, after!.control)
    assert.deepEqual(after!.reward, after!.informed)
    // lab/adder is right nine times in ten of sums; a fifth of the requests are words.
    assert.ok(after!.armShares['lab/adder']! > 0.3)
  })
})

suite('replay of a scenario', () => {
  test('before anything happens it is the replay without a scenario, to the last bit', async () => {
    const changed = await run([price(599, 'lab/scribe', 0.5)])
    const plain = await replay({ ...OPTIONS, resamples: 2 })
    const [before] = changed.stretches
    assert.equal(before!.fromStep, 0)
    assert.equal(before!.toStep, 599)
    assert.deepEqual(before!.reward, before!.control)
    assert.equal(before!.gap.mean, 0)
    const last = changed.stretches[1]!
    const whole = (599 * before!.control.mean + last.control.mean) / 600
    assert.ok(Math.abs(whole - plain.policy.reward.mean) < 1e-12)
    assert.deepEqual(await run([price(599, 'lab/scribe', 0.5)]), changed)
  })

  test('a price is paid from its step on, and only by its arm', async () => {
    const events = [price(300, 'lab/scribe', 0.1), price(450, 'lab/scribe', 1)]
    const { stretches } = await run(events, { policy: 'fixed:lab/scribe' })
    const costs = stretches.map(({ costUsd }) => costUsd.mean)
    for (const [index, expected] of [1e-3, 1e-4, 1e-3].entries()) {
      assert.ok(Math.abs(costs[index]! / expected - 1) < 1e-9)
    }
    assert.deepEqual(
      stretches.map(({ events: what }) => what),
      [[], ['lab/scribe: price × 0.1'], ['lab/scribe: price × 1']],
    )
    const other = await run(events, { policy: 'fixed:lab/adder' })
    for (const { costUsd } of other.stretches) assert.ok(Math.abs(costUsd.mean / 1e-3 - 1) < 1e-9)
  })

  test('a new price is known at once to a policy that minds it', async () => {
    const { stretches } = await run([price(300, 'lab/scribe', 1e4), price(300, 'lab/adder', 1e4)], {
      warmStart: ['train'],
      budgetUsd: 1e-3,
    })
    assert.ok(stretches[0]!.armShares['lab/bargain']! < 0.2)
    assert.ok(stretches[1]!.armShares['lab/bargain']! > 0.99)
  })

  test('quality moves by the delta and stays within [0, 1]', async () => {
    const { stretches } = await run([quality(300, 'lab/scribe', 0.25)], { policy: 'fixed:lab/scribe' })
    const [before, after] = stretches
    // Outcomes are 0 or 1: only the zeros can rise.
    const expected = after!.control.mean + 0.25 * (1 - after!.control.mean)
    assert.ok(Math.abs(after!.reward.mean - expected) < 1e-9)
    assert.equal(before!.reward.mean, before!.control.mean)
  })

  test('an arm that is gone is not drawn; one that comes is not known before', async () => {
    const gone = await run([{ kind: 'remove', atStep: 200, arm: 'lab/scribe' }])
    assert.ok(gone.stretches[0]!.armShares['lab/scribe']! > 0)
    assert.equal(gone.stretches[1]!.armShares['lab/scribe'], 0)
    const fresh = await run([{ kind: 'add', atStep: 200, arm: 'lab/scribe' }], { warmStart: ['train'] })
    assert.equal(fresh.stretches[0]!.armShares['lab/scribe'], 0)
    assert.ok(fresh.stretches[1]!.armShares['lab/scribe']! > 0)
    assert.ok(
      fresh.stretches[1]!.informedShares['lab/scribe']! > fresh.stretches[1]!.armShares['lab/scribe']!,
    )
    assert.ok(fresh.stretches[1]!.gapAtFirst.mean > 0)
  })

  test('what a silent degradation costs, and when that ends, is measured', async () => {
    // What was learnt of 40 requests is unlearnt by the 560 that follow, with one in five at random.
    const policy = 'epsilon-greedy:0.2'
    const { stretches } = await run([quality(40, 'lab/scribe', -0.9)], { policy, seeds: 20 })
    const after = stretches[1]!
    assert.ok(after.gapAtFirst.lo > 0, `${after.gapAtFirst.lo}`)
    assert.ok(
      after.recoveredAfterSteps! > 0 && after.recoveredAfterSteps! < 350,
      `${after.recoveredAfterSteps}`,
    )
    assert.ok(after.gap.mean < after.gapAtFirst.mean)
    const stuck = await run([quality(200, 'lab/scribe', -0.9)], { policy: 'fixed:lab/scribe' })
    assert.equal(stuck.stretches[1]!.gap.mean, 0)
  })

  test('the series covers the stream, and every window lies within one stretch', async () => {
    const { series, stretches } = await run([price(100, 'lab/scribe', 0.5)])
    assert.ok(series.length >= 40 && series.length <= 50)
    assert.ok(series.every(({ step }, index) => index === 0 || step > series[index - 1]!.step))
    const mean = (of: typeof series) => of.reduce((sum, { costUsd }) => sum + costUsd, 0) / of.length
    const before = series.filter(({ step }) => step < 100)
    assert.ok(Math.abs(mean(before) / stretches[0]!.costUsd.mean - 1) < 0.05)
  })

  test('table: one row for each stretch, and what its columns mean', async () => {
    const result = await run([price(300, 'lab/scribe', 0.1)], { budgetUsd: 5e-4, warmStart: ['train'] })
    const text = renderScenarioTable(result)
    assert.match(text, /^synthetic, split test, scenario test: 600 rows × 3 arms, 3 seeds, policy thompson$/m)
    assert.match(text, /│ +300 │ lab\/scribe: price × 0\.1 +│ +0\.\d{4} \[/)
    assert.match(text, /^budget +\$0\.5000 per 1k; cost \/ budget/m)
    assert.match(text, /^recovered +steps until 50 requests/m)
    assert.deepEqual(JSON.parse(JSON.stringify(result)), result)
  })

  test('needs a stream, and an arm with its outcomes', async () => {
    const refused = (code: string, message: RegExp) => (error: unknown) =>
      error instanceof EvaluationError && error.code === code && message.test(error.message)
    await assert.rejects(
      run([price(1, 'lab/scribe', 2)], { online: false }),
      refused('eval_bad_option', /scenario needs an online replay.*add online/),
    )
    const rows = skilledRows(30).map((each, index) =>
      index > 0 ? each : row('rare', { ...Object.fromEntries(each.outcomes), 'lab/rare': outcome(1, 1) }),
    )
    await assert.rejects(
      run([{ kind: 'add', atStep: 1, arm: 'lab/rare' }], { dataset: datasetOf(rows) }),
      refused('eval_unknown_arm', /lab\/rare comes: no such arm is replayed/),
    )
  })
})

suite('scenarios on real outcomes', needsShared('data'), () => {
  test('every stretch keeps to its budget: prices that fall and rise, arms that go, come and get worse', async () => {
    const dataset = await openDataset(sharedPath('data', 'paretobandit'))
    for (const name of ['price-cut', 'outage', 'degradation']) {
      const { stretches } = await replayScenario({
        dataset,
        scenario: await openScenario(`paretobandit-${name}`),
        policy: 'thompson',
        online: true,
        split: 'test',
        warmStart: ['train', 'val'],
        budgetUsd: 6.6e-4,
        seeds: 10,
      })
      assert.ok(stretches.length > 1)
      for (const { fromStep, costUsd } of stretches) {
        const used = costUsd.mean / 6.6e-4
        assert.ok(used < 1.05, `${name} from ${fromStep}: ${used.toFixed(3)} × the budget`)
      }
    }
  })
})
