import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  type ArmId,
  type DecideRequest,
  draw,
  EngineError,
  type HeadSums,
  hash53,
  type Observation,
  observationsFromOutcome,
  qualityObservation,
} from '../../engine/index.ts'
import { arm, armIds, assertClose, decide, decisionId, facts, router, seeded } from '../helpers/engine.ts'

const refuses =
  (code: string, ...words: string[]) =>
  (error: unknown) =>
    error instanceof EngineError && error.code === code && words.every((word) => error.message.includes(word))

suite('draw', () => {
  test('u is the first 53 bits of SHA-256(salt:id)', () => {
    const digest = createHash('sha256').update('v1:some-id').digest('hex')
    const bits = BigInt(`0x${digest.slice(0, 16)}`) >> 11n
    assert.equal(hash53('some-id', 'v1'), Number(bits) / 2 ** 53)
    assert.notEqual(hash53('some-id', 'v2'), hash53('some-id', 'v1'))
  })

  test('an arm of probability 0 is never drawn', () => {
    const uniforms = fc.double({ min: 0, max: 1 - 2 ** -53, noNaN: true })
    fc.assert(
      fc.property(uniforms, (u) => {
        assert.equal(draw(Float64Array.of(0, 1, 0), u), 1)
        assert.notEqual(draw(Float64Array.of(0.5, 0, 0.5 - 1e-16), u), 1)
      }),
      { seed: 1 },
    )
    // Rounding left the sum below u.
    assert.equal(draw(Float64Array.of(0.3, 0.3, 0), 0.999), 1)
  })
})

suite('eligibility', () => {
  const arms = [
    arm('p/plain', { contextWindowTokens: 1_000, region: 'us' }),
    arm('p/eyes', { capabilities: ['vision', 'tools', 'json-schema'], region: 'eu' }),
    arm('p/dear', {
      price: { inputUsdPerMtok: 100, outputUsdPerMtok: 9_000 },
      contextWindowTokens: 1_000_000,
    }),
    arm('p/slow', { prior: { quality: 0.5, ttftMs: 30_000, tpotMs: 10, outputTokens: 200 } }),
  ]
  const cases: readonly (readonly [string, Partial<DecideRequest>, Record<string, [string, string]>])[] = [
    ['images', { facts: facts({ imageCount: 1 }) }, { 'p/plain': ['missing_capability', 'vision'] }],
    [
      'a schema',
      { facts: facts({ wantsSchema: true }) },
      { 'p/plain': ['missing_capability', 'json-schema'] },
    ],
    [
      'a long prompt',
      { facts: facts({ promptTokens: 900, requestedOutputTokens: 200 }) },
      { 'p/plain': ['context_window', '1100 > 1000'] },
    ],
    [
      'a region',
      { constraints: { regions: ['eu'] } },
      { 'p/plain': ['region', 'us'], 'p/dear': ['region', 'no region'] },
    ],
    ['a cost limit', { constraints: { maxCostUsd: 0.01 } }, { 'p/dear': ['max_cost', '> 0.01'] }],
    ['a latency limit', { constraints: { maxLatencyMs: 20_000 } }, { 'p/slow': ['max_latency', '> 20000'] }],
    ['an unknown arm', { candidates: armIds('p/plain', 'p/gone') }, { 'p/gone': ['unknown_arm', ''] }],
  ]
  for (const [what, request, expected] of cases) {
    test(`${what} excludes with a reason`, () => {
      const { eligible, exclusions } = decide(router(arms), request)
      for (const [id, [reason, detail]] of Object.entries(expected)) {
        const exclusion = exclusions.find((entry) => entry.arm === id)
        assert.equal(exclusion?.reason, reason)
        assert.ok(exclusion.detail.includes(detail), exclusion.detail)
        assert.ok(!eligible.includes(id as ArmId))
      }
      assert.equal(
        new Set([...eligible, ...exclusions.map((e) => e.arm)]).size,
        eligible.length + exclusions.length,
      )
    })
  }

  test('when nothing is left the answer is every reason, not an exception', () => {
    const target = router(arms)
    const result = target.decide({
      id: decisionId(1),
      atMs: 0,
      facts: facts(),
      candidates: [...target.arms.keys()],
      policy: { name: 'thompson' },
      preferences: { kind: 'exchange-rates' },
      constraints: { regions: ['mars'] },
    })
    assert.equal(result.kind, 'no-eligible-arm')
    assert.equal(result.exclusions.length, arms.length)
  })
})

suite('preferences', () => {
  const arms = [
    arm('p/good', {
      price: { inputUsdPerMtok: 10, outputUsdPerMtok: 50 },
      prior: { quality: 0.9, ttftMs: 2_000, tpotMs: 40, outputTokens: 300 },
    }),
    arm('p/fast', {
      price: { inputUsdPerMtok: 0.1, outputUsdPerMtok: 0.5 },
      prior: { quality: 0.7, ttftMs: 200, tpotMs: 5, outputTokens: 300 },
    }),
  ]
  const best = (preferences: DecideRequest['preferences']): string =>
    decide(router(arms), { preferences, explore: false }).arm

  test('quality alone, then money or time at a rate', () => {
    assert.equal(best({ kind: 'exchange-rates' }), 'p/good')
    assert.equal(best({ kind: 'exchange-rates', usdPerQualityPoint: 0.0001 }), 'p/fast')
    assert.equal(best({ kind: 'exchange-rates', usdPerQualityPoint: 1 }), 'p/good')
    assert.equal(best({ kind: 'exchange-rates', secondsPerQualityPoint: 0.1 }), 'p/fast')
  })

  test('weights are relative to what the candidates cost on average for a plain request', () => {
    assert.equal(best({ kind: 'weights', quality: 1, cost: 0, latency: 0 }), 'p/good')
    assert.equal(best({ kind: 'weights', quality: 1, cost: 0.5, latency: 0 }), 'p/fast')
    const preferences = { kind: 'weights', quality: 2, cost: 1, latency: 0.5 } as const
    // Structure all zeros: 255 prompt tokens, and a question or not in equal parts.
    const plain = facts({ promptTokens: 255, turns: 1, hasQuestion: false })
    const asked = facts({ promptTokens: 255, turns: 1, hasQuestion: true })
    const [{ rates, estimates }, other] = [plain, asked].map((f) =>
      decide(router(arms), { preferences, facts: f }),
    ) as [ReturnType<typeof decide>, ReturnType<typeof decide>]
    assert.deepEqual(rates, other.rates)
    const meanCost = estimates.reduce((sum, e) => sum + e.costUsd.mean, 0) / estimates.length
    const meanSeconds = estimates.reduce((sum, e) => sum + e.latencyMs.mean, 0) / estimates.length / 1_000
    assertClose(rates.perUsd, 0.5 / meanCost, 1e-12)
    assertClose(rates.perSecond, 0.25 / meanSeconds, 1e-12)
  })

  test('utility is the stated sum, mean and variance', () => {
    const { estimates, rates } = decide(router(arms), {
      preferences: { kind: 'exchange-rates', usdPerQualityPoint: 0.001, secondsPerQualityPoint: 2 },
    })
    assertClose(rates.perUsd, 10, 1e-12)
    assertClose(rates.perSecond, 0.005, 1e-12)
    for (const { quality, costUsd, latencyMs, success, utility } of estimates) {
      const mean =
        quality.mean - 10 * costUsd.mean - 0.005e-3 * latencyMs.mean - rates.perFailure * (1 - success.mean)
      assertClose(utility.mean, mean, 1e-12)
      const variance =
        quality.sd ** 2 +
        (10 * costUsd.sd) ** 2 +
        (0.005e-3 * latencyMs.sd) ** 2 +
        (rates.perFailure * success.sd) ** 2
      assertClose(utility.sd, Math.sqrt(variance), 1e-12)
    }
  })

  test('a price change changes the choice and keeps what was learned', () => {
    const target = router(arms)
    const preferences = { kind: 'exchange-rates', usdPerQualityPoint: 0.0005 } as const
    const decision = decide(target, { preferences })
    target.learn(
      Array.from({ length: 50 }, () => qualityObservation(decision, 'p/good' as ArmId, 0.95, 2_000)),
    )
    const before = decide(target, { preferences, explore: false, atMs: 3_000 })
    assert.equal(before.arm, 'p/fast')
    target.replaceArms(
      arms.map((a) =>
        a.id === 'p/good' ? { ...a, price: { inputUsdPerMtok: 0.1, outputUsdPerMtok: 0.5 } } : a,
      ),
    )
    const after = decide(target, { preferences, explore: false, atMs: 3_000 })
    assert.equal(after.arm, 'p/good')
    assert.deepEqual(
      after.estimates.map((e) => e.quality),
      before.estimates.map((e) => e.quality),
    )
  })
})

suite('learning', () => {
  test('feedback moves the probabilities towards the better arm', () => {
    const target = router()
    const uniform = seeded(1)
    const truth: Record<string, number> = { 'p/a': 0.3, 'p/b': 0.8, 'p/c': 0.5 }
    for (let i = 0; i < 400; i++) {
      const decision = decide(target, { id: decisionId(i), atMs: i * 1_000 })
      const quality = uniform() < (truth[decision.arm] as number) ? 1 : 0
      target.learn([qualityObservation(decision, decision.arm, quality, i * 1_000)])
    }
    const { eligible, probabilities } = decide(target, { atMs: 400_000 })
    assert.ok((probabilities[eligible.indexOf('p/b' as ArmId)] as number) > 0.9, `${probabilities}`)
  })

  test('outcomes teach speed, length and success on their scales', () => {
    const target = router()
    const decision = decide(target)
    const observations = observationsFromOutcome(
      decision,
      { arm: decision.arm, succeeded: true, ttftMs: 200, totalMs: 1_200, outputTokens: 100 },
      5_000,
      target.featureSpace.servingDimension,
    )
    const byHead = new Map(observations.map((o) => [o.head, o]))
    assertClose(byHead.get('ttft')?.y as number, Math.log(200), 1e-12)
    assertClose(byHead.get('tpot')?.y as number, Math.log(10), 1e-12)
    assertClose(byHead.get('output_tokens')?.y as number, Math.log(100), 1e-12)
    assert.deepEqual([byHead.get('success')?.y, [...(byHead.get('success')?.x ?? [])]], [1, [1]])
  })

  test('a whole answer is split by the forecast first token; a failure teaches success alone', () => {
    const decision = decide(router())
    const forecast = decision.estimates.find((e) => e.arm === decision.arm)
    const whole = observationsFromOutcome(
      decision,
      { arm: decision.arm, succeeded: true, totalMs: 10_000, outputTokens: 50 },
      0,
      decision.x.length,
    )
    assert.deepEqual(
      whole.map((o) => o.head),
      ['tpot', 'output_tokens', 'success'],
    )
    assertClose(whole[0]?.y as number, Math.log((10_000 - (forecast?.ttftMs as number)) / 50), 1e-12)
    const failed = observationsFromOutcome(
      decision,
      { arm: decision.arm, succeeded: false, totalMs: 9 },
      0,
      decision.x.length,
    )
    assert.deepEqual(
      failed.map((o) => [o.head, o.y]),
      [['success', 0]],
    )
  })

  test('slow answers of one arm raise its latency forecast and no other arm intercept', () => {
    const target = router()
    const decision = decide(target)
    for (let i = 0; i < 100; i++) {
      target.learn(
        observationsFromOutcome(
          decision,
          { arm: 'p/a' as ArmId, succeeded: true, ttftMs: 4_000, totalMs: 9_000, outputTokens: 100 },
          1_000 + i,
          target.featureSpace.servingDimension,
        ),
      )
    }
    const estimates = decide(target, { atMs: 2_000 }).estimates
    const latency = (id: string): number => estimates.find((e) => e.arm === id)?.latencyMs.mean as number
    assert.ok(Math.abs(latency('p/a') - 9_000) < 1_500, `${latency('p/a')}`)
    assert.ok(latency('p/b') < 4_000, `${latency('p/b')}`)
  })

  test('sums absorbed from two halves are the sums of the whole', () => {
    const stream: Observation[] = []
    const [planner, whole] = [router(), router()]
    const uniform = seeded(9)
    for (let i = 0; i < 80; i++) {
      const decision = decide(planner, {
        id: decisionId(i),
        atMs: i * 60_000,
        facts: facts({ requestClass: i % 2 ? 'code' : 'chat' }),
      })
      const batch = [
        qualityObservation(decision, decision.arm, uniform(), i * 60_000),
        ...observationsFromOutcome(
          decision,
          { arm: decision.arm, succeeded: uniform() < 0.9, ttftMs: 100, totalMs: 900, outputTokens: 80 },
          i * 60_000,
          whole.featureSpace.servingDimension,
        ),
      ]
      stream.push(...batch)
      whole.learn(batch)
    }
    const [left, right, joined] = [router(), router(), router()]
    left.learn(stream.filter((_, i) => i % 3 === 0))
    right.learn(stream.filter((_, i) => i % 3 !== 0))
    joined.absorb(left.sums())
    joined.absorb(right.sums())
    const key = (s: HeadSums): string => `${s.arm} ${s.head}`
    const merged = new Map(joined.sums().map((s) => [key(s), s]))
    assert.equal(merged.size, whole.sums().length)
    for (const expected of whole.sums()) {
      const actual = merged.get(key(expected)) as HeadSums
      // Reading the sums may have brought one side to a later time than the other.
      const factor = 2 ** ((actual.asOfMs - expected.asOfMs) / whole.halfLifeMs[expected.head])
      assertClose(factor * actual.n, expected.n, 1e-9)
      assertClose(factor * actual.c, expected.c, 1e-9)
      for (const [i, value] of expected.A.entries())
        assertClose(factor * (actual.A[i] as number), value, 1e-9)
      for (const [i, value] of expected.b.entries())
        assertClose(factor * (actual.b[i] as number), value, 1e-9)
    }
  })

  test('the sums of an arm that left are there when it returns', () => {
    const all = [arm('p/a'), arm('p/b')]
    const target = router(all)
    const decision = decide(target)
    target.learn([qualityObservation(decision, 'p/a' as ArmId, 0.9, 1_000)])
    const before = decide(target, { atMs: 2_000 })
    target.replaceArms([arm('p/b')])
    assert.deepEqual(decide(target, { candidates: armIds('p/b'), atMs: 2_000 }).eligible, ['p/b'])
    target.replaceArms(all)
    assert.deepEqual(decide(target, { atMs: 2_000 }), before)
  })

  test('sums known before the arm is registered start from its own prior once it is', () => {
    const source = router([
      arm('p/x', { prior: { quality: 0.9, ttftMs: 500, tpotMs: 10, outputTokens: 200 } }),
    ])
    source.learn([qualityObservation(decide(source), 'p/x' as ArmId, 0.8, 1_000)])
    const late = router([])
    late.absorb(source.sums())
    late.replaceArms([...source.arms.values()])
    const [a, b] = [decide(source, { atMs: 1_500 }), decide(late, { atMs: 1_500 })]
    assertClose(b.estimates[0]?.quality.mean as number, a.estimates[0]?.quality.mean as number, 1e-9)
  })
})

suite('bad input', () => {
  test('each error names the input', () => {
    const target = router()
    const decision = decide(target)
    const bad = (request: Partial<DecideRequest>) => () => decide(target, request)
    assert.throws(bad({ floor: 1 }), refuses('engine_bad_config', 'floor', '1'))
    assert.throws(
      bad({ policy: { name: 'epsilon-greedy', epsilon: 2 } }),
      refuses('engine_bad_config', 'epsilon', '2'),
    )
    assert.throws(
      bad({ policy: { name: 'thompson', exploration: 0 } }),
      refuses('engine_bad_config', 'exploration'),
    )
    assert.throws(
      bad({ policy: { name: 'weighted', weights: { 'p/a': -1 } } }),
      refuses('engine_bad_config', 'p/a', '-1'),
    )
    assert.throws(
      bad({ policy: { name: 'thomson' } as never }),
      refuses('engine_bad_config', 'thomson', 'thompson'),
    )
    assert.throws(
      bad({ preferences: { kind: 'weights', quality: 0, cost: 1, latency: 1 } }),
      refuses('engine_bad_config', 'preferences.quality', '0'),
    )
    assert.throws(() => router([arm('p/a'), arm('p/a')]), refuses('engine_bad_arm', 'p/a', 'twice'))
    assert.throws(
      () => router([arm('p/a', { prior: { quality: 2, ttftMs: 1, tpotMs: 1, outputTokens: 1 } })]),
      refuses('engine_bad_arm', 'p/a', 'prior.quality', '2'),
    )
    assert.throws(
      () => qualityObservation(decision, decision.arm, 1.5, 0),
      refuses('engine_bad_observation', '1.5'),
    )
    const good = qualityObservation(decision, decision.arm, 0.5, 0)
    assert.throws(() => target.learn([{ ...good, y: Number.NaN }]), refuses('engine_bad_observation', 'p/'))
    assert.throws(
      () => target.learn([{ ...good, x: Float64Array.of(1) }]),
      refuses('engine_bad_observation', '1 coordinates'),
    )
    assert.throws(
      () => target.restore({ version: 1, featureSpace: 'other', sums: [], shared: [] }),
      refuses('engine_snapshot_mismatch', 'other'),
    )
  })

  test('sums that are no numbers are refused wherever they come from, and nothing is lost', () => {
    const target = router()
    const { featureSpace } = target
    for (let i = 0; i < 40; i++) target.learn([qualityObservation(decide(target), 'p/a' as ArmId, i % 2, i)])
    const [good] = target.sums()
    assert.ok(good)
    const snapshot = target.snapshot()
    const refused = refuses('engine_snapshot_mismatch', 'p/a/quality', 'not finite')
    const bad: Partial<HeadSums>[] = [
      { n: Number.NaN },
      { c: Number.POSITIVE_INFINITY },
      { asOfMs: Number.NaN },
      { A: good.A.map(() => Number.NaN) },
      { b: good.b.map(() => Number.NEGATIVE_INFINITY) },
    ]
    for (const wrong of bad) {
      const sums = [{ ...good, ...wrong, featureSpace: featureSpace.id }]
      assert.throws(() => target.absorb(sums), refused)
      assert.throws(() => target.startFrom({ sums }), refused)
      assert.throws(() => target.replaceElsewhere({ sums, cuts: [], withHandedOver: true }), refused)
      const [{ A, b, ...rest }] = sums as [HeadSums]
      const broken = { ...snapshot, sums: [{ ...rest, A: [...A], b: [...b] }] }
      assert.throws(() => target.restore(broken), refused)
    }
    assert.deepEqual(target.snapshot(), snapshot)
  })

  test('a request that has no numbers is refused', () => {
    const refused = refuses('engine_bad_observation', 'not finite')
    assert.throws(() => decide(router(), { atMs: Number.NaN }), refused)
    for (const wrong of [{ promptTokens: Number.POSITIVE_INFINITY }, { codeShare: Number.NaN }])
      assert.throws(() => decide(router(), { facts: facts(wrong) }), refused)
  })

  test('a batch with one bad observation teaches nothing', () => {
    const target = router()
    const good = qualityObservation(decide(target), 'p/a' as ArmId, 0.5, 0)
    assert.throws(() => target.learn([good, { ...good, weight: Number.POSITIVE_INFINITY }]))
    assert.deepEqual(target.sums(), [])
  })
})
