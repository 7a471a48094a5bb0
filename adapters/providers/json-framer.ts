/** JSON objects one after the other, bare, on lines, or as the elements of an array that is still being written. */
import { badOutput } from './failures.ts'
import { EVENT_LENGTH_MAX, type FramedEvent, type Framer } from './framer.ts'

const OPEN = '{'.charCodeAt(0)
const CLOSE = '}'.charCodeAt(0)
const QUOTE = '"'.charCodeAt(0)
const BACKSLASH = '\\'.charCodeAt(0)

export function createJsonFramer(upstream: string): Framer {
  let depth = 0
  let inString = false
  let escaped = false
  /** Earlier pieces of the object that is open. */
  let pieces: string[] = []
  let length = 0

  function push(text: string): readonly FramedEvent[] {
    const events: FramedEvent[] = []
    let from = 0
    for (let at = 0; at < text.length; at++) {
      const char = text.charCodeAt(at)
      if (inString) {
        if (escaped) escaped = false
        else if (char === BACKSLASH) escaped = true
        else if (char === QUOTE) inString = false
      } else if (char === OPEN) {
        if (depth === 0) from = at
        depth++
      } else if (char === QUOTE) {
        inString = depth > 0
      } else if (char === CLOSE && depth > 0) {
        depth--
        if (depth > 0) continue
        events.push({ name: undefined, data: pieces.join('') + text.slice(from, at + 1) })
        pieces = []
        length = 0
      }
    }
    if (depth > 0) {
      pieces.push(text.slice(from))
      length += text.length - from
    }
    if (length > EVENT_LENGTH_MAX) {
      throw badOutput(`${upstream} sent a JSON value of more than ${EVENT_LENGTH_MAX} characters`)
    }
    return events
  }

  return { push, end: () => [] }
}
