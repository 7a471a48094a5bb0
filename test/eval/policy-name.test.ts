import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PolicySpec } from '../../engine/index.ts'
import { parsePolicyName, policyName } from '../../eval/index.ts'

test('a policy’s name is read back as the policy', () => {
  const specs: Readonly<Record<string, PolicySpec>> = {
    thompson: { name: 'thompson' },
    'thompson:0.7': { name: 'thompson', exploration: 0.7 },
    linucb: { name: 'linucb' },
    'linucb:0': { name: 'linucb', alpha: 0 },
    'squarecb:1000': { name: 'squarecb', gammaScale: 1000 },
    'epsilon-greedy:0.05': { name: 'epsilon-greedy', epsilon: 0.05 },
    'information-directed': { name: 'information-directed' },
    'softmax:0.1': { name: 'softmax', temperature: 0.1 },
    'fixed:acme/model:free': { name: 'fixed', arm: 'acme/model:free' as never },
    'round-robin': { name: 'round-robin' },
    cheapest: { name: 'cheapest' },
    fastest: { name: 'fastest' },
  }
  for (const [name, spec] of Object.entries(specs)) {
    assert.deepEqual(parsePolicyName(name), spec)
    assert.equal(policyName(spec), name)
  }
  assert.deepEqual(parsePolicyName('epsilon-greedy'), { name: 'epsilon-greedy', epsilon: 0.1 })
})
