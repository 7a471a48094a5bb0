import { takeFeedback } from '../rewards/feedback.ts'
import type { Services } from '../services.ts'
import type { App } from './app-type.ts'
import { errorSchema } from './schemas/error.ts'
import { feedbackBodySchema, feedbackReplySchema } from './schemas/feedback.ts'

export function feedbackRoute(app: App, services: Services): void {
  app.post(
    '/v1/feedback',
    {
      schema: {
        summary: 'Say how good an answer was',
        tags: ['routing'],
        body: feedbackBodySchema,
        response: {
          202: feedbackReplySchema.describe('The value is durable, and learned from.'),
          default: errorSchema,
        },
      },
    },
    async ({ tenant, body }, reply) => reply.code(202).send(await takeFeedback(services, tenant.name, body)),
  )
}
