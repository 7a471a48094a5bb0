import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { v7, validate, version } from 'uuid'
import { createIds } from '../../server/index.ts'
import { KeyedLock } from '../../server/keyed-lock.ts'

describe('ids', () => {
  it('are UUIDv7 of the clock’s time', () => {
    const id = createIds({ nowMs: () => 1_700_000_000_123.7 }, randomBytes).next()
    assert.ok(validate(id))
    assert.equal(version(id), 7)
    assert.equal(Number.parseInt(id.replace('-', '').slice(0, 12), 16), 1_700_000_000_123)
  })

  it('are written as another implementation writes them', () => {
    const random = Uint8Array.from(randomBytes(10 * 256))
    const times = [0, 0, 1, 1_700_000_000_123, 2 ** 48 - 1]
    let at = 0
    const ids = createIds({ nowMs: () => times[at++]! }, () => random)
    let seq = 0
    for (const [i, msecs] of times.entries()) {
      const own = random.subarray(10 * i, 10 * i + 10)
      seq = msecs === times[i - 1] ? seq + 1 : new DataView(random.buffer).getUint32(10 * i) >>> 1
      const tail = Uint8Array.of(...new Uint8Array(10), ...own.subarray(4))
      assert.equal(ids.next(), v7({ msecs, seq, random: tail }))
    }
  })

  it('ascend within a millisecond and when the clock steps back', () => {
    const times = [5_000, 5_000, 5_000, 4_000, 4_001, 5_001]
    let at = 0
    const clock = { nowMs: () => times[Math.min(at++, times.length - 1)]! }
    const ids = createIds(clock, randomBytes)
    const drawn = Array.from({ length: 2_000 }, () => ids.next())
    assert.deepEqual(drawn, [...drawn].sort())
    assert.equal(new Set(drawn).size, drawn.length)
  })

  it('ascend even when a millisecond’s numbers are used up', () => {
    const ids = createIds({ nowMs: () => 1 }, (count) => new Uint8Array(count).fill(0xff))
    const drawn = Array.from({ length: 1_000 }, () => ids.next())
    assert.deepEqual(drawn, [...drawn].sort())
  })

  it('are a function of clock and random bytes alone', () => {
    const make = () => createIds({ nowMs: () => 77 }, (count) => new Uint8Array(count).fill(7))
    const [a, b] = [make(), make()]
    assert.deepEqual([a.next(), a.next()], [b.next(), b.next()])
  })
})

describe('the keyed lock', () => {
  it('runs work under one key in order and under others at once', async () => {
    const lock = new KeyedLock()
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    const order: string[] = []
    const first = lock.run('a', async () => {
      await gate
      order.push('a1')
    })
    const second = lock.run('a', async () => void order.push('a2'))
    await lock.run('b', async () => void order.push('b'))
    open()
    await Promise.all([first, second])
    assert.deepEqual(order, ['b', 'a1', 'a2'])
  })

  it('goes on after work that failed', async () => {
    const lock = new KeyedLock()
    const failed = lock.run('a', () => Promise.reject(new Error('no')))
    const next = lock.run('a', async () => 'yes')
    await assert.rejects(failed, { message: 'no' })
    assert.equal(await next, 'yes')
  })
})
