/** Chunks of any arm → one OpenAI stream: one id, one model, a role once, the text kept in case it must be counted. */
import type { ServerResponse } from 'node:http'
import type { ChatChunk, ChatChunkChoice } from '../../adapters/index.ts'

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
  /** Goes out with the first chunk. */
  #extension: object | undefined

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
    return this.#write({
      ...chunk,
      id,
      object: 'chat.completion.chunk',
      created,
      model,
      choices: chunk.choices.map((choice) => this.#choice(choice)),
      ...(tellsUsage && { usage: null }),
      ...(extension && { highwayman: extension }),
    })
  }

  usage(usage: object): void {
    const { id, created, model } = this.#envelope
    this.#write({ id, object: 'chat.completion.chunk', created, model, choices: [], usage })
  }

  /** In-band: the status has long been sent. Nothing may follow, not even `[DONE]`. */
  error(body: object): void {
    this.#write(body)
    this.#response.end()
  }

  done(): void {
    this.#response.end('data: [DONE]\n\n')
  }

  /** Resolves when the caller has read enough, or has gone. */
  drained(): Promise<void> {
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

  #write(event: object): boolean {
    return !this.#response.write(`data: ${JSON.stringify(event)}\n\n`)
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
