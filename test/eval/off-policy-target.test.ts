/** What a judged policy would have drawn from: the engine's own distributions, on what a log holds. */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import {
  type ArmId,
  createPolicyFile,
  createRouter,
  type LoggedDecision,
  type PolicyFile,
  type PolicySpec,
  priorSumsOf,
  writePolicyFile,
} from '../../engine/index.ts'
import { createTarget, parseTarget } from '../../eval/index.ts'
import { loggedWorld, type World } from '../helpers/logged-world.ts'

const POLICIES: readonly PolicySpec[] = [
  { name: 'softmax', temperature: 0.07 },
  { name: 'thompson', exploration: 1 },
  { name: 'linucb', alpha: 1 },
  { name: 'epsilon-greedy', epsilon: 0.3 },
  { name: 'cheapest' },
  { name: 'fastest' },
]

function worstGap(world: World, distribution: (row: LoggedDecision) => Float64Array): number {
  return Math.max(
    ...world.rows.flatMap((row) => [...distribution(row)].map((p, k) => Math.abs(p - row.probabilities[k]!))),
  )
}

test('a table says nothing of a class or an arm that it does not name, whatever these are called', async () => {
  const { rows } = await loggedWorld({ decisions: 1 })
  const row = {
    ...rows[0]!,
    requestClass: 'constructor',
    eligible: ['toString', 'a'] as ArmId[],
    probabilities: Float64Array.of(0.5, 0.5),
  }
  const table = { format: 'highwayman-distribution', byClass: { '*': { a: 1 } } } as const
  const target = createTarget({ kind: 'table', table, name: 'table', hash: '' })
  assert.deepEqual([...target.distribution(row)], [0, 1])
})

describe('a policy by name', () => {
  for (const policy of POLICIES) {
    test(`${policy.name}: from the logged estimates comes what was drawn from`, async () => {
      const world = await loggedWorld({ decisions: 300, policy, floor: 0.05 })
      const target = createTarget({ kind: 'policy', policy })
      assert.ok(worstGap(world, (row) => target.distribution(row)) < 1e-12)
    })
  }

  test('goes by stated wishes where there are any', async () => {
    const preferences = { kind: 'exchange-rates', usdPerQualityPoint: 0.0001 } as const
    const policy = { name: 'softmax' } as const
    const plain = await loggedWorld({ decisions: 200, policy, learns: false })
    const frugal = await loggedWorld({ decisions: 200, policy, learns: false, preferences })
    const target = createTarget({ kind: 'policy', policy, preferences })
    for (const [i, row] of plain.rows.entries()) {
      const wanted = frugal.rows[i]!.probabilities
      assert.ok(target.distribution(row).every((p, k) => Math.abs(p - wanted[k]!) < 1e-9))
      assert.notDeepEqual([...row.probabilities], [...wanted])
    }
  })

  test('without exploration takes the best mean for certain, and the floor can be another', async () => {
    const { rows } = await loggedWorld({ decisions: 50 })
    const greedy = createTarget({ kind: 'policy', policy: { name: 'thompson' }, explore: false })
    const floored = createTarget({ kind: 'policy', policy: { name: 'thompson' }, floor: 0.6 })
    assert.deepEqual([greedy.name, floored.name], ['thompson, greedy', 'thompson, floor 0.6'])
    for (const row of rows) {
      const best = Math.max(...row.estimates.map(({ utility }) => utility.mean))
      assert.equal(row.estimates[greedy.distribution(row).indexOf(1)]?.utility.mean, best)
      assert.ok(floored.distribution(row).every((p) => p >= 0.6 / row.eligible.length - 1e-12))
    }
  })

  test('is read from its name', () => {
    const order = ['p/a', 'p/b'] as ArmId[]
    assert.deepEqual(parseTarget('live'), { kind: 'logged' })
    assert.deepEqual(parseTarget('thompson:0.5'), {
      kind: 'policy',
      policy: { name: 'thompson', exploration: 0.5 },
    })
    assert.deepEqual(parseTarget('priority:p/a,p/b'), { kind: 'policy', policy: { name: 'priority', order } })
    const weights = { 'p/a': 0.25, 'p/b': 3 }
    const weighted = parseTarget('weighted:p/a=0.25,p/b=3')
    assert.deepEqual(weighted, { kind: 'policy', policy: { name: 'weighted', weights } })
    assert.equal(createTarget(weighted).name, 'weighted:p/a=0.25,p/b=3')
    assert.equal(createTarget(parseTarget('uniform')).name, 'uniform')
    for (const text of ['thomson', 'weighted:p/a', 'priority:', 'weighted:p/a=-1']) {
      assert.throws(() => parseTarget(text), { code: 'eval_unknown_policy' }, text)
    }
  })

  test('is refused where the log does not hold what it goes by', async () => {
    for (const name of ['round-robin', 'least-busy', 'squarecb'] as const) {
      assert.throws(
        () => createTarget({ kind: 'policy', policy: { name } }),
        { code: 'eval_bad_target' },
        name,
      )
    }
    const weights = { kind: 'weights', quality: 1, cost: 1, latency: 0 } as const
    const wished = { kind: 'policy', policy: { name: 'thompson' }, preferences: weights } as const
    assert.throws(() => createTarget(wished), { code: 'eval_bad_target', message: /exchange rates/ })
    const [row] = (await loggedWorld({ decisions: 1 })).rows
    const bare = { ...row!, estimates: [] }
    assert.throws(() => createTarget(parseTarget('thompson')).distribution(bare), { code: 'eval_bad_target' })
    const uniform = createTarget(parseTarget('uniform')).distribution(bare)
    assert.deepEqual(
      [...uniform],
      row!.eligible.map(() => 1 / row!.eligible.length),
    )
  })
})

describe('a policy file', () => {
  let world: World
  let file: PolicyFile

  before(async () => {
    world = await loggedWorld({ decisions: 800, policy: { name: 'softmax', temperature: 0.2 } })
    file = createPolicyFile(world.router, {
      policy: { name: 'thompson', exploration: 0.4 },
      hyperparameters: { floor: 0.03, effectiveSamples: 300, halfLifeMs: {} },
      provenance: { createdMs: 0, source: 'test', split: 'all', rows: 800 },
    })
  })

  test('decides as a router does that was started from it', () => {
    const arms = [...world.router.arms.values()]
    const target = createTarget({ kind: 'file', file, name: 'policy.json', hash: 'h', arms })
    assert.deepEqual([target.name, target.hash], ['policy.json', 'h'])
    const { featureSpace } = world
    const live = createRouter({ arms, featureSpace })
    live.startFrom(priorSumsOf(file, featureSpace))
    const learned: number[] = []
    for (const row of world.rows.slice(0, 25)) {
      // The facts of the request are gone; the vector they made is what the log holds.
      const past = createRouter({ arms, featureSpace: { ...featureSpace, vector: () => row.x } })
      past.startFrom(priorSumsOf(file, featureSpace))
      const result = past.decide({
        id: row.id,
        atMs: row.atMs,
        facts: { promptTokens: row.promptTokens, requestClass: row.requestClass } as never,
        candidates: row.eligible,
        policy: file.policy,
        preferences: { kind: 'exchange-rates' },
        floor: 0.03,
      })
      assert.equal(result.kind, 'decided')
      if (result.kind !== 'decided') return
      // Health is the log's: a router that has just started knows nothing of it.
      const healthy = row.estimates.map((estimate) => ({
        ...estimate,
        success: result.decision.estimates[0]!.success,
      }))
      const distribution = target.distribution({ ...row, estimates: healthy })
      learned.push(Math.max(...distribution))
      const wanted = result.decision.probabilities
      assert.ok(distribution.every((p, k) => Math.abs(p - wanted[k]!) < 1e-12))
    }
    assert.ok(Math.max(...learned) > 0.5, 'the file taught nothing')
  })

  test('does not change by being asked', () => {
    const target = createTarget({ kind: 'file', file, name: 'f', hash: 'h' })
    const first = [...target.distribution(world.rows[0]!)]
    for (const row of world.rows) target.distribution(row)
    assert.deepEqual([...target.distribution(world.rows[0]!)], first)
  })

  test('takes cost from the log where its arms have no price, and all of an arm it does not know', () => {
    const row = world.rows.at(-1)!
    const cheapest = { ...file, policy: { name: 'cheapest' } as const }
    const distribution = createTarget({
      kind: 'file',
      file: cheapest,
      name: 'f',
      hash: 'h',
      floor: 0,
    }).distribution(row)
    const least = Math.min(...row.estimates.map(({ costUsd }) => costUsd.mean))
    assert.equal(row.estimates[distribution.indexOf(1)]?.costUsd.mean, least)
    const none = { ...file, sums: [] }
    const strangers = createTarget({ kind: 'file', file: none, name: 'f', hash: 'h' }).distribution(row)
    const policy = { name: 'thompson', exploration: 0.4 } as const
    const logged = createTarget({ kind: 'policy', policy, floor: 0.03 }).distribution(row)
    assert.deepEqual([...strangers], [...logged])
  })

  test('without sums believes what the log does, as it would in force', () => {
    const arms = [...world.router.arms.values()]
    const bare = createTarget({ kind: 'file', file: { ...file, sums: [] }, name: 'f', hash: 'h', arms })
    assert.deepEqual([bare.name, bare.hash], ['f', 'h'])
    const logged = createTarget({ kind: 'policy', policy: file.policy, floor: 0.03 })
    for (const row of world.rows.slice(0, 50)) {
      assert.deepEqual([...bare.distribution(row)], [...logged.distribution(row)])
    }
    assert.throws(() => bare.distribution({ ...world.rows[0]!, featureSpace: 'another' as never }), {
      code: 'eval_bad_target',
    })
  })

  test('of another feature space is an error that names both', () => {
    const target = createTarget({ kind: 'file', file, name: 'f', hash: 'h' })
    const foreign = { ...world.rows[0]!, featureSpace: 'another' as never }
    assert.throws(() => target.distribution(foreign), {
      code: 'eval_bad_target',
      message: new RegExp(`${file.featureSpace.id}.*another`),
    })
    assert.ok(writePolicyFile(file).includes(file.featureSpace.id))
  })
})
