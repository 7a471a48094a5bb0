import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  type ArmId,
  createRouter,
  type Observation,
  type Router,
  type RouterOptions,
} from '../../engine/index.ts'
import {
  BASELINE_NAMES,
  EvaluationError,
  type ReplayOptions,
  type ReplayResult,
  renderReplayReport,
  replay,
  selectOutcomes,
} from '../../eval/index.ts'
import { datasetOf, outcome, row, skilledRows } from './worlds.ts'

const ROWS = skilledRows(600)
const FAST = {
  dataset: datasetOf(ROWS),
  policy: 'thompson',
  seeds: 2,
  resamples: 40,
  curvePoints: 6,
  // What takes long has tests of its own.
  baselines: ['random', 'bestSingleTrain', 'categoryMean'],
} as const

function run(options: Partial<ReplayOptions> = {}): Promise<ReplayResult> {
  return replay({ ...FAST, ...options })
}

/** Mean of one arm's cells, added up in the order of the rows. */
function armMean(split: string, arm: string, cells: 'quality' | 'costUsd'): number {
  const { evaluation } = selectOutcomes(ROWS, { split })
  const column = evaluation.arms.indexOf(arm)
  let sum = 0
  for (let i = 0; i < evaluation.rowCount; i++) sum += evaluation[cells][i * evaluation.arms.length + column]!
  return sum / evaluation.rowCount
}

/** A router that writes down what it is told. */
function spiedRouter(log: Observation[][], options: RouterOptions): Router {
  const router = createRouter(options)
  return {
    featureSpace: router.featureSpace,
    halfLifeMs: router.halfLifeMs,
    arms: router.arms,
    decide: (request) => router.decide(request),
    foresee: (...args) => router.foresee(...args),
    learn(observations) {
      log.push([...observations])
      return router.learn(observations)
    },
    startFrom: (prior) => router.startFrom(prior),
    absorb: (sums) => router.absorb(sums),
    handOver: () => router.handOver(),
    replaceElsewhere: (elsewhere) => router.replaceElsewhere(elsewhere),
    settling: (nowMs) => router.settling(nowMs),
    replaceArms: (arms) => router.replaceArms(arms),
    sums: () => router.sums(),
    snapshot: () => router.snapshot(),
    restore: (snapshot) => router.restore(snapshot),
  }
}

for (const online of [true, false]) {
  suite(`replay, ${online ? 'online' : 'frozen'}`, () => {
    test('is a function of the seed', async () => {
      const [first, second, other] = await Promise.all([
        run({ online, seeds: 5 }),
        run({ online, seeds: 5 }),
        run({ online, seeds: 5, seed: 50 }),
      ])
      assert.deepEqual(first, second)
      assert.notDeepEqual(first.policy.rewardBySeed, other.policy.rewardBySeed)
      assert.ok(new Set(first.policy.rewardBySeed).size > 1)
    })

    for (const arm of ['lab/scribe', 'lab/bargain'] as const) {
      test(`fixed:${arm} without a floor is exactly that arm`, async () => {
        const { policy, split } = await run({ online, policy: `fixed:${arm}`, floor: 0 })
        assert.equal(policy.quality.mean, armMean(split, arm, 'quality'))
        assert.ok(Math.abs(policy.costUsd.mean / armMean(split, arm, 'costUsd') - 1) < 1e-12)
        assert.equal(policy.armShares[arm], 1)
        assert.deepEqual(policy.rewardBySeed, [policy.reward.mean, policy.reward.mean])
      })
    }

    test('nothing beats the oracle; regret against it is never negative', async () => {
      for (const costWeight of [0, 0.5]) {
        const { policy, baselines } = await run({ online, costWeight })
        assert.ok(policy.regret.oracle.mean >= 0 && policy.regret.oracle.lo >= 0)
        assert.ok(policy.reward.mean <= baselines.oracle!.reward.mean)
        for (const { reward } of Object.values(baselines)) {
          assert.ok(reward.mean <= baselines.oracle!.reward.mean + 1e-12)
        }
      }
    })

    test('learns which arm is good at what', async () => {
      const { policy, baselines, verdict } = await run({ online, dataset: datasetOf(skilledRows(1_500)) })
      assert.ok(policy.reward.lo > baselines.bestSingle!.reward.hi)
      assert.ok(policy.regret.bestSingle.hi < 0)
      assert.equal(verdict.significant, true)
      assert.match(
        verdict.text,
        /^significant gain over the zero router at equal cost: \+0\.\d{4} \[\+0\.\d{4}, \+0\.\d{4}\]$/,
      )
    })

    test('the zero router stands at the cost of the policy', async () => {
      const weights = { 'lab/scribe': 1, 'lab/bargain': 1 }
      const { policy, baselines, verdict } = await run({
        online,
        policy: { name: 'weighted', weights },
        floor: 0,
      })
      const zero = baselines.zeroRouter!
      assert.ok(Math.abs(zero.costUsd.mean / policy.costUsd.mean - 1) < 1e-9)
      assert.ok(Math.abs(verdict.gain.mean - (policy.quality.mean - zero.quality.mean)) < 1e-12)
      assert.match(zero.detail, /^\d\d\.\d % lab\/bargain \+ \d\d\.\d % lab\/(scribe|adder)$/)
    })

    test('where all arms are alike there is no significant gain', async () => {
      const rows = Array.from({ length: 300 }, (_, index) =>
        row(
          `p${index}`,
          { a: outcome(index % 2, 1e-3), b: outcome(index % 2, 1e-3) },
          { split: index % 3 ? 'train' : 'test' },
        ),
      )
      const { verdict } = await run({ online, dataset: datasetOf(rows) })
      assert.equal(verdict.significant, false)
      assert.match(verdict.text, /^no significant gain over the zero router at equal cost: /)
    })

    test('reward is quality less the weighted relative cost', async () => {
      const { policy, split } = await run({ online, costWeight: 0.4 })
      const dearest = Math.max(
        ...['lab/scribe', 'lab/adder', 'lab/bargain'].map((arm) => armMean(split, arm, 'costUsd')),
      )
      const expected = policy.quality.mean - (0.4 * policy.costUsd.mean) / dearest
      assert.ok(Math.abs(policy.reward.mean - expected) < 1e-12)
    })

    test('a dear enough dollar buys the cheap arm', async () => {
      const { policy } = await run({ online, costWeight: 5, dataset: datasetOf(skilledRows(1_200)) })
      assert.ok(policy.armShares['lab/bargain']! > 0.8, JSON.stringify(policy.armShares))
    })

    test('shares of the draws sum to one', async () => {
      const { policy, arms } = await run({ online })
      assert.deepEqual(Object.keys(policy.armShares), arms)
      assert.ok(Math.abs(Object.values(policy.armShares).reduce((sum, share) => sum + share, 0) - 1) < 1e-12)
    })

    test('stops when told to', async () => {
      const stop = new AbortController()
      const reason = new Error('enough')
      const stopped = run({ online, signal: stop.signal, onProgress: () => stop.abort(reason) })
      await assert.rejects(stopped, reason)
      const untouched = { ...FAST.dataset, rows: () => assert.fail('read after the stop') }
      await assert.rejects(run({ online, dataset: untouched, signal: stop.signal }), reason)
    })

    test('progress rises to at most what was announced', async () => {
      const calls: [number, number][] = []
      await run({ online, onProgress: (done, total) => calls.push([done, total]) })
      assert.ok(calls.length > 0)
      calls.forEach(([done, total], index) => {
        assert.ok(done <= total && done > (calls[index - 1]?.[0] ?? 0))
      })
    })
  })
}

suite('replay, online', () => {
  test('sees the drawn arm alone, once per row', async () => {
    const log: Observation[][] = []
    const { policy, n } = await run({
      online: true,
      seeds: 1,
      createRouter: (options) => spiedRouter(log, options),
    })
    assert.equal(log.length, n)
    const seen = new Map<string, number>()
    for (const lesson of log) {
      const arms = new Set(lesson.map((observation) => observation.arm))
      assert.equal(arms.size, 1)
      const [arm] = arms
      seen.set(arm!, (seen.get(arm!) ?? 0) + 1)
    }
    for (const [arm, share] of Object.entries(policy.armShares))
      assert.equal(seen.get(arm) ?? 0, Math.round(share * n))
    const taught = log.map((lesson) => lesson.find(({ head }) => head === 'quality')!.y)
    const mean = taught.reduce((sum, quality) => sum + quality, 0) / n
    assert.ok(Math.abs(mean - policy.quality.mean) < 1e-12)
  })

  test('another seed brings the rows in another order', async () => {
    const qualities = async (seed: number) => {
      const log: Observation[][] = []
      const createSpied = (options: RouterOptions) => spiedRouter(log, options)
      await run({
        online: true,
        policy: 'fixed:lab/bargain',
        floor: 0,
        seeds: 1,
        seed,
        createRouter: createSpied,
      })
      return log.flat().flatMap(({ head, y }) => (head === 'quality' ? [y] : []))
    }
    const [one, other] = await Promise.all([qualities(1), qualities(2)])
    assert.notDeepEqual(one, other)
    assert.deepEqual(one.sort(), other.sort())
  })

  test('time passes between requests', async () => {
    const log: Observation[][] = []
    await run({ online: true, seeds: 1, stepMs: 250, createRouter: (options) => spiedRouter(log, options) })
    const times = log.map((lesson) => lesson[0]!.atMs)
    assert.ok(times.every((time, index) => index === 0 || time - times[index - 1]! === 250))
  })

  test('the last third is better than the whole for a policy that learns', async () => {
    const { policy } = await run({ online: true, dataset: datasetOf(skilledRows(1_500)) })
    assert.ok(policy.lastThird!.mean > policy.reward.mean)
  })

  test('needs no split and takes all rows; a frozen replay takes the test split', async () => {
    const online = await run({ online: true })
    const frozen = await run()
    assert.deepEqual([online.split, online.n, online.mode], ['all', 600, 'online'])
    assert.deepEqual([frozen.split, frozen.n, frozen.mode], ['test', 200, 'frozen'])
    assert.equal(online.policy.aiq, undefined)
    assert.equal(frozen.policy.lastThird, undefined)
  })
})

suite('replay, frozen', () => {
  test('learns every arm’s outcome on the training rows and nothing after', async () => {
    const log: Observation[][] = []
    await run({ createRouter: (options) => spiedRouter(log, options) })
    assert.equal(log.length, 400 * 3)
    assert.equal(new Set(log.flat().map((observation) => observation.decisionId)).size, 400)
  })

  test('without training rows each row is judged by a router that has not seen it', async () => {
    const logs: Observation[][][] = []
    const { training } = await run({
      split: 'all',
      createRouter: (options) => {
        logs.push([])
        return spiedRouter(logs.at(-1)!, options)
      },
    })
    assert.equal(training, 'cross-fitted in 5 folds')
    assert.equal(logs.length, 5)
    const lessons = logs.reduce((sum, log) => sum + log.length, 0)
    assert.equal(lessons, 4 * 600 * 3)
  })

  test('what was drawn agrees with what was expected', async () => {
    const seeds = 60
    const { policy, n } = await run({ seeds, policy: 'epsilon-greedy:0.5' })
    // A draw moves a row's reward by at most 1: sd of the mean ≤ ½/√(n·seeds).
    const bound = (4 * 0.5) / Math.sqrt(n * seeds)
    assert.ok(Math.abs(policy.realisedReward.mean - policy.expectedReward.mean) < bound)
    assert.equal(policy.reward.mean, policy.expectedReward.mean)
  })

  test('has a cost–quality curve above the zero router where it has learnt something', async () => {
    const { policy, baselines, aiqGain, curves } = await run({ explore: false, curvePoints: 12 })
    assert.ok(policy.aiq!.mean > baselines.zeroRouter!.aiq!.mean)
    assert.ok(aiqGain!.lo > 0)
    assert.ok(Math.abs(aiqGain!.mean - (policy.aiq!.mean - baselines.zeroRouter!.aiq!.mean)) < 1e-12)
    assert.ok(curves['policy']!.length > 1 && curves['zeroRouter']!.length > 0)
  })

  test('exploration costs what the floor says', async () => {
    const bare = await run({ policy: 'fixed:lab/scribe', floor: 0 })
    const floored = await run({ policy: 'fixed:lab/scribe', floor: 0.3 })
    const expected = 0.7 * bare.policy.quality.mean + 0.3 * bare.baselines.random!.quality.mean
    assert.ok(Math.abs(floored.policy.quality.mean - expected) < 1e-12)
  })
})

suite('rows that share one prompt, as where texts are withheld', () => {
  const withheld = ROWS.map((each) => ({ ...each, prompt: '[withheld]' }))
  const all = { ...FAST, dataset: datasetOf(withheld), baselines: BASELINE_NAMES }

  test('replay online, beside the routers that need none to learn from', async () => {
    const result = await replay({ ...all, online: true })
    const names = Object.keys(result.baselines)
    for (const name of ['categoryMean', 'knn', 'ridge'] as const) assert.ok(!names.includes(name), name)
    assert.ok(names.includes('zeroRouter') && names.includes('random'))
    assert.match(result.training, /^none: all rows share one prompt/)
  })

  test('replay frozen from training rows, and are refused without', async () => {
    const { training } = await replay({ ...all, baselines: ['categoryMean'] })
    assert.equal(training, 'trained on 400 rows of train')
    const test = datasetOf(withheld.filter(({ split }) => split === 'test'))
    await assert.rejects(
      replay({ ...all, dataset: test }),
      (error: unknown) =>
        error instanceof EvaluationError &&
        error.code === 'eval_no_rows' &&
        /the 200 rows of split 'test' share one prompt/.test(error.message),
    )
  })
})

test('an arm that costs nothing is matched at no share of its cost, and the page says so', async () => {
  const free = ROWS.map((each) => ({
    ...each,
    outcomes: new Map([...each.outcomes].map(([arm, { quality }]) => [arm, outcome(quality, 0)])),
  }))
  const result = await run({ dataset: datasetOf(free) })
  assert.equal(result.policy.matchCost, undefined)
  assert.ok(result.policy.perfGain !== undefined)
  assert.doesNotMatch(renderReplayReport(result), /NaN/)
})

suite('arms of a replay', () => {
  const collect = async (options: Partial<ReplayOptions>) => {
    const log: Observation[][] = []
    const made: RouterOptions[] = []
    await run({
      online: true,
      seeds: 1,
      ...options,
      createRouter: (routerOptions) => {
        made.push(routerOptions)
        return spiedRouter(log, routerOptions)
      },
    })
    const lengths = log.flat().filter(({ head }) => head === 'output_tokens')
    return { arms: made[0]!.arms, lengths }
  }

  test('where only cost is recorded, a millionth of a dollar counts as an output token', async () => {
    const { arms, lengths } = await collect({})
    assert.deepEqual(arms[0]!.price, { inputUsdPerMtok: 0, outputUsdPerMtok: 1 })
    const cheap = lengths.find(({ arm }) => arm === 'lab/bargain')!
    assert.ok(Math.abs(Math.exp(cheap.y) - 1e-5 * 1e6) < 1e-9)
  })

  test('with list prices and token counts, tokens are tokens', async () => {
    const rows = Array.from({ length: 30 }, (_, index) =>
      row(`p${index}`, {
        a: { quality: 1, costUsd: 1, inputTokens: 7, outputTokens: 42 },
        b: { quality: 0, costUsd: 1, inputTokens: 7, outputTokens: 42 },
      }),
    )
    const price = { inputUsdPerMtok: 2, outputUsdPerMtok: 8 }
    const info = { ...price, latency: undefined, contextWindowTokens: undefined, wire: undefined }
    const { arms, lengths } = await collect({ dataset: datasetOf(rows, new Map([['a', info]])) })
    assert.deepEqual(arms.find(({ id }) => id === 'a')!.price, price)
    assert.deepEqual(arms.find(({ id }) => id === 'b')!.price, { inputUsdPerMtok: 0, outputUsdPerMtok: 1 })
    const lengthOf = (name: string) => Math.exp(lengths.find(({ arm }) => arm === name)!.y)
    assert.ok(Math.abs(lengthOf('a') - 42) < 1e-9)
    assert.ok(Math.abs(lengthOf('b') - 1e6) < 1e-3)
  })

  test('may be called what every plain object has', async () => {
    const rows = skilledRows(60).map(({ outcomes, ...rest }) => ({
      ...rest,
      category: 'valueOf',
      outcomes: new Map(
        [...outcomes.values()].map((value, i) => [['constructor', 'toString', 'x'][i]!, value]),
      ),
    }))
    const { arms } = await collect({ dataset: datasetOf(rows), priorQuality: { toString: 0.9 } })
    assert.deepEqual(
      arms.map(({ id, prior }) => [id, prior.quality]),
      [
        ['constructor', 0.5],
        ['toString', 0.9],
        ['x', 0.5],
      ],
    )
    const result = await run({ dataset: datasetOf(rows), policy: 'fixed:x', online: true, seeds: 1 })
    assert.equal(result.policy.armShares['x'], 1)
    assert.match(renderReplayReport(result, 'replay'), /toString/)
  })

  test('start cold, or where they are told to', async () => {
    const { arms } = await collect({ priorQuality: { 'lab/scribe': 0.9 } })
    assert.deepEqual(
      arms.map(({ prior }) => prior.quality),
      [0.9, 0.5, 0.5],
    )
  })
})

suite('replay refuses', () => {
  const failures: readonly [string, Partial<ReplayOptions>, EvaluationError['code'], RegExp][] = [
    [
      'an unknown split',
      { split: 'dev' },
      'eval_unknown_split',
      /'dev'.*'test' \(200 rows\), 'train' \(400 rows\)/,
    ],
    ['an unknown policy name', { policy: 'linear' }, 'eval_unknown_policy', /'linear'.*thompson/],
    [
      'a policy that a replay cannot show',
      { policy: 'least-busy' },
      'eval_unknown_policy',
      /linucb\[:alpha\]/,
    ],
    ['an alpha that is no number', { policy: 'linucb:' }, 'eval_unknown_policy', /'linucb:'/],
    ['an argument nobody takes', { policy: 'cheapest:1' }, 'eval_unknown_policy', /'cheapest:1'/],
    ['an epsilon outside [0, 1]', { policy: 'epsilon-greedy:2' }, 'eval_unknown_policy', /epsilon-greedy:2/],
    [
      'a fixed arm that is not there',
      { policy: 'fixed:lab/none' },
      'eval_unknown_arm',
      /lab\/none.*lab\/scribe/,
    ],
    [
      'a priority over arms that are not there',
      { policy: { name: 'priority', order: ['x' as ArmId] } },
      'eval_unknown_arm',
      /'x'/,
    ],
    ['a prior of an arm that is not there', { priorQuality: { x: 0.5 } }, 'eval_unknown_arm', /'x'/],
    ['no seeds', { seeds: 0 }, 'eval_bad_option', /seeds.*got 0/],
    ['half a seed', { seed: 0.5 }, 'eval_bad_option', /seed must.*got 0.5/],
    ['a negative cost weight', { costWeight: -1 }, 'eval_bad_option', /costWeight.*got -1/],
    ['a floor of one', { floor: 1 }, 'eval_bad_option', /floor.*got 1/],
    ['a clock that runs backwards', { stepMs: -1 }, 'eval_bad_option', /stepMs.*got -1/],
    ['a curve of one point', { curvePoints: 1 }, 'eval_bad_option', /curvePoints.*got 1/],
    ['a single resample', { resamples: 1 }, 'eval_bad_option', /resamples.*got 1/],
  ]
  for (const [title, options, code, message] of failures) {
    test(title, async () => {
      await assert.rejects(
        run(options),
        (error: unknown) =>
          error instanceof EvaluationError && error.code === code && message.test(error.message),
      )
    })
  }
})
