/** What it costs a request to be given its policy: nothing promoted, a canary, and beside them one decision. */

import { createFeatureSpace, createRouter } from '../../engine/index.ts'
import { PolicySlots } from '../../server/policies/policy-slots.ts'
import type { VirtualModel } from '../../server/registry.ts'
import { arm, decide, decisionId } from '../helpers/engine.ts'
import { registryOf } from '../helpers/server.ts'
import { type BenchResult, throughput } from './report.ts'

const ARMS = ['p/a', 'p/b', 'p/c', 'p/d', 'p/e', 'p/f', 'p/g', 'p/h']
/** Request ids that are taken in turns. */
const IDS = Array.from({ length: 1_024 }, (_, i) => `01890000-0000-7000-8000-${String(i).padStart(12, '0')}`)

export function benchPromotion(): BenchResult[] {
  const router = createRouter({ arms: ARMS.map((id) => arm(id)), featureSpace: createFeatureSpace() })
  const { models } = registryOf({ arms: ARMS.map((id) => ({ id, url: 'http://127.0.0.1:9' })) })
  const auto = models.get('auto') as VirtualModel
  const assigning = (slots: PolicySlots) =>
    throughput((i) => {
      const requestId = IDS[i % IDS.length] ?? ''
      slots.assign(auto, { tenant: 'default', session: '', userHash: '', requestId, ...REST })
    })
  const plain = new PolicySlots(router)
  const shared = new PolicySlots(router)
  const slot = { hash: 'a'.repeat(64), router, policy: { name: 'cheapest' as const }, floor: 0 }
  shared.replace(
    models,
    new Map([['auto', { live: undefined, canary: { slot, share: 0.05, unit: 'session' as const } }]]),
  )
  const decision = throughput((i) => decide(router, { id: decisionId(i) }))
  const method = 'PolicySlots.assign of one virtual model, 1,024 request ids in turns; median of 5 rounds'
  return [
    { name: 'assign, nothing promoted', ...ratioTo(assigning(plain), decision), method },
    { name: 'assign, beside a canary', ...ratioTo(assigning(shared), decision), method },
    {
      name: 'decision (8 arms, thompson)',
      value: decision,
      unit: '/s',
      method: 'Router.decide with 8 arms and 24 coordinates; median of 5 rounds',
    },
  ]
}

const REST = { requestClass: 'chat', isJudge: false }

function ratioTo(value: number, decision: number): Pick<BenchResult, 'value' | 'unit' | 'ratios'> {
  return { value, unit: '/s', ratios: { decision: value / decision } }
}
