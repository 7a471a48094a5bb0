/** Failed upstream calls → the error that the caller gets. */
import type { UpstreamError } from '../../adapters/index.ts'
import { type FailedAttempt, ServerError, type ServerErrorInit, serverError } from '../errors.ts'
import type { Trail } from './leg.ts'

/** A 429 or 503 that came without a time to wait. */
const RETRY_AFTER_MS_DEFAULT = 1_000

/** The request itself is at fault, or nobody waits for it any more: the upstream's word stands. */
export function refused(error: UpstreamError, trail: Trail): ServerError {
  return toServerError(error, error.message, trail)
}

/** Every arm that was tried failed. One common reason is told as such; different ones are `all_arms_failed`. */
export function allFailed(trail: Trail): ServerError {
  const { failed } = trail
  const last = failed.at(-1)?.error
  if (last === undefined) return serverError('internal_error', 'No arm was tried.', particularsOf(trail))
  if (failed.length === 1) return toServerError(last, last.message, trail)
  const reasons = failed.map(({ arm, error }) => `${arm}: ${error.message}`).join('; ')
  const message = `All ${failed.length} arms that were tried failed. ${reasons}`
  const isCommon = failed.every(({ error }) => error.code === last.code)
  if (isCommon || isCallersFault(last)) return toServerError(last, message, trail)
  return serverError('all_arms_failed', message, particularsOf(trail))
}

export function shuttingDown(trail: Trail): ServerError {
  return serverError('draining', 'The gateway is shutting down; send the request again.', {
    ...particularsOf(trail),
    shouldRetry: undefined,
    retryAfterMs: RETRY_AFTER_MS_DEFAULT,
  })
}

function isCallersFault({ httpStatus }: UpstreamError): boolean {
  return httpStatus >= 400 && httpStatus < 500 && httpStatus !== 429
}

function toServerError(error: UpstreamError, message: string, trail: Trail): ServerError {
  const waits = error.httpStatus === 429 || error.httpStatus === 503
  return new ServerError({
    ...particularsOf(trail),
    status: error.httpStatus,
    type: error.type,
    code: error.code,
    message,
    param: error.param,
    retryAfterMs: waits ? retryAfterMs(trail) : undefined,
    cause: error,
  })
}

/** All has been tried: the client's own retries would only multiply it. */
function particularsOf(trail: Trail): Partial<ServerErrorInit> {
  const { decision, upstreamMs } = trail
  return { decision, upstreamMs, attempts: attemptsOf(trail), shouldRetry: false }
}

function attemptsOf({ failed }: Trail): readonly FailedAttempt[] {
  return failed.map(({ arm, error }) => ({
    arm,
    status: error.upstreamStatus ?? null,
    code: error.code,
    message: error.message,
  }))
}

/** The first of the arms to be free again decides. */
function retryAfterMs({ failed }: Trail): number {
  return Math.min(...failed.map(({ error }) => error.retryAfterMs ?? RETRY_AFTER_MS_DEFAULT))
}
