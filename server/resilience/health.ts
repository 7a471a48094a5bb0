/** Which arms are fit to be called, by what their last calls came to. */
import type { UpstreamError } from '../../adapters/index.ts'
import type { ArmId } from '../../engine/index.ts'
import { BREAKER_STATE, Breaker } from './breaker.ts'

/** Failures that the request brought on itself: they say nothing against the arm, whatever class they have. */
export function isArmsFault(error: UpstreamError): boolean {
  return (
    error.retry !== 'never' &&
    !REQUEST_STATUSES.has(error.httpStatus) &&
    error.code !== 'request_exceeds_rate_limit'
  )
}
const REQUEST_STATUSES = new Set([400, 413, 422, 499])

const NONE: readonly never[] = []

function reasonOf(breaker: Breaker, nowMs: number): string {
  if (breaker.kind === BREAKER_STATE.halfOpen) return 'being probed after failures'
  return `failing; next try in ${Math.ceil(breaker.waitMs(nowMs))} ms`
}

export class ArmHealth {
  /** Only of arms that something speaks against: in good times this is empty, and asking it costs nothing. */
  readonly #troubled = new Map<ArmId, Breaker>()

  /** Arms that must not be called now, each with the reason in words. */
  unfit(nowMs: number): readonly (readonly [arm: ArmId, detail: string])[] {
    if (this.#troubled.size === 0) return NONE
    return [...this.#troubled]
      .filter(([, breaker]) => !breaker.admits(nowMs))
      .map(([arm, breaker]) => [arm, reasonOf(breaker, nowMs)] as const)
  }

  /** ms until the first of these arms may be called again; 0 when one may be now. */
  waitMs(arms: readonly ArmId[], nowMs: number): number {
    return Math.min(...arms.map((arm) => this.#troubled.get(arm)?.waitMs(nowMs) ?? 0))
  }

  begin(arm: ArmId, nowMs: number): void {
    this.#troubled.get(arm)?.begin(nowMs)
  }

  succeed(arm: ArmId): void {
    const breaker = this.#troubled.get(arm)
    breaker?.succeed()
    if (breaker?.isSound) this.#troubled.delete(arm)
  }

  fail(arm: ArmId, error: UpstreamError, nowMs: number): void {
    if (!isArmsFault(error)) {
      this.abandon(arm, nowMs)
      return
    }
    const breaker = this.#troubled.get(arm) ?? new Breaker()
    this.#troubled.set(arm, breaker)
    breaker.fail(nowMs, error.retry === 'key' ? 'at-once' : 'counted')
    if (error.retryAfterMs !== undefined) breaker.hold(nowMs, error.retryAfterMs)
  }

  /** The call ended without a word on the arm's health: cancelled, or refused for what the request was. */
  abandon(arm: ArmId, nowMs: number): void {
    this.#troubled.get(arm)?.abandon(nowMs)
  }

  stateOf(arm: ArmId): Breaker['kind'] {
    return this.#troubled.get(arm)?.kind ?? BREAKER_STATE.closed
  }
}
