/** Rows on their way into ClickHouse. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { v7 } from 'uuid'
import { createLane } from '../../adapters/clickhouse/lane.ts'
import { isUuid, RowBinary } from '../../adapters/clickhouse/row-binary.ts'
import { decisionTimeMs } from '../../adapters/clickhouse/rows/fields.ts'
import { groupObservations } from '../../adapters/clickhouse/rows/observations.ts'
import type { ArmId, HeadName } from '../../engine/index.ts'
import { callObservations, decisionId, observation, START_MS } from '../helpers/store-rows.ts'

const heads = (groups: ReturnType<typeof groupObservations>): HeadName[][] =>
  groups.map((group) => group.map(({ head }) => head))

test('the time of a decision is the first 48 bits of its id', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (msecs) => {
      assert.equal(decisionTimeMs(v7({ msecs })), msecs)
    }),
    { seed: 1 },
  )
})

/** What `write` writes, as bytes. */
function written(write: (to: RowBinary) => void): Buffer {
  const to = new RowBinary()
  write(to)
  return Buffer.from(to.take())
}

/** LEB128, as ClickHouse writes lengths; and where it ends. */
function readLength(bytes: Buffer, start = 0): { value: number; end: number } {
  let value = 0
  for (let at = start, scale = 1; ; at += 1, scale *= 128) {
    const byte = bytes.readUInt8(at)
    value += (byte & 127) * scale
    if (byte < 128) return { value, end: at + 1 }
  }
}

test('vectors keep every bit, also as a view into a larger buffer', () => {
  fc.assert(
    fc.property(fc.float64Array({ maxLength: 300 }), (vector) => {
      const view = new Float64Array([9, ...vector, 9]).subarray(1, -1)
      const bytes = written((to) => to.vector(view))
      const { value, end } = readLength(bytes)
      assert.equal(value, vector.length)
      assert.deepEqual(
        Float64Array.from(vector, (_, i) => bytes.readDoubleLE(end + i * 8)),
        vector,
      )
      assert.equal(bytes.length, end + vector.length * 8)
    }),
    { seed: 1 },
  )
})

test('a text is its UTF-8 behind its length, whatever its script and size', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.string({ unit: 'grapheme-ascii', maxLength: 200 }),
    fc.constantFrom(
      'a'.repeat(64),
      'a'.repeat(65),
      'é'.repeat(64),
      '日'.repeat(20_000),
      '\uD83D',
      'a\uDC00b',
    ),
  )
  fc.assert(
    fc.property(fc.array(texts, { maxLength: 5 }), (list) => {
      const bytes = written((to) => to.texts(list))
      let { value, end: at } = readLength(bytes)
      assert.equal(value, list.length)
      for (const text of list) {
        const { value: length, end } = readLength(bytes, at)
        assert.equal(bytes.toString('utf8', end, end + length), text.toWellFormed())
        at = end + length
      }
      assert.equal(at, bytes.length)
    }),
    { seed: 1 },
  )
})

test('a UUID is its two halves, each backwards', () => {
  assert.equal(
    written((to) => to.uuid('00010203-0405-0607-0809-0a0b0c0d0eFF')).toString('hex'),
    '0706050403020100ff0e0d0c0b0a0908',
  )
  fc.assert(
    fc.property(fc.uuid(), (id) => isUuid(id) && isUuid(id.toUpperCase())),
    { seed: 1 },
  )
})

test('times are whole milliseconds over the whole range', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: (2 ** 32 - 1) * 1_000, maxExcluded: true, noNaN: true }),
      (timeMs) => {
        assert.equal(written((to) => to.timeMs(timeMs)).readBigInt64LE(), BigInt(Math.round(timeMs)))
      },
    ),
    { seed: 1 },
  )
})

test('what ClickHouse would refuse is refused here, or made acceptable', () => {
  const to = new RowBinary()
  for (const id of [
    '',
    'x',
    '01890000-0000-7000-8000-00000000000',
    '01890000-0000-7000-8000-0000000000010',
    '01890000-0000-7000-8000-00000000000g',
    '01890000-0000-7000-8000-00000000000é',
    '0189000000-00-7000-8000-000000000001',
  ]) {
    assert.throws(() => to.uuid(id), TypeError, id)
  }
  for (const timeMs of [Number.NaN, -1, Number.POSITIVE_INFINITY, (2 ** 32 - 1) * 1_000])
    assert.throws(() => to.timeMs(timeMs), RangeError)
  assert.equal(to.bytes, 0)
  const counts = [1.4, -1, 2 ** 40, Number.NaN, undefined].map((count) => {
    const bytes = written((into) => into.optionalCount(count))
    return bytes.readUInt8(0) === 1 ? null : bytes.readUInt32LE(1)
  })
  assert.deepEqual(counts, [1, 0, 2 ** 32 - 1, null, null])
  const floats = [0.1, Number.NaN, Number.POSITIVE_INFINITY, undefined].map((value) => {
    const bytes = written((into) => into.optionalFloat(value))
    return bytes.readUInt8(0) === 1 ? null : bytes.readDoubleLE(1)
  })
  assert.deepEqual(floats, [0.1, null, null, null])
})

test('the speed heads of one call share a row; success and quality do not', () => {
  const call = callObservations(decisionId(), START_MS, Float64Array.of(1, 2))
  assert.deepEqual(heads(groupObservations([...call, observation(), observation()])), [
    ['ttft', 'tpot', 'output_tokens'],
    ['success'],
    ['quality'],
    ['quality'],
  ])
})

test('speed heads that differ in anything but head and y keep rows of their own', () => {
  const [first] = callObservations(decisionId(), START_MS, Float64Array.of(1, 2))
  const same = { ...first!, head: 'tpot' as const, x: Float64Array.of(1, 2) }
  assert.equal(groupObservations([first!, same]).length, 1)
  const others = [
    { ...same, decisionId: decisionId() },
    { ...same, arm: 'other/arm' as ArmId },
    { ...same, weight: -1 },
    { ...same, atMs: START_MS + 1 },
    { ...same, x: Float64Array.of(1, 3) },
    { ...same, x: Float64Array.of(1) },
    { ...same, head: 'ttft' as const },
  ]
  for (const other of others) assert.equal(groupObservations([first!, other]).length, 2)
})

test('a row that is none leaves nothing behind', () => {
  const lane = createLane({ table: 't', columns: [], nextToken: () => 'token' })
  const append = (text: string, id: string) => {
    lane.append('decision', (to) => {
      to.text(text)
      to.uuid(id)
    })
  }
  const id = decisionId()
  append('first', id)
  const { bytes } = lane
  assert.throws(() => append('broken', 'no id'), TypeError)
  assert.deepEqual([lane.rows, lane.bytes], [1, bytes])
  append('first', id)
  assert.deepEqual([lane.rows, lane.bytes], [2, 2 * bytes])
})

test('the buffer grows far beyond its first size, and starts empty again', () => {
  const to = new RowBinary(64)
  const text = '日'.repeat(50_000)
  for (let i = 0; i < 5; i += 1) to.text(text)
  const taken = to.take()
  assert.equal(taken.length, 5 * (150_000 + 3))
  assert.equal(to.bytes, 0)
  to.text('later')
  assert.equal(Buffer.from(taken).toString('utf8', 3, 6), '日')
})
