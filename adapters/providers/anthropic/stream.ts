/** The events of an Anthropic stream → chunks in OpenAI's shape. */
import { classifyPayload } from '../classify.ts'
import type { StreamDecoder, StreamEnd, StreamProgress } from '../codec.ts'
import { tellsError } from '../error-body.ts'
import { badOutput, truncated } from '../failures.ts'
import type { FramedEvent } from '../framer.ts'
import type { ChatChunk, ChatChunkChoice, FinishReason } from '../spec.ts'
import { newToolCallId } from '../tool-ids.ts'
import { unfold } from '../unfold.ts'
import { asNumber, asRecord, asString, asText, parseJson, type Wire } from '../wire.ts'
import { citationFields } from './citations.ts'
import type { ReadingContext } from './context.ts'
import { decodeFinish, wireFinish } from './finish.ts'
import { decodeAnswer, refusalOf } from './response.ts'
import { toReasoningDetail } from './thinking-blocks.ts'
import { decodeUsage, mergeUsage } from './usage.ts'

/** A content block that is being written. */
interface OpenBlock {
  readonly type: string
  /** Position among the caller's tool calls; undefined for anything else. */
  readonly callIndex: number | undefined
  /** As it was opened, then with what its deltas brought. */
  readonly fields: Record<string, unknown>
  readonly startsAt: number
  readonly citations: Wire[]
  hasInput: boolean
}

type Delta = ChatChunkChoice['delta']

export class AnthropicStreamDecoder implements StreamDecoder {
  readonly #context: ReadingContext
  readonly #blocks = new Map<number, OpenBlock>()
  #progress: StreamProgress = 'open'
  #envelope: Wire = {}
  #usage: Wire = {}
  #callCount = 0
  #textLength = 0
  #hasReasoning = false
  #finish: FinishReason | undefined

  constructor(context: ReadingContext) {
    this.#context = context
  }

  get progress(): StreamProgress {
    return this.#progress
  }

  push({ name, data }: FramedEvent): readonly ChatChunk[] {
    if (this.#progress === 'closed') return []
    const payload = parseJson(data)
    const event = asRecord(payload)
    if (name === 'error' || (event !== undefined && tellsError(event))) {
      throw classifyPayload(this.#context, payload ?? data, Date.now())
    }
    if (name === 'stray' || name === 'ping') return []
    if (payload === undefined) {
      throw badOutput(`${this.#context.upstream} sent an event that is not JSON`, { raw: data })
    }
    return event === undefined ? [] : this.#event(event)
  }

  end(): StreamEnd {
    const { upstream } = this.#context
    if (this.#progress !== 'closed')
      throw truncated(`${upstream} ended its stream before the answer was complete`)
    const isEmpty = this.#textLength === 0 && this.#callCount === 0 && !this.#hasReasoning
    if (isEmpty && (this.#finish?.raw ?? 'end_turn') === 'end_turn') {
      throw badOutput(`${upstream} gave an empty answer`)
    }
    const usage = decodeUsage(this.#usage)
    if (this.#finish !== undefined) return { chunks: [], usage, finish: this.#finish }
    const finish = decodeFinish(undefined, this.#callCount > 0)
    return { chunks: [this.#chunk({}, wireFinish(finish))], usage, finish }
  }

  #event(event: Wire): readonly ChatChunk[] {
    switch (event['type']) {
      case 'message_start':
        return this.#start(asRecord(event['message']) ?? {})
      case 'content_block_start':
        return this.#openBlock(asNumber(event['index']) ?? 0, asRecord(event['content_block']) ?? {})
      case 'content_block_delta':
        return this.#delta(asNumber(event['index']) ?? 0, asRecord(event['delta']) ?? {})
      case 'content_block_stop':
        return this.#closeBlock(asNumber(event['index']) ?? 0)
      case 'message_delta':
        return this.#messageDelta(event)
      case 'message_stop':
        this.#progress = 'closed'
        return []
      case 'message':
        return this.#wholeAnswer(event)
      default:
        return []
    }
  }

  #start(message: Wire): readonly ChatChunk[] {
    const id = asString(message['id'])
    if (this.#envelope['id'] !== undefined) {
      // Proxies repeat the first event; one of another message means that two answers were spliced.
      if (this.#envelope['id'] === id) return []
      throw badOutput(`${this.#context.upstream} began a second answer (${id}) in the middle of the first`)
    }
    this.#envelope = {
      id: id ?? '',
      object: 'chat.completion.chunk',
      created: Math.floor(Date.now() / 1_000),
      model: asString(message['model']) ?? '',
    }
    this.#usage = mergeUsage({}, message['usage'])
    return [this.#chunk({ role: 'assistant', content: '' })]
  }

  #begun(index: number, type: string): OpenBlock {
    const block: OpenBlock = {
      type,
      callIndex: undefined,
      fields: { type },
      startsAt: this.#textLength,
      citations: [],
      hasInput: false,
    }
    this.#blocks.set(index, block)
    return block
  }

  #openBlock(index: number, block: Wire): readonly ChatChunk[] {
    const type = asString(block['type']) ?? ''
    const isCall = type === 'tool_use' && block['name'] !== this.#context.answerTool
    const open: OpenBlock = {
      type,
      callIndex: isCall ? this.#callCount++ : undefined,
      fields: { ...block },
      startsAt: this.#textLength,
      citations: [],
      hasInput: false,
    }
    this.#blocks.set(index, open)
    if (open.callIndex !== undefined) {
      const fn = { name: asString(block['name']) ?? '', arguments: '' }
      const call = {
        index: open.callIndex,
        id: asText(block['id']) ?? newToolCallId(),
        type: 'function' as const,
        function: fn,
      }
      return [this.#chunk({ tool_calls: [call] })]
    }
    const text = type === 'text' ? asText(block['text']) : undefined
    return text === undefined ? [] : this.#text(text)
  }

  #delta(index: number, delta: Wire): readonly ChatChunk[] {
    // Some proxies leave out where a block opens; its words are part of the answer all the same.
    const block =
      this.#blocks.get(index) ?? this.#begun(index, delta['type'] === 'thinking_delta' ? 'thinking' : 'text')
    switch (delta['type']) {
      case 'text_delta':
        return this.#text(asString(delta['text']) ?? '')
      case 'thinking_delta':
        return this.#thought(block, asString(delta['thinking']) ?? '')
      case 'signature_delta':
        block.fields['signature'] = delta['signature']
        return []
      case 'citations_delta': {
        const citation = asRecord(delta['citation'])
        if (citation !== undefined) block.citations.push(citation)
        return []
      }
      case 'input_json_delta':
        return this.#input(block, asString(delta['partial_json']) ?? '')
      default:
        return []
    }
  }

  #text(text: string): readonly ChatChunk[] {
    if (text === '') return []
    this.#textLength += text.length
    return [this.#chunk({ content: text })]
  }

  #thought(block: OpenBlock, text: string): readonly ChatChunk[] {
    if (text === '') return []
    this.#hasReasoning = true
    block.fields['thinking'] = (asString(block.fields['thinking']) ?? '') + text
    return [this.#chunk({ reasoning_content: text })]
  }

  #input(block: OpenBlock, json: string): readonly ChatChunk[] {
    if (json === '') return []
    block.hasInput = true
    if (block.callIndex !== undefined) return [this.#arguments(block.callIndex, json)]
    // Tools that Anthropic runs itself are not the caller's business.
    return block.fields['name'] === this.#context.answerTool ? this.#text(json) : []
  }

  #closeBlock(index: number): readonly ChatChunk[] {
    const block = this.#blocks.get(index)
    if (block === undefined) return []
    this.#blocks.delete(index)
    if (block.type === 'tool_use' && !block.hasInput) {
      return this.#input(block, JSON.stringify(block.fields['input'] ?? {}))
    }
    if (block.type === 'thinking' || block.type === 'redacted_thinking') {
      const detail = toReasoningDetail(block.fields, this.#context.origin, index)
      return detail === undefined ? [] : [this.#chunk({ reasoning_details: [detail] })]
    }
    if (block.citations.length === 0) return []
    return [this.#chunk(citationFields(block.citations, block.startsAt, this.#textLength))]
  }

  #messageDelta(event: Wire): readonly ChatChunk[] {
    this.#usage = mergeUsage(this.#usage, event['usage'])
    const delta = asRecord(event['delta']) ?? {}
    const reason = asText(delta['stop_reason'])
    if (reason === undefined || this.#finish !== undefined) return []
    this.#finish = decodeFinish(reason, this.#callCount > 0)
    const refusal = refusalOf(reason, delta)
    // Some proxies leave out where a block closes.
    const closed = [...this.#blocks.keys()].flatMap((index) => this.#closeBlock(index))
    return [...closed, this.#chunk(refusal === undefined ? {} : { refusal }, wireFinish(this.#finish))]
  }

  /** The upstream did not stream after all. */
  #wholeAnswer(message: Wire): readonly ChatChunk[] {
    const answer = decodeAnswer(this.#context, message)
    this.#usage = asRecord(message['usage']) ?? {}
    this.#finish = answer.finish
    this.#textLength = 1
    this.#progress = 'closed'
    return unfold(answer.response)
  }

  #arguments(index: number, json: string): ChatChunk {
    return this.#chunk({ tool_calls: [{ index, function: { arguments: json } }] })
  }

  #chunk(delta: Delta, finish: string | null = null): ChatChunk {
    return { ...this.#envelope, choices: [{ index: 0, delta, finish_reason: finish }] }
  }
}
