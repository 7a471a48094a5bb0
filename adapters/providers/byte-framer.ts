/** From the bytes of a body to the payloads in it, whichever way they are framed. */
import type { FramedEvent, Framer } from './framer.ts'
import { createJsonFramer } from './json-framer.ts'
import { createSseFramer } from './sse.ts'

/**
 * A framer for bytes, cut anywhere, that finds out by the first character how they are framed: content types lie, and some
 * upstreams answer a wish for a stream with plain JSON.
 */
export class ByteFramer {
  readonly #upstream: string
  readonly #decoder = new TextDecoder()
  #framer: Framer | undefined

  constructor(upstream: string) {
    this.#upstream = upstream
  }

  push(bytes: Uint8Array): readonly FramedEvent[] {
    return this.#pushText(this.#decoder.decode(bytes, { stream: true }))
  }

  end(): readonly FramedEvent[] {
    const events = this.#pushText(this.#decoder.decode())
    return this.#framer === undefined ? events : [...events, ...this.#framer.end()]
  }

  #pushText(text: string): readonly FramedEvent[] {
    if (this.#framer === undefined) {
      const first = /\S/.exec(text)?.[0]
      if (first === undefined) return []
      this.#framer =
        first === '{' || first === '[' ? createJsonFramer(this.#upstream) : createSseFramer(this.#upstream)
    }
    return this.#framer.push(text)
  }
}
