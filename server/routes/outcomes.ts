import { takeOutcome } from '../rewards/outcomes.ts'
import type { Services } from '../services.ts'
import type { App } from './app-type.ts'
import { errorSchema } from './schemas/error.ts'
import { outcomeBodySchema, outcomeReplySchema } from './schemas/outcome.ts'

export function outcomesRoute(app: App, services: Services): void {
  app.post(
    '/v1/outcomes',
    {
      schema: {
        summary: 'Say what came of a call that was made elsewhere after `/v1/route`',
        tags: ['routing'],
        body: outcomeBodySchema,
        response: {
          202: outcomeReplySchema.describe('Learned from, and in line for the store.'),
          default: errorSchema,
        },
      },
    },
    async ({ tenant, body }, reply) => reply.code(202).send(await takeOutcome(services, tenant.name, body)),
  )
}
