/** What never became a request: bytes that are not HTTP, too many headers, a body that does not come. */
import type { Socket } from 'node:net'
import { type ServerErrorCode, serverError } from './errors.ts'
import { errorBody } from './pipeline/error-body.ts'

const REASONS: Readonly<Record<string, readonly [ServerErrorCode, string, phrase: string]>> = {
  HPE_HEADER_OVERFLOW: [
    'headers_too_large',
    'The headers have more than 16 KiB; send fewer or shorter ones.',
    'Request Header Fields Too Large',
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [
    'request_timeout',
    'The request did not arrive within a minute; send it again, all of it.',
    'Request Timeout',
  ],
}

/** Closes the connection, after telling why where somebody may still read it. */
export function refuseBrokenRequest(
  thrown: Error & { code?: string; reason?: string },
  socket: Socket,
): void {
  if (thrown.code === 'ECONNRESET' || socket.destroyed) return
  const [code, message, phrase] = REASONS[thrown.code ?? ''] ?? [
    'malformed_request',
    `The request is not one of HTTP/1.1: ${thrown.reason ?? thrown.message}.`,
    'Bad Request',
  ]
  const error = serverError(code, message, { shouldRetry: false })
  const body = JSON.stringify(errorBody(error))
  if (socket.writable) {
    socket.write(
      `HTTP/1.1 ${error.status} ${phrase}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    )
  }
  socket.destroySoon()
}
