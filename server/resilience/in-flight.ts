/** The requests that are running: how many there are, and how to end them. */
import type { ServerResponse } from 'node:http'
import { performance } from 'node:perf_hooks'
import type { CancelSignal } from '../../adapters/index.ts'
import type { Decision } from '../../engine/index.ts'

export const END_REASON = { callerGone: 'caller-gone', shutdown: 'shutdown' } as const
export type EndReason = (typeof END_REASON)[keyof typeof END_REASON]

/** One running request, and the signal of its calls: aborted when the caller goes away, or when the server does. */
export class Flight implements CancelSignal {
  readonly startedAt = performance.now()
  /** The latest that was made for it. */
  decision: Pick<Decision, 'id' | 'arm'> | undefined
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

/** Entries find their own place, so that one is taken out without a search. */
interface Entry {
  readonly flight: Flight
  readonly response: ServerResponse
  place: number
}

export class InFlight {
  /**
   * In no order. A Map would grow a new table for every so many requests, and V8 links the old one to it with all that it held:
   * each request then lives on until the next full collection, which made collections the costliest part of a request.
   */
  readonly #entries: Entry[] = []
  readonly #onLeave: (() => void)[] = []
  readonly #onSettled: (() => void)[] = []
  #working = 0
  #leaving = false
  #draining = false

  get count(): number {
    return this.#entries.length
  }

  /** The server is about to go: every answer closes its connection. */
  get leaving(): boolean {
    return this.#leaving
  }

  /** Nobody is let in any more. */
  get draining(): boolean {
    return this.#draining
  }

  /** A flight that leaves when its response is finished or its connection has died. */
  enter(response: ServerResponse, onLeave: (flight: Flight) => void): Flight {
    const flight = new Flight()
    const entry = { flight, response, place: this.#entries.length }
    this.#entries.push(entry)
    if (this.#leaving) response.shouldKeepAlive = false
    // It closes once, so that nothing is saved by `once`.
    response.on('close', () => {
      if (!response.writableFinished) flight.end(END_REASON.callerGone)
      this.#remove(entry)
      onLeave(flight)
      for (const told of this.#onLeave) told()
    })
    return flight
  }

  /**
   * From now on whoever is answered is told to connect anew, which leads elsewhere once a load balancer has noticed. A stream
   * whose headers have gone out cannot be told any more.
   */
  leave(): void {
    this.#leaving = true
    for (const { response } of this.#entries) response.shouldKeepAlive = false
  }

  /**
   * From now on no request is let in. Resolves when the last one has left.
   * @param onLeave called whenever one has
   */
  async drain(onLeave: () => void): Promise<void> {
    this.leave()
    this.#draining = true
    this.#onLeave.push(onLeave)
    if (this.count === 0) return
    await new Promise<void>((resolve) => {
      this.#onLeave.push(() => this.count === 0 && resolve())
    })
  }

  /** Work on a request that goes on a little longer than its connection: that it was cut off is noted afterwards. */
  follow(work: Promise<void>): void {
    this.#working += 1
    work.then(this.#settle, this.#settle)
  }

  /** Resolves when nothing that is followed goes on. */
  async settled(): Promise<void> {
    if (this.#working > 0) await new Promise<void>((resolve) => this.#onSettled.push(resolve))
  }

  readonly #settle = (): void => {
    this.#working -= 1
    if (this.#working > 0) return
    for (const told of this.#onSettled.splice(0)) told()
  }

  endAll(): void {
    // Ending one may take it out of the list.
    for (const { flight } of [...this.#entries]) flight.end(END_REASON.shutdown)
  }

  #remove(entry: Entry): void {
    if (this.#entries[entry.place] !== entry) return
    const last = this.#entries.pop()
    if (last === undefined || last === entry) return
    last.place = entry.place
    this.#entries[entry.place] = last
  }
}
