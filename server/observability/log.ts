/** How the server logs: one line per request, at a level that follows its outcome; no key and no prompt, ever. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Flight } from '../resilience/in-flight.ts'

/** Paths that pino blanks out wherever an object with them is logged. */
export const REDACTED_PATHS: readonly string[] = [
  'req.headers.authorization',
  'req.headers["x-api-key"]',
  'headers.authorization',
  'headers["x-api-key"]',
  'apiKey',
  '*.apiKey',
  'key',
  'password',
  '*.password',
  'messages',
  '*.messages',
  'body',
  '*.body',
  'raw',
  '*.raw',
]

const VERBOSE_LEVELS: ReadonlySet<string> = new Set(['debug', 'trace'])

/** Its 503 is an answer to what was asked: whether the server is ready. */
const PROBE = '/readyz'

/** Success is for `debug`: at `info`, a busy gateway says only what went wrong. */
export function logRequest(request: FastifyRequest, reply: FastifyReply, flight: Flight): void {
  const status = reply.raw.statusCode
  const { log } = request
  const { url: route } = request.routeOptions
  const wentWell = flight.ended !== undefined || status < 400 || route === PROBE
  const level = wentWell ? 'debug' : status < 500 ? 'info' : 'warn'
  if (level === 'debug' && !VERBOSE_LEVELS.has(log.level)) return
  log[level](
    {
      reqId: request.id,
      method: request.method,
      route,
      status,
      tookMs: Math.round(flight.elapsedMs),
      tenant: request.tenant?.name,
      arm: flight.decision?.arm,
      decisionId: flight.decision?.id,
      ...(flight.ended !== undefined && { ended: flight.ended }),
    },
    flight.ended === undefined ? 'request completed' : 'request ended early',
  )
}
