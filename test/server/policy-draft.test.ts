/** A policy file made of the configuration: whole, and over the very features that the server learns in. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type ArmId,
  DEFAULT_EFFECTIVE_SAMPLES,
  type PolicySpec,
  readPolicyFile,
  writePolicyFile,
} from '../../engine/index.ts'
import { featureSpaceOf } from '../../server/feature-space.ts'
import { draftPolicyFile } from '../../server/policies/draft.ts'
import { whyUnservable } from '../../server/policies/policy-loader.ts'
import type { Registry, VirtualModel } from '../../server/registry.ts'
import { policyFile } from '../helpers/policies.ts'
import { registryOf } from '../helpers/server.ts'

const REGISTRY = registryOf({ arms: [{ id: 'p/one', url: 'http://127.0.0.1:9' }] })
const OPTIONS = { policy: { name: 'thompson', exploration: 0.2 }, floor: 0.05, createdMs: 7 } as const
const EMBEDDING: Registry['embedding'] = {
  provider: {
    name: 'house',
    dialect: 'openai-compatible',
    baseUrl: 'http://127.0.0.1:9/v1',
    apiKey: undefined,
  },
  model: 'embed-small',
  dimensions: 8,
  components: 4,
  timeoutMs: 100,
}

describe('a draft', () => {
  for (const [what, registry] of [
    ['of a plain configuration', REGISTRY],
    ['of one with an embedding model', { ...REGISTRY, embedding: EMBEDDING }],
  ] as const) {
    it(`${what} is a policy file of its feature space that can serve its models`, () => {
      const file = draftPolicyFile(registry, OPTIONS)
      assert.deepEqual(readPolicyFile(JSON.parse(writePolicyFile(file))), file)
      assert.equal(file.featureSpace.id, featureSpaceOf(registry).id)
      assert.deepEqual(file.policy, OPTIONS.policy)
      assert.deepEqual(file.hyperparameters, {
        floor: 0.05,
        effectiveSamples: DEFAULT_EFFECTIVE_SAMPLES,
        halfLifeMs: {},
      })
      assert.deepEqual(file.sums, [])
      assert.equal(whyUnservable(file, registry.models.get('auto') as VirtualModel, registry), undefined)
    })
  }

  it('keeps what the configuration’s own policy file knows', () => {
    const start = policyFile({ quality: { 'p/one': 0.5 }, classes: REGISTRY.classes })
    const coldStart = { path: 'policy.json', policyFile: start }
    const file = draftPolicyFile({ ...REGISTRY, coldStart }, OPTIONS)
    assert.deepEqual(file.sums, start.sums)
    assert.ok(file.sums.length > 0)
    assert.deepEqual(file.provenance, start.provenance)
    assert.equal(file.hyperparameters.effectiveSamples, start.hyperparameters.effectiveSamples)
    assert.equal(file.hyperparameters.floor, 0.05)
  })

  it('of another embedding model, or of arms that the model lacks, cannot serve, and says why', () => {
    const auto = REGISTRY.models.get('auto') as VirtualModel
    const foreign = draftPolicyFile(
      { ...REGISTRY, embedding: { ...EMBEDDING, model: 'embed-large' } },
      OPTIONS,
    )
    assert.match(whyUnservable(foreign, auto, { ...REGISTRY, embedding: EMBEDDING }) ?? '', /embed-large/)
    const elsewhere = registryOf({ arms: [{ id: 'p/x', url: 'http://127.0.0.1:9' }] })
    const fixed = draftPolicyFile(elsewhere, {
      ...OPTIONS,
      policy: { name: 'priority', order: ['p/x' as never] },
    })
    assert.match(whyUnservable(fixed, auto, REGISTRY) ?? '', /p\/x/)
  })

  it('of a policy that names an arm which is not there is refused, with those that are', () => {
    const policies: PolicySpec[] = [
      { name: 'fixed', arm: 'p/noe' as ArmId },
      { name: 'priority', order: ['p/one', 'p/noe'] as ArmId[] },
      { name: 'weighted', weights: { 'p/one': 1, 'p/noe': 1 } },
    ]
    for (const policy of policies) {
      assert.throws(() => draftPolicyFile(REGISTRY, { ...OPTIONS, policy }), {
        code: 'invalid_policy',
        message: `policy ${policy.name} names "p/noe", which is no arm here; the arms are p/one.`,
      })
    }
  })
})
