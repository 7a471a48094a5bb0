/** What the process is told to do from outside: signals, and a terminal that goes away. */
import { closeSync, openSync } from 'node:fs'

/** npm and service managers signal the whole group, and npm then passes the signal on: two that come so close are one, ms. */
const ECHO_MS_MAX = 300

export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP'

export interface SignalHandlers {
  /** @param count how many have come by now, this one included */
  readonly onStop: (signal: StopSignal, count: number) => void
  /** SIGHUP from somebody, while the terminal is there or there never was one. Without it SIGHUP does what it always does. */
  readonly onReload?: () => void
}

/** SIGINT, SIGTERM and the end of the terminal stop; SIGHUP reloads. */
export function handleSignals({ onStop, onReload }: SignalHandlers): void {
  let count = 0
  let lastMs = Number.NEGATIVE_INFINITY
  const stop = (signal: StopSignal): void => {
    const nowMs = performance.now()
    if (nowMs - lastMs < ECHO_MS_MAX) return
    lastMs = nowMs
    onStop(signal, ++count)
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  if (onReload === undefined) return
  const hadTerminal = hasTerminal()
  process.on('SIGHUP', () => {
    if (!hadTerminal || hasTerminal()) return onReload()
    // Nobody reads any more what is said to it, and what is to be written is to be written all the same.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
    stop('SIGHUP')
  })
}

/** Whether the process was started from a terminal that is still there. */
function hasTerminal(): boolean {
  if (process.platform === 'win32') return false
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}
