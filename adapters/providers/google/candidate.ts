/** One candidate of Gemini, whole or as it grows, in OpenAI's words. */
import { newToolCallId } from '../tool-ids.ts'
import { asRecord, asRecords, asString, asText, type Wire } from '../wire.ts'
import type { ReadingContext } from './context.ts'
import { PartialCall } from './partial-args.ts'
import { signatureField } from './signatures.ts'

/** What one event adds to a message. */
export interface Increment {
  readonly text: string
  readonly reasoning: string
  readonly calls: readonly Wire[]
  readonly images: readonly Wire[]
  /** A signature that belongs to no call. */
  readonly signature: string | undefined
}

/** Reads the parts of one candidate. Of a whole answer there is one reading, of a stream one per event. */
export class CandidateReader {
  readonly #context: ReadingContext
  #partial: PartialCall | undefined
  #callCount = 0
  #validCallCount = 0
  #hasContent = false

  constructor(context: ReadingContext) {
    this.#context = context
  }

  get hasCalls(): boolean {
    return this.#callCount > 0
  }

  /** Calls to functions that were declared. */
  get hasValidCalls(): boolean {
    return this.#validCallCount > 0
  }

  /** A call began of which not all pieces have come. */
  get hasOpenCall(): boolean {
    return this.#partial !== undefined
  }

  get hasContent(): boolean {
    return this.#hasContent
  }

  read(candidate: Wire): Increment {
    let text = ''
    let reasoning = ''
    let signature: string | undefined
    const calls: Wire[] = []
    const images: Wire[] = []
    for (const part of asRecords(asRecord(candidate['content'])?.['parts'])) {
      const words = asString(part['text']) ?? ''
      if (part['thought'] === true) reasoning += words
      else text += words
      const call = asRecord(part['functionCall'])
      if (call !== undefined) calls.push(...this.#call(call, part))
      else signature = asText(part['thoughtSignature']) ?? signature
      const image = asRecord(part['inlineData'])
      if (image !== undefined && part['thought'] !== true) images.push(imageOf(image))
    }
    this.#hasContent ||= text !== '' || reasoning !== '' || images.length > 0
    return { text, reasoning, calls, images, signature }
  }

  /** Whole calls pass at once; one that arrives in pieces when its last piece has come. */
  #call(call: Wire, part: Wire): readonly Wire[] {
    const name = asText(call['name'])
    const continues = call['willContinue'] === true
    if (name !== undefined && !continues && call['partialArgs'] === undefined) {
      return [this.#finished(name, call['args'] ?? {}, part)]
    }
    const partial = name === undefined ? this.#partial : new PartialCall(name, part)
    if (partial === undefined) return []
    partial.add(call['partialArgs'])
    this.#partial = continues ? partial : undefined
    return continues ? [] : [this.#finished(partial.name, partial.args, partial.fields)]
  }

  #finished(name: string, args: unknown, part: Wire): Wire {
    if (this.#context.functions.has(name)) this.#validCallCount++
    const id = asText(asRecord(part['functionCall'])?.['id']) ?? newToolCallId()
    return {
      index: this.#callCount++,
      id,
      type: 'function',
      function: { name, arguments: JSON.stringify(args) },
      ...signatureField(part['thoughtSignature'], this.#context.origin),
    }
  }
}

/** Fields of a message or delta; nothing for what is empty. */
export function incrementFields(increment: Increment, origin: string): Wire {
  const { text, reasoning, calls, images, signature } = increment
  return {
    ...(text !== '' && { content: text }),
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(images.length > 0 && { images }),
    ...signatureField(signature, origin),
  }
}

function imageOf(data: Wire): Wire {
  const url = `data:${asString(data['mimeType']) ?? 'image/png'};base64,${asString(data['data']) ?? ''}`
  return { type: 'image_url', image_url: { url } }
}
