import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type ArmId, createFeatureSpace, createRouter, observationsFromOutcome } from '../../engine/index.ts'
import { type LogNormal, p95, p95OfSum, product } from '../../engine/tail.ts'
import { arm, assertClose, decide, decisionId, facts, gaussian, seeded } from '../helpers/engine.ts'

const DRAWS = 200_000
/** Of a share counted over so many draws: one standard error, times five. */
const FIVE_SE = 5 * Math.sqrt((0.95 * 0.05) / DRAWS)

const draw = ({ logMean, logSd }: LogNormal, normal: () => number) => Math.exp(logMean + logSd * normal())

function shareBelow(limit: number, sample: () => number): number {
  let below = 0
  for (let i = 0; i < DRAWS; i++) if (sample() <= limit) below++
  return below / DRAWS
}

/** One log-normal with the mean and variance of the sum (Fenton 1960). */
function fentonWilkinson(a: LogNormal, b: LogNormal): number {
  const moments = ({ logMean, logSd }: LogNormal) => {
    const mean = Math.exp(logMean + logSd ** 2 / 2)
    return { mean, variance: mean ** 2 * (Math.exp(logSd ** 2) - 1) }
  }
  const [first, second] = [moments(a), moments(b)]
  const mean = first.mean + second.mean
  const logVariance = Math.log(1 + (first.variance + second.variance) / mean ** 2)
  return p95({ logMean: Math.log(mean) - logVariance / 2, logSd: Math.sqrt(logVariance) })
}

suite('tails', () => {
  const pairs: readonly (readonly [string, LogNormal, LogNormal])[] = [
    ['alike', { logMean: 6, logSd: 0.5 }, { logMean: 6.2, logSd: 0.5 }],
    ['a sharp small one and a wide large one', { logMean: 5, logSd: 0.1 }, { logMean: 9, logSd: 1 }],
    ['a wide small one and a sharp large one', { logMean: 5, logSd: 1.5 }, { logMean: 8, logSd: 0.05 }],
    ['very wide', { logMean: 6, logSd: 1.4 }, { logMean: 6, logSd: 1.2 }],
    ['very sharp', { logMean: 6, logSd: 0.002 }, { logMean: 7, logSd: 0.001 }],
  ]
  for (const [i, [what, a, b]] of pairs.entries()) {
    test(`95 of 100 sums stay below the quantile: ${what}`, () => {
      const uniform = seeded(100 + i)
      const normal = () => gaussian(uniform)
      const limit = p95OfSum(a, b)
      const share = shareBelow(limit, () => draw(a, normal) + draw(b, normal))
      assert.ok(Math.abs(share - 0.95) < FIVE_SE, `${share}`)
      assertClose(p95OfSum(b, a), limit, 1e-5)
    })
  }

  test('one log-normal with the moments of the sum would not do', () => {
    const [, a, b] = pairs[2]!
    const uniform = seeded(7)
    const normal = () => gaussian(uniform)
    const share = shareBelow(fentonWilkinson(a, b), () => draw(a, normal) + draw(b, normal))
    assert.ok(Math.abs(share - 0.95) > FIVE_SE, `${share}`)
  })

  test('what does not vary', () => {
    assertClose(p95OfSum({ logMean: 2, logSd: 0 }, { logMean: 1, logSd: 0 }), Math.exp(2) + Math.E, 1e-5)
    const a = { logMean: 2, logSd: 0.4 }
    assertClose(p95OfSum(a, { logMean: 1, logSd: 0 }), p95(a) + Math.E, 1e-5)
    assert.deepEqual(product(a, { logMean: 1, logSd: 0.3 }), { logMean: 3, logSd: 0.5 })
  })
})

suite('limits on the tails', () => {
  const space = createFeatureSpace({ classes: ['chat'] })
  const id = 'p/a' as ArmId
  const learned = () => {
    const target = createRouter({ arms: [arm(id)], featureSpace: space })
    const uniform = seeded(3)
    const decision = decide(target)
    for (let i = 0; i < 3_000; i++) {
      const ttftMs = Math.exp(6 + 0.8 * gaussian(uniform))
      const outputTokens = Math.exp(5 + 0.6 * gaussian(uniform))
      const totalMs = ttftMs + outputTokens * Math.exp(3 + 0.3 * gaussian(uniform))
      target.learn(
        observationsFromOutcome(
          { ...decision, id: decisionId(i) },
          { arm: id, succeeded: true, ttftMs, outputTokens, totalMs },
          1_000 + i,
          space.servingDimension,
        ),
      )
    }
    return target
  }
  /** The smallest limit that the arm still meets, to a thousandth. */
  const least = (fits: (limit: number) => boolean, low: number, high: number): number => {
    while (high / low > 1.001) {
      const middle = Math.sqrt(low * high)
      if (fits(middle)) high = middle
      else low = middle
    }
    return high
  }

  test('of time and money follow what was learned', () => {
    const target = learned()
    const fits = (constraints: object) => {
      const result = target.decide({
        id: decisionId(1),
        atMs: 4_100,
        facts: facts({ promptTokens: 1_000 }),
        candidates: [id],
        policy: { name: 'thompson' },
        preferences: { kind: 'exchange-rates' },
        constraints,
      })
      if (result.kind === 'decided') return true
      const { reason, detail } = result.exclusions[0]!
      const [field] = Object.keys(constraints)
      assert.equal(reason, field === 'maxP95CostUsd' ? 'max_p95_cost' : 'max_p95_latency')
      assert.match(detail, /^p95 [\d.e-]+ > [\d.e-]+ (?:ms|USD)$/)
      return false
    }
    const uniform = seeded(4)
    const normal = () => gaussian(uniform)
    const limitMs = least((limit) => fits({ maxP95LatencyMs: limit }), 100, 1e6)
    const share = shareBelow(
      limitMs,
      () => Math.exp(6 + 0.8 * normal()) + Math.exp(3 + 0.3 * normal()) * Math.exp(5 + 0.6 * normal()),
    )
    assert.ok(Math.abs(share - 0.95) < 0.01, `${share} of the answers come within ${limitMs} ms`)
    const limitUsd = least((limit) => fits({ maxP95CostUsd: limit }), 1e-5, 1)
    const truthUsd = (1_000 + 2 * Math.exp(5 + 1.6449 * 0.6)) / 1e6
    assertClose(limitUsd / truthUsd, 1, 0.03)
  })

  test('a cut answer is bounded from above, by no more than what the cut can explain', () => {
    const target = learned()
    const limitFor = (requestedOutputTokens: number | undefined) =>
      least(
        (limit) =>
          target.decide({
            id: decisionId(1),
            atMs: 4_100,
            facts: facts({ requestedOutputTokens }),
            candidates: [id],
            policy: { name: 'thompson' },
            preferences: { kind: 'exchange-rates' },
            constraints: { maxP95LatencyMs: limit },
          }).kind === 'decided',
        100,
        1e6,
      )
    for (const cut of [50, 150, 400]) {
      const uniform = seeded(cut)
      const normal = () => gaussian(uniform)
      const share = shareBelow(
        limitFor(cut),
        () =>
          Math.exp(6 + 0.8 * normal()) +
          Math.exp(3 + 0.3 * normal()) * Math.min(Math.exp(5 + 0.6 * normal()), cut),
      )
      assert.ok(share > 0.94, `cut at ${cut}: ${share}`)
      assert.ok(share < 0.99, `cut at ${cut}: ${share}`)
    }
  })
})
