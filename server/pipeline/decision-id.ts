import { validate } from 'uuid'
import type { DecisionId } from '../../engine/index.ts'
import { type ServerError, serverError } from '../errors.ts'

/** What completions put before the id of their decision. */
export const COMPLETION_PREFIX = 'chatcmpl-'

/**
 * A decision's id, or the id of the completion it led to.
 *
 * @throws {ServerError} 404 `decision_not_found` for anything that cannot be either
 */
export function readDecisionId(text: string): DecisionId {
  const id = text.startsWith(COMPLETION_PREFIX) ? text.slice(COMPLETION_PREFIX.length) : text
  if (!validate(id)) throw unknownDecision(text)
  return id.toLowerCase() as DecisionId
}

export function unknownDecision(id: string): ServerError {
  return serverError('decision_not_found', `There is no decision "${id}".`, {
    param: 'decision_id',
    shouldRetry: false,
  })
}
