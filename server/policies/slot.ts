/**
 * A policy as requests are decided by it, and how a request comes to one. A virtual model has one policy, or several with a rule
 * that shares its requests out among them: a canary beside the live one, the variants of an experiment. Whatever the rule, a
 * request is given an {@link Assigned}, and everything behind it asks no further.
 */
import type { AssignmentRow } from '../../adapters/index.ts'
import { type Assignment, type Decision, hash53, type PolicySpec, type Router } from '../../engine/index.ts'

export interface PolicySlot {
  /** Of the policy file; empty: the configuration's own policy. */
  readonly hash: string
  /** That decides. A policy file has one of its own, which started from the file and learns from all traffic. */
  readonly router: Router
  readonly policy: PolicySpec
  readonly floor: number
}

export interface Assigned {
  readonly slot: PolicySlot
  /** Goes into the record of its decisions; undefined: the configuration's policy, and there is no other. */
  readonly assignment: Assignment | undefined
  /** Of a request that takes part in an experiment. */
  readonly exposure?: Exposure
}

/** Who takes part in which variant: what is recorded of each decision that the variant's policy makes. */
export type Exposure = Omit<AssignmentRow, 'decisionId' | 'isFirst' | 'requestClass' | 'promptTokens'>

/** Of a hash, where people read it. */
export const HASH_CHARS = 12

/** How headers, answers and metrics name the policy that drew: `thompson`, and of a file `thompson@3f2a9c1b5e7d`. */
export function policyLabel({ policy, assignment }: Pick<Decision, 'policy' | 'assignment'>): string {
  return labelOf(policy, assignment?.policyHash ?? '')
}

export function labelOf({ name }: PolicySpec, hash: string): string {
  return hash === '' ? name : `${name}@${hash.slice(0, HASH_CHARS)}`
}

/** What is assigned as one: all requests of it get the same policy. */
export const UNITS = ['request', 'session', 'user', 'tenant'] as const
export type Unit = (typeof UNITS)[number]

export interface UnitSource {
  readonly tenant: string
  /** Empty: the caller named none. */
  readonly session: string
  /** Empty: the caller named no user. */
  readonly userHash: string
  readonly requestId: string
}

/** What is known of a request when it is given a policy. */
export interface RequestSource extends UnitSource {
  readonly requestClass: string
  /** What judges ask is not traffic. */
  readonly isJudge: boolean
}

/** The unit that a request belongs to, as text; a request that names no session or user is a unit of its own. */
export function unitOf(unit: Unit, { tenant, session, userHash, requestId }: UnitSource): string {
  if (unit === 'tenant') return JSON.stringify([unit, tenant])
  if (unit === 'user' && userHash !== '') return JSON.stringify([unit, tenant, userHash])
  if (unit === 'session' && session !== '') return JSON.stringify([unit, tenant, session])
  return JSON.stringify(['request', tenant, requestId])
}

/**
 * Where a unit stands in [0, 1), the same for ever: the first `share` of the line belongs to the canary, so raising the share
 * moves units to it and none back. Another salt is another, independent line.
 */
export function placeOf(unit: string, salt: string): number {
  return hash53(unit, salt)
}
