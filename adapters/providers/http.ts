/** The way to one upstream: a connection pool, and calls that end by our deadlines, never by undici's. */
import { Pool } from 'undici'
import { Exchange, type Reply } from './exchange.ts'
import { type CancelSignal, DEFAULT_DEADLINES, type Deadlines } from './spec.ts'

const DEFAULT_CONNECTIONS = 256
/** Longer than undici's 4 s: at a few requests a minute every call would pay for a TLS handshake. */
const KEEP_ALIVE_MS = 30_000

export interface UpstreamOptions {
  /** For messages. */
  readonly name: string
  /** `https://host/prefix`; the prefix is put before every path. */
  readonly baseUrl: string
  /** Sent with every request. Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly deadlines?: Partial<Deadlines> | undefined
  /** Sockets at most. @default 256 */
  readonly connections?: number | undefined
}

export interface UpstreamRequest {
  /** Begins with `/`; may have a query. */
  readonly path: string
  /** JSON text. */
  readonly body: string
  readonly signal: CancelSignal
  /** The answer comes as it is made, so that the first-byte deadline says something about it. */
  readonly streams: boolean
}

/**
 * One upstream and its sockets. HTTP/1.1 only: one request a socket, so that cancelling a call closes exactly its own
 * connection, and a slow stream holds up nobody else's. Redirects are not followed: they would carry the key elsewhere.
 */
export class Upstream {
  readonly #name: string
  readonly #pathPrefix: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #deadlines: Deadlines
  readonly #pool: Pool

  /** @throws {TypeError} when `baseUrl` is not an http or https URL. */
  constructor(options: UpstreamOptions) {
    const url = new URL(options.baseUrl)
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      throw new TypeError(
        `Base URL of ${options.name} must begin with http:// or https://: ${options.baseUrl}`,
      )
    }
    this.#name = options.name
    this.#pathPrefix = url.pathname.replace(/\/+$/, '')
    this.#headers = {
      ...options.headers,
      'content-type': 'application/json',
      'accept-encoding': 'identity',
    }
    this.#deadlines = { ...DEFAULT_DEADLINES, ...options.deadlines }
    this.#pool = new Pool(url.origin, {
      connections: options.connections ?? DEFAULT_CONNECTIONS,
      connect: { timeout: this.#deadlines.connectMs },
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      allowH2: false,
    })
  }

  /**
   * Sends a POST and resolves with its status and headers; the body is read from the reply, to its end, or discarded. Within
   * its deadlines it is sent once more where it met a kept socket that the upstream was closing.
   * @throws {UpstreamError} `upstream_unreachable`, `upstream_timeout` or `cancelled`; from the reply also `upstream_truncated`.
   */
  post(request: UpstreamRequest): Promise<Reply> {
    const { firstByteMs, idleMs, totalMs, connectMs } = this.#deadlines
    const dispatch = (): void => {
      this.#pool.dispatch(
        {
          method: 'POST',
          path: this.#pathPrefix + request.path,
          headers: this.#headers,
          body: request.body,
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        exchange,
      )
    }
    const exchange = new Exchange({
      upstream: this.#name,
      signal: request.signal,
      limits: { firstByteMs: request.streams ? firstByteMs : undefined, idleMs, totalMs },
      connectMs,
      sendAgain: dispatch,
    })
    if (!exchange.failed) dispatch()
    return exchange.reply
  }

  /** Waits for running calls, then closes the sockets. */
  close(): Promise<void> {
    return this.#pool.close()
  }
}
