/** What cuts a body into the payloads it carries. */

/** Characters of one event. It may be a whole picture in base64. */
export const EVENT_LENGTH_MAX = 16 * 1024 * 1024

export interface FramedEvent {
  /**
   * The `event:` line; undefined when there was none. `error` also for a field of that name, `stray` for JSON found outside
   * the framing, which is worth a look for an error and nothing else.
   */
  readonly name: string | undefined
  /** Never blank. */
  readonly data: string
}

/** Cuts text into the payloads it carries. */
export interface Framer {
  /** @throws {UpstreamError} `upstream_bad_output` when one event exceeds {@link EVENT_LENGTH_MAX}. */
  push(text: string): readonly FramedEvent[]
  /** The body ended: what is still to come out of what was pushed. */
  end(): readonly FramedEvent[]
}
