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

export class ChunkWriter {
  readonly #response: ServerResponse
  readonly #envelope: Envelope
  readonly #begun = new Set<number>()
  readonly #texts: string[] = []
  /** What this tick has brought so far. */
  #pending = ''
  /** Goes out with the first chunk. */
  #extension: object | undefined
  /** The latest chunk with a finish reason, where it is to carry the usage; what that is, the stream's end tells. */
  #closing: object | undefined

  constructor(response: ServerResponse, envelope: Envelope, extension: object) {
    this.#response = response
    this.#envelope = envelope
    this.#extension = extension
  }

  /** All text so far, of all choices. */
  get text(): string {
    return this.#texts.join('')
  }

  /** @returns true when the caller is slow and {@link drained} is to be awaited before the next chunk */
  chunk(chunk: ChatChunk): boolean {
    const { id, created, model, tellsUsage } = this.#envelope
    const extension = this.#extension
    this.#extension = undefined
    const event = {
      ...chunk,
      id,
      object: 'chat.completion.chunk',
      created,
      model,
      choices: chunk.choices.map((choice) => this.#choice(choice)),
      ...(tellsUsage && { usage: null }),
      ...(extension && { highwayman: extension }),
    }
    this.#releaseClosing()
    if (!tellsUsage && chunk.choices.some((choice) => choice.finish_reason !== null)) this.#closing = event
    else this.#write(event)
    return this.#pending.length >= PENDING_CHARS_MAX || this.#response.writableNeedDrain
  }

  /**
   * What the answer took and cost: in a last chunk of its own for a caller that asked for one; else on the chunk with the
   * finish reason, where clients that know nothing of it ignore it.
   */
  usage(usage: object): void {
    const { id, created, model, tellsUsage } = this.#envelope
    if (tellsUsage) this.#write({ id, object: 'chat.completion.chunk', created, model, choices: [], usage })
    else this.#releaseClosing({ usage })
  }

  /** In-band: the status has long been sent. Nothing may follow, not even `[DONE]`. */
  error(body: object): void {
    this.#releaseClosing()
    this.#write(body)
    this.#end()
  }

  done(): void {
    this.#releaseClosing()
    this.#pending += 'data: [DONE]\n\n'
    this.#end()
  }

  #releaseClosing(more?: object): void {
    if (this.#closing === undefined) return
    this.#write({ ...this.#closing, ...more })
    this.#closing = undefined
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
  #write(event: object): void {
    if (this.#pending === '') process.nextTick(this.#flush)
    this.#pending += `data: ${JSON.stringify(event)}\n\n`
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
