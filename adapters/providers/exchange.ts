/** One request and its reply on the wire, seen from undici's side as a handler and from ours as a body to be read. */
import type { IncomingHttpHeaders } from 'node:http'
import { type Dispatcher, errors } from 'undici'
import { type Phase, Watchdog, type WatchLimits } from './deadlines.ts'
import type { UpstreamError } from './errors.ts'
import { badOutput, cancelled, timedOut, truncated, unreachable } from './failures.ts'
import type { CancelSignal } from './spec.ts'

/** Bytes that may wait for our reader before the socket is told to pause. */
const BUFFERED_BYTES_MAX = 256 * 1024
/** How long the end of the body may follow a complete answer before its socket is closed instead of kept for the next call. */
const TRAILING_MS_MAX = 1_000

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The body as it comes, all that one read brought at once. Leaving the loop early closes the socket. @throws {UpstreamError} */
  [Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined>
  /**
   * The whole body as UTF-8, nothing of one that is encoded. Beyond `bytesMax` it is cut off there and the socket closed.
   * @throws {UpstreamError}
   */
  text(bytesMax: number): Promise<{ readonly text: string; readonly cut: boolean }>
  /** What is still to come matters little: do not wait longer than `idleMs` for more of it. */
  expectEnd(idleMs: number): void
  /** Nothing more is wanted: the socket goes back to the pool if the body ends at once, else it is closed. */
  release(): void
}

export interface ExchangeOptions {
  readonly upstream: string
  readonly signal: CancelSignal
  readonly limits: WatchLimits
  readonly connectMs: number
  /** Sends the same request on another socket, with this exchange for its handler. */
  readonly sendAgain: () => void
}

export class Exchange implements Dispatcher.DispatchHandler, Reply {
  readonly reply: Promise<Reply>
  status = 0
  headers: IncomingHttpHeaders = {}
  readonly #options: ExchangeOptions
  readonly #watchdog: Watchdog
  readonly #chunks: Buffer[] = []
  #bufferedBytes = 0
  /** Against our wish; such a body cannot be read. */
  #isEncoded = false
  #wasSentAgain = false
  #state: 'open' | 'released' | 'ended' | 'failed' = 'open'
  #error: UpstreamError | undefined
  #controller: Dispatcher.DispatchController | undefined
  #resolveReply: (reply: Reply) => void
  #rejectReply: (error: UpstreamError) => void
  /** Wakes the reader that waits for the next chunk. */
  #wake: (() => void) | undefined

  constructor(options: ExchangeOptions) {
    this.#options = options
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    this.reply = promise
    this.#resolveReply = resolve
    this.#rejectReply = reject
    this.#watchdog = new Watchdog(options.limits, (phase, limitMs) => this.#fail(this.#late(phase, limitMs)))
    if (options.signal.aborted) this.#onAbort()
    else options.signal.addEventListener('abort', this.#onAbort)
  }

  get failed(): boolean {
    return this.#state === 'failed'
  }

  // ── undici's side ────────────────────────────────────────────────────────────────────────────────────────────────

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // The call may have failed while it waited for a free socket.
    if (this.#error !== undefined) controller.abort(this.#error)
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return
    this.status = status
    this.headers = headers
    const encoding = headers['content-encoding']
    this.#isEncoded = encoding !== undefined && encoding !== 'identity'
    // The status of a failure says enough.
    if (this.#isEncoded && status < 300) {
      this.#fail(badOutput(`${this.#options.upstream} sent ${encoding} though identity was asked for`))
    }
    this.#resolveReply(this)
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#state !== 'open') return
    this.#watchdog.activity()
    this.#chunks.push(chunk)
    this.#bufferedBytes += chunk.length
    if (this.#bufferedBytes > BUFFERED_BYTES_MAX) {
      this.#controller?.pause()
      this.#watchdog.pause()
    }
    this.#wakeReader()
  }

  onResponseEnd(): void {
    if (this.#state === 'failed') return
    this.#state = 'ended'
    this.#settle()
  }

  onResponseError(_: Dispatcher.DispatchController, cause: Error): void {
    const { upstream, connectMs, sendAgain } = this.#options
    if (this.#state === 'open' && this.status === 0 && !this.#wasSentAgain && closedWhileIdle(cause)) {
      this.#wasSentAgain = true
      this.#controller = undefined
      sendAgain()
      return
    }
    const why = reasonOf(cause, connectMs)
    this.#fail(
      this.status === 0
        ? unreachable(`${upstream} could not be reached: ${why}`, cause)
        : truncated(`${upstream} broke off its answer: ${why}`, cause),
    )
  }

  // ── our side ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    try {
      while (!this.#isOver()) {
        if (this.#chunks.length === 0) await this.#arrival()
        else yield this.#take()
      }
    } finally {
      if (this.#state === 'open') this.#giveUp()
    }
  }

  async text(bytesMax: number): Promise<{ readonly text: string; readonly cut: boolean }> {
    if (this.#isEncoded) {
      this.release()
      return { text: '', cut: false }
    }
    const chunks: Buffer[] = []
    let bytes = 0
    while (bytes <= bytesMax && !this.#isOver()) {
      if (this.#chunks.length === 0) {
        await this.#arrival()
        continue
      }
      const chunk = this.#take()
      chunks.push(chunk)
      bytes += chunk.length
    }
    const cut = bytes > bytesMax
    if (cut) this.#giveUp()
    const [only] = chunks
    const whole = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)
    return { text: whole.toString('utf8', 0, Math.min(bytes, bytesMax)), cut }
  }

  expectEnd(idleMs: number): void {
    this.#watchdog.tighten(idleMs)
  }

  release(): void {
    if (this.#state !== 'open') return
    this.#state = 'released'
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    this.#chunks.length = 0
    this.#watchdog.tighten(TRAILING_MS_MAX)
    this.#resume()
  }

  /** Nothing is left to take, and nothing will come. @throws {UpstreamError} */
  #isOver(): boolean {
    if (this.#chunks.length > 0) return false
    if (this.#error !== undefined) throw this.#error
    return this.#state !== 'open'
  }

  /** Resolves when something has come or has ended. */
  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  /** All that is there: chunks of HTTP are small, and each that is handed on by itself costs as much again as what is in it. */
  #take(): Buffer {
    const [only] = this.#chunks
    const taken = only !== undefined && this.#chunks.length === 1 ? only : Buffer.concat(this.#chunks)
    this.#chunks.length = 0
    this.#bufferedBytes = 0
    this.#resume()
    return taken
  }

  #resume(): void {
    if (this.#controller?.paused !== true) return
    this.#watchdog.resume()
    this.#controller.resume()
  }

  readonly #onAbort = (): void => {
    this.#chunks.length = 0
    this.#fail(cancelled(this.#options.upstream))
  }

  #late(phase: Phase, limitMs: number): UpstreamError {
    const { upstream } = this.#options
    if (phase === 'first-byte') return timedOut(`${upstream} sent no byte of an answer within ${limitMs} ms`)
    if (phase === 'idle')
      return timedOut(`${upstream} went silent for ${limitMs} ms in the middle of its answer`)
    return timedOut(`${upstream} did not finish its answer within ${limitMs} ms`)
  }

  /** Closes the socket without an error for anybody: nobody reads any more. */
  #giveUp(): void {
    this.#state = 'ended'
    this.#settle()
    this.#controller?.abort(unreachable(`The rest of the answer of ${this.#options.upstream} is not wanted`))
  }

  #fail(error: UpstreamError): void {
    if (this.#state === 'released') this.#giveUp()
    if (this.#state !== 'open') return
    this.#state = 'failed'
    this.#error = error
    this.#settle()
    this.#rejectReply(error)
    this.#controller?.abort(error)
  }

  #settle(): void {
    this.#watchdog.stop()
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    this.#wakeReader()
  }

  #wakeReader(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}

/**
 * The upstream closed a socket that had carried earlier answers, and has said nothing to this request: it was closing it for
 * having been idle when the request came. A new socket has no such excuse.
 */
function closedWhileIdle(error: Error): boolean {
  return error instanceof errors.SocketError && (error.socket?.bytesRead ?? 0) > 0
}

/** What went wrong on the socket, in words that name the system's code. */
function reasonOf(error: Error, connectMs: number): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return `no connection within ${connectMs} ms`
  const first = error instanceof AggregateError ? error.errors[0] : undefined
  const message = first instanceof Error ? first.message : error.message
  return code === undefined || message.includes(code) ? message : `${message} (${code})`
}
