import { listJudges } from '../judges/list-judges.ts'
import type { Services } from '../services.ts'
import type { App } from './app-type.ts'
import { errorSchema } from './schemas/error.ts'
import { judgeListSchema } from './schemas/judge.ts'

export function judgesRoute(app: App, services: Services): void {
  app.get(
    '/v1/judges',
    {
      schema: {
        summary: 'The judges, what they cost, and how far they agree with people',
        tags: ['explain'],
        response: { 200: judgeListSchema, default: errorSchema },
      },
    },
    async ({ tenant }) => listJudges(services, tenant.name),
  )
}
