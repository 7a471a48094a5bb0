/** What `/metrics` tells. No label holds anything a caller can choose freely. */
import { Counter, Gauge, type Registry as MetricsRegistry } from 'prom-client'
import { type AttemptRow, STORE_STATES, type Store, type StoreStats } from '../../adapters/index.ts'
import type { ArmId } from '../../engine/index.ts'
import type { Bill } from '../pipeline/bill.ts'
import { BREAKER_STATE } from '../resilience/breaker.ts'
import type { ArmHealth } from '../resilience/health.ts'
import type { InFlight } from '../resilience/in-flight.ts'
import { TalliedCounter } from './tallied-counter.ts'
import { type Observations, TalliedHistogram } from './tallied-histogram.ts'

const SECONDS_TO_FIRST_TOKEN = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6]
const SECONDS_TO_LAST_TOKEN = [0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256]
const SECONDS_OF_OVERHEAD = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25]

const BREAKER_LEVELS = { [BREAKER_STATE.closed]: 0, [BREAKER_STATE.halfOpen]: 1, [BREAKER_STATE.open]: 2 }

export interface Metrics {
  decided(arm: ArmId, requestClass: string, policy: string): void
  attempted(arm: ArmId, status: AttemptRow['status']): void
  /** Counts declared metrics, `quality`, and everything else as `other`: metric names are the callers'. */
  readonly feedback: Counter<'metric' | 'source' | 'result'>
  /** What answers showed without anybody's judgement, by signal; besides `passed`, `unknown` and `dropped`. */
  readonly signals: Counter<'signal'>
  /** Answers that were drawn for a judge, by what became of them. */
  readonly judgements: Counter<'judge' | 'result'>
  readonly changes: Counter<'arm' | 'head'>
  /** Calls for an embedding by what became of them. */
  readonly embeddings: Counter<'result'>
  /** Seconds that an answered request spent in the gateway itself, up to its first byte. */
  readonly overhead: Observations
  observeAnswer(
    arm: ArmId,
    answer: { readonly ttftMs: number | undefined; readonly totalMs: number; readonly bill: Bill },
  ): void
}

export interface MeteredParts {
  readonly store: Store
  readonly health: ArmHealth
  readonly inFlight: InFlight
  readonly arms: () => Iterable<ArmId>
}

export function createMetrics(registry: MetricsRegistry, parts: MeteredParts): Metrics {
  const registers = [registry]
  const decisions = new TalliedCounter({
    name: 'highwayman_decisions_total',
    help: 'Routing decisions, failovers included.',
    labelNames: ['arm', 'class', 'policy'],
    registers,
  })
  const attempts = new TalliedCounter({
    name: 'highwayman_attempts_total',
    help: 'Upstream calls by how they ended.',
    labelNames: ['arm', 'status'],
    registers,
  })
  const feedback = new Counter({
    name: 'highwayman_feedback_total',
    help: 'Values that answers were judged with, by who said them and what became of them.',
    labelNames: ['metric', 'source', 'result'],
    registers,
  })
  const signals = new Counter({
    name: 'highwayman_signals_total',
    help: 'Signals that fired; passed: none did; unknown: nobody could say; dropped: not looked at or not kept.',
    labelNames: ['signal'],
    registers,
  })
  const judgements = new Counter({
    name: 'highwayman_judgements_total',
    help: 'Answers that were drawn for a judge by what became of them.',
    labelNames: ['judge', 'result'],
    registers,
  })
  const changes = new Counter({
    name: 'highwayman_arm_changes_total',
    help: 'Changes of an arm that a head has noticed, and after which it began anew.',
    labelNames: ['arm', 'head'],
    registers,
  })
  const embeddings = new Counter({
    name: 'highwayman_embeddings_total',
    help: 'Prompts by where their embedding came from: remembered, answered; failed and skipped went without.',
    labelNames: ['result'],
    registers,
  })
  const overhead = new TalliedHistogram({
    name: 'highwayman_overhead_seconds',
    help: 'Time an answered request spent in the gateway up to its first byte, without waiting for upstreams.',
    buckets: SECONDS_OF_OVERHEAD,
    registers,
  }).series({})
  const firstToken = new TalliedHistogram({
    name: 'highwayman_ttft_seconds',
    help: 'Time to first token of streamed answers.',
    labelNames: ['arm'],
    buckets: SECONDS_TO_FIRST_TOKEN,
    registers,
  })
  const lastToken = new TalliedHistogram({
    name: 'highwayman_answer_seconds',
    help: 'Time to the end of an answer.',
    labelNames: ['arm'],
    buckets: SECONDS_TO_LAST_TOKEN,
    registers,
  })
  const cost = new TalliedCounter({
    name: 'highwayman_cost_usd_total',
    help: 'USD spent on answers.',
    labelNames: ['arm'],
    registers,
  })
  const tokens = new TalliedCounter({
    name: 'highwayman_tokens_total',
    help: 'Tokens of answers and their prompts.',
    labelNames: ['arm', 'kind'],
    registers,
  })
  registerGauges(registry, parts)
  // Series are looked up once: with labels given each time, that costs more than observing.
  const decisionsOf = onceFor((arm: ArmId) =>
    onceFor((requestClass: string) =>
      onceFor((policy: string) => decisions.series({ arm, class: requestClass, policy })),
    ),
  )
  const attemptsOf = onceFor((arm: ArmId) =>
    onceFor((status: AttemptRow['status']) => attempts.series({ arm, status })),
  )
  const metersOf = onceFor((arm: ArmId) => ({
    firstToken: firstToken.series({ arm }),
    lastToken: lastToken.series({ arm }),
    cost: cost.series({ arm }),
    promptTokens: tokens.series({ arm, kind: 'prompt' }),
    completionTokens: tokens.series({ arm, kind: 'completion' }),
  }))
  return {
    decided: (arm, requestClass, policy) => decisionsOf(arm)(requestClass)(policy).add(1),
    attempted: (arm, status) => attemptsOf(arm)(status).add(1),
    feedback,
    signals,
    judgements,
    changes,
    embeddings,
    overhead,
    observeAnswer(arm, { ttftMs, totalMs, bill }) {
      const meters = metersOf(arm)
      if (ttftMs !== undefined) meters.firstToken.observe(ttftMs / 1_000)
      meters.lastToken.observe(totalMs / 1_000)
      meters.cost.add(bill.costUsd)
      meters.promptTokens.add(bill.promptTokens)
      meters.completionTokens.add(bill.completionTokens)
    },
  }
}

function onceFor<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new Map<Key, Value>()
  return (key) => {
    let value = made.get(key)
    if (value === undefined) {
      value = make(key)
      made.set(key, value)
    }
    return value
  }
}

/** Read when they are asked for. */
function registerGauges(registry: MetricsRegistry, { store, health, inFlight, arms }: MeteredParts): void {
  const registers = [registry]
  new Gauge({
    name: 'highwayman_requests_in_flight',
    help: 'Requests that are running.',
    registers,
    collect() {
      this.set(inFlight.count)
    },
  })
  new Gauge({
    name: 'highwayman_draining',
    help: 'Whether the server is shutting down: 0 or 1.',
    registers,
    collect() {
      this.set(Number(inFlight.leaving))
    },
  })
  new Gauge({
    name: 'highwayman_breaker_state',
    help: 'Circuit breaker of each arm: 0 closed, 1 half-open, 2 open.',
    labelNames: ['arm'],
    registers,
    collect() {
      this.reset()
      for (const arm of arms()) this.set({ arm }, BREAKER_LEVELS[health.stateOf(arm)])
    },
  })
  new Gauge({
    name: 'highwayman_store_rows',
    help: 'Rows of the store since the start: waiting now, written, dropped (docs/durability.md).',
    labelNames: ['state'],
    registers,
    collect() {
      const { queuedRows, writtenRows, droppedRows } = store.stats()
      this.set({ state: 'queued' }, queuedRows)
      this.set({ state: 'written' }, writtenRows)
      this.set({ state: 'dropped' }, droppedRows)
    },
  })
  const gauges: readonly (readonly [name: string, help: string, read: (stats: StoreStats) => number])[] = [
    ['failed_batches', 'Batches the store could not write since the start.', (stats) => stats.failedBatches],
    ['oldest_seconds', 'Age of the oldest row that waits.', (stats) => stats.oldestMs / 1_000],
    ['spool_bytes', 'What waits on disk.', ({ spool }) => spool?.bytes ?? 0],
    ['spool_max_bytes', 'What may wait on disk.', ({ spool }) => spool?.maxBytes ?? 0],
    ['spool_segments', 'Files of the spool.', ({ spool }) => spool?.segments ?? 0],
    [
      'spool_damaged_bytes',
      'What could not be read back from disk since the start.',
      ({ spool }) => spool?.damagedBytes ?? 0,
    ],
    [
      'spool_failing',
      'Whether the disk takes nothing: 0 or 1.',
      ({ spool }) => Number(spool?.problem !== undefined),
    ],
    [
      'engine_restarts',
      'Times since the start that the embedded engine has died and was started again.',
      (stats) => stats.engineRestarts,
    ],
  ]
  for (const [name, help, read] of gauges) {
    new Gauge({
      name: `highwayman_store_${name}`,
      help,
      registers,
      collect() {
        this.set(read(store.stats()))
      },
    })
  }
  new Gauge({
    name: 'highwayman_store_state',
    help: 'State of the store: 1 for the one it is in.',
    labelNames: ['state'],
    registers,
    collect() {
      const { state: current } = store.stats()
      for (const state of STORE_STATES) this.set({ state }, Number(state === current))
    },
  })
}
