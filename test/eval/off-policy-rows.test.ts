/** Which decisions count, what they were worth, what is expected of an arm, and how often anything is told. */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { ArmId, DecisionId, LoggedAttempt, LoggedDecision } from '../../engine/index.ts'
import {
  foldOf,
  type Goods,
  leftOut,
  ResponseCounts,
  RewardSums,
  realised,
  VALUES,
} from '../../eval/index.ts'
import { assertClose, gaussian, seeded } from '../helpers/engine.ts'
import { loggedWorld } from '../helpers/logged-world.ts'

let row: LoggedDecision
before(async () => {
  const world = await loggedWorld({ decisions: 1 })
  row = world.rows[0]!
})

describe('which decisions count', () => {
  test('a request’s first decision, drawn among several', () => {
    assert.equal(leftOut(row), undefined)
  })

  test('one whose arm failed counts too, with what the caller got in the end', () => {
    const other = row.eligible.find((arm) => arm !== row.arm)!
    assert.equal(leftOut({ ...row, servedArm: other, servedReason: 'failover' }), undefined)
    assert.equal(leftOut({ ...row, servedArm: undefined, servedReason: 'unanswered' }), undefined)
  })

  test('the others are left out, each for its reason', () => {
    const certain = row.eligible.map((arm) => (arm === row.arm ? 1 : 0))
    const sure = { probabilities: Float64Array.from(certain), propensity: 1 }
    const alone = { eligible: [row.arm], probabilities: Float64Array.of(1), propensity: 1 }
    const sick = { arm: 'p/x' as ArmId, reason: 'unhealthy', detail: '' } as const
    const cases: [Partial<LoggedDecision>, string | undefined][] = [
      [{ parentId: 'x' as DecisionId }, 'failover'],
      [{ surface: 'judge' }, 'judge'],
      [alone, 'pinned'],
      [{ ...alone, exclusions: [sick] }, undefined],
      [{ ...sure, explore: false }, 'not_explored'],
      [sure, 'deterministic'],
      [{ servedArm: 'p/other' as ArmId, servedReason: 'caller' }, 'served_otherwise'],
      [{ servedArm: 'p/other' as ArmId }, 'served_otherwise'],
    ]
    for (const [change, reason] of cases) assert.equal(leftOut({ ...row, ...change }), reason, `${reason}`)
  })
})

describe('what a request was worth', () => {
  const rates = { perUsd: 10, perSecond: 0.02, perFailure: 0.5 }
  const [call] = [{ status: 'answered' }] as LoggedAttempt[]
  const base = { costUsd: 0.004, totalMs: 1_500 }

  test('utility is quality less what the rest is worth', () => {
    const worth = realised({ ...row, ...base, attempts: [call!], rewards: rewards(0.8) }, rates)
    assert.deepEqual(
      { ...worth, utility: 0 },
      { quality: 0.8, cost_usd: 0.004, latency_ms: 1_500, success: 1, utility: 0 },
    )
    assertClose(worth.utility!, 0.8 - 0.04 - 0.03, 1e-12)
  })

  test('the latest reward is in force, and one taken back is none', () => {
    assert.equal(realised({ ...row, rewards: [...rewards(0.2), ...rewards(0.9)] }, rates).quality, 0.9)
    assert.equal(realised({ ...row, rewards: [...rewards(0.2), ...rewards(null)] }, rates).quality, undefined)
  })

  test('nobody answered: nothing of value; the caller left, or was never judged: not known', () => {
    const failed = { ...call!, status: 'failed' } as const
    const unanswered = {
      ...row,
      ...base,
      rewards: [],
      servedArm: undefined,
      servedReason: 'unanswered',
    } as const
    assert.deepEqual(
      { ...realised({ ...unanswered, attempts: [failed, failed] }, rates), utility: 0 },
      { quality: 0, cost_usd: 0.004, latency_ms: 1_500, success: 0, utility: 0 },
    )
    const left = realised({ ...unanswered, attempts: [{ ...call!, status: 'cancelled' }] }, rates)
    assert.deepEqual([left.quality, left.success, left.utility], [undefined, undefined, undefined])
    const cut = realised({ ...row, rewards: rewards(0.3), attempts: [{ ...call!, status: 'cut' }] }, rates)
    assert.deepEqual([cut.quality, cut.success], [0.3, 0])
    const silent = realised({ ...row, rewards: [] }, rates)
    assert.deepEqual([silent.quality, silent.utility, silent.success], [undefined, undefined, 1])
  })

  test('a good without a price need not be told', () => {
    const free = { perUsd: 0, perSecond: 0, perFailure: 0 }
    const foreign = { ...row, attempts: [], costUsd: undefined, totalMs: undefined, rewards: rewards(1) }
    assert.equal(realised(foreign, free).utility, 1)
    assert.equal(realised(foreign, rates).utility, undefined)
  })

  function rewards(quality: number | null): LoggedDecision['rewards'] {
    return [{ ...row.rewards[0]!, value: quality ?? undefined, quality }]
  }
})

describe('what is expected of an arm', () => {
  const ARMS = ['a', 'b', 'c']
  const D = 4
  /** y = β_a·x + noise; the third arm has few rows. */
  function world(seed: number, rows: number): { id: string; arm: string; x: Float64Array; goods: Goods }[] {
    const uniform = seeded(seed)
    return Array.from({ length: rows }, (_, i) => {
      const u = uniform()
      const arm = u < 0.5 ? 'a' : u < 0.995 ? 'b' : 'c'
      const x = Float64Array.from({ length: D }, (_, j) => (j === 0 ? 1 : 2 * uniform() - 1))
      const mean = 0.3 + 0.2 * ARMS.indexOf(arm) + 0.3 * x[1]!
      const quality = mean + 0.1 * gaussian(uniform)
      const costUsd = 0.001 * (1 + ARMS.indexOf(arm)) + 0.0005 * x[2]! + 1e-5 * gaussian(uniform)
      return { id: `row ${seed} ${i}`, arm, x, goods: { quality, costUsd, latencyMs: undefined, success: 1 } }
    })
  }
  const point = (x: Float64Array) => ({ space: 's', x })
  function sumsOf(rows: ReturnType<typeof world>): RewardSums {
    const sums = new RewardSums()
    for (const { id, arm, x, goods } of rows) sums.add(point(x), foldOf(id, sums.folds), arm, goods)
    return sums
  }

  test('comes near to what is true, in any unit, also of an arm with few rows', () => {
    const model = sumsOf(world(1, 4_000)).fit()
    const x = Float64Array.of(1, 0.5, -0.5, 0.2)
    for (const [k, arm] of ARMS.entries()) {
      const goods = model.predict(point(x), 0, arm)
      // Some 16 of 4,000 rows are of the third arm: its intercept is known to 0.1/√16, and shrunk a little.
      assertClose(goods.quality!, 0.45 + 0.2 * k, arm === 'c' ? 0.12 : 0.02, arm)
      assertClose(goods.costUsd! * 1e3, 1 + k - 0.25, arm === 'c' ? 0.2 : 0.01, arm)
      assertClose(goods.success!, 1, 1e-6)
      assert.equal(goods.latencyMs, undefined)
    }
  })

  test('an arm nobody has seen is expected to be as all are; of another feature space nothing is known', () => {
    const model = sumsOf(world(1, 2_000)).fit()
    const x = Float64Array.of(1, 0, 0, 0)
    const { quality } = model.predict(point(x), 0, 'new')
    assert.ok(quality! > 0.3 && quality! < 0.5, `${quality}`)
    assert.equal(model.predict({ space: 't', x }, 0, 'a').quality, undefined)
  })

  test('never from the fold that is predicted', () => {
    const rows = world(2, 600)
    const x = Float64Array.of(1, 0.1, 0.2, 0.3)
    const spoilt = rows.map((entry) =>
      foldOf(entry.id, 5) === 2 ? { ...entry, goods: { ...entry.goods, quality: 1_000 } } : entry,
    )
    const [honest, other] = [sumsOf(rows).fit(), sumsOf(spoilt).fit()]
    assert.deepEqual(other.predict(point(x), 2, 'a'), honest.predict(point(x), 2, 'a'))
    assert.notDeepEqual(other.predict(point(x), 1, 'a'), honest.predict(point(x), 1, 'a'))
  })

  test('sums of the parts of a log are those of the whole, by way of another thread', () => {
    const rows = world(3, 1_000)
    const whole = sumsOf(rows).fit()
    const merged = sumsOf(rows.slice(0, 300))
    merged.merge(structuredClone(sumsOf(rows.slice(300)).state()))
    const fitted = merged.fit()
    for (const { x, id, arm } of rows.slice(0, 50)) {
      const [one, other] = [whole, fitted].map((model) => model.predict(point(x), foldOf(id, 5), arm))
      assertClose(other!.quality!, one!.quality!, 1e-10)
      assertClose(other!.costUsd!, one!.costUsd!, 1e-10)
    }
  })

  test('folds are about the same size', () => {
    const sizes = new Array<number>(5).fill(0)
    for (let i = 0; i < 10_000; i++) sizes[foldOf(`${i}`, 5)]! += 1
    for (const size of sizes) assert.ok(Math.abs(size - 2_000) < 4 * 40, `${sizes}`)
  })
})

describe('how often a value is told', () => {
  const values = (quality: number | undefined) =>
    ({ quality, utility: quality, cost_usd: 1, latency_ms: undefined, success: 1 }) as const

  test('by class and arm where there are many, by what is nearest where there are few', () => {
    const counts = new ResponseCounts()
    for (let i = 0; i < 1_000; i++) {
      counts.add('code', 'a', values(i % 4 === 0 ? 1 : undefined))
      counts.add('code', 'b', values(1))
    }
    counts.add('math', 'a', values(undefined))
    assertClose(counts.probability('code', 'a', 'quality'), 0.25, 0.01)
    assertClose(counts.probability('code', 'b', 'quality'), 1, 0.01)
    assertClose(counts.probability('math', 'a', 'quality'), 0.23, 0.02)
    assertClose(counts.probability('new', 'new', 'quality'), counts.toldShare('quality'), 1e-9)
    assert.equal(counts.probability('code', 'a', 'cost_usd'), 1)
    assert.equal(counts.probability('code', 'a', 'latency_ms'), 0)
    assert.equal(counts.isSilent('code', 'a', 'quality'), false)
    assert.equal(counts.isSilent('math', 'a', 'quality'), false)
    for (let i = 0; i < 20; i++) counts.add('math', 'a', values(undefined))
    assert.equal(counts.isSilent('math', 'a', 'quality'), true)
    for (let i = 0; i < 20; i++) counts.add(`class ${i}`, 'c', values(undefined))
    assert.equal(counts.isSilent('new', 'c', 'quality'), true)
  })

  test('parts add up to the whole', () => {
    const [whole, part, rest] = [new ResponseCounts(), new ResponseCounts(), new ResponseCounts()]
    const uniform = seeded(5)
    for (let i = 0; i < 500; i++) {
      const entry = [`c${i % 3}`, `a${i % 2}`, values(uniform() < 0.4 ? 1 : undefined)] as const
      whole.add(...entry)
      const half = i < 200 ? part : rest
      half.add(...entry)
    }
    part.merge(structuredClone(rest.state()))
    for (const value of VALUES) {
      assert.equal(part.probability('c1', 'a0', value), whole.probability('c1', 'a0', value), value)
    }
  })
})
