import { z } from 'zod'
import { STORE_STATES, type StoreStats } from '../../adapters/index.ts'
import type { ReadinessProbes } from '../resilience/readiness-probes.ts'
import type { Services } from '../services.ts'
import type { App } from './app-type.ts'

const check = z.enum(['ok', 'failing'])
const storeCheck = z.enum(['ok', 'degraded', 'failing'])
const replicas = z.object({
  others: z.number().int().describe('Other replicas that have written to the store in the last 15 minutes.'),
  mergedAgoMs: z.number().describe('Since what they have learned was last read, ms.'),
  failedMerges: z.number().int().describe('Readings that failed since the start.'),
  clockAheadMs: z.number().describe('This clock before the store’s, ms.'),
})
const policies = z.object({
  serving: z
    .array(
      z.object({
        model: z.string(),
        live: z.string().nullable().describe('Hash of the policy that serves; null: the configuration’s.'),
        canary: z.object({ hash: z.string(), share: z.number() }).nullable(),
      }),
    )
    .describe('Virtual models that another policy than the configuration’s serves, or serves too.'),
  problems: z
    .array(z.object({ model: z.string(), hash: z.string(), message: z.string() }))
    .describe('Policies on record that cannot be served by: the one before each serves.'),
  unread: z.string().nullable().describe('Why the record could not be read; what is in force stays.'),
})
const readiness = z.object({
  status: z
    .enum(['ready', 'not-ready', 'draining'])
    .describe('draining: it is shutting down; send requests elsewhere from now on, whatever else it says.'),
  replica: z.string(),
  replicas: replicas.describe('Learning together: says nothing about readiness, what is known is served on.'),
  policies: policies.describe('Says nothing about readiness: what is in force is served on.'),
  checks: z.object({
    store: storeCheck.describe(
      'ok: it answers. degraded: it does not, and what is to be stored waits on disk. failing: it has nowhere to wait.',
    ),
    arms: check.describe('There is at least one arm.'),
    accepting: check.describe('The server is not shutting down.'),
  }),
  store: z.object({
    state: z.enum(STORE_STATES).describe('See docs/durability.md.'),
    queuedRows: z.number().describe('Rows that wait, in memory or on disk.'),
    droppedRows: z.number().describe('Rows lost since the start.'),
    oldestMs: z.number().describe('Age of the oldest that waits.'),
    spoolBytes: z.number(),
    spoolMaxBytes: z.number(),
    engineRestarts: z.number().describe('Times that the embedded engine has died and was started again.'),
    problem: z.string().nullable().describe('Why rows wait.'),
  }),
})

/** A store that does not answer loses nothing as long as rows have a disk to wait on: what can be answered still is. */
function keepsRows({ state, spool }: StoreStats): boolean {
  if (state === 'normal') return spool !== undefined && spool.problem === undefined
  return state === 'spooling' || state === 'replaying'
}

/** A probe that waits longer than this is told that the store is failing. */
const PING_MS_MAX = 2_000

export function healthRoutes(app: App, services: Services, probes: ReadinessProbes): void {
  app.get(
    '/healthz',
    {
      schema: {
        summary: 'Whether the process runs',
        tags: ['operations'],
        response: { 200: z.object({ status: z.literal('live') }) },
      },
    },
    async () => ({ status: 'live' as const }),
  )
  app.get(
    '/readyz',
    {
      schema: {
        summary: 'Whether it should get traffic',
        tags: ['operations'],
        response: { 200: readiness, 503: readiness },
      },
    },
    async (_, reply) => {
      probes.asked(performance.now())
      const accepting = !services.inFlight.leaving
      const stats = services.store.stats()
      // Whoever is to look elsewhere is told at once.
      const answers = accepting ? await answersInTime(services) : stats.state === 'normal'
      const store = answers ? 'ok' : keepsRows(stats) ? 'degraded' : 'failing'
      const arms = services.view().registry.arms.size > 0
      const isReady = store !== 'failing' && arms && accepting
      const told = (outcome: boolean) => (outcome ? ('ok' as const) : ('failing' as const))
      const { state, queuedRows, droppedRows, oldestMs, engineRestarts, spool } = stats
      return reply.code(isReady ? 200 : 503).send({
        status: isReady ? 'ready' : accepting ? 'not-ready' : 'draining',
        replica: services.replica,
        replicas: learningTogether(services),
        policies: promoted(services),
        checks: { store, arms: told(arms), accepting: told(accepting) },
        store: {
          state,
          queuedRows,
          droppedRows,
          oldestMs,
          spoolBytes: spool?.bytes ?? 0,
          spoolMaxBytes: spool?.maxBytes ?? 0,
          engineRestarts,
          problem: spool?.problem ?? stats.problem ?? null,
        },
      })
    },
  )
}

function learningTogether({ replicas: { status }, clock }: Services): z.output<typeof replicas> {
  const { others, mergedMs, failedMerges, clockAheadMs } = status
  const nowMs = clock.nowMs()
  return {
    others,
    mergedAgoMs: Math.round(nowMs - (mergedMs ?? nowMs)),
    failedMerges,
    clockAheadMs: Math.round(clockAheadMs),
  }
}

function promoted({ rollouts: { status } }: Services): z.output<typeof policies> {
  return {
    serving: status.models.map(({ model, live, canary }) => ({
      model,
      live: live === '' ? null : live,
      canary: canary ?? null,
    })),
    problems: [...status.problems],
    unread: status.unread ?? null,
  }
}

async function answersInTime({ store, log }: Services): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(resolve, PING_MS_MAX, false)
  const ping = store.ping().then(
    () => true,
    (error: unknown) => {
      log.warn({ err: error }, 'the store does not answer')
      return false
    },
  )
  const answered = await Promise.race([ping, late])
  clearTimeout(timer)
  return answered
}
