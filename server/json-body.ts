/** The body of a request: JSON, as it is, and no deeper than whatever reads it can follow; else why it is refused. */
import { serverError } from './errors.ts'
import type { App } from './routes/app-type.ts'

/**
 * Objects and lists within each other. What writes JSON is recursive and gives up at some thousands, in the middle of a
 * request; nothing that is meant for a model comes near this.
 */
const DEPTH_MAX = 1_000
/** As deep as that takes so many brackets. */
const DEEP_CHARS_MIN = 2 * DEPTH_MAX

export function readJsonOnly(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) => {
    parse(request, body, (error, value) => {
      if (error !== null) done(whyNotJson(body, request.headers['content-encoding']))
      else if (body.length >= DEEP_CHARS_MIN && isDeeperThan(DEPTH_MAX, value)) done(tooDeep())
      else done(null, value)
    })
  })
}

/** fastify does not say where the JSON breaks; looking again costs nothing that matters. */
function whyNotJson(body: string, coding: string | undefined): Error {
  if (body === '') return invalidJson('The body is empty; send a JSON object.')
  try {
    JSON.parse(body)
  } catch (error) {
    if (coding === undefined) return invalidJson(`The body is not JSON: ${(error as Error).message}`)
    return serverError(
      'unsupported_media_type',
      `The body is not read in content-encoding ${coding}; send it as it is, without that header.`,
      { shouldRetry: false },
    )
  }
  return invalidJson(
    'The body has a key "__proto__", or "prototype" in one called "constructor", which is not taken; leave it out or call it something else.',
  )
}

function invalidJson(message: string): Error {
  return serverError('invalid_json', message, { shouldRetry: false })
}

function tooDeep(): Error {
  return serverError(
    'invalid_request',
    `The body has more than ${DEPTH_MAX} objects and lists within each other; send it flatter.`,
    { shouldRetry: false },
  )
}

function isDeeperThan(depthMax: number, value: unknown): boolean {
  let level = [value].filter(isNest)
  for (let depth = 0; level.length > 0; depth++) {
    if (depth === depthMax) return true
    const next: object[] = []
    for (const nest of level) {
      for (const inner of Array.isArray(nest) ? nest : Object.values(nest))
        if (isNest(inner)) next.push(inner)
    }
    level = next
  }
  return false
}

function isNest(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
