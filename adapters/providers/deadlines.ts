/** The deadlines of calls. One timer serves them all: it is armed for the nearest, and looks at the clock when it fires. */
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

/** Whoever is to be called at a time. */
interface Sleeper {
  dueAt: number
  /** Its position among the others. */
  place: number
  /** Called when the time has come. Sets the next one, or has it taken out. */
  wake(now: number): void
}

/**
 * Wakes any number of sleepers, each about when it is due, never before. Most calls end long before any deadline of theirs: then
 * to have been watched costs a place in a list, where a timer of its own would cost as much as the call's headers.
 */
export class AlarmClock {
  /** In no order. */
  readonly #sleepers: Sleeper[] = []
  #timerDueAt = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined

  add(sleeper: Sleeper): void {
    sleeper.place = this.#sleepers.length
    this.#sleepers.push(sleeper)
    this.ring(sleeper.dueAt)
  }

  /** Sees to it that sleepers who are due then are woken. */
  ring(dueAt: number): void {
    if (dueAt >= this.#timerDueAt) return
    this.#silence()
    this.#timerDueAt = dueAt
    const delayMs = Math.ceil(dueAt - performance.now())
    this.#timer = setTimeout(this.#wakeAll, Math.min(Math.max(1, delayMs), TIMEOUT_MS_MAX))
  }

  /** Of nobody else's concern any more. */
  remove(sleeper: Sleeper): void {
    if (this.#sleepers[sleeper.place] !== sleeper) return
    const last = this.#sleepers.pop()
    if (last !== undefined && last !== sleeper) {
      last.place = sleeper.place
      this.#sleepers[last.place] = last
    }
    // A timer that is left would keep the process alive.
    if (this.#sleepers.length === 0) this.#silence()
  }

  #silence(): void {
    clearTimeout(this.#timer)
    this.#timerDueAt = Number.POSITIVE_INFINITY
  }

  readonly #wakeAll = (): void => {
    this.#timerDueAt = Number.POSITIVE_INFINITY
    const now = performance.now()
    try {
      for (const sleeper of this.#sleepers.filter(({ dueAt }) => dueAt <= now)) sleeper.wake(now)
    } finally {
      this.#ringForNext()
    }
  }

  #ringForNext(): void {
    this.ring(
      this.#sleepers.reduce((nearest, { dueAt }) => Math.min(nearest, dueAt), Number.POSITIVE_INFINITY),
    )
  }
}

const sharedClock = new AlarmClock()

/**
 * Watches one call. Activity only writes down the time (a call may bring thousands of chunks a second); it is looked at again
 * when a deadline would have come, or when a nearer one begins.
 */
export class Watchdog implements Sleeper {
  dueAt = Number.POSITIVE_INFINITY
  place = -1
  readonly #clock: AlarmClock
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

  constructor(
    limits: WatchLimits,
    onExpire: (phase: Phase, limitMs: number) => void,
    clock: AlarmClock = sharedClock,
  ) {
    this.#clock = clock
    this.#onExpire = onExpire
    this.#limitMs = limits.firstByteMs ?? Number.POSITIVE_INFINITY
    this.#idleMs = limits.idleMs
    this.#totalMs = limits.totalMs
    // Early enough for whatever comes first, so that the first byte of most answers need not move the timer.
    this.dueAt = this.#startedAt + Math.min(this.#limitMs, this.#idleMs, this.#totalMs)
    clock.add(this)
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
    this.#clock.remove(this)
  }

  wake(now: number): void {
    // Whoever was woken before may have ended this one too.
    if (this.#stopped) return
    if (now >= this.#startedAt + this.#totalMs) this.#expire('total', this.#totalMs)
    else if (now >= this.#phaseDueAt()) this.#expire(this.#phase, this.#limitMs)
    else this.dueAt = this.#nextDueAt()
  }

  /** Told once: what is to follow, {@link stop} among it, is up to whoever is told. */
  #expire(phase: Phase, limitMs: number): void {
    this.dueAt = Number.POSITIVE_INFINITY
    this.#onExpire(phase, limitMs)
  }

  #arm(): void {
    const dueAt = this.#nextDueAt()
    if (this.#stopped || dueAt >= this.dueAt) return
    this.dueAt = dueAt
    this.#clock.ring(dueAt)
  }

  #nextDueAt(): number {
    return Math.min(this.#phaseDueAt(), this.#startedAt + this.#totalMs)
  }

  #phaseDueAt(): number {
    return this.#paused ? Number.POSITIVE_INFINITY : this.#lastAt + this.#limitMs
  }
}
