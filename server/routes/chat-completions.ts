import { z } from 'zod'
import { answerStream } from '../pipeline/answer-stream.ts'
import { answerWhole } from '../pipeline/answer-whole.ts'
import { prepare } from '../pipeline/prepare.ts'
import type { Services } from '../services.ts'
import type { App } from './app-type.ts'
import { chatBodySchema } from './schemas/chat.ts'
import { errorSchema } from './schemas/error.ts'

export function chatCompletionsRoute(app: App, services: Services): void {
  app.post(
    '/v1/chat/completions',
    {
      schema: {
        summary: 'Answer a chat request with the arm that the routing picks',
        tags: ['OpenAI'],
        body: chatBodySchema,
        response: {
          200: z
            .looseObject({ id: z.string(), object: z.literal('chat.completion'), model: z.string() })
            .describe(
              'OpenAI’s chat completion with `usage.cost` and `highwayman`; with `stream: true` its chunks as server-sent events.',
            ),
          default: errorSchema,
        },
      },
    },
    async (request, reply) => {
      const { id: requestId, tenant, headers, body, flight } = request
      const task = await prepare(services, services.view(), {
        requestId,
        surface: 'chat',
        tenant,
        headers,
        body,
      })
      await (task.stream ? answerStream : answerWhole)(services, task, flight, reply)
      return reply
    },
  )
}
