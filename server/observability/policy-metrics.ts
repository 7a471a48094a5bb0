/** What `/metrics` tells of promoted policies. Read when it is asked for. */
import { Gauge, type Registry as MetricsRegistry } from 'prom-client'
import type { RolloutsStatus } from '../policies/rollouts.ts'
import { HASH_CHARS } from '../policies/slot.ts'

export function registerPolicyMetrics(
  registry: MetricsRegistry,
  rollouts: { readonly status: RolloutsStatus },
): void {
  const registers = [registry]
  new Gauge({
    name: 'highwayman_policy_share',
    help: 'Share of the requests of a virtual model by policy, where something was promoted; no policy: the configuration’s.',
    labelNames: ['model', 'policy', 'as'],
    registers,
    collect() {
      this.reset()
      for (const { model, live, canary } of rollouts.status.models) {
        const share = canary?.share ?? 0
        this.set({ model, policy: live.slice(0, HASH_CHARS), as: 'live' }, 1 - share)
        if (canary !== undefined)
          this.set({ model, policy: canary.hash.slice(0, HASH_CHARS), as: 'canary' }, share)
      }
    },
  })
  new Gauge({
    name: 'highwayman_policy_problems',
    help: 'Policies on record that cannot be served by, and 1 more while the record cannot be read.',
    registers,
    collect() {
      const { problems, unread } = rollouts.status
      this.set(problems.length + Number(unread !== undefined))
    },
  })
}
