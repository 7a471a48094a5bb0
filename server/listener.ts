/** The sockets that requests come in by. */
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { refuseBrokenRequest } from './broken-request.ts'
import { urlOf } from './url.ts'

/** A request has to have arrived after this; says nothing about its answer. */
const REQUEST_MS_MAX = 60_000
/** Longer than the minute after which most load balancers let go: who closes first must not be we, under a request. */
const KEEP_ALIVE_MS = 72_000

export class Listener {
  readonly #servers: readonly Server[]
  /** `http://127.0.0.1:8787` */
  readonly url: string

  private constructor(servers: readonly Server[], url: string) {
    this.#servers = servers
    this.url = url
  }

  /**
   * @param hosts addresses of this machine ({@link hostsOf}); one after the first that cannot be had is not missed
   * @param port 0 takes a free one, the same on all
   * @throws what listening on the first throws, a system error
   */
  static async open(handle: RequestListener, hosts: readonly string[], port: number): Promise<Listener> {
    const [first = '127.0.0.1', ...others] = hosts
    const server = await listen(handle, first, port)
    const bound = server.address() as AddressInfo
    const more = await Promise.allSettled(others.map((host) => listen(handle, host, bound.port)))
    const servers = more.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    return new Listener([server, ...servers], urlOf(bound.address, bound.port))
  }

  /** No new connection from now on, and no idle one. Resolves when the last one has gone. */
  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => new Promise((closed) => server.close(closed))))
  }

  /** Those that nobody is sending or being answered on. */
  closeIdleConnections(): void {
    for (const server of this.#servers) server.closeIdleConnections()
  }

  closeAllConnections(): void {
    for (const server of this.#servers) server.closeAllConnections()
  }
}

/** What to listen on for `host`: a name that means this machine is all its addresses, since callers may try any of them first. */
export async function hostsOf(host: string): Promise<readonly string[]> {
  if (host !== 'localhost') return [host]
  const found = await lookup(host, { all: true }).catch(() => [])
  return found.length === 0 ? [host] : [...new Set(found.map(({ address }) => address))]
}

async function listen(handle: RequestListener, host: string, port: number): Promise<Server> {
  const server = createServer({ requestTimeout: REQUEST_MS_MAX, keepAliveTimeout: KEEP_ALIVE_MS }, handle)
  server.on('clientError', refuseBrokenRequest)
  server.listen({ host, port })
  await once(server, 'listening')
  return server
}
