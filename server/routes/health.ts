import { z } from 'zod'
import type { Services } from '../services.ts'
import type { App } from './app-type.ts'

const check = z.enum(['ok', 'failing'])
const replicas = z.object({
  others: z.number().int().describe('Other replicas that have written to the store in the last 15 minutes.'),
  mergedAgoMs: z.number().describe('Since what they have learned was last read, ms.'),
  failedMerges: z.number().int().describe('Readings that failed since the start.'),
  clockAheadMs: z.number().describe('This clock before the store’s, ms.'),
})
const readiness = z.object({
  status: z.enum(['ready', 'not-ready']),
  replica: z.string(),
  replicas: replicas.describe('Learning together: says nothing about readiness, what is known is served on.'),
  checks: z.object({
    store: check.describe('The store answers.'),
    arms: check.describe('There is at least one arm.'),
    accepting: check.describe('The server is not shutting down.'),
  }),
})

/** A probe that waits longer than this is told that the store is failing. */
const PING_MS_MAX = 2_000

export function healthRoutes(app: App, services: Services): void {
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
      const outcomes = {
        store: await answersInTime(services),
        arms: services.view().registry.arms.size > 0,
        accepting: !services.inFlight.draining,
      }
      const isReady = outcomes.store && outcomes.arms && outcomes.accepting
      const told = (outcome: boolean) => (outcome ? ('ok' as const) : ('failing' as const))
      return reply.code(isReady ? 200 : 503).send({
        status: isReady ? 'ready' : 'not-ready',
        replica: services.replica,
        replicas: learningTogether(services),
        checks: {
          store: told(outcomes.store),
          arms: told(outcomes.arms),
          accepting: told(outcomes.accepting),
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
