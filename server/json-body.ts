/** The body of a request: JSON, as it is, and no deeper than whatever reads it can follow; else why it is refused. */
import { isNestedTooDeeply, NESTING_MAX } from '../adapters/index.ts'
import { serverError } from './errors.ts'
import type { App } from './routes/app-type.ts'

export function readJsonOnly(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) => {
    request.flight.received()
    parse(request, body, (error, value) => {
      if (error !== null) done(whyNotJson(body, request.headers['content-encoding']))
      else if (isNestedTooDeeply(body, value)) done(tooDeep())
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
    `The body has more than ${NESTING_MAX} objects and lists within each other; send it flatter.`,
    { shouldRetry: false },
  )
}
