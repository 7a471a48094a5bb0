/**
 * Server-sent events as vendors write them. eventsource-parser does the grammar (LF, CRLF and CR, BOM, comments, several data
 * lines); around it:
 * - it is fed whole lines only. A partial line that cannot become a known field is thrown away by it without a word, so an
 *   `error:` line, or JSON without `data:`, would be seen or lost depending on where the network cut it;
 * - lines outside the grammar are kept: some upstreams tell their failure there and nowhere else;
 * - the end of the body ends the last event.
 */
import { createParser } from 'eventsource-parser'
import { badOutput } from './failures.ts'
import { EVENT_LENGTH_MAX, type FramedEvent, type Framer } from './framer.ts'

const STRAY_LENGTH_MAX = 64 * 1024

export function createSseFramer(upstream: string): Framer {
  let events: FramedEvent[] = []
  /** The beginning of a line whose end has not come. */
  let partial: string[] = []
  let partialLength = 0
  let stray = ''

  const parser = createParser({
    maxBufferSize: EVENT_LENGTH_MAX,
    onEvent: ({ event, data }) => {
      if (data.trim() !== '') events.push({ name: event, data })
    },
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') throw tooLong()
      if (error.field === 'error') events.push({ name: 'error', data: error.value ?? '' })
      else if (error.line !== undefined) keepStray(error.line)
    },
  })

  function tooLong() {
    return badOutput(`${upstream} sent an event of more than ${EVENT_LENGTH_MAX} characters`)
  }

  /** From the first line that opens JSON on: what is left at the end may be an error without `data:`. */
  function keepStray(line: string): void {
    if ((stray !== '' || /^\s*[{[]/.test(line)) && stray.length < STRAY_LENGTH_MAX) stray += `${line}\n`
  }

  function drain(): readonly FramedEvent[] {
    const drained = events
    events = []
    return drained
  }

  return {
    push(text) {
      const cut = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r')) + 1
      const tail = text.slice(cut)
      if (cut > 0) {
        parser.feed(partial.join('') + text.slice(0, cut))
        partial = []
        partialLength = 0
      }
      if (tail !== '') partial.push(tail)
      partialLength += tail.length
      if (partialLength > EVENT_LENGTH_MAX) throw tooLong()
      return drain()
    },
    end() {
      parser.feed(`${partial.join('')}\n\n`)
      const rest = drain()
      return stray === '' ? rest : [...rest, { name: 'stray', data: stray }]
    },
  }
}
