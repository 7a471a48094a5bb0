/** The application as routes see it: bodies and replies typed by their zod schemas, requests with a tenant. */
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Tenant } from '../registry.ts'
import type { Flight } from '../resilience/in-flight.ts'

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>

declare module 'fastify' {
  interface FastifyRequest {
    /** Set when the request comes in. */
    flight: Flight
    /** Set on every route below `/v1`. */
    tenant: Tenant
  }
}
