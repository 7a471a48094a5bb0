import { z } from 'zod'
import { findModel, listModels } from '../pipeline/list-models.ts'
import type { Services } from '../services.ts'
import type { App } from './app-type.ts'
import { errorSchema } from './schemas/error.ts'
import { modelListSchema, modelSchema } from './schemas/model.ts'

export function modelsRoutes(app: App, services: Services): void {
  // Models have no date of their own here: they are as old as the process that offers them.
  const createdMs = services.clock.nowMs()
  app.get(
    '/v1/models',
    {
      schema: {
        summary: 'Arms, virtual models and aliases',
        tags: ['OpenAI'],
        response: { 200: modelListSchema, default: errorSchema },
      },
    },
    async ({ tenant }) => ({
      object: 'list' as const,
      data: listModels(services.view(), services.slots, tenant, createdMs),
    }),
  )
  app.get(
    '/v1/models/*',
    {
      schema: {
        summary: 'One of them; its id may have slashes',
        tags: ['OpenAI'],
        params: z.object({ '*': z.string() }),
        response: { 200: modelSchema, default: errorSchema },
      },
    },
    async ({ tenant, params }) => findModel(services.view(), services.slots, tenant, createdMs, params['*']),
  )
}
