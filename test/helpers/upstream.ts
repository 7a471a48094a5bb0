/** A scripted upstream on loopback: a real HTTP server that records what it is asked. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export interface RecordedRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
}

export interface ScriptedUpstream extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  readonly requests: readonly RecordedRequest[]
  /**
   * Resolves when the other side has closed a connection whose answer was not finished, or not asked for yet: a deadline can
   * end before the request has come through.
   */
  readonly nextClose: () => Promise<void>
}

type Handler = (response: ServerResponse, request: RecordedRequest) => void | Promise<void>

export async function startUpstream(handle: Handler): Promise<ScriptedUpstream> {
  const requests: RecordedRequest[] = []
  const closes: (() => void)[] = []
  const tellClosed = (): void => {
    for (const resolve of closes.splice(0)) resolve()
  }
  const asked = new WeakSet<Socket>()
  const server = createServer({ noDelay: true }, async (request, response) => {
    asked.add(request.socket)
    response.once('close', () => {
      if (!response.writableFinished) tellClosed()
    })
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    const recorded = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      body: text === '' ? undefined : JSON.parse(text),
    }
    requests.push(recorded)
    await handle(response, recorded)
  })
  server.on('connection', (socket) => {
    socket.once('close', () => {
      if (!asked.has(socket)) tellClosed()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    nextClose: () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      closes.push(resolve)
      return promise
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Answers with JSON. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Handler {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(body))
  }
}
