import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { answerStream } from '../pipeline/answer-stream.ts'
import { answerWhole } from '../pipeline/answer-whole.ts'
import { prepare } from '../pipeline/prepare.ts'
import type { Services } from '../services.ts'
import type { App } from './app-type.ts'
import { type ChatBody, chatBodySchema } from './schemas/chat.ts'
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
    // Not a promise for fastify to wait on: it would watch the response's end a second time.
    (request, reply) => {
      const answered = answer(services, request, reply).catch((thrown: unknown) => {
        if (reply.sent)
          services.log.error({ reqId: request.id, err: thrown }, 'failed after the answer was sent')
        else (reply as FastifyReply).send(thrown)
      })
      services.inFlight.follow(answered)
    },
  )
}

type Incoming = Pick<FastifyRequest, 'id' | 'tenant' | 'headers' | 'flight'> & { readonly body: ChatBody }

async function answer(services: Services, request: Incoming, reply: FastifyReply): Promise<void> {
  const { id: requestId, tenant, headers, body, flight } = request
  await services.turnEnd.request()
  const task = await prepare(services, services.view(), {
    requestId,
    surface: 'chat',
    tenant,
    headers,
    body,
  })
  await (task.stream ? answerStream : answerWhole)(services, task, flight, reply)
}
