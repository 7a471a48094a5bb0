/** What `/metrics` tells of learning together. Read when it is asked for. */
import { Gauge, type Registry as MetricsRegistry } from 'prom-client'
import type { Clock } from '../deps.ts'
import type { ReplicasStatus } from '../replicas.ts'

export function registerReplicaMetrics(
  registry: MetricsRegistry,
  replicas: { readonly status: ReplicasStatus },
  clock: Clock,
): void {
  const gauge = (name: string, help: string, read: (status: ReplicasStatus) => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read(replicas.status))
      },
    })
  }
  gauge(
    'highwayman_replicas',
    'Other replicas that have written to the store in the last 15 minutes.',
    ({ others }) => others,
  )
  gauge(
    'highwayman_merge_age_seconds',
    'Time since what other replicas have learned was last read.',
    ({ mergedMs }) => (mergedMs === undefined ? 0 : (clock.nowMs() - mergedMs) / 1_000),
  )
  gauge(
    'highwayman_merge_seconds',
    'What the last reading took, most of it waiting for the store.',
    ({ tookMs }) => tookMs / 1_000,
  )
  gauge('highwayman_merges', 'Readings since the start.', ({ merges }) => merges)
  gauge(
    'highwayman_failed_merges',
    'Readings that failed since the start.',
    ({ failedMerges }) => failedMerges,
  )
  gauge(
    'highwayman_hand_overs',
    'Times since the start that own observations were taken from the store instead of from memory.',
    ({ handOvers }) => handOvers,
  )
  gauge(
    'highwayman_clock_ahead_seconds',
    'This clock before the store’s: the share of it in a half-life is what examples of this replica are over- or underweighted by.',
    ({ clockAheadMs }) => clockAheadMs / 1_000,
  )
}
