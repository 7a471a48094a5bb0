/** How requests come to policies: by a hash that nobody has to remember. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createFeatureSpace, createRouter, type PolicySpec } from '../../engine/index.ts'
import { assigned, PolicySlots } from '../../server/policies/policy-slots.ts'
import { rolloutsOf, wayBack } from '../../server/policies/rollout-state.ts'
import { type PolicySlot, type RequestSource, UNITS, unitOf } from '../../server/policies/slot.ts'
import type { VirtualModel } from '../../server/registry.ts'
import { arm, armIds } from '../helpers/engine.ts'
import { registryOf } from '../helpers/server.ts'

const ARMS = [arm('p/a'), arm('p/b')]
const router = (classes = ['chat']) =>
  createRouter({ arms: ARMS, featureSpace: createFeatureSpace({ classes }) })
const base = router()
const MODELS = registryOf({ arms: ARMS.map(({ id }) => ({ id, url: 'http://127.0.0.1:9' })) }).models
const auto = MODELS.get('auto') as VirtualModel
const slot = (hash: string, policy: PolicySpec = { name: 'cheapest' }, of = base): PolicySlot => ({
  hash,
  router: of,
  policy,
  floor: 0,
})
const source = (change: Partial<RequestSource> = {}): RequestSource => ({
  tenant: 'acme',
  session: '',
  userHash: '',
  requestId: 'r',
  requestClass: 'chat',
  isJudge: false,
  ...change,
})
function withCanary(
  share: number,
  hash = 'a'.repeat(64),
  unit: (typeof UNITS)[number] = 'request',
): PolicySlots {
  const slots = new PolicySlots(base)
  slots.replace(MODELS, new Map([['auto', { live: undefined, canary: { slot: slot(hash), share, unit } }]]))
  return slots
}
const isCanary = (slots: PolicySlots, asked: RequestSource) =>
  slots.assign(auto, asked).assignment?.as === 'canary'

describe('a canary’s share', () => {
  it('only grows when it is raised: nobody is moved back', () => {
    const share = fc.double({ min: 0.001, max: 0.999, noNaN: true })
    fc.assert(
      fc.property(share, share, fc.string(), (one, other, requestId) => {
        const [less, more] = [Math.min(one, other), Math.max(one, other)]
        const asked = source({ requestId })
        assert.ok(!isCanary(withCanary(less), asked) || isCanary(withCanary(more), asked))
      }),
      { seed: 3, numRuns: 500 },
    )
  })

  it('is what it says, for units that look alike, and independent between policies', () => {
    const units = 20_000
    for (const share of [0.01, 0.05, 0.5, 0.9]) {
      const [one, two] = [withCanary(share, 'a'.repeat(64)), withCanary(share, 'b'.repeat(64))]
      let [ofOne, ofBoth] = [0, 0]
      for (let i = 0; i < units; i++) {
        const asked = source({ requestId: `request-${i}` })
        if (!isCanary(one, asked)) continue
        ofOne++
        if (isCanary(two, asked)) ofBoth++
      }
      // Five standard deviations of a binomial.
      const within = (p: number) => 5 * Math.sqrt(units * p * (1 - p))
      assert.ok(Math.abs(ofOne - units * share) < within(share), `${ofOne} of ${units} at ${share}`)
      assert.ok(Math.abs(ofBoth - units * share ** 2) < within(share ** 2), `${ofBoth} in both at ${share}`)
    }
  })

  it('says with which probability, and that the rest is live', () => {
    const slots = withCanary(0.25)
    const seen = new Map<string, number>()
    for (let i = 0; i < 100; i++) {
      const { assignment } = slots.assign(auto, source({ requestId: `${i}` }))
      assert.ok(assignment)
      seen.set(`${assignment.as} ${assignment.policyHash.length}`, assignment.probability)
    }
    assert.deepEqual(
      seen,
      new Map([
        ['live 0', 0.75],
        ['canary 64', 0.25],
      ]),
    )
  })
})

describe('the unit of a request', () => {
  it('is what was asked for, or the request itself where it names none', () => {
    const full = source({ session: 's', userHash: 'u' })
    const units = UNITS.map((unit) => unitOf(unit, full))
    assert.equal(new Set(units).size, UNITS.length)
    assert.equal(unitOf('session', source()), unitOf('request', source()))
    assert.equal(unitOf('user', source()), unitOf('request', source()))
    assert.notEqual(unitOf('session', full), unitOf('session', { ...full, tenant: 'other' }))
    // Another request of the same session, user or tenant.
    for (const unit of ['session', 'user', 'tenant'] as const) {
      assert.equal(unitOf(unit, full), unitOf(unit, { ...full, requestId: 'other' }))
    }
    assert.notEqual(unitOf('tenant', source({ tenant: 'a"]' })), unitOf('tenant', source({ tenant: 'a' })))
  })
})

describe('the slots', () => {
  it('without promotions hand out the configuration’s policy, the same object each time, and assign nothing', () => {
    const slots = new PolicySlots(base)
    const { slot: own, assignment } = slots.assign(auto, source())
    assert.equal(assignment, undefined)
    assert.deepEqual([own.hash, own.policy, own.floor], ['', auto.policy, auto.floor])
    assert.equal(slots.assign(auto, source()), slots.assign(auto, source({ requestId: 'other' })))
    assert.deepEqual(slots.spaces, [base.featureSpace])
  })

  it('leave alone what only bears the name of a model', () => {
    const slots = withCanary(0.999)
    const list: VirtualModel = { ...auto, arms: armIds('p/a') }
    assert.equal(slots.assign(list, source()).assignment, undefined)
    slots.rebind(new Map([['auto', list]]))
    assert.notEqual(slots.assign(list, source()).assignment, undefined)
  })

  it('ask other rules first, and let all learn, each space once', () => {
    const slots = withCanary(0.5)
    const other = router(['chat', 'code'])
    const variant = assigned(slot('c'.repeat(64), { name: 'fastest' }, other), 'experiment:e/b', 0.5)
    slots.use((_, { requestClass }) => (requestClass === 'code' ? variant : undefined))
    assert.equal(slots.assign(auto, source({ requestClass: 'code' })), variant)
    assert.notEqual(slots.assign(auto, source()), variant)
    const twin = router()
    slots.teach([other, twin])
    assert.deepEqual(slots.spaces, [base.featureSpace, other.featureSpace])
    assert.deepEqual(slots.learnersOf(base.featureSpace.id), [base, twin])
    assert.equal(slots.spaceOf(other.featureSpace.id), other.featureSpace)
    slots.teach([])
    assert.equal(slots.spaceOf(other.featureSpace.id), undefined)
  })
})

describe('what follows from the steps on record', () => {
  let at = 0
  const step = (action: 'canary' | 'full' | 'rollback', policyHash: string, share = 1) => ({
    id: `${at}`,
    atMs: ++at,
    model: 'auto',
    action,
    outcome: 'done' as const,
    policyHash,
    share,
    forced: false,
    reason: '',
    refusals: [],
    evaluationId: '',
    actor: '',
  })

  it('is the same however often two replicas took the same step', () => {
    const arbitrary = fc.array(
      fc.record({
        action: fc.constantFrom('canary', 'full', 'rollback' as const),
        hash: fc.constantFrom('a', 'b', 'c'),
      }),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(arbitrary, (wishes) => {
        const steps: ReturnType<typeof step>[] = []
        for (const { action, hash } of wishes) {
          const state = rolloutsOf(steps).get('auto')
          const back = state && wayBack(state)
          if (action !== 'rollback') steps.push(step(action, hash, action === 'canary' ? 0.1 : 1))
          else if (back !== undefined) steps.push(step(action, back))
        }
        const without = (doubled: boolean) => {
          const state = rolloutsOf(doubled ? steps.flatMap((one) => [one, one]) : steps).get('auto')
          return state && { live: state.live, canary: state.canary, before: state.before }
        }
        assert.deepEqual(without(true), without(false))
      }),
      { seed: 7, numRuns: 500 },
    )
  })

  it('always leads back to the configuration, in at most as many steps as led away', () => {
    const steps = [step('full', 'a'), step('canary', 'b', 0.1), step('full', 'b'), step('canary', 'c', 0.5)]
    const seen: string[] = []
    for (;;) {
      const state = rolloutsOf(steps).get('auto')
      const back = state && wayBack(state)
      if (back === undefined) break
      seen.push(back)
      steps.push(step('rollback', back))
    }
    assert.deepEqual(seen, ['b', 'a', ''])
    assert.deepEqual(rolloutsOf([{ ...step('full', 'a'), outcome: 'refused' }]).size, 0)
  })
})
