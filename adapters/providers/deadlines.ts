/** One timer for all deadlines of a call: it is armed once, and looks at the clock when it fires. */
import { performance } from 'node:perf_hooks'

/** The longest delay that Node's timers hold; a later deadline is looked at again then. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1

export type Phase = 'first-byte' | 'idle' | 'total'

/** All in ms; undefined is no limit. */
export interface WatchLimits {
  readonly firstByteMs: number | undefined
  readonly idleMs: number
  readonly totalMs: number
}

/**
 * Watches one call. Activity only writes down the time (a call may bring thousands of chunks a second); the timer is moved
 * when it fires early, or when a nearer deadline begins.
 */
export class Watchdog {
  readonly #onExpire: (phase: Phase, limitMs: number) => void
  readonly #startedAt = performance.now()
  readonly #totalMs: number
  #phase: 'first-byte' | 'idle' = 'first-byte'
  /** The limit of the current phase. */
  #limitMs: number
  #idleMs: number
  #lastAt = this.#startedAt
  #paused = false
  #stopped = false
  #timerDueAt = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined

  constructor(limits: WatchLimits, onExpire: (phase: Phase, limitMs: number) => void) {
    this.#onExpire = onExpire
    this.#limitMs = limits.firstByteMs ?? Number.POSITIVE_INFINITY
    this.#idleMs = limits.idleMs
    this.#totalMs = limits.totalMs
    // Early enough for whatever comes first, so that the first byte of most answers need not move the timer.
    this.#armAt(this.#startedAt + Math.min(this.#limitMs, this.#idleMs, this.#totalMs))
  }

  /** A body byte came: from now on the idle limit holds. */
  activity(): void {
    this.#lastAt = performance.now()
    if (this.#phase === 'idle') return
    this.#phase = 'idle'
    this.#limitMs = this.#idleMs
    this.#arm()
  }

  /** Our own reader is slow: silence is not the upstream's fault. */
  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#lastAt = performance.now()
    this.#arm()
  }

  /** From now on at most `idleMs` between bytes, and until the first, if that is less than before. */
  tighten(idleMs: number): void {
    this.#idleMs = Math.min(this.#idleMs, idleMs)
    this.#limitMs = Math.min(this.#limitMs, this.#idleMs)
    this.#lastAt = performance.now()
    this.#arm()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #arm(): void {
    this.#armAt(Math.min(this.#phaseDueAt(), this.#startedAt + this.#totalMs))
  }

  #armAt(dueAt: number): void {
    if (this.#stopped || dueAt >= this.#timerDueAt || dueAt === Number.POSITIVE_INFINITY) return
    clearTimeout(this.#timer)
    this.#timerDueAt = dueAt
    const delayMs = Math.ceil(dueAt - performance.now())
    this.#timer = setTimeout(this.#check, Math.min(Math.max(1, delayMs), TIMEOUT_MS_MAX))
  }

  #phaseDueAt(): number {
    return this.#paused ? Number.POSITIVE_INFINITY : this.#lastAt + this.#limitMs
  }

  readonly #check = (): void => {
    this.#timerDueAt = Number.POSITIVE_INFINITY
    const now = performance.now()
    if (now >= this.#startedAt + this.#totalMs) this.#onExpire('total', this.#totalMs)
    else if (now >= this.#phaseDueAt()) this.#onExpire(this.#phase, this.#limitMs)
    else this.#arm()
  }
}
