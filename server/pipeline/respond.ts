/** What a routed call is answered with besides the answer: our headers, our fields. */
import type { Warning } from '../../adapters/index.ts'
import type { Decision } from '../../engine/index.ts'
import { policyLabel } from '../policies/slot.ts'
import { COMPLETION_PREFIX } from './decision-id.ts'

const NOT_HEADER_SAFE = /[^\x20-\x7e]/

/**
 * Headers of every routed call, errors included: names and values in turn, which Node's `writeHead` takes as they are.
 *
 * @param attempts upstream calls made
 */
export function decisionHeaders(decision: Decision, attempts: number): string[] {
  const headers = [
    'x-highwayman-decision-id',
    decision.id,
    'x-highwayman-arm',
    headerSafe(decision.arm),
    'x-highwayman-class',
    headerSafe(decision.requestClass),
    'x-highwayman-propensity',
    String(decision.propensity),
    'x-highwayman-policy',
    policyLabel(decision),
    'x-highwayman-attempts',
    String(attempts),
  ]
  const experiment = experimentOf(decision)
  if (experiment !== undefined) headers.push('x-highwayman-experiment', headerSafe(experiment))
  return headers
}

/** The same by name. */
export function decisionHeadersByName(decision: Decision, attempts: number): Record<string, string> {
  const headers = decisionHeaders(decision, attempts)
  const byName: Record<string, string> = {}
  for (let i = 0; i + 1 < headers.length; i += 2) byName[headers[i] ?? ''] = headers[i + 1] ?? ''
  return byName
}

const EXPERIMENT_PREFIX = 'experiment:'

/** `checkout/dear`, of requests that take part in one. */
function experimentOf({ assignment }: Decision): string | undefined {
  return assignment?.as.startsWith(EXPERIMENT_PREFIX) === true
    ? assignment.as.slice(EXPERIMENT_PREFIX.length)
    : undefined
}

/** Time spent here and not in waiting for upstreams, ms. */
export function ownMs(elapsedMs: number, upstreamMs: number): number {
  return Math.max(0, elapsedMs - upstreamMs)
}

/** The `highwayman` field of an answer. */
export function extensionBody(decision: Decision, warnings: readonly Warning[]): object {
  return {
    decision_id: decision.id,
    arm: decision.arm,
    class: decision.requestClass,
    policy: policyLabel(decision),
    propensity: decision.propensity,
    warnings,
  }
}

/** Feedback can be given by the answer's own id. */
export function completionId(decision: Decision): string {
  return COMPLETION_PREFIX + decision.id
}

function headerSafe(value: string): string {
  return NOT_HEADER_SAFE.test(value) ? encodeURIComponent(value) : value
}
