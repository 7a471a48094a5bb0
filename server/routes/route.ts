import { routeOnly } from '../pipeline/explain.ts'
import { prepare } from '../pipeline/prepare.ts'
import { decisionHeadersByName, ownMs } from '../pipeline/respond.ts'
import type { Services } from '../services.ts'
import type { App } from './app-type.ts'
import { chatBodySchema } from './schemas/chat.ts'
import { routeReplySchema } from './schemas/decision.ts'
import { errorSchema } from './schemas/error.ts'

export function routeRoute(app: App, services: Services): void {
  app.post(
    '/v1/route',
    {
      schema: {
        summary: 'Decide only: the caller makes the upstream call itself and sends feedback by decision id',
        tags: ['routing'],
        body: chatBodySchema,
        response: { 200: routeReplySchema, default: errorSchema },
      },
    },
    async (request, reply) => {
      const { id: requestId, tenant, headers, body, flight } = request
      const task = await prepare(services, services.view(), {
        requestId,
        surface: 'route',
        tenant,
        headers,
        body,
      })
      const { decision, reply: answer } = routeOnly(services, task)
      flight.decision = decision
      reply.headers(decisionHeadersByName(decision, 0))
      reply.header('x-highwayman-overhead-ms', ownMs(flight.sinceReceivedMs, 0).toFixed(3))
      return answer
    },
  )
}
