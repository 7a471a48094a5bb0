/** The requests that are running: how many there are, and how to end them. */
import type { ServerResponse } from 'node:http'
import type { CancelSignal } from '../../adapters/index.ts'

export const END_REASON = { callerGone: 'caller-gone', shutdown: 'shutdown' } as const
export type EndReason = (typeof END_REASON)[keyof typeof END_REASON]

/** One running request, and the signal of its calls: aborted when the caller goes away, or when the server does. */
export class Flight implements CancelSignal {
  readonly startedAt = performance.now()
  #receivedAt = this.startedAt
  /** Of the call that runs, and of one before it whose end has not been seen yet. */
  #listeners: (() => void)[] = []
  #ended: EndReason | undefined

  get aborted(): boolean {
    return this.#ended !== undefined
  }

  addEventListener(_: 'abort', listener: () => void): void {
    this.#listeners.push(listener)
  }

  removeEventListener(_: 'abort', listener: () => void): void {
    const at = this.#listeners.indexOf(listener)
    if (at !== -1) this.#listeners.splice(at, 1)
  }

  /** Why the request was ended before its answer was; undefined while it was not. */
  get ended(): EndReason | undefined {
    return this.#ended
  }

  get elapsedMs(): number {
    return performance.now() - this.startedAt
  }

  /** All of the request is here: how long its caller took to send it is not our time. */
  received(): void {
    this.#receivedAt = performance.now()
  }

  get sinceReceivedMs(): number {
    return performance.now() - this.#receivedAt
  }

  end(reason: EndReason): void {
    if (this.#ended !== undefined) return
    this.#ended = reason
    const listeners = this.#listeners
    this.#listeners = []
    for (const abort of listeners) abort()
  }
}

export class InFlight {
  readonly #flights = new Set<Flight>()
  #onIdle: (() => void) | undefined
  #draining = false

  get count(): number {
    return this.#flights.size
  }

  get draining(): boolean {
    return this.#draining
  }

  /** A flight that leaves when its response is finished or its connection has died. */
  enter(response: ServerResponse, onLeave: (flight: Flight) => void): Flight {
    const flight = new Flight()
    this.#flights.add(flight)
    response.once('close', () => {
      if (!response.writableFinished) flight.end(END_REASON.callerGone)
      this.#flights.delete(flight)
      onLeave(flight)
      if (this.#flights.size === 0) this.#onIdle?.()
    })
    return flight
  }

  /** From now on no request is let in. Resolves when the last one has left, or after `drainMs`. */
  async drain(drainMs: number): Promise<void> {
    this.#draining = true
    if (this.#flights.size === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onIdle = resolve
    const timer = setTimeout(resolve, drainMs)
    await promise
    clearTimeout(timer)
  }

  endAll(): void {
    for (const flight of this.#flights) flight.end(END_REASON.shutdown)
  }
}
