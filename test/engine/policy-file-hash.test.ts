/** The name of a policy file: the same for the same policy, whoever wrote it down. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { type PolicyFile, policyFileHash, readPolicyFile, writePolicyFile } from '../../engine/index.ts'
import { policyFile } from '../helpers/policies.ts'

const file = policyFile({
  policy: { name: 'thompson', exploration: 0.4 },
  quality: { 'p/a': 0.25, 'p/b': 0.75 },
})

/** The same JSON with the keys of every map in another order. */
function shuffled(value: unknown, seed: number): unknown {
  if (Array.isArray(value)) return value.map((entry) => shuffled(entry, seed))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  const at = seed % Math.max(entries.length, 1)
  const turned = [...entries.slice(at), ...entries.slice(0, at)]
  return Object.fromEntries(turned.map(([key, entry]) => [key, shuffled(entry, seed)]))
}

suite('the hash of a policy file', () => {
  test('is that of its JSON with sorted keys and no spaces, as anyone can make it', () => {
    const sorted = (value: unknown): string => {
      if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`
      if (typeof value !== 'object' || value === null) return JSON.stringify(value)
      const keys = Object.keys(value).sort()
      const map = value as Readonly<Record<string, unknown>>
      return `{${keys.map((key) => `${JSON.stringify(key)}:${sorted(map[key])}`).join(',')}}`
    }
    const expected = createHash('sha256')
      .update(sorted(JSON.parse(JSON.stringify(file))))
      .digest('hex')
    assert.equal(policyFileHash(file), expected)
  })

  test('stays the same over writing, reading and any order of keys', () => {
    const hash = policyFileHash(file)
    assert.equal(policyFileHash(readPolicyFile(JSON.parse(writePolicyFile(file)))), hash)
    fc.assert(
      fc.property(fc.nat(20), (seed) => {
        const other = readPolicyFile(shuffled(JSON.parse(writePolicyFile(file)), seed))
        assert.equal(policyFileHash(other), hash)
      }),
      { seed: 2 },
    )
  })

  test('is another for another floor, setting, sum or origin', () => {
    const [first, ...rest] = file.sums
    assert.ok(first)
    const others: readonly PolicyFile[] = [
      { ...file, policy: { name: 'thompson', exploration: 0.41 } },
      { ...file, hyperparameters: { ...file.hyperparameters, floor: 0.01 } },
      { ...file, provenance: { ...file.provenance, rows: 201 } },
      { ...file, sums: [{ ...first, c: first.c + 2 ** -40 }, ...rest] },
      { ...file, sums: rest },
    ]
    assert.equal(new Set([file, ...others].map(policyFileHash)).size, 1 + others.length)
  })
})
