import { readStats } from '../pipeline/stats.ts'
import { userHash } from '../privacy/user-hash.ts'
import type { Services } from '../services.ts'
import type { App } from './app-type.ts'
import { eraseBodySchema, eraseReplySchema, statsQuerySchema, statsReplySchema } from './schemas/admin.ts'
import { errorSchema } from './schemas/error.ts'

export function adminRoutes(app: App, services: Services): void {
  app.get(
    '/admin/v1/stats',
    {
      schema: {
        summary:
          'Shares, quality, cost and latency by arm, class, tenant and time; the saving against an arm',
        tags: ['admin'],
        querystring: statsQuerySchema,
        response: { 200: statsReplySchema, default: errorSchema },
      },
    },
    ({ query }) => readStats(services, query),
  )
  app.post(
    '/admin/v1/erase',
    {
      schema: {
        summary: 'Take everything about a tenant or a user out of the store, and what was learned from it',
        tags: ['admin'],
        body: eraseBodySchema,
        response: { 200: eraseReplySchema, default: errorSchema },
      },
    },
    async ({ body: { tenant, user } }) => {
      services.recent.forgetTenant(tenant)
      const hash = user === undefined ? undefined : userHash(tenant, user)
      const erasure = await services.store.erase({ tenant, userHash: hash })
      return { object: 'erasure' as const, decisions: erasure.decisions, rows: { ...erasure.rows } }
    },
  )
}
