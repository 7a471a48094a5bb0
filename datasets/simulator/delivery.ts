/** Puts an answer on the socket at the arm's pace, or breaks off where a fault says so. */
import type { ServerResponse } from 'node:http'
import type { StreamFrames } from './wire/wire.ts'

export interface Pace {
  /** Until the first token. */
  readonly firstMs: number
  /** From the first token to the last. */
  readonly restMs: number
}

/** The whole answer after the whole time. With `isCut` the socket closes halfway through the body. */
export async function sendWhole(
  response: ServerResponse,
  body: string,
  headers: Readonly<Record<string, string>>,
  pace: Pace,
  isCut: boolean,
): Promise<void> {
  if (!(await waitWhileOpen(response, pace.firstMs + pace.restMs))) return
  const bytes = Buffer.from(body)
  response.writeHead(200, { ...headers, 'content-length': bytes.length })
  if (!isCut) {
    response.end(bytes)
    return
  }
  response.write(bytes.subarray(0, bytes.length >> 1))
  breakOff(response)
}

/** The chunks evenly over the time, the first at `firstMs`. With `cutAfter` the socket closes after that many of them. */
export async function sendStream(
  response: ServerResponse,
  frames: StreamFrames,
  headers: Readonly<Record<string, string>>,
  pace: Pace,
  cutAfter: number | undefined,
): Promise<void> {
  response.writeHead(200, headers)
  if (frames.opening !== '') response.write(frames.opening)
  const { deltas } = frames
  const gapMs = deltas.length > 1 ? pace.restMs / (deltas.length - 1) : 0
  let waitMs = pace.firstMs
  for (const [i, delta] of deltas.entries()) {
    if (!(await waitWhileOpen(response, waitMs))) return
    if (i === cutAfter) {
      response.flushHeaders()
      breakOff(response)
      return
    }
    response.write(delta)
    waitMs = gapMs
  }
  if (cutAfter !== undefined) breakOff(response)
  else response.end(frames.closing)
}

/** Sends what was written, then closes the socket without the end that the client is waiting for. */
function breakOff(response: ServerResponse): void {
  response.socket?.destroySoon()
}

/** False when the client left meanwhile. */
function waitWhileOpen(response: ServerResponse, ms: number): boolean | Promise<boolean> {
  if (response.destroyed || response.socket?.destroyed) return false
  if (ms <= 0) return true
  return new Promise((resolve) => {
    const settle = (isOpen: boolean) => {
      clearTimeout(timer)
      response.off('close', onClose)
      resolve(isOpen)
    }
    const onClose = () => settle(false)
    const timer = setTimeout(settle, ms, true)
    response.once('close', onClose)
  })
}
