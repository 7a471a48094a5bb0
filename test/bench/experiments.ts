/** What assignment costs a request: targeting, holdout, layer, hash and ramp of one unit, beside the hash of one draw. */
import { hash53 } from '../../engine/index.ts'
import { allocate, assign } from '../../server/index.ts'
import { type BenchResult, throughput } from './report.ts'

export function benchExperiments(): BenchResult[] {
  const plan = {
    seed: 'checkout-2026',
    hashVersion: 2,
    bucketVersion: 1,
    allocation: allocate([0.4, 0.3, 0.3]),
    coverage: 1,
    ramp: [
      { afterMs: 0, coverage: 0.1 },
      { afterMs: 3_600_000, coverage: 0.5 },
    ],
    namespace: { name: 'routing', from: 0, to: 0.9 },
    holdout: { name: '2026', share: 0.02 },
    targeting: { models: ['auto'], classes: ['chat', 'code'] },
  } as const
  const subject = { model: 'auto', requestClass: 'code', tenant: 'acme' }
  const ids = Array.from(
    { length: 1_024 },
    (_, i) => `01890000-0000-7000-8000-${String(i).padStart(12, '0')}`,
  )
  const assigned = throughput((i) => assign(plan, subject, ids[i % ids.length] as string, 4_000_000))
  const hashed = throughput((i) => hash53(ids[i % ids.length] as string, 'draw'))
  return [
    {
      name: 'experiments: assignment',
      value: 1e9 / assigned,
      unit: 'ns',
      ratios: { 'hash of a draw': hashed / assigned },
      method: '3 variants, ramp, layer, holdout, targeting; median of 5 rounds of 0.6 s, one core',
    },
  ]
}
