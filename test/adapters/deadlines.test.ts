/** When a call is given up, on a clock that the test moves. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type Phase, Watchdog, type WatchLimits } from '../../adapters/providers/deadlines.ts'

function watched(t: TestContext, limits: WatchLimits) {
  let nowMs = 0
  t.mock.method(performance, 'now', () => nowMs)
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const expired: (readonly [phase: Phase, limitMs: number, atMs: number])[] = []
  const watchdog = new Watchdog(limits, (phase, limitMs) => {
    expired.push([phase, limitMs, nowMs])
    watchdog.stop()
  })
  const pass = (ms: number): void => {
    for (const endMs = nowMs + ms; nowMs < endMs; ) {
      nowMs++
      t.mock.timers.tick(1)
    }
  }
  return { watchdog, expired, pass }
}

describe('the deadlines of a call', () => {
  const limits = { firstByteMs: 30, idleMs: 50, totalMs: 400 }

  it('end it without a first byte', (t) => {
    const { expired, pass } = watched(t, limits)
    pass(100)
    assert.deepEqual(expired, [['first-byte', 30, 30]])
  })

  it('are put off by each byte, and end it when it falls silent', (t) => {
    const { watchdog, expired, pass } = watched(t, limits)
    for (let piece = 0; piece < 7; piece++) {
      pass(29)
      watchdog.activity()
    }
    pass(100)
    assert.deepEqual(expired, [['idle', 50, 7 * 29 + 50]])
  })

  it('end it as a whole also when something comes all the time', (t) => {
    const { watchdog, expired, pass } = watched(t, limits)
    for (let piece = 0; piece < 100; piece++) {
      pass(5)
      watchdog.activity()
    }
    assert.deepEqual(expired, [['total', 400, 400]])
  })

  it('do not count as silence the time in which nobody reads', (t) => {
    const { watchdog, expired, pass } = watched(t, limits)
    watchdog.activity()
    watchdog.pause()
    pass(200)
    watchdog.resume()
    pass(49)
    assert.deepEqual(expired, [])
    pass(100)
    assert.deepEqual(expired, [['idle', 50, 250]])
  })

  it('are nearer once the end has been seen', (t) => {
    const { watchdog, expired, pass } = watched(t, limits)
    watchdog.activity()
    watchdog.tighten(10)
    pass(100)
    assert.deepEqual(expired, [['idle', 10, 10]])
  })

  it('are none once it has stopped', (t) => {
    const { watchdog, expired, pass } = watched(t, limits)
    watchdog.activity()
    watchdog.stop()
    pass(1_000)
    assert.deepEqual(expired, [])
  })
})
