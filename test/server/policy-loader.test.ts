/** Who needs which policy's router, and that each learns while somebody does. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  createFeatureSpace,
  createRouter,
  type PolicyFile,
  policyFileHash,
  type Router,
  writePolicyFile,
} from '../../engine/index.ts'
import { PolicyLoader, UnservablePolicy } from '../../server/policies/policy-loader.ts'
import { PolicySlots } from '../../server/policies/policy-slots.ts'
import type { VirtualModel } from '../../server/registry.ts'
import { MemoryStore } from '../helpers/memory-store.ts'
import { policyFile } from '../helpers/policies.ts'
import { registryOf } from '../helpers/server.ts'

const REGISTRY = registryOf({ arms: [{ id: 'p/one', url: 'http://127.0.0.1:9' }] })
const auto = REGISTRY.models.get('auto') as VirtualModel
const FILE = policyFile({ policy: { name: 'cheapest' }, classes: ['chat'] })
const HASH = policyFileHash(FILE)

async function loaderWith(...files: PolicyFile[]) {
  const store = new MemoryStore()
  for (const file of files) {
    const { policy, provenance, featureSpace } = file
    const row = {
      hash: policyFileHash(file),
      atMs: 0,
      actor: '',
      policy,
      provenance,
      featureSpace: featureSpace.id,
    }
    await store.savePolicy({ ...row, text: writePolicyFile(file) })
  }
  const base = createRouter({ arms: [], featureSpace: createFeatureSpace({ classes: REGISTRY.classes }) })
  const slots = new PolicySlots(base)
  const added: Router[] = []
  const turns: (() => void)[] = []
  const world = { registry: REGISTRY, whileAdded: async () => {} }
  const replicas = {
    add: async (router: Router, onTurn: () => void) => {
      await world.whileAdded()
      added.push(router)
      turns.push(onTurn)
    },
    remove: (router: Router) => {
      added.splice(added.indexOf(router), 1)
    },
  }
  const loader = new PolicyLoader({ store, replicas, slots, base, registry: () => world.registry })
  return { loader, slots, added, turns, world }
}

describe('a policy that is loaded', () => {
  it('is one router, however many ask for it at once', async () => {
    const { loader, added } = await loaderWith(FILE)
    const [one, two] = await Promise.all([loader.load(HASH, auto), loader.load(HASH, auto)])
    assert.equal(one, two)
    assert.equal(await loader.load(HASH, auto), one)
    assert.deepEqual(added, [one.router])
  })

  it('is taught from its turn on, once, and not when nobody needs it any more', async () => {
    const { loader, slots, added, turns } = await loaderWith(FILE)
    const { router } = await loader.load(HASH, auto)
    const learners = () => slots.learnersOf(router.featureSpace.id)
    loader.keep('rollouts', new Set([HASH]))
    assert.deepEqual(learners(), [])
    turns[0]?.()
    turns[0]?.()
    loader.keep('rollouts', new Set([HASH]))
    assert.deepEqual(learners(), [router])
    loader.keep('rollouts', new Set())
    assert.deepEqual([learners(), added], [[], []])
    turns[0]?.()
    assert.deepEqual(learners(), [])
  })

  it('stays while anybody needs it, also between being handed out and being kept', async () => {
    const { loader, added } = await loaderWith(FILE)
    const { router } = await loader.load(HASH, auto)
    loader.keep('rollouts', new Set())
    assert.deepEqual(added, [router])
    loader.keep('experiments', new Set([HASH]))
    loader.keep('rollouts', new Set([HASH]))
    loader.keep('experiments', new Set())
    assert.deepEqual(added, [router])
    loader.keep('rollouts', new Set())
    assert.deepEqual(added, [])
  })

  it('decides over the arms of the registry that came while it was loaded', async () => {
    const { loader, world } = await loaderWith(FILE)
    const wider = registryOf({ arms: ['p/one', 'p/two'].map((id) => ({ id, url: 'http://127.0.0.1:9' })) })
    world.whileAdded = async () => {
      world.registry = wider
      loader.replaceArms()
    }
    const model = wider.models.get('auto') as VirtualModel
    const { router } = await loader.load(HASH, model)
    assert.deepEqual([...router.arms.keys()], model.arms)
  })

  it('that is not on record or cannot serve the model is refused, and leaves nothing behind', async () => {
    const fixed = policyFile({ policy: { name: 'fixed', arm: 'p/other' as never } })
    const { loader, added, turns } = await loaderWith(fixed)
    await assert.rejects(loader.load(HASH, auto), UnservablePolicy)
    for (let i = 0; i < 3; i++) await assert.rejects(loader.load(policyFileHash(fixed), auto), /p\/other/)
    assert.equal(turns.length, 0, 'nor does it cost a handing over each time it is asked for')
    loader.keep('rollouts', new Set())
    assert.deepEqual(added, [])
  })
})
