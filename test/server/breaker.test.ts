import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UpstreamError } from '../../adapters/index.ts'
import { Breaker } from '../../server/resilience/breaker.ts'
import { ArmHealth } from '../../server/resilience/health.ts'
import { armIds } from '../helpers/engine.ts'

function failures(breaker: Breaker, count: number, nowMs = 0): Breaker {
  for (let i = 0; i < count; i++) breaker.fail(nowMs)
  return breaker
}

describe('a breaker', () => {
  it('stays closed for four failures in a row and opens at the fifth, for 15 s', () => {
    const breaker = failures(new Breaker(), 4)
    assert.equal(breaker.kind, 'closed')
    breaker.fail(0)
    assert.equal(breaker.kind, 'open')
    assert.equal(breaker.admits(14_999), false)
    assert.equal(breaker.admits(15_000), true)
    assert.equal(breaker.waitMs(5_000), 10_000)
  })

  it('counts failures in a row only', () => {
    const breaker = failures(new Breaker(), 4)
    breaker.succeed()
    failures(breaker, 4)
    assert.equal(breaker.kind, 'closed')
  })

  it('lets one probe through when its time is up, and nobody else while the probe is out', () => {
    const breaker = failures(new Breaker(), 5)
    breaker.begin(15_000)
    assert.equal(breaker.kind, 'half-open')
    assert.equal(breaker.admits(15_001), false)
  })

  it('closes when the probe succeeds', () => {
    const breaker = failures(new Breaker(), 5)
    breaker.begin(15_000)
    breaker.succeed()
    assert.equal(breaker.isSound, true)
  })

  it('opens for twice as long after each failed probe, up to 120 s', () => {
    const breaker = failures(new Breaker(), 5)
    const opened = [15_000]
    let nowMs = 0
    for (let probe = 0; probe < 5; probe++) {
      nowMs += opened.at(-1)!
      breaker.begin(nowMs)
      breaker.fail(nowMs)
      opened.push(breaker.waitMs(nowMs))
    }
    assert.deepEqual(opened, [15_000, 30_000, 60_000, 120_000, 120_000, 120_000])
  })

  it('is not closed by a call that began before it opened', () => {
    const breaker = failures(new Breaker(), 5)
    breaker.succeed()
    assert.equal(breaker.kind, 'open')
  })

  it('lets the next call probe when a probe was abandoned or lost', () => {
    const breaker = failures(new Breaker(), 5)
    breaker.begin(15_000)
    breaker.abandon(16_000)
    assert.equal(breaker.admits(16_000), true)
    breaker.begin(16_000)
    assert.equal(breaker.admits(16_000 + 119_999), false)
    assert.equal(breaker.admits(16_000 + 120_000), true)
  })

  it('is held open for as long as the upstream asked, at most 120 s', () => {
    const breaker = new Breaker()
    breaker.hold(0, 2_000)
    assert.equal(breaker.admits(1_999), false)
    assert.equal(breaker.admits(2_000), true)
    breaker.hold(0, 3_600_000)
    assert.equal(breaker.waitMs(0), 120_000)
    breaker.hold(0, 1)
    assert.equal(breaker.waitMs(0), 120_000, 'a shorter wait does not shorten a longer one')
  })
})

describe('the health of arms', () => {
  const [arm, other] = armIds('p/a', 'p/b') as [ReturnType<typeof armIds>[0], ReturnType<typeof armIds>[0]]
  const error = (change: Partial<ConstructorParameters<typeof UpstreamError>[0]> = {}) =>
    new UpstreamError({
      message: 'no',
      code: 'upstream_error',
      type: 'upstream_error',
      httpStatus: 502,
      retry: 'other',
      ...change,
    })

  it('rules out an arm at once whose credential is refused', () => {
    const health = new ArmHealth()
    health.fail(arm!, error({ retry: 'key' }), 0)
    assert.deepEqual(health.unfit(0), [[arm, 'failing; next try in 15000 ms']])
    assert.equal(health.waitMs([arm!], 0), 15_000)
    assert.equal(health.waitMs([arm!, other!], 0), 0, 'the other arm is free now')
  })

  for (const change of [
    { retry: 'never', httpStatus: 400 },
    { retry: 'other', httpStatus: 400, code: 'context_length_exceeded' },
    { retry: 'other', httpStatus: 413 },
    { retry: 'other', httpStatus: 429, code: 'request_exceeds_rate_limit' },
  ] as const) {
    it(`holds ${JSON.stringify(change)} against the request, not the arm`, () => {
      const health = new ArmHealth()
      for (let i = 0; i < 10; i++) health.fail(arm!, error(change), 0)
      assert.deepEqual(health.unfit(0), [])
    })
  }

  it('leaves a rate-limited arm alone for as long as it asked', () => {
    const health = new ArmHealth()
    health.fail(arm!, error({ httpStatus: 429, retryAfterMs: 4_000 }), 0)
    assert.equal(health.unfit(3_999).length, 1)
    assert.equal(health.unfit(4_000).length, 0)
    assert.equal(health.stateOf(arm!), 'open')
  })

  it('forgets an arm’s failures after a success', () => {
    const health = new ArmHealth()
    for (let i = 0; i < 4; i++) health.fail(arm!, error(), 0)
    health.succeed(arm!)
    for (let i = 0; i < 4; i++) health.fail(arm!, error(), 0)
    assert.deepEqual(health.unfit(0), [])
  })
})
