/** Chunks of any arm → one OpenAI stream: one id, one model, a role once, the text kept in case it must be counted. */
import type { ServerResponse } from 'node:http'
import type { ChatChunk, ChatChunkChoice } from '../../adapters/index.ts'

/** Text that is not kept back any longer, tick or no tick. */
const PENDING_CHARS_MAX = 64 * 1024

export interface Envelope {
  readonly id: string
  /** Unix time, s. */
  readonly created: number
  readonly model: string
  /** The caller asked for usage: OpenAI then puts `usage: null` on every chunk but the last. */
  readonly tellsUsage: boolean
}

/** Fields of a chunk that are ours to tell, whatever the arm says. */
const OURS: ReadonlySet<string> = new Set(['id', 'object', 'created', 'model', 'choices', 'usage'])

export class ChunkWriter {
  readonly #response: ServerResponse
  readonly #tellsUsage: boolean
  /** The beginning of each chunk, as JSON. */
  readonly #head: string
  readonly #begun = new Set<number>()
  readonly #texts: string[] = []
  /** What this tick has brought so far. */
  #pending = ''
  /** Goes out with the first chunk. */
  #extension: object | undefined
  /**
   * The latest chunk with a finish reason, as JSON without its end, where it is to carry the usage; what that is, the stream's
   * end tells.
   */
  #closing: string | undefined

  constructor(response: ServerResponse, envelope: Envelope, extension: object) {
    const { id, created, model, tellsUsage } = envelope
    this.#response = response
    this.#tellsUsage = tellsUsage
    this.#head = JSON.stringify({ id, object: 'chat.completion.chunk', created, model }).slice(0, -1)
    this.#extension = extension
  }

  /** All text so far, of all choices. */
  get text(): string {
    return this.#texts.join('')
  }

  /** @returns true when the caller is slow and {@link drained} is to be awaited before the next chunk */
  chunk(chunk: ChatChunk): boolean {
    const event = this.#eventOf(chunk)
    this.#releaseClosing()
    const isLast = chunk.choices.some((choice) => choice.finish_reason !== null)
    if (isLast && !this.#tellsUsage) this.#closing = event
    else this.#write(`${event}}`)
    return this.#pending.length >= PENDING_CHARS_MAX || this.#response.writableNeedDrain
  }

  /**
   * What the answer took and cost: in a last chunk of its own for a caller that asked for one; else on the chunk with the
   * finish reason, where clients that know nothing of it ignore it.
   */
  usage(usage: object): void {
    if (this.#tellsUsage) this.#write(`${this.#head},"choices":[],"usage":${JSON.stringify(usage)}}`)
    else this.#releaseClosing(`,"usage":${JSON.stringify(usage)}`)
  }

  /** In-band: the status has long been sent. Nothing may follow, not even `[DONE]`. */
  error(body: object): void {
    this.#releaseClosing()
    this.#write(JSON.stringify(body))
    this.#end()
  }

  done(): void {
    this.#releaseClosing()
    this.#pending += 'data: [DONE]\n\n'
    this.#end()
  }

  #releaseClosing(more = ''): void {
    if (this.#closing === undefined) return
    this.#write(`${this.#closing}${more}}`)
    this.#closing = undefined
  }

  /** As JSON without its closing brace. What is the same in every chunk is written out once. */
  #eventOf(chunk: ChatChunk): string {
    const extension = this.#extension
    this.#extension = undefined
    let event = this.#head
    for (const key in chunk) {
      if (OURS.has(key) || chunk[key] === undefined || (key === 'highwayman' && extension !== undefined))
        continue
      event += `,${JSON.stringify(key)}:${JSON.stringify(chunk[key])}`
    }
    event += `,"choices":${JSON.stringify(chunk.choices.map((choice) => this.#choice(choice)))}`
    if (this.#tellsUsage) event += ',"usage":null'
    if (extension !== undefined) event += `,"highwayman":${JSON.stringify(extension)}`
    return event
  }

  /** Resolves when the caller has read enough, or has gone. */
  drained(): Promise<void> {
    this.#flush()
    const response = this.#response
    if (response.destroyed || !response.writableNeedDrain) return Promise.resolve()
    return new Promise((resolve) => {
      const settle = (): void => {
        response.off('drain', settle)
        response.off('close', settle)
        resolve()
      }
      response.on('drain', settle)
      response.on('close', settle)
    })
  }

  /**
   * Chunks that came with one read of the upstream's socket leave in one write to the caller's: the tick ends when all of
   * them have been decoded, so none waits for a chunk that is not there yet.
   */
  #write(event: string): void {
    if (this.#pending === '') process.nextTick(this.#flush)
    this.#pending += `data: ${event}\n\n`
  }

  readonly #flush = (): void => {
    const text = this.#pending
    if (text === '') return
    this.#pending = ''
    this.#response.write(text)
  }

  #end(): void {
    this.#response.end(this.#pending)
    this.#pending = ''
  }

  #choice(choice: ChatChunkChoice): ChatChunkChoice {
    const { index, delta } = choice
    this.#keepText(delta)
    if (!this.#begun.has(index)) {
      this.#begun.add(index)
      return delta.role === undefined ? { ...choice, delta: { role: 'assistant', ...delta } } : choice
    }
    if (delta.role === undefined) return choice
    const { role: _, ...rest } = delta
    return { ...choice, delta: rest }
  }

  #keepText({ content, reasoning_content, tool_calls }: ChatChunkChoice['delta']): void {
    if (reasoning_content) this.#texts.push(reasoning_content)
    if (content) this.#texts.push(content)
    for (const call of tool_calls ?? []) {
      if (call.function?.name) this.#texts.push(call.function.name)
      if (call.function?.arguments) this.#texts.push(call.function.arguments)
    }
  }
}
