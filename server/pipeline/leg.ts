/** One upstream call under one decision, and the trail that the calls of a request leave. */
import type { ChatCall, OtherContext, Provider, UpstreamError } from '../../adapters/index.ts'
import type { ArmId, Decision } from '../../engine/index.ts'
import type { RegisteredArm } from '../registry.ts'

export interface Leg {
  readonly decision: Decision
  /** The request in the other feature spaces, which learn along. */
  readonly also: readonly OtherContext[]
  readonly arm: RegisteredArm
  readonly provider: Provider
  readonly call: ChatCall
  /** 0, 1, … within the request. */
  readonly index: number
  /** Of the monotonic clock, ms. */
  readonly startedAt: number
  /** Set when the arm is free again and what came of the call is on record. */
  readonly ending: { isOver: boolean }
}

/** What has happened to a request so far; headers and errors are made from it. */
export interface Trail {
  /** The latest. */
  decision: Decision | undefined
  readonly failed: { readonly arm: ArmId; readonly error: UpstreamError }[]
  /** Time spent waiting for upstreams, ms. */
  upstreamMs: number
}

export function newTrail(): Trail {
  return { decision: undefined, failed: [], upstreamMs: 0 }
}
