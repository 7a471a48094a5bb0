/** What a dialect has to say for itself; sockets, deadlines and framing are the same for all. */
import type { FramedEvent } from './framer.ts'
import type { ChatCall, ChatChunk, ChatRequest, ChatResponse, FinishReason, Usage, Warning } from './spec.ts'

/** A dialect of one provider. */
export interface Codec {
  /** Sent with every request: the credential and what else the vendor asks for. Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * Turns a call into what is posted.
   * @throws {UpstreamError} 400 when the dialect has no words for something that the answer depends on.
   */
  encode(call: ChatCall, streaming: boolean): EncodedCall
}

/** One call in the vendor's words, and the reader of its answer: an answer is read in the light of what was asked. */
export interface EncodedCall {
  /** Below the base URL; begins with `/`. */
  readonly path: string
  readonly body: object
  /** The upstream is asked to stream. May be true for a call that does not stream: the answer is folded then. */
  readonly streams: boolean
  readonly warnings: readonly Warning[]
  /** @throws {UpstreamError} when the body tells of a failure or holds no answer. */
  decodeAnswer(body: unknown): Answer
  createStreamDecoder(): StreamDecoder
}

export interface Answer {
  readonly response: ChatResponse
  readonly usage: Usage
  readonly finish: FinishReason
}

/**
 * How far a stream is: `open`, the answer is being made; `finished`, it is complete, but usage may follow; `closed`, nothing
 * that matters can follow.
 */
export type StreamProgress = 'open' | 'finished' | 'closed'

/** Reads one stream. Knows nothing of bytes and time: the same events give the same chunks however they were cut. */
export interface StreamDecoder {
  readonly progress: StreamProgress
  /** @throws {UpstreamError} for a failure told in the stream, with that failure's own class. */
  push(event: FramedEvent): readonly ChatChunk[]
  /** The body ended. @throws {UpstreamError} `upstream_truncated` when the answer was not complete. */
  end(): StreamEnd
}

export interface StreamEnd {
  /** What had to wait for the end. */
  readonly chunks: readonly ChatChunk[]
  readonly usage: Usage
  readonly finish: FinishReason
}

/** The caller set stop sequences, so that an answer may end before its first word. */
export function hasStop({ stop }: ChatRequest): boolean {
  return stop !== null && stop !== undefined && stop.length > 0
}
