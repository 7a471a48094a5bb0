import { validate } from 'uuid'
import type { DecisionId } from '../../engine/index.ts'
import { type ServerError, serverError } from '../errors.ts'

/** @throws {ServerError} 404 `decision_not_found` for anything that cannot be an id */
export function readDecisionId(text: string): DecisionId {
  if (!validate(text)) throw unknownDecision(text)
  return text.toLowerCase() as DecisionId
}

export function unknownDecision(id: string): ServerError {
  return serverError('decision_not_found', `There is no decision "${id}".`, {
    param: 'decision_id',
    shouldRetry: false,
  })
}
