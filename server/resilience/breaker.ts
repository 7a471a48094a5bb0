/** A circuit breaker for one arm: consecutive failures open it, one probe decides whether it closes again. */

/** Consecutive failures that open a closed breaker. */
const FAILURES_TO_OPEN = 5
const OPEN_MS_MIN = 15_000
const OPEN_MS_MAX = 120_000
/** A probe that is out for longer, a slow stream say, no longer keeps the next one waiting. */
const PROBE_MS_MAX = 120_000

export const BREAKER_STATE = { closed: 'closed', open: 'open', halfOpen: 'half-open' } as const

type State =
  | { readonly kind: typeof BREAKER_STATE.closed; readonly failures: number }
  | { readonly kind: typeof BREAKER_STATE.open; readonly untilMs: number; readonly openMs: number }
  /** One call is out to see whether the arm answers again; nobody else may call before it is back, or `untilMs`. */
  | { readonly kind: typeof BREAKER_STATE.halfOpen; readonly untilMs: number; readonly openMs: number }

/** Every call is told of by `begin` and then by exactly one of `succeed`, `fail` and `abandon`. Times are Unix ms. */
export class Breaker {
  #state: State = { kind: 'closed', failures: 0 }

  get kind(): State['kind'] {
    return this.#state.kind
  }

  /** Closed, and nothing speaks against the arm. */
  get isSound(): boolean {
    return this.#state.kind === 'closed' && this.#state.failures === 0
  }

  admits(nowMs: number): boolean {
    switch (this.#state.kind) {
      case 'closed':
        return true
      case 'open':
      case 'half-open':
        return nowMs >= this.#state.untilMs
    }
  }

  /** ms until the next call may be let through; while a probe is out nobody knows, and it is 1 s. */
  waitMs(nowMs: number): number {
    switch (this.#state.kind) {
      case 'closed':
        return 0
      case 'open':
        return Math.max(0, this.#state.untilMs - nowMs)
      case 'half-open':
        return 1_000
    }
  }

  begin(nowMs: number): void {
    if (this.#state.kind === 'closed' || nowMs < this.#state.untilMs) return
    this.#state = { kind: 'half-open', untilMs: nowMs + PROBE_MS_MAX, openMs: this.#state.openMs }
  }

  /** An open breaker is closed by its probe only: calls that began before it opened say nothing new. */
  succeed(): void {
    if (this.#state.kind !== 'open') this.#state = { kind: 'closed', failures: 0 }
  }

  /** @param severity `at-once` opens without counting: a bad credential does not heal by being tried again. */
  fail(nowMs: number, severity: 'counted' | 'at-once' = 'counted'): void {
    switch (this.#state.kind) {
      case 'closed': {
        const failures = this.#state.failures + 1
        if (severity === 'at-once' || failures >= FAILURES_TO_OPEN) this.#open(nowMs, OPEN_MS_MIN)
        else this.#state = { kind: 'closed', failures }
        return
      }
      case 'half-open':
        this.#open(nowMs, Math.min(2 * this.#state.openMs, OPEN_MS_MAX))
        return
      case 'open':
        return
    }
  }

  /** The upstream said how long it wants to be left alone; obeyed up to the longest time a breaker stays open. */
  hold(nowMs: number, waitMs: number): void {
    const untilMs = nowMs + Math.min(waitMs, OPEN_MS_MAX)
    if (this.#state.kind === 'open' && this.#state.untilMs >= untilMs) return
    // A failed probe doubles it to the usual first time.
    const openMs = this.#state.kind === 'closed' ? OPEN_MS_MIN / 2 : this.#state.openMs
    this.#state = { kind: 'open', untilMs, openMs }
  }

  /** The call ended without saying anything about the arm: the next one may probe. */
  abandon(nowMs: number): void {
    if (this.#state.kind === 'half-open') {
      this.#state = { kind: 'open', untilMs: nowMs, openMs: this.#state.openMs }
    }
  }

  #open(nowMs: number, openMs: number): void {
    this.#state = { kind: 'open', untilMs: nowMs + openMs, openMs }
  }
}
