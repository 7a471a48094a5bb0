import { Readable } from 'node:stream'
import type { LoggedDecision } from '../../engine/index.ts'
import type { Services } from '../services.ts'
import type { App } from './app-type.ts'
import { logQuerySchema } from './schemas/admin.ts'

/** Below the hook that lets administrators in; only where it is known how a decision is written down. */
export function logRoute(app: App, { store, clock, logRecord }: Services): void {
  if (logRecord === undefined) return
  app.get(
    '/admin/v1/log',
    {
      schema: {
        summary: 'The log in the order of time, a JSON object on each line',
        tags: ['admin'],
        querystring: logQuerySchema,
        produces: ['application/x-ndjson'],
      },
    },
    async ({ query: { from: fromMs = 0, to: toMs = clock.nowMs(), tenant } }, reply) => {
      await store.flush()
      const rows = store.readLog({ fromMs, toMs, tenant })
      return reply.type('application/x-ndjson').send(Readable.from(linesOf(rows, logRecord)))
    },
  )
}

async function* linesOf(
  rows: AsyncIterable<LoggedDecision>,
  record: (row: LoggedDecision) => object,
): AsyncGenerator<string> {
  for await (const row of rows) yield `${JSON.stringify(record(row))}\n`
}
