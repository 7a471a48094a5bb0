import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { randomStream } from '../../datasets/random.ts'

test('a uniform is 53 bits of SHA-256 of key and counter, so that anyone can recompute it', () => {
  const random = randomStream('seed', 7, 'arm')
  for (let block = 0; block < 3; block++) {
    const digest = hash('sha256', `seed\0${7}\0arm\0${block}`)
    for (let slot = 0; slot < 4; slot++) {
      const bits = BigInt(`0x${digest.slice(slot * 16, slot * 16 + 16)}`)
      const expected = (Number(bits >> 37n) * 2 ** 26 + Number((bits >> 6n) & 0x3ff_ffffn)) / 2 ** 53
      assert.equal(random.uniform(), expected)
    }
  }
})

test('streams of different keys differ, of the same key agree', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), (name, number) => {
      const draw = (...key: (string | number)[]) => Array.from({ length: 3 }, randomStream(...key).uniform)
      assert.deepEqual(draw(name, number), draw(name, number))
      assert.notDeepEqual(draw(name, number), draw(name, number + 1))
    }),
    { seed: 1 },
  )
})

test('normals have mean 0, variance 1 and normal tails, within five standard errors', () => {
  const n = 40_000
  const random = randomStream('normals')
  const draws = Array.from({ length: n }, random.normal)
  const mean = draws.reduce((sum, z) => sum + z, 0) / n
  const variance = draws.reduce((sum, z) => sum + z * z, 0) / n
  assert.ok(Math.abs(mean) < 5 / Math.sqrt(n), `mean ${mean}`)
  assert.ok(Math.abs(variance - 1) < 5 * Math.sqrt(2 / n), `variance ${variance}`)
  const tail = draws.filter((z) => z > 1.6448536269514722).length / n
  assert.ok(Math.abs(tail - 0.05) < 5 * Math.sqrt((0.05 * 0.95) / n), `tail ${tail}`)
})

test('an index is always in range, and every index of a short list comes up', () => {
  const random = randomStream('indices')
  const counts = [0, 0, 0, 0, 0]
  const n = 10_000
  for (let i = 0; i < n; i++) counts[random.index(counts.length)]!++
  for (const count of counts)
    assert.ok(Math.abs(count / n - 0.2) < 5 * Math.sqrt((0.2 * 0.8) / n), String(counts))
})

test('picking from nothing is refused', () => {
  assert.throws(() => randomStream('x').pick([]), RangeError)
})
