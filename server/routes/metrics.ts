import type { Registry as MetricsRegistry } from 'prom-client'
import type { App } from './app-type.ts'

export function metricsRoute(app: App, registry: MetricsRegistry): void {
  app.get(
    '/metrics',
    { schema: { summary: 'Metrics in Prometheus’ text format', tags: ['operations'] } },
    async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()),
  )
}
