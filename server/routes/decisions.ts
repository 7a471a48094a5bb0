import { z } from 'zod'
import { explainDecision } from '../pipeline/explain.ts'
import type { Services } from '../services.ts'
import type { App } from './app-type.ts'
import { decisionReplySchema } from './schemas/decision.ts'
import { errorSchema } from './schemas/error.ts'

export function decisionsRoute(app: App, services: Services): void {
  app.get(
    '/v1/decisions/:id',
    {
      schema: {
        summary: 'Why a request went where it went, and what came of it',
        tags: ['explain'],
        params: z.object({ id: z.string().max(64) }),
        response: { 200: decisionReplySchema, default: errorSchema },
      },
    },
    ({ tenant, params }) => explainDecision(services, tenant.name, params.id),
  )
}
