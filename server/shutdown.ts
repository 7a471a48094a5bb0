/**
 * How a server leaves: first it says so and goes on answering, so that whoever sends requests here can look elsewhere; then the port
 * closes and what runs is finished; then what is left is ended and everything is written (docs/deployment.md).
 */
import type { Listener } from './listener.ts'
import type { InFlight } from './resilience/in-flight.ts'

/** After the drain, answers that were ended still have to be flushed to their callers. */
const FAREWELL_MS = 1_000
/** A store that takes longer has what it is to write on disk, and whoever stops the process will not wait for it either. */
const WRITE_MS_MAX = 10_000

/** What a shutdown does now. */
export type ShutdownStep =
  /** `/readyz` says 503, requests are answered for so long. */
  | { readonly step: 'leaving'; readonly forMs: number }
  /** The port is closed; so many requests finish, for so long at most. */
  | { readonly step: 'draining'; readonly forMs: number; readonly running: number }
  /** So many were still running and are ended with an error. */
  | { readonly step: 'ending'; readonly running: number }
  /** Nobody is connected any more; what is queued is written. */
  | { readonly step: 'writing' }

export interface ShutdownParts {
  readonly inFlight: InFlight
  readonly listener: Listener
  /** Of the step `leaving`, ms. */
  readonly delayMs: () => number
  /** Of the step `draining` at most, ms. */
  readonly drainMs: () => number
  /** Begins to end what the server does by itself. */
  readonly endBackground: () => Promise<void>
  /** Once the last caller has gone. Is left to itself after ten seconds. */
  readonly write: () => Promise<void>
  /** At last. */
  readonly release: () => Promise<void>
}

export interface ShutdownOptions {
  /** Whether to begin with the step `leaving`. @default false */
  readonly announced?: boolean
  readonly onStep?: (step: ShutdownStep) => void
}

export class Shutdown {
  readonly #parts: ShutdownParts
  #running: Promise<void> | undefined
  #endWait: (() => void) | undefined

  constructor(parts: ShutdownParts) {
    this.#parts = parts
  }

  /** Idempotent: the first call's options hold. */
  run(options: ShutdownOptions): Promise<void> {
    this.#running ??= this.#run(options)
    return this.#running
  }

  /** Ends the wait for whoever looks elsewhere, or else the wait for what runs. @returns false where nothing is waited for */
  hasten(): boolean {
    const endWait = this.#endWait
    endWait?.()
    return endWait !== undefined
  }

  async #run({ announced = false, onStep }: ShutdownOptions): Promise<void> {
    const { inFlight, listener, delayMs, drainMs, endBackground, write, release } = this.#parts
    inFlight.leave()
    const leavesMs = announced ? delayMs() : 0
    if (leavesMs > 0) {
      onStep?.({ step: 'leaving', forMs: leavesMs })
      await this.#wait(leavesMs)
    }
    const drainsMs = drainMs()
    onStep?.({ step: 'draining', forMs: drainsMs, running: inFlight.count })
    const ended = endBackground()
    // A stream that began before the server was leaving has promised to keep its connection.
    const drained = inFlight.drain(() => listener.closeIdleConnections())
    const closed = listener.close()
    await this.#wait(drainsMs, drained)
    if (inFlight.count > 0) onStep?.({ step: 'ending', running: inFlight.count })
    inFlight.endAll()
    listener.closeIdleConnections()
    const farewell = setTimeout(() => listener.closeAllConnections(), FAREWELL_MS)
    await closed
    clearTimeout(farewell)
    // What was cut off is on record before the last writing. Whoever hangs even then is not waited for.
    await this.#wait(FAREWELL_MS, inFlight.settled())
    onStep?.({ step: 'writing' })
    await this.#wait(WRITE_MS_MAX, ended.then(write)).finally(release)
  }

  /** Until `ms` have passed, `sooner` has resolved, or somebody hastens. */
  async #wait(ms: number, sooner?: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    this.#endWait = resolve
    try {
      await Promise.race([promise, sooner ?? promise])
    } finally {
      this.#endWait = undefined
      clearTimeout(timer)
    }
  }
}
