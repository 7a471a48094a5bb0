import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Generations } from '../../adapters/generations.ts'

test('a map in two generations has what was used last, and the newest value of it', () => {
  const step = fc.record({ key: fc.nat(9), sets: fc.boolean() })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 200 }), (entries, steps) => {
      const map = new Generations<number, number>(entries)
      const values = new Map<number, number>()
      /** Keys in the order they were used last. */
      let used: number[] = []
      for (const [i, { key, sets }] of steps.entries()) {
        const known = map.get(key)
        if (known !== undefined || used.slice(-entries).includes(key)) assert.equal(known, values.get(key))
        if (sets) {
          map.set(key, i)
          values.set(key, i)
        }
        if (sets || known !== undefined) used = [...used.filter((other) => other !== key), key]
      }
    }),
    { numRuns: 500, seed: 20261128 },
  )
})

test('a map in two generations tells each of its entries once, without those that were deleted', () => {
  const map = new Generations<number, string>(3)
  for (let i = 0; i < 6; i++) map.set(i, `${i}`)
  map.set(1, 'new')
  map.delete(0)
  map.delete(4)
  assert.equal(map.get(0), undefined)
  assert.equal(map.get(4), undefined)
  const entries = [...map.entries()].sort(([a], [b]) => a - b)
  assert.deepEqual(entries, [
    [1, 'new'],
    [3, '3'],
    [5, '5'],
  ])
})

test('a map in two generations forgets what was not used for long', () => {
  const map = new Generations<number, number>(100)
  for (let i = 0; i < 1_000; i++) map.set(i, i)
  let held = 0
  for (let i = 0; i < 1_000; i++) if (map.get(i) !== undefined) held++
  assert.ok(held >= 100 && held <= 200, `${held} of 1,000`)
})
