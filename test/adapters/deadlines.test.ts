/** When a call is given up, on a clock that the test moves. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { AlarmClock, type Phase, Watchdog, type WatchLimits } from '../../adapters/providers/deadlines.ts'

function watched(t: TestContext, limits: WatchLimits) {
  let nowMs = 0
  t.mock.method(performance, 'now', () => nowMs)
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const expired: (readonly [phase: Phase, limitMs: number, atMs: number])[] = []
  const onExpire = (phase: Phase, limitMs: number): void => {
    expired.push([phase, limitMs, nowMs])
    watchdog.stop()
  }
  const watchdog = new Watchdog(limits, onExpire, new AlarmClock())
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

  it('come each at its own time where many calls run', (t) => {
    let nowMs = 0
    t.mock.method(performance, 'now', () => nowMs)
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const clock = new AlarmClock()
    const expired: (readonly [call: number, atMs: number])[] = []
    // The fifth and the tenth fall due together, and whichever is told first ends the other.
    const calls: Watchdog[] = [70, 10, 40, 90, 50, 30, 20, 80, 60, 50].map(
      (idleMs, call) =>
        new Watchdog(
          { firstByteMs: idleMs, idleMs, totalMs: 1_000 },
          () => {
            expired.push([call, nowMs])
            calls[call]?.stop()
            if (call === 4 || call === 9) calls[13 - call]?.stop()
          },
          clock,
        ),
    )
    calls[1]?.stop()
    calls[6]?.activity()
    while (nowMs < 200) {
      nowMs++
      if (nowMs === 15) calls[6]?.activity()
      t.mock.timers.tick(1)
    }
    assert.deepEqual(
      expired.map(([call]) => (call === 9 ? 4 : call)),
      [5, 6, 2, 4, 8, 0, 7, 3],
    )
    for (const [call, atMs] of expired) {
      const dueAt = [70, 10, 40, 90, 50, 30, 35, 80, 60, 50][call] ?? 0
      assert.equal(atMs, dueAt, `call ${call}`)
    }
  })

  it('are none once it has stopped', (t) => {
    const { watchdog, expired, pass } = watched(t, limits)
    watchdog.activity()
    watchdog.stop()
    pass(1_000)
    assert.deepEqual(expired, [])
  })
})
