/** Rows on their way into ClickHouse. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { v7 } from 'uuid'
import { createRowBuffer } from '../../adapters/clickhouse/row-buffer.ts'
import {
  decisionTimeMs,
  writeCount,
  writeId,
  writeTimeMs,
  writeVector,
} from '../../adapters/clickhouse/rows/fields.ts'
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
  )
})

test('vectors keep every bit, also as a view into a larger buffer', () => {
  fc.assert(
    fc.property(fc.float64Array(), (vector) => {
      const view = new Float64Array([9, ...vector, 9]).subarray(1, -1)
      const bytes = Buffer.from(writeVector(view), 'base64')
      const read = Float64Array.from(vector, (_, i) => bytes.readDoubleLE(i * 8))
      assert.deepEqual(read, vector)
    }),
  )
})

test('what ClickHouse would refuse is refused here, or made acceptable', () => {
  for (const id of [
    '',
    'x',
    '01890000-0000-7000-8000-00000000000',
    '01890000-0000-7000-8000-0000000000010',
  ]) {
    assert.throws(() => writeId(id), TypeError)
  }
  for (const timeMs of [Number.NaN, -1, Number.POSITIVE_INFINITY, 1e13])
    assert.throws(() => writeTimeMs(timeMs), RangeError)
  assert.deepEqual([1.4, -1, 2 ** 40, Number.NaN, undefined].map(writeCount), [1, 0, 2 ** 32 - 1, null, null])
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

test('a row buffer gives back what was put in, line by line, and starts empty again', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 200 })), (texts) => {
      const lines = texts.map((text) => JSON.stringify(text.toWellFormed()))
      const buffer = createRowBuffer()
      for (const line of lines) buffer.append(line)
      const taken = buffer.take()
      assert.equal(buffer.bytes, 0)
      buffer.append('"later"')
      assert.equal(Buffer.from(taken).toString(), lines.map((line) => `${line}\n`).join(''))
    }),
  )
})

test('a row buffer grows far beyond its first size', () => {
  const buffer = createRowBuffer()
  const line = '日'.repeat(50_000)
  for (let i = 0; i < 5; i += 1) buffer.append(line)
  assert.equal(buffer.take().length, 5 * (150_000 + 1))
})
